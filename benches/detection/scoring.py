"""Counts what was found against what is there: spans in sentences, cells of records, columns of streams.

Sentences. Neighbouring PERSON spans are one, LOCATION spans too. *strict*: the same span. *P50*, *R50*, *F50*: at
least half of a span is covered by spans of the same type on the other side. *masked*: the share of the characters of
personal data, blanks left out, that any finding covers.

Cells. *typed*: at least half of the cell is covered by its own type; *any*: by any of the seven types. A false alarm
is a cell of a NONE column in which one of the seven types is found. Precision and F1 are over *any*.

Columns. A column is flagged when at least half of its cells hold one of the seven types.
"""
import collections
import re

import kinds

MERGED = {"PERSON", "LOCATION"}
BETWEEN = re.compile(r"[\s,.\-/#]*")


def ratio(part, whole):
    return part / whole if whole else 0.0


def harmonic(precision, recall):
    return ratio(2 * precision * recall, precision + recall)


def merge(text, spans):
    """Sorted spans, neighbours of one name or place joined."""
    out = []
    for start, end, kind in sorted((s for s in spans if s[2] and s[1] > s[0]), key=lambda s: (s[0], -s[1])):
        if out and out[-1][2] == kind and kind in MERGED and BETWEEN.fullmatch(text, out[-1][1], max(start, out[-1][1])):
            out[-1] = (out[-1][0], max(end, out[-1][1]), kind)
        else:
            out.append((start, end, kind))
    return out


def covered(start, end, spans):
    return sum(max(0, min(end, stop) - max(start, begin)) for begin, stop, _ in spans)


# ---- sentences

SPAN_COUNTS = ["gold", "found", "strict", "gold_covered", "found_covered", "characters", "masked"]


def sentences(gold, found, types):
    """{type or MICRO: counts and figures} over sentences; `found` holds coarse spans, one list a sentence."""
    counts = {kind: collections.Counter() for kind in types}
    for sentence, spans in zip(gold, found, strict=True):
        text = sentence.text
        truth = merge(text, [(s, e, kinds.GOLD.get(kind)) for s, e, kind in sentence.spans])
        spans = merge(text, spans)
        hidden = bytearray(len(text))
        for start, end, _ in spans:
            hidden[start:end] = b"\1" * (min(end, len(text)) - start)
        for kind in types:
            one_type(counts[kind], text, hidden, [s for s in truth if s[2] == kind], [s for s in spans if s[2] == kind])
    counts = {kind: count for kind, count in counts.items() if count["gold"] or kind in ("PERSON",)}
    counts["MICRO"] = sum(counts.values(), collections.Counter())
    return {kind: figures(count) for kind, count in counts.items()}


def one_type(count, text, hidden, truth, spans):
    count["gold"] += len(truth)
    count["found"] += len(spans)
    count["strict"] += len(set(truth) & set(spans))
    for start, end, _ in truth:
        count["gold_covered"] += covered(start, end, spans) * 2 >= end - start
        for at in range(start, end):
            if not text[at].isspace():
                count["characters"] += 1
                count["masked"] += hidden[at]
    for start, end, _ in spans:
        count["found_covered"] += covered(start, end, truth) * 2 >= end - start


def figures(count):
    precision = ratio(count["found_covered"], count["found"])
    recall = ratio(count["gold_covered"], count["gold"])
    strict = harmonic(ratio(count["strict"], count["found"]), ratio(count["strict"], count["gold"]))
    return {**{name: count[name] for name in SPAN_COUNTS}, "strict_f": strict, "p50": precision, "r50": recall,
            "f50": harmonic(precision, recall), "masked_share": ratio(count["masked"], count["characters"])}


# ---- cells

Cell = collections.namedtuple("Cell", "stream column value label found")  # found: coarse spans, cells' names


def cells(records, found):
    """One Cell a column of a record; `found` holds {column: coarse spans}, one a record."""
    out = []
    for record, spans in zip(records, found, strict=True):
        for column, value in record.data.items():
            if isinstance(value, str) and value:
                here = [(s, e, kinds.IN_CELLS.get(kind, kind)) for s, e, kind in spans.get(column, ())]
                out.append(Cell(record.stream, column, value, record.types.get(column, "NONE"), here))
    return out


def half(cell, spans):
    """At least half of the cell is covered, every character counted once."""
    places = {at for start, end, _ in spans for at in range(start, end)}
    return bool(places) and len(places) * 2 >= len(cell.value)


def typed(cell):
    return half(cell, [s for s in cell.found if s[2] == cell.label])


def scored(cell):
    return [span for span in cell.found if span[2] in kinds.CELLS]


def alarms(cell):
    """The scored types found in a cell."""
    return {kind for _, _, kind in scored(cell)}


def main_kind(cell):
    """The type that covers most of a cell, '-' for none."""
    cover = collections.Counter()
    for start, end, kind in cell.found:
        cover[kind.removeprefix("other:")] += end - start
    return min(cover, key=lambda kind: (-cover[kind], kind)) if cover else "-"


def score_cells(all_cells):
    """Figures over all types and by type, the confusion of types, and the columns with most mistakes."""
    plain = [cell for cell in all_cells if cell.label == "NONE"]
    false = [cell for cell in plain if alarms(cell)]
    by_type = {}
    for kind in kinds.CELLS:
        own = [cell for cell in all_cells if cell.label == kind]
        wrong = sum(kind in alarms(cell) for cell in plain)
        astray = sum(kind in alarms(cell) for cell in all_cells
                     if cell.label in kinds.CELLS and cell.label != kind and not typed(cell))
        by_type[kind] = type_figures(own, wrong, astray)
    personal = [cell for cell in all_cells if cell.label in kinds.CELLS]
    total = type_figures(personal, len(false), 0)
    total |= {"plain": len(plain), "false_share": ratio(len(false), len(plain)),
              "false_any_kind": sum(bool(cell.found) for cell in plain)}
    total["false_any_kind_share"] = ratio(total["false_any_kind"], len(plain))
    hit = total["any"] * len(personal)
    total["precision"] = ratio(hit, hit + len(false))
    total["f1"] = harmonic(total["precision"], total["any"])
    return {"all": total, "types": by_type, "confusion": confusion(all_cells), "worst": worst(all_cells)}


def type_figures(own, wrong, astray):
    """Precision of a type: its own cells it was found in, against NONE cells and wrongly typed cells of other types."""
    hits, any_hits = sum(map(typed, own)), sum(half(cell, scored(cell)) for cell in own)
    precision = ratio(hits, hits + wrong + astray)
    recall = ratio(hits, len(own))
    return {"cells": len(own), "typed": recall, "any": ratio(any_hits, len(own)), "false": wrong, "astray": astray,
            "precision": precision, "f1": harmonic(precision, recall)}


def confusion(all_cells):
    table = collections.defaultdict(collections.Counter)
    for cell in all_cells:
        table[cell.label][main_kind(cell)] += 1
    return {label: dict(row.most_common()) for label, row in sorted(table.items())}


def worst(all_cells):
    """{stream.column: cells, misses, false alarms}, most mistakes first."""
    table = collections.defaultdict(lambda: {"label": "", "cells": 0, "misses": 0, "false": 0, "as": collections.Counter()})
    for cell in all_cells:
        row = table[f"{cell.stream}.{cell.column}"]
        row["label"] = cell.label
        row["cells"] += 1
        missed = cell.label in kinds.CELLS and not typed(cell)
        false = cell.label == "NONE" and bool(alarms(cell))
        row["misses"] += missed
        row["false"] += false
        if missed or false:
            row["as"][main_kind(cell)] += 1
    bad = {name: {**row, "as": dict(row["as"].most_common())} for name, row in table.items() if row["misses"] + row["false"]}
    return dict(sorted(bad.items(), key=lambda item: (-item[1]["misses"] - item[1]["false"], item[0])))


# ---- columns

def score_columns(all_cells):
    """A vote over the cells of each column: flagged, and of which type."""
    groups = collections.defaultdict(list)
    for cell in all_cells:
        if cell.label in kinds.CELLS or cell.label == "NONE":
            groups[cell.stream, cell.column].append(cell)
    verdicts = {}
    for name, group in groups.items():
        flagged = [cell for cell in group if alarms(cell)]
        votes = collections.Counter(main_alarm(cell) for cell in flagged)
        verdicts[name] = min(votes, key=lambda kind: (-votes[kind], kind)) if len(flagged) * 2 >= len(group) else None
    return column_figures({name: group[0].label for name, group in groups.items()}, verdicts)


def main_alarm(cell):
    return main_kind(cell._replace(found=scored(cell)))


def column_figures(labels, verdicts):
    personal = [name for name, label in labels.items() if label != "NONE"]
    hits = [name for name in personal if verdicts.get(name)]
    false = [name for name, label in labels.items() if label == "NONE" and verdicts.get(name)]
    precision, recall = ratio(len(hits), len(hits) + len(false)), ratio(len(hits), len(personal))
    return {"personal": len(personal), "plain": len(labels) - len(personal), "precision": precision, "recall": recall,
            "f1": harmonic(precision, recall), "type_right": sum(verdicts[name] == labels[name] for name in hits),
            "flagged": len(hits), "missed": sorted(".".join(n) for n in personal if not verdicts.get(n)),
            "false": {".".join(name): verdicts[name] for name in sorted(false)}}
