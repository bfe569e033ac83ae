"""What a first run without any configuration masks: by column, on the recorded faker read and on the labelled records."""
import collections
import gzip
import json
import pathlib
import re
import tempfile

import align
import data
import kinds
import midflight
import report

PLACEHOLDER = re.compile(r"<([A-Z][A-Z0-9_]*)>")
FAKER_TRUTH = pathlib.Path(__file__).with_name("faker_truth.json")

# Words for labels that are neither a find nor a false alarm.
SOFT = {"PLACE": "place", "GEO": "coordinates", "DATE": "date", "ORG": "organisation", "DEMOG": "about a person",
        "SKIP": "not labelled"}


class Column:
    """One column over all records: its label, how many values it has and how many were masked as what."""

    def __init__(self, label):
        self.label, self.values, self.masked, self.kinds = label, 0, 0, collections.Counter()

    def share(self):
        return self.masked / self.values


def leaves(value, path):
    """(dotted path, scalar) of everything inside a value; items of arrays share their array's path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    elif value is not None and value != "":
        yield path, value


def compare(pairs, label_of):
    """{path: Column} of (stream, before, after) records."""
    columns = {}
    for stream, before, after in pairs:
        new = collections.defaultdict(list)
        for path, value in leaves(after, stream):
            new[path].append(value)
        seen = collections.Counter()
        for path, value in leaves(before, stream):
            column = columns.setdefault(path, Column(label_of(path)))
            column.values += 1
            changed = new[path][seen[path]] if seen[path] < len(new[path]) else None
            seen[path] += 1
            if changed != value:
                column.masked += 1
                column.kinds.update(set(kinds_in(value, changed)))
    return columns


def kinds_in(value, changed):
    if not isinstance(changed, str):
        return ["removed"]
    if isinstance(value, str):
        return [kind for _, _, kind in align.spans(value, changed)[0]]
    return PLACEHOLDER.findall(changed) or ["changed"]


def records_of(lines):
    for line in lines:
        message = json.loads(line) if line.strip() else {}
        if message.get("type") == "RECORD":
            yield message["record"]["stream"], message["record"]["data"]


def paired(before, after):
    """Records before and after, in order; the program neither drops nor reorders any without being told to."""
    before, after = list(before), list(after)
    if [stream for stream, _ in before] != [stream for stream, _ in after]:
        raise SystemExit("the records that came back are not those that went in")
    return [(stream, old, new) for (stream, old), (_, new) in zip(before, after)]


def show(title, run, columns, pairs):
    direct = {name: c for name, c in columns.items() if c.label in kinds.CELLS}
    soft = {name: c for name, c in columns.items() if c.label in kinds.SOFT}
    plain = {name: c for name, c in columns.items() if c.label == "NONE"}
    print(f"### {title}\n")
    rate = len(pairs) / run.cpu
    print(f"{len(pairs):,} records, {len(columns)} columns; {run.cpu:.1f} CPU seconds ({rate:,.0f} records per CPU second, "
          f"start included), {run.peak_mb:.0f} MB.\n")
    print("Personal data:\n")
    report.table(["column", "holds", "masked", "as"], rows(direct))
    partly = {name: c for name, c in soft.items() if c.masked}
    if partly:
        print("Masked too, neither right nor wrong here:\n")
        report.table(["column", "holds", "masked", "as"], rows(partly))
    left = [f"{name} ({SOFT[c.label]})" for name, c in soft.items() if not c.masked]
    print(f"Of the same sort, left as they are: {', '.join(left) or 'none'}.\n")
    wrong = {name: c for name, c in plain.items() if c.masked}
    values = sum(c.values for c in plain.values())
    print(f"Masked for nothing: {sum(c.masked for c in wrong.values()):,} of {values:,} values in {len(wrong)} of "
          f"{len(plain)} columns without personal data.\n")
    if wrong:
        report.table(["column", "holds", "masked", "as"], rows(wrong))
    missed = [f"{name} ({c.values - c.masked:,} of {c.values:,})" for name, c in direct.items() if c.masked < c.values]
    print(f"Missed: {', '.join(missed) or 'nothing'}.\n")
    return {name: {"label": c.label, "values": c.values, "masked": c.masked, "as": dict(c.kinds)}
            for name, c in columns.items()}


def rows(columns):
    def order(item):
        return -item[1].share(), item[0]
    return [[name, SOFT.get(c.label, c.label), f"{c.share():.1%}".replace("100.0%", "100%"),
             ", ".join(f"{kind}" if number == c.masked else f"{kind} {number:,}" for kind, number in c.kinds.most_common())]
            for name, c in sorted(columns.items(), key=order)]


def faker(program, folder):
    """The recorded read without and with its catalog; the second is told only where it differs."""
    truth = json.loads(FAKER_TRUTH.read_text(encoding="utf8"))
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch, "read.jsonl")
        with gzip.open(folder / "read_20k.jsonl.gz") as packed:
            source.write_bytes(packed.read())
        before = list(records_of(source.read_bytes().split(b"\n")))
        for title, declared in [("source-faker, no catalog", None),
                                ("source-faker, its catalog", folder / "configured_catalog.json")]:
            run = midflight.pipe(program, source, declared)
            pairs = paired(before, records_of(run.lines))
            columns = compare(pairs, lambda path: truth.get(path, "NONE"))
            results[title] = tell(title, run, columns, pairs, results)
    return results


def tell(title, run, columns, pairs, earlier):
    """Shows a result, or that it is the same as the one before."""
    summary = {name: (c.masked, dict(c.kinds)) for name, c in columns.items()}
    for other, known in earlier.items():
        if {name: (row["masked"], row["as"]) for name, row in known.items()} == summary:
            print(f"### {title}\n\nThe same as *{other}*, to the value.\n")
            return known
    return show(title, run, columns, pairs)


def labelled(program, records):
    rows_in = [(r.stream, r.data) for r in records]
    labels = {f"{r.stream}.{column}": label for r in records for column, label in r.types.items()}
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch, "in.jsonl")
        source.write_text("".join(midflight.messages(rows_in)), encoding="utf8")
        declared = pathlib.Path(scratch, "catalog.json")
        declared.write_text(json.dumps(midflight.catalog(rows_in)), encoding="utf8")
        for title, chosen in [("labelled records, no catalog", None), ("labelled records, a catalog", declared)]:
            run = midflight.pipe(program, source, chosen)
            pairs = paired(rows_in, records_of(run.lines))
            columns = compare(pairs, lambda path: labels.get(path, "NONE"))
            results[title] = tell(title, run, columns, pairs, results)
    return results


def main(chosen, records):
    program = midflight.binary(chosen.binary)
    results = {}
    folder = chosen.faker or chosen.data.parent.parent / "faker"
    if (folder / "read_20k.jsonl.gz").is_file():
        results.update(faker(program, folder))
    else:
        print(f"No recorded read in {folder}: name its folder with --faker.\n")
    if records:
        results.update(labelled(program, records))
    return {"zero_config": results}
