"""A destination for tests: `destination.py write --config C --catalog F`. It counts as those of the newest kit do: a
STATE comes back when exactly as many records have arrived as it says, and one that never can is a failure.

  rows            a file that records are added to, one line each, with their generation, before their STATE comes back
  echo            in_order (default), reversed, never, unknown, without_ids, changed
  noise           LOG, TRACE, text and stderr are written at the start
  die_after       records after which it ends by `exit`, or by itself when `signal` is given
  needs_complete  it fails at the end where a stream was not declared complete
  child           a process of it lives on and holds its streams open
  exit            its exit code at the end
  reject          it leaves out every so many records, and says so
  given           where to write what it was given and what it was told at the end
"""

import json
import os
import sys

options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "write", sys.argv
config = json.load(open(options["--config"]))
catalog = json.load(open(options["--catalog"]))
echo = config.get("echo", "in_order")
streams = {(s["stream"]["name"], s["stream"].get("namespace")): s for s in catalog["streams"]}
complete, seen, types, waiting, count = [], {}, [], [], 0


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def given():
    if "given" in config:
        told = {"catalog": catalog, "complete": complete, "types": sorted(set(types)), "argv": sys.argv}
        json.dump(told, open(config["given"], "w"))


def end(code):
    given()
    sys.exit(code)


def close(state):
    """The records that a state covers: as many as it must say."""
    if state["type"] == "STREAM":
        named = state["stream"]["stream_descriptor"]
        return seen.pop((named["name"], named.get("namespace")), [])
    covered = [row for rows in seen.values() for row in rows]
    seen.clear()
    return covered


if config.get("noise"):
    say({"type": "LOG", "log": {"level": "INFO", "message": "a word of the destination"}})
    say({"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 1, "error": {"message": "a complaint of the destination"}}})
    print("s3cret is printed by a library", flush=True)
    print("a line on stderr of the destination", file=sys.stderr, flush=True)
if config.get("child"):
    os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "300")
given()
rows = open(config["rows"], "a") if "rows" in config else None
for line in sys.stdin:
    message = json.loads(line)
    types.append(message["type"])
    if message["type"] == "RECORD":
        record = message["record"]
        key = (record["stream"], record.get("namespace"))
        assert key in streams, f"{key} is not in the catalog"
        count += 1
        if count == config.get("die_after"):
            if "signal" in config:
                os.kill(os.getpid(), config["signal"])
            end(config.get("exit", 1))
        row = {"stream": record["stream"], "generation": streams[key].get("generation_id"), "data": record["data"]}
        if not config.get("reject") or count % config["reject"]:
            seen.setdefault(key, []).append(row)
        else:
            seen.setdefault(key, []).append(None)
    elif message["type"] == "STATE":
        state = message["state"]
        assert isinstance(state["id"], int), "no id"
        covered = close(state)
        expected = state["sourceStats"]["recordCount"]
        if isinstance(expected, int) or expected != len(covered):
            print(f"state {state['id']} says {expected}, {len(covered)} have arrived", file=sys.stderr)
            end(9)
        stored = [row for row in covered if row]
        if rows:
            rows.writelines(json.dumps(row) + "\n" for row in stored)
            rows.flush()
            os.fsync(rows.fileno())
        stats = {"recordCount": float(len(stored))}
        if config.get("reject"):
            stats["rejectedRecordCount"] = float(len(covered) - len(stored))
        state["destinationStats"] = stats
        if echo == "without_ids":
            del state["id"]
        if echo in ("in_order", "without_ids"):
            say(message)
        elif echo == "reversed":
            waiting.append(message)
            if len(waiting) == 3:
                while waiting:
                    say(waiting.pop())
        elif echo == "unknown":
            say({"type": "STATE", "state": {**state, "id": state["id"] + 100000}})
            say({"type": "STATE", "state": "nothing"})
    elif message["type"] == "TRACE":
        named = message["trace"]["stream_status"]
        assert named["status"] == "COMPLETE" or config.get("any_status"), named
        complete.append(named["stream_descriptor"]["name"])
while waiting:
    say(waiting.pop())
if config.get("needs_complete") and len(complete) < len(streams):
    print("Some streams were unsuccessful due to a source error", file=sys.stderr)
    end(1)
end(config.get("exit", 0))
