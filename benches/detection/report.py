"""Prints the results as Markdown tables."""
import kinds


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    print()


def f3(value):
    return f"{value:.3f}"


def share(value):
    return f"{value:.1%}"


def cells(results):
    """Cells of records: one row a system, then a table of types per system."""
    print("## Cells of records\n")
    rows = []
    for name, result in results.items():
        total = result["all"]
        rows.append([name, f3(total["typed"]), f3(total["any"]), f"{total['false']} ({share(total['false_share'])})",
                     f"{total['false_any_kind']} ({share(total['false_any_kind_share'])})", f3(total["precision"]),
                     f3(total["f1"])])
    first = next(iter(results.values()))["all"]
    print(f"{first['cells']} cells of the seven types, {first['plain']} plain ones.\n")
    table(["system", "typed recall", "any recall", "false, 7 types", "false, any kind", "precision", "F1"], rows)
    rows = []
    for kind in kinds.CELLS:
        for name, result in results.items():
            one = result["types"][kind]
            if one["cells"] or one["false"]:
                rows.append([f"{kind} ({one['cells']})", name, f3(one["typed"]), f3(one["any"]), str(one["false"]),
                             str(one["astray"]), f3(one["precision"]), f3(one["f1"])])
    table(["type (cells)", "system", "typed", "any", "false", "astray", "precision", "F1"], rows)
    print("*astray*: cells of another of the seven types that were taken for this one.\n")


def details(results, most):
    for name, result in results.items():
        print(f"### {name}: what was found where (main kind of each cell)\n")
        table(["labelled", "found"], [[label, counts(row)] for label, row in result["confusion"].items()])
        print(f"### {name}: columns with most mistakes\n")
        table(["column", "labelled", "cells", "misses", "false", "taken for"],
              [[column, row["label"], str(row["cells"]), str(row["misses"]), str(row["false"]), counts(row["as"])]
               for column, row in list(result["worst"].items())[:most]])


def counts(row):
    return ", ".join(f"{kind} {number}" for kind, number in row.items())


def columns(results):
    print("## Columns\n")
    first = next(iter(results.values()))
    print(f"{first['personal']} columns of the seven types, {first['plain']} plain ones; flagged when half of the cells are.\n")
    table(["system", "P", "R", "F1", "type right", "missed", "false"],
          [[name, f3(row["precision"]), f3(row["recall"]), f3(row["f1"]), f"{row['type_right']}/{row['flagged']}",
            few(row["missed"]), few(row["false"])] for name, row in results.items()])


def few(columns, most=8):
    """The first names of a list of columns, or of {column: taken for}."""
    names = [f"{name} ({columns[name]})" if isinstance(columns, dict) else name for name in columns]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "") or "none"


def text(name, results):
    print(f"## Sentences: {name}\n")
    kinds_here = next(iter(results.values()))["scores"]
    rows = []
    for kind in kinds_here:
        if kind == "MICRO" and len(kinds_here) < 4:
            continue
        for system, result in results.items():
            row = result["scores"][kind]
            rows.append([f"{kind} ({row['gold']})", system, str(row["found"]), f3(row["strict_f"]), f3(row["p50"]),
                         f3(row["r50"]), f3(row["f50"]), f3(row["masked_share"])])
    table(["type (spans)", "system", "found", "strict F", "P50", "R50", "F50", "masked"], rows)


def reading(results):
    """How surely midflight's output was read back: per run, the texts by how their spans were recovered."""
    print("How placeholders were laid on the original (texts): " + "; ".join(
        f"{name}: {counts(how)}" for name, how in results.items()) + "\n")
