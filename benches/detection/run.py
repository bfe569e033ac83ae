"""Finds personal data with midflight and with Presidio in the same labelled data, and scores both alike.

    benches/detection/run.sh                       both, in records and sentences
    benches/detection/run.sh --only midflight      the program alone; needs nothing but Python
    benches/detection/run.sh --zero-config         what a first run without a configuration masks
    benches/detection/run.sh --speed               records per CPU second
"""
import argparse
import collections
import json
import pathlib

import data
import kinds
import midflight
import presidio
import report
import scoring
import speed
import zero_config


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="folder of labelled sets (default: shared/data/pii/dev)")
    parser.add_argument("--only", choices=["midflight", "presidio"])
    parser.add_argument("--binary", help="the program to measure (default: target/release/midflight)")
    parser.add_argument("--fresh", action="store_true", help="ask Presidio again instead of reading its cached answers")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures to this file too")
    parser.add_argument("--details", type=int, default=25, metavar="N", help="columns in the lists of mistakes")
    parser.add_argument("--sets", help="only these, by name, with commas: records, synth, uner-ewt, wnut17, btc")
    parser.add_argument("--no-catalog", action="store_true", help="leave out the second run, with a catalog")
    parser.add_argument("--zero-config", action="store_true", help="what a run without a configuration masks, by column")
    parser.add_argument("--speed", type=int, nargs="?", const=200_000, metavar="N",
                        help="records per CPU second, labelled records repeated to N (200000)")
    parser.add_argument("--faker", type=pathlib.Path, help="folder of the recorded read (default: beside the labelled sets)")
    chosen = parser.parse_args()
    chosen.data = chosen.data or data.default_folder()
    if chosen.data is None or not chosen.data.is_dir():
        parser.error("no labelled data: name a folder with --data, or set MIDFLIGHT_PII_SETS")
    return chosen


def run_midflight(chosen, records, sets):
    """Results by part, of runs without and with a catalog; a catalog that changes nothing is not reported twice."""
    program = midflight.binary(chosen.binary)
    parts = {"cells": {}, "columns": {}, "text": collections.defaultdict(dict), "reading": {}}
    for name, declared in [("midflight", False), ("midflight, catalog", True)][:1 if chosen.no_catalog else 2]:
        if records:
            found = midflight.find(program, [(r.stream, r.data) for r in records], declared)
            add_cells(parts, name, records, [
                {column: kinds.coarse(spans, kinds.MIDFLIGHT) for column, spans in row.items()} for row in found.spans])
            parts["reading"][f"{name}, records"] = found.how
        for title, sentences in sets.items():
            found = midflight.find(program, [("sentences", {"text": s.text}) for s in sentences], declared)
            add_text(parts, name, title, sentences,
                     [kinds.coarse(row.get("text", []), kinds.HANDLES if title == "btc" else kinds.MIDFLIGHT)
                      for row in found.spans])
            parts["reading"][f"{name}, {title}"] = found.how
    return without_twins(parts)


def run_presidio(chosen, records, sets):
    parts = {"cells": {}, "columns": {}, "text": collections.defaultdict(dict), "reading": {}}
    if records:
        for name, with_column in [("Presidio, value", False), ("Presidio, column: value", True)]:
            found = presidio.cells(records, with_column, chosen.fresh)
            add_cells(parts, name, records,
                      [{column: common(spans) for column, spans in row.items()} for row in found])
        add_structured(parts, records, presidio.structured(records, chosen.fresh))
    for title, sentences in sets.items():
        found = presidio.texts([s.text for s in sentences], chosen.fresh)
        add_text(parts, "Presidio", title, sentences, [common(spans) for spans in found])
    return parts


def common(spans):
    return kinds.coarse([(start, end, kind) for start, end, kind, _ in spans], kinds.PRESIDIO)


def add_cells(parts, name, records, found):
    cells = scoring.cells(records, found)
    parts["cells"][name] = scoring.score_cells(cells)
    parts["columns"][name] = scoring.score_columns(cells)


def add_structured(parts, records, chosen):
    """presidio-structured names one type a column, or none; any type is a flag, as it would mask the column."""
    labels = {(r.stream, column): label for r in records for column, label in r.types.items()
              if label == "NONE" or label in kinds.CELLS}
    named = {name: kinds.PRESIDIO.get(kind, kind) for name, kind in chosen.items()}
    verdicts = {name: kinds.IN_CELLS.get(kind, kind) for name, kind in named.items()}
    parts["columns"]["presidio-structured"] = scoring.column_figures(labels, verdicts)


def add_text(parts, name, title, sentences, found):
    types = kinds.TEXT if title == "synth" else ["PERSON", "LOCATION"]
    parts["text"][title][name] = {"scores": scoring.sentences(sentences, found, types)}


def without_twins(parts):
    """Leaves out the run with a catalog where it found the same."""
    for results in [parts["cells"], parts["columns"], *parts["text"].values()]:
        if "midflight, catalog" in results and results["midflight, catalog"] == results["midflight"]:
            del results["midflight, catalog"]
    return parts


def together(found):
    """One set of parts out of each system's, midflight first."""
    whole = {"cells": {}, "columns": {}, "text": collections.defaultdict(dict), "reading": {}}
    for parts in found:
        for part in ("cells", "columns", "reading"):
            whole[part].update(parts[part])
        for title, results in parts["text"].items():
            whole["text"][title].update(results)
    return whole


def show(whole, details):
    if whole["cells"]:
        report.cells(whole["cells"])
        report.columns(whole["columns"])
    for title, results in whole["text"].items():
        report.text(title, results)
    ours = {name: result for name, result in whole["cells"].items() if name.startswith("midflight")}
    report.details(ours or whole["cells"], details)
    if whole["reading"]:
        report.reading(whole["reading"])


def main():
    chosen = arguments()
    records, sets = data.load(chosen.data)
    if chosen.sets:
        names = chosen.sets.split(",")
        records = records if "records" in names else []
        sets = {title: sentences for title, sentences in sets.items() if title in names}
    if chosen.zero_config:
        whole = zero_config.main(chosen, records)
    elif chosen.speed:
        whole = speed.main(chosen, records, sets)
    else:
        whole = score(chosen, records, sets)
    whole["about"] = {"machine": speed.machine(), "records": len(records),
                      "sentences": {title: len(sentences) for title, sentences in sets.items()}}
    if chosen.only != "presidio":
        whole["about"]["midflight"] = midflight.version(midflight.binary(chosen.binary))
    if chosen.json:
        chosen.json.write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf8")


def score(chosen, records, sets):
    print(f"# Detection of personal data\n\n{len(records)} records of {len({r.stream for r in records})} tables; sentences: "
          + ", ".join(f"{title} {len(found)}" for title, found in sets.items()) + ".")
    found = []
    if chosen.only != "presidio":
        print(midflight.version(midflight.binary(chosen.binary)) + ", no configuration.", end=" ")
        found.append(run_midflight(chosen, records, sets))
    if chosen.only != "midflight":
        print(f"Presidio {presidio.VERSION}, all its English recognisers, spaCy {presidio.MODEL}.", end="")
        found.append(run_presidio(chosen, records, sets))
    print("\n")
    whole = together(found)
    show(whole, chosen.details)
    return whole


if __name__ == "__main__":
    main()
