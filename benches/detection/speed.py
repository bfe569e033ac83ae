"""Records per CPU second, of one core: the program on labelled records and on the recorded read, Presidio on samples."""
import gzip
import itertools
import os
import pathlib
import platform
import tempfile

import midflight
import presidio
import report
import zero_config

SAMPLE = 150  # records that Presidio is given of each input


def machine():
    with open("/proc/cpuinfo", encoding="utf8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")
    return (f"{model}, {os.cpu_count()} virtual cores, {platform.system()} {platform.release()}, Python "
            f"{platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start")


def inputs_of(chosen, records, sets):
    rows = [(r.stream, r.data) for r in records]
    inputs = {}
    if rows:
        inputs["labelled records, each once"] = rows
        inputs[f"labelled records, repeated to {chosen.speed:,}"] = list(itertools.islice(itertools.cycle(rows), chosen.speed))
    if sets:
        inputs["sentences, each once"] = [("sentences", {"text": s.text}) for found in sets.values() for s in found]
    folder = chosen.faker or chosen.data.parent.parent / "faker"
    if (folder / "read_20k.jsonl.gz").is_file():
        with gzip.open(folder / "read_20k.jsonl.gz") as packed:
            inputs["source-faker read"] = list(zero_config.records_of(packed.read().split(b"\n")))
    return inputs


def main(chosen, records, sets):
    program = midflight.binary(chosen.binary)
    inputs = inputs_of(chosen, records, sets)
    print(f"## Speed\n\n{machine()}.\n")
    results = {"machine": machine(), "midflight": {}, "presidio": {}}
    idle = start(program, next(iter(inputs.values())))
    print(f"midflight, one worker, start ({idle:.2f} CPU seconds, median of 3) taken off:\n")
    table = []
    for name, content in inputs.items():
        row = results["midflight"][name] = measure(program, content, idle)
        table.append([name, f"{row['records']:,}", f"{row['cells']:,}", f"{row['cpu']:.2f}",
                      f"{row['records'] / row['cpu']:,.0f}", f"{row['cells'] / row['cpu']:,.0f}", f"{row['peak_mb']:.0f}"])
    report.table(["input", "records", "texts", "CPU s", "records per CPU s", "texts per CPU s", "peak MB"], table)
    if chosen.only != "midflight":
        against(inputs, results)
    return {"speed": results}


def start(program, rows):
    """CPU seconds of a run over one record: whatever is loaded or built before the first text is searched."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf8") as one:
        one.writelines(midflight.messages(rows[:1]))
        one.flush()
        return sorted(midflight.pipe(program, one.name).cpu for _ in range(3))[1]


def texts(row):
    return [(path, value) for path, value in zero_config.leaves(row, "") if isinstance(value, str)]


def measure(program, rows, idle):
    """The median of three runs, one where a run takes longer than a minute."""
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch, "in.jsonl")
        with open(source, "w", encoding="utf8") as file:
            file.writelines(midflight.messages(rows))
        runs = [midflight.pipe(program, source)]
        while len(runs) < 3 and runs[0].cpu < 60:
            runs.append(midflight.pipe(program, source))
    runs.sort(key=lambda run: run.cpu)
    middle = runs[len(runs) // 2]
    return {"records": len(rows), "cells": sum(len(texts(row)) for _, row in rows), "cpu": max(middle.cpu - idle, 1e-3),
            "best": max(runs[0].cpu - idle, 1e-3), "peak_mb": middle.peak_mb, "wall": middle.wall}


def against(inputs, results):
    print(f"Presidio {presidio.VERSION} with {presidio.MODEL}, one thread, start taken off, every text analysed, on a sample "
          "spread over the input:\n")
    table = []
    for name, rows in inputs.items():
        if "repeated" in name or not rows:
            continue
        step = max(1, len(rows) // SAMPLE)
        sample = [{path.lstrip("."): value for path, value in texts(row)} for _, row in rows[::step][:SAMPLE]]
        answer = results["presidio"][name] = presidio.speed(sample)
        for form, title in [("value", "value"), ("column", "column: value")]:
            cpu = answer[form]
            table.append([name, title, f"{answer['records']:,}", f"{answer['cells']:,}", f"{cpu:.1f}",
                          f"{answer['records'] / cpu:,.1f}", f"{answer['cells'] / cpu:,.0f}"])
    report.table(["input", "given", "records", "texts", "CPU s", "records per CPU s", "texts per CPU s"], table)
