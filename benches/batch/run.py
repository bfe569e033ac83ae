#!/usr/bin/env python3
"""`midflight batch` beside DuckDB and Polars at one job, in one run: read staged JSON Lines, mask three columns, drop
rows by a rule, write Parquet with zstd. Prints CPU seconds, MB per CPU second, wall time and peak memory.

    benches/batch/run.py --mb 2000 --files 2000 --runs 3
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

import staged

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MIDFLIGHT = ROOT / "target" / "release" / "midflight"


def python():
    """The interpreter of the peers, in an environment of their own."""
    folder = ROOT / "target" / "peers" / "batch"
    wanted = (HERE / "requirements.txt").read_text()
    done = folder / "installed.txt"
    if not done.exists() or done.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
        subprocess.run(pip, check=True)
        done.write_text(wanted)
    return folder / "bin" / "python"


def command(tool, folder, out, threads, mask):
    if tool == "midflight":
        return [MIDFLIGHT, "batch", "--config", HERE / f"{mask}.yaml", "--catalog", HERE / "catalog.json", "--from",
                folder, "--to", out, "--workers", str(threads), "--no-progress"]
    return [python(), HERE / "peers.py", tool, folder, out / "out.parquet", str(threads), mask]


def measure(tool, folder, threads, mask):
    out = staged.DATA / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    line = command(tool, folder, out, threads, mask)
    start = time.monotonic()
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    peak = [0.0]

    def watch():
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
                marks = [row.split()[1] for row in status.splitlines() if row.startswith("VmHWM")]
                peak[0] = max(peak[0], int(marks[0]) / 1024)
            except (OSError, IndexError):
                pass
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    watcher.join()
    if process.returncode:
        sys.exit(f"{tool} ended with {process.returncode}")
    parts = [part for part in out.rglob("*.parquet")]
    return usage.ru_utime + usage.ru_stime, wall, peak[0], sum(part.stat().st_size for part in parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=2000)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mask", choices=["hash", "redact"], default="hash")
    parser.add_argument("--tools", default="midflight,duckdb,polars")
    options = parser.parse_args()
    folder = staged.write(options.mb, options.files)
    bytes_in = sum(file.stat().st_size for file in folder.rglob("*.jsonl"))
    tools = options.tools.split(",")
    runs = {tool: [] for tool in tools}
    for _ in range(options.runs):
        for tool in tools:
            runs[tool].append(measure(tool, folder, options.threads, options.mask))
    print(f"{bytes_in / 1e6:.0f} MB in {options.files} files, {options.threads} threads, mask: {options.mask}, "
          f"medians of {options.runs}")
    print("| tool | CPU s | MB per CPU second | wall s | peak MB | MB written |\n|---|---|---|---|---|---|")
    for tool, of in runs.items():
        cpu, wall, peak, size = (statistics.median(run[at] for run in of) for at in range(4))
        print(f"| {tool} | {cpu:.2f} | {bytes_in / 1e6 / cpu:.0f} | {wall:.2f} | {peak:.0f} | {size / 1e6:.0f} |")


if __name__ == "__main__":
    main()
