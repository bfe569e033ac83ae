"""Measures `midflight profile` and DuckDB's SUMMARIZE over the same records, in one run.

    benches/profile/run.py --generator gen_messages.py --mb 1000 [--repeats 3] [--binary PATH] [--keep DIR]

The generator writes messages; midflight reads them as they are. DuckDB reads the records' data alone, one file of
newline JSON per stream, so it reads fewer bytes and no envelopes. Both run with as many threads, alternately. What is told of
each: wall time, CPU time (user and system) and the greatest resident memory, medians over the repeats.

Needs a venv of its own below `target/profile-bench`, made at the first run, with DuckDB from PyPI.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DUCKDB = "duckdb==2.0.1"

SUMMARIZE = """
import sys, duckdb
connection = duckdb.connect(config={"threads": int(sys.argv[1])})
connection.execute("SET preserve_insertion_order = false")
for path in sys.argv[2:]:
    rows = connection.execute(
        "SUMMARIZE SELECT * FROM read_json(?, format = 'newline_delimited', maximum_object_size = 67108864)", [path]
    ).fetchall()
    print(path.rsplit("/", 1)[-1], len(rows), file=sys.stderr)
"""


def main():
    """Generates, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", required=True, type=pathlib.Path, help="the script that writes messages")
    parser.add_argument("--mb", type=int, default=100, help="megabytes of messages")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/release/midflight")
    parser.add_argument("--keep", type=pathlib.Path, default=ROOT / "target/profile-bench/data")
    parser.add_argument("--only", choices=["midflight", "duckdb"])
    parser.add_argument("--models", action="store_true", help="look for personal data with models too")
    parser.add_argument("--json", type=pathlib.Path, help="keep the figures here")
    arguments = parser.parse_args()

    messages, catalog = generate(arguments)
    measures = {}
    if arguments.only != "duckdb":
        options = [] if arguments.models else ["--no-models"]
        measures["midflight profile"] = [
            str(arguments.binary), "profile", "--catalog", str(catalog),
            "--workers", str(arguments.threads), "--no-progress", *options,
        ]
    if arguments.only != "midflight":
        python = venv()
        files = [str(path) for path in data_of(messages)]
        measures["duckdb SUMMARIZE"] = [str(python), "-c", SUMMARIZE, str(arguments.threads), *files]
    found = {name: [] for name in measures}
    for _ in range(arguments.repeats):
        for name, command in measures.items():
            found[name].append(measure(command, messages if name.startswith("midflight") else None))
    figures = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in found.items()}
    size = messages.stat().st_size
    print(f"{size / 1e9:.2f} GB of messages, {arguments.threads} threads, median of {arguments.repeats}\n")
    print(f"{'':20} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'MB per CPU s':>13}")
    for name, (wall, cpu, peak) in figures.items():
        print(f"{name:20} {wall:8.2f} {cpu:8.2f} {peak:8.0f} {size / 1e6 / cpu:13.0f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"bytes": size, "figures": figures}, indent=1) + "\n")


def generate(arguments):
    """The messages and their catalog, made unless they are there."""
    folder = arguments.keep
    folder.mkdir(parents=True, exist_ok=True)
    messages, catalog = folder / f"messages-{arguments.mb}.jsonl", folder / "catalog.json"
    if not messages.exists():
        part = messages.with_suffix(".part")
        subprocess.run(
            [sys.executable, str(arguments.generator), "--seed", "7", "--mb", str(arguments.mb),
             "--out", str(part), "--catalog", str(catalog)],
            check=True, stdout=subprocess.DEVNULL,
        )
        part.rename(messages)
    return messages, catalog


def data_of(messages):
    """The records' data, one file per stream beside the messages."""
    done = messages.with_suffix(".split")
    if not done.exists():
        files = {}
        with open(messages, "rb") as lines:
            for line in lines:
                if b'"type":"RECORD"' not in line[:40]:
                    continue
                record = json.loads(line)["record"]
                name = record["stream"]
                if name not in files:
                    files[name] = open(messages.with_name(f"{messages.stem}-{name}.ndjson"), "wb")
                # The spelling of the values is kept: the data is cut out of the line.
                start = line.index(b'"data":') + 7
                files[name].write(line[start:line.rindex(b',"emitted_at"')] + b"\n")
        for file in files.values():
            file.close()
        done.write_text("\n".join(sorted(files)))
    return [messages.with_name(f"{messages.stem}-{name}.ndjson") for name in done.read_text().split()]


def venv():
    """A Python with DuckDB."""
    folder = ROOT / "target/profile-bench/venv"
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", DUCKDB], check=True)
    return python


def measure(command, stdin):
    """Wall seconds, CPU seconds and peak resident megabytes of a run."""
    with open(stdin or os.devnull, "rb") as given:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
