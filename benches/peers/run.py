#!/usr/bin/env python3
"""The same job by midflight and by its peers, on the same messages, measured the same way.

    benches/peers/run.py --mb 1000 --runs 5

The job: redact users.email, users.phone and users.address.street; drop orders with amount < 0; pass
everything else. Peers are built or installed under target/peers; versions are pinned beside this file.
"""
import argparse
import itertools
import json
import os
import subprocess
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import measure  # noqa: E402

HOME = measure.ROOT / "target" / "peers"
PYTHON = HOME / "venv" / "bin" / "python"
VRL = HOME / "vrl" / "release" / "peer-vrl"
OURS = "midflight"
TOOLS = {
    OURS: measure.midflight("job"),
    "VRL 0.38 (the language of Vector)": [VRL],
    "DuckDB 2.0.0": [PYTHON, HERE / "duckdb_job.py"],
    "Python 3 with orjson 3.13": [PYTHON, HERE / "orjson_job.py"],
}
FLOOR = "`cat`"


def install():
    build = ["cargo", "build", "--release", "--quiet"]
    subprocess.run(build, cwd=measure.ROOT, check=True)
    subprocess.run([*build, "--locked"], cwd=HERE / "vrl", check=True,
                   env={**os.environ, "CARGO_TARGET_DIR": str(HOME / "vrl")})
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)


def parse(line):
    """Numbers stay text, so that a changed digit shows."""
    return json.loads(line, parse_float=str, parse_int=str)


def exact(value):
    """Numbers kept as text become exact numbers, so that only another value differs."""
    if isinstance(value, dict):
        return {key: exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value


def lines_of(tool, path):
    """The output without what midflight says of itself, and with STATEs as the source sent them."""
    out = measure.DATA / "output.jsonl"
    measure.run(tool, path, out)
    with open(out, "rb") as lines:
        for line in lines:
            if b'"message":"midflight' not in line:
                yield line.rstrip(b"\n")
    out.unlink()


def expected(path):
    """What the job means, by the standard library: every line that must come out, as a value."""
    with open(path, "rb") as lines:
        for line in lines:
            message = parse(line)
            if message["type"] == "RECORD":
                stream, data = message["record"]["stream"], message["record"]["data"]
                if stream == "orders" and float(data["amount"]) < 0:
                    continue
                if stream == "users":
                    for field, kind in (("email", "<EMAIL>"), ("phone", "<PHONE>")):
                        if data[field] is not None:
                            data[field] = kind
                    data["address"]["street"] = "<STREET_ADDRESS>"
            yield line.rstrip(b"\n"), message


def differing(left, right):
    """Names of the fields of a record that differ."""
    if left["type"] != "RECORD" or right["type"] != "RECORD":
        return {left["type"].lower() + " message"}
    stream = left["record"]["stream"]
    left, right = left["record"]["data"], right["record"]["data"]
    return {f"{stream}.{key}" for key in left.keys() | right.keys() if left.get(key) != right.get(key)} or {"envelope"}


def compare(name, tool, path):
    """Compares the output with the job's meaning, line by line."""
    lines = records = redacted = spelt = values = text = counts = 0
    fields = set()
    for got, want in itertools.zip_longest(lines_of(tool, path), expected(path)):
        if got is None or want is None:
            sys.exit(f"{name}: the number of lines is wrong after {lines}")
        source, want = want
        lines += 1
        found = parse(got)
        records += found["type"] == "RECORD"
        redacted += got.count(b"<EMAIL>") + got.count(b"<PHONE>") + got.count(b"<STREET_ADDRESS>")
        if found["type"] == want["type"] == "STATE":
            # A filter changes how many records left; midflight says so, the others repeat the source.
            counts += found["state"].pop("sourceStats") != want["state"].pop("sourceStats")
        if found != want:
            spelt += 1
            found, want = exact(found), exact(want)
        if found != want:
            values += 1
            fields |= differing(found, want)
        # Without the redacted fields, an unchanged line is the source's own bytes.
        text += want["type"] != "STATE" and b'"stream":"users"' not in source and got != source
    shown = ", ".join(sorted(fields)) or "none"
    print(f"| {name} | {records:,} | {redacted:,} | {values:,} | {shown} | {spelt:,} | {text:,} | {counts:,} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-build", action="store_true", help="use what is there")
    arguments = parser.parse_args()
    if not arguments.no_build:
        install()
    sample = measure.data(16)
    print("| tool | records out | values redacted | lines with other values | where | lines with numbers respelt | untouched lines with other bytes | STATE counts corrected |")
    print("|---|---|---|---|---|---|---|---|")
    for name, tool in TOOLS.items():
        compare(name, tool, sample)
    path = measure.data(arguments.mb)
    size = os.path.getsize(path) / 1e6
    runs = measure.rounds({**TOOLS, FLOOR: ["cat"]}, path, arguments.runs)
    ours = measure.median(runs[OURS], "cpu")
    print(f"\n{size:,.0f} MB, {arguments.runs} runs each, medians:\n")
    print("| tool | CPU s | MB per CPU second | CPU beside midflight | spread | wall s | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for name, found in runs.items():
        cpu = measure.median(found, "cpu")
        print(f"| {name} | {cpu:.2f} | {size / cpu:,.0f} | {cpu / ours:.1f} x | ±{measure.spread(found):.0%} "
              f"| {measure.median(found, 'wall'):.2f} | {max(run.rss for run in found):.0f} |")


if __name__ == "__main__":
    main()
