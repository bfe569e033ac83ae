"""A source for tests: `source.py read --config C --catalog F [--state S]`. Its configuration says how it behaves.

  streams       {name: records}; each record is {"id": n, "email": …, "country": "DE" or "XX" for every third}
  namespace     of all streams
  state_every   a STATE after so many records of a stream, and at its end
  kind          STREAM, GLOBAL or LEGACY
  statuses      stream statuses are said
  incomplete    streams that are said to be incomplete
  error         a TRACE ERROR is said at the end
  noise         LOG, CONTROL, an unknown message and a line that is none are said at the start
  broken_after  records after which a line is no JSON
  die_after     records after which it ends by `exit`, or by itself when `signal` is given
  torn          it leaves half a line behind then
  hang          it waits at its end until it is told to end, which it may do with `exit`
  pause         seconds after every record
  child         a process of it lives on and holds its streams open
  exit          its exit code
  given         where to write what it was given
"""

import json
import os
import signal
import sys
import time

options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "read", sys.argv
config = json.load(open(options["--config"]))
catalog = json.load(open(options["--catalog"]))
states = json.load(open(options["--state"])) if "--state" in options else []
if "given" in config:
    json.dump({"catalog": catalog, "state": states, "argv": sys.argv}, open(config["given"], "w"))

namespace = config.get("namespace")
kind = config.get("kind", "STREAM")
out = sys.stdout


def say(message):
    out.write(json.dumps(message) + "\n")
    out.flush()


def named(name):
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def status(name, what):
    if config.get("statuses"):
        trace = {"stream_descriptor": named(name), "status": what}
        say({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1.5, "stream_status": trace}})


def cursors():
    found = {}
    for state in states:
        entries = [state["stream"]] if state["type"] == "STREAM" else state.get("global", {}).get("stream_states", [])
        for entry in entries:
            found[entry["stream_descriptor"]["name"]] = entry["stream_state"]["cursor"]
        found.update(state.get("data", {}))
    return found


read = cursors()
since = {}


def checkpoint(name):
    names = list(config["streams"]) if kind == "GLOBAL" else [name]
    entries = [{"stream_descriptor": named(n), "stream_state": {"cursor": read.get(n, 0)}} for n in names]
    state = {"type": kind}
    if kind == "STREAM":
        state["stream"] = entries[0]
    elif kind == "GLOBAL":
        state["global"] = {"shared_state": {"lsn": 7}, "stream_states": entries}
    else:
        state["data"] = dict(read)
    covered = [name] if kind == "STREAM" else list(since)
    state["sourceStats"] = {"recordCount": float(sum(since.pop(n, 0) for n in covered))}
    say({"type": "STATE", "state": state})


if config.get("noise"):
    say({"type": "LOG", "log": {"level": "WARN", "message": "a word of the source"}})
    say({"type": "CONTROL", "control": {"type": "CONNECTOR_CONFIG", "connectorConfig": {"config": {"token": "s3cret"}}}})
    say({"type": "FUTURE", "future": {"x": 1}})
    say({"type": "TRACE", "trace": {"type": "ESTIMATE", "emitted_at": 1, "estimate": {"name": "users"}}})
    print("s3cret is printed by somebody", flush=True)
    print("a line on stderr of the source", file=sys.stderr, flush=True)

if config.get("child"):
    os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "300")
left = config.get("die_after")
for name, count in config["streams"].items():
    status(name, "STARTED")
    first = read.get(name, 0) + 1
    for n in range(first, count + 1):
        if left is not None:
            if left == 0:
                if config.get("torn"):
                    out.write('{"type":"RECORD","record":{"stream":"use')
                    out.flush()
                if "signal" in config:
                    os.kill(os.getpid(), config["signal"])
                sys.exit(config.get("exit", 1))
            left -= 1
        if sum(read.values()) == config.get("broken_after"):
            print('{"type":"RECORD","record":{', flush=True)
        data = {"id": n, "email": f"u{n}@example.com", "country": "XX" if n % 3 == 0 else "DE", "cursor": n}
        say({"type": "RECORD", "record": {"stream": name, "data": data, "emitted_at": 1700000000000 + n,
                                         **({"namespace": namespace} if namespace else {})}})
        read[name] = n
        since[name] = since.get(name, 0) + 1
        if n % config.get("state_every", 10) == 0:
            checkpoint(name)
        time.sleep(config.get("pause", 0))
    checkpoint(name)
    status(name, "INCOMPLETE" if name in config.get("incomplete", []) else "COMPLETE")
if config.get("error"):
    say({"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 1, "error": {"message": "the source says that it failed"}}})
if config.get("hang"):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(config.get("exit", 0)))
    out.close()
    while True:
        time.sleep(0.1)
sys.exit(config.get("exit", 0))
