#!/usr/bin/env python3
"""Measures midflight as a whole process: each job of configs/ beside `cat`, on generated messages.

    benches/whole.py --mb 1000 --runs 5
"""
import argparse
import os
import subprocess

import measure

JOBS = {
    "`cat`": ["cat"],
    "pass everything": measure.midflight("pass"),
    "redact three fields, filter": measure.midflight("job"),
    "redact three fields, one rule": measure.midflight("check"),
    "hash three fields": measure.midflight("hash"),
    "recognisers in every string": measure.midflight("recognisers"),
    "redact three fields, one rule; 2 workers": measure.midflight("check", 2),
    "recognisers in every string; 2 workers": measure.midflight("recognisers", 2),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", help="jobs whose name holds this text")
    parser.add_argument("--no-build", action="store_true")
    arguments = parser.parse_args()
    if not arguments.no_build:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=measure.ROOT, check=True)
    path = measure.data(arguments.mb)
    size = os.path.getsize(path) / 1e6
    jobs = {name: command for name, command in JOBS.items() if (arguments.only or "") in name}
    runs = measure.rounds(jobs, path, arguments.runs)
    print("| job | CPU s | MB per CPU second | spread | best | wall s, best | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for name, found in runs.items():
        cpu = measure.median(found, "cpu")
        best = min(run.cpu for run in found)
        print(f"| {name} | {cpu:.3f} | {size / cpu:,.0f} | ±{measure.spread(found):.0%} | {size / best:,.0f} "
              f"| {min(run.wall for run in found):.2f} | {max(run.rss for run in found):.0f} |")


if __name__ == "__main__":
    main()
