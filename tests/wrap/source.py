"""A source that does what its configuration tells it to.

`play` holds, for each verb, a list of steps. What the source was started with is noted in `seen.jsonl` beside it,
wherever it is run: verb, configuration, catalog, state, and the mode of the configuration's file.
"""

import json
import os
import signal
import sys
import time


def emit(message):
    line = message if isinstance(message, str) else json.dumps(message, separators=(",", ":"))
    sys.stdout.write(line + "\n")


def record(stream, data):
    emit({"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": 1}})


def state(stream, upto, count):
    descriptor = {"name": stream}
    emit({"type": "STATE", "state": {
        "type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": {"upto": upto}},
        "sourceStats": {"recordCount": float(count)}}})


def sync(step, given):
    """Sends the records behind the given state, in streams that take turns, and a STATE every so often."""
    streams = step["streams"]
    upto = {stream: 0 for stream in streams}
    for message in given or []:
        upto[message["stream"]["stream_descriptor"]["name"]] = message["stream"]["stream_state"]["upto"]
    sent = {stream: 0 for stream in streams}
    for number in range(1, step["rows"] + 1):
        for stream in streams:
            if number <= upto[stream]:
                continue
            record(stream, {"id": number, "email": f"user{number}@example.com", "pad": "x" * step.get("pad", 0)})
            sent[stream] += 1
            if number % step.get("every", 100) == 0 or number == step["rows"]:
                state(stream, number, sent[stream])
                sent[stream] = 0
                sys.stdout.flush()
                time.sleep(step.get("pause", 0))


def play(step, given):
    kind, value = next(iter(step.items()))
    if kind == "say":
        emit(value)
        sys.stdout.flush()
    elif kind == "torn":
        sys.stdout.write(value)
        sys.stdout.flush()
    elif kind == "sync":
        sync(value, given)
    elif kind == "sleep":
        time.sleep(value)
    elif kind == "stderr":
        chunk = ("e" * 99 + "\n") * 100
        for _ in range(value // len(chunk)):
            sys.stderr.write(chunk)
        sys.stderr.flush()
    elif kind == "error":
        sys.stderr.write(value + "\n")
        sys.stderr.flush()
    elif kind == "close":
        sys.stdout.flush()
        os.close(1)
        sys.stdout = open(os.devnull, "w")
    elif kind == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif kind == "on_term":
        signal.signal(signal.SIGTERM, lambda *_: os._exit(value))
    elif kind == "touch":
        open(value, "w").close()
    elif kind == "kill":
        sys.stdout.flush()
        os.kill(os.getpid(), value)
        time.sleep(10)
    elif kind == "exit":
        sys.stdout.flush()
        os._exit(value)


def load(path):
    with open(path) as file:
        return json.load(file)


def main():
    verb, words = sys.argv[1], sys.argv[2:]
    files = dict(zip(words[::2], words[1::2]))
    config = load(files["--config"]) if "--config" in files else {}
    seen = {
        "verb": verb,
        "config": config,
        "text": open(files["--config"]).read() if "--config" in files else None,
        "file": files.get("--config"),
        "mode": os.stat(files["--config"]).st_mode & 0o777 if "--config" in files else None,
        "catalog": load(files["--catalog"]) if "--catalog" in files else None,
        "state": load(files["--state"]) if "--state" in files else None,
        "pid": os.getpid(),
    }
    here = os.path.dirname(os.path.abspath(sys.argv[0]))
    with open(os.path.join(here, "seen.jsonl"), "a") as file:
        file.write(json.dumps(seen) + "\n")
    plays = config.get("play") or load(os.path.join(here, "play.json"))
    for step in plays[verb]:
        play(step, seen["state"])
    sys.stdout.flush()


main()
