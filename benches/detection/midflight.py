"""Runs the program itself on records and reads from its output what it masked."""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import align
import data

sys.path.insert(0, str(data.ROOT / "benches"))
import measure  # noqa: E402

Run = collections.namedtuple("Run", "lines cpu wall peak_mb")


def binary(chosen):
    path = pathlib.Path(chosen) if chosen else data.ROOT / "target/release/midflight"
    if not path.is_file():
        raise SystemExit(f"{path} is missing: cargo build --release, or --binary PATH")
    return str(path.resolve())


def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def pipe(program, source, catalog=None):
    """One run of `midflight pipe` without a configuration, one worker. `source` is a file; gives its output lines."""
    command = [program, "pipe", "--workers", "1"] + (["--catalog", str(catalog)] if catalog else [])
    with open(source, "rb") as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr)
        pid, peak = 0, 0.0
        while not pid:
            peak = max(peak, measure.peak_mb(process.pid))
            time.sleep(0.01)
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - begun
        stderr.seek(0)
        if process.returncode:
            raise SystemExit(f"midflight ended with {process.returncode}:\n{stderr.read().decode()[-2000:]}")
        stdout.seek(0)
        return Run(stdout.read().split(b"\n"), usage.ru_utime + usage.ru_stime, wall, peak)


def messages(rows):
    """Airbyte RECORD messages of (stream, data) rows; `emitted_at` is the row's number, so that rows can be told apart."""
    for number, (stream, row) in enumerate(rows):
        message = {"type": "RECORD", "record": {"stream": stream, "data": row, "emitted_at": number}}
        yield json.dumps(message, ensure_ascii=False) + "\n"


def catalog(rows):
    """A configured catalog that declares every column of the rows as a nullable string."""
    columns = collections.defaultdict(dict)
    for stream, row in rows:
        columns[stream].update((name, {"type": ["null", "string"]}) for name in row)
    return {"streams": [
        {"stream": {"name": stream, "json_schema": {"type": "object", "properties": properties},
                    "supported_sync_modes": ["full_refresh"]},
         "sync_mode": "full_refresh", "destination_sync_mode": "append"}
        for stream, properties in columns.items()
    ]}


class Findings:
    """What was masked in rows: one {column: [(start, end, kind)]} a row, and how surely it was read back."""

    def __init__(self, spans, how, run):
        self.spans, self.how, self.run = spans, how, run


def find(program, rows, with_catalog):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "in.jsonl")
        source.write_text("".join(messages(rows)), encoding="utf8")
        declared = None
        if with_catalog:
            declared = pathlib.Path(folder, "catalog.json")
            declared.write_text(json.dumps(catalog(rows)), encoding="utf8")
        run = pipe(program, source, declared)
    found, how = [None] * len(rows), collections.Counter()
    for line in run.lines:
        message = json.loads(line) if line.strip() else {}
        if message.get("type") == "RECORD":
            number = message["record"]["emitted_at"]
            found[number] = compare(rows[number][1], message["record"]["data"], how)
    missing = sum(spans is None for spans in found)
    if missing:
        raise SystemExit(f"{missing} of {len(rows)} records did not come back")
    return Findings(found, dict(how), run)


def compare(before, after, how):
    spans = {}
    for column, value in before.items():
        if isinstance(value, str):
            new = after.get(column)
            here, surely = align.spans(value, new) if isinstance(new, str) else ([(0, len(value), "UNKNOWN")], "guessed")
            how[surely] += 1
            if here:
                spans[column] = here
    return spans
