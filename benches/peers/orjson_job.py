"""The job as a loop over lines with orjson."""
import sys

import orjson


def keep(message):
    if message["type"] != "RECORD":
        return True
    record = message["record"]
    data = record["data"]
    if record["stream"] == "orders":
        return data["amount"] >= 0
    if record["stream"] == "users":
        if data["email"] is not None:
            data["email"] = "<EMAIL>"
        if data["phone"] is not None:
            data["phone"] = "<PHONE>"
        data["address"]["street"] = "<STREET_ADDRESS>"
    return True


def main():
    loads, dumps, write = orjson.loads, orjson.dumps, sys.stdout.buffer.write
    for line in sys.stdin.buffer:
        message = loads(line)
        if keep(message):
            write(dumps(message, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


main()
