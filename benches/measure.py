"""Runs whole processes as `cat FILE | TOOL | cat > OUT` and measures TOOL alone. Standard library only."""
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCHES = ROOT / "benches"
DATA = ROOT / "target" / "bench-data"
MIDFLIGHT = ROOT / "target" / "release" / "midflight"
CATALOG = BENCHES / "gen_catalog.json"


@dataclass
class Run:
    cpu: float   # user + system seconds of the tool, children not counted
    wall: float  # seconds from the first process to the end of the last
    rss: float   # MB, the highest resident size seen
    code: int


def data(mb):
    """The generated messages of about this many million bytes; made when they are not there."""
    path = DATA / f"m{mb}.jsonl"
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        make = [sys.executable, BENCHES / "gen_messages.py", "--seed", "7", "--mb", str(mb),
                "--out", unfinished, "--manifest", path.with_suffix(".json")]
        subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
        unfinished.rename(path)
    return path


def midflight(config, workers=1):
    """The command of a job of configs/; the default plan for None."""
    command = [MIDFLIGHT, "pipe", "--workers", str(workers), "--no-progress", "--catalog", CATALOG]
    return command + (["--config", BENCHES / "configs" / f"{config}.yaml"] if config else [])


def peak_mb(pid):
    # The resource usage of a child starts at its parent's size, so the tool's own mark is read instead.
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    marks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(marks[0]) / 1024 if marks else 0.0


def run(command, path, out=os.devnull):
    with open(out, "wb") as sink:
        start = time.monotonic()
        first = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
        tool = subprocess.Popen(command, stdin=first.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        last = subprocess.Popen(["cat"], stdin=tool.stdout, stdout=sink)
        first.stdout.close()
        tool.stdout.close()
        rss, pid = 0.0, 0
        while not pid:
            rss = max(rss, peak_mb(tool.pid))
            time.sleep(0.01)
            pid, status, used = os.wait4(tool.pid, os.WNOHANG)
        tool.returncode = os.waitstatus_to_exitcode(status)
        last.wait()
        wall = time.monotonic() - start
        first.wait()
    if tool.returncode:
        sys.exit(f"{command[0]} ended with {tool.returncode}: {tool.stderr.read().decode()[-2000:]}")
    tool.stderr.close()
    return Run(used.ru_utime + used.ru_stime, wall, rss, tool.returncode)


def rounds(tools, path, times):
    """Runs every tool once per round, so that noise meets all of them alike."""
    runs = {name: [] for name in tools}
    for _ in range(times):
        for name, command in tools.items():
            runs[name].append(run(command, path))
    return runs


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


def spread(runs):
    """Half the range of CPU time between the quartiles, as a part of the median."""
    times = sorted(run.cpu for run in runs)
    if len(times) < 4:
        return (times[-1] - times[0]) / 2 / median(runs, "cpu")
    low, _, high = statistics.quantiles(times, n=4)
    return (high - low) / 2 / median(runs, "cpu")
