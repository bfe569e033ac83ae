"""What other tools would propose, re-implemented: the part of their rules that judges one row.

Deequ: its default suggestion rules and the extended set, with minimum and maximum as a range. TFDV: presence, a domain of
at most 100 strings, numbers. dqx: its profiler on a sample of at most 1,000 rows, three standard deviations included.
A rule is a column and a function from a series to the rows that pass; a missing value passes all but `not_null`.
"""

import math

import numpy as np
import pandas as pd


def is_number(series):
    return pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)


def not_null(column):
    return column, "not_null", lambda series: series.notna()


def known(column, values):
    values = set(values)
    return column, "known", lambda series: series.isna() | series.isin(values)


def within(column, low, high):
    def passes(series):
        number = pd.to_numeric(series, errors="coerce")
        return series.isna() | ((number >= low) & (number <= high))

    return column, "range", passes


def long(column, low, high):
    return column, "length", lambda series: series.isna() | series.astype(str).str.len().between(low, high)


def numeric(column):
    return column, "type", lambda series: series.isna() | pd.to_numeric(series, errors="coerce").notna()


def is_whole(series, values):
    return is_number(series) and bool((values == values.round()).all())


def deequ(table, extended=False):
    rules = []
    for column in table:
        series = table[column]
        values = series.dropna()
        if series.notna().all():
            rules.append(not_null(column))
        if 0 < values.nunique() <= 120 and (not is_number(series) or is_whole(series, values)):
            counts = values.value_counts()
            if (counts == 1).mean() <= 0.1:
                rules.append(known(column, counts.index))
        if not len(values):
            continue
        if is_number(series):
            if extended:
                rules.append(within(column, values.min(), values.max()))
            elif values.min() >= 0:
                rules.append(within(column, 0, np.inf))
        elif extended:
            lengths = values.astype(str).str.len()
            rules.append(long(column, lengths.min(), lengths.max()))
    return rules


def tfdv(table):
    rules = []
    for column in table:
        series = table[column]
        values = series.dropna()
        if series.notna().all():
            rules.append(not_null(column))
        if is_number(series):
            rules.append(numeric(column))
        elif 0 < values.nunique() <= 100:
            rules.append(known(column, values.unique()))
    return rules


def dqx(table, seed):
    sample = table.sample(min(1000, int(len(table) * 0.3)), random_state=seed)
    rules = []
    for column in sample:
        series = sample[column]
        values = series.dropna()
        if series.isna().mean() <= 0.01:
            rules.append(not_null(column))
        distinct = values.nunique()
        few = 0 < distinct < 10 and distinct / len(series) <= 0.05
        if few and (not is_number(series) or is_whole(series, values)):
            rules.append(known(column, values.unique()))
        elif is_number(series) and len(values):
            mean, deviation = values.mean(), values.std()
            low = max(values.min(), mean - 3 * deviation)
            high = min(values.max(), mean + 3 * deviation)
            rules.append(within(column, math.floor(low), math.ceil(high)))
    return rules


def back_tested(make, table, tolerance, folds=5):
    """The rules of all rows, without the kinds that refuse too much of a contiguous fold they were not made from."""
    fold = np.arange(len(table)) * folds // len(table)
    dropped = set()
    for one in range(folds):
        rest, held = table[fold != one].reset_index(drop=True), table[fold == one].reset_index(drop=True)
        for column, kind, passes in make(rest):
            if (~passes(held[column])).mean() > tolerance:
                dropped.add((column, kind))
    return [rule for rule in make(table) if rule[:2] not in dropped]


def suggesters(seed):
    """Every suggester by its name."""
    extended = lambda table: deequ(table, extended=True)
    return {
        "Deequ DEFAULT": deequ,
        "Deequ EXTENDED": extended,
        "TFDV inferred": tfdv,
        "dqx profiler": lambda table: dqx(table, seed),
        "Deequ EXTENDED, back-tested": lambda table: back_tested(extended, table, 1e-3),
    }


def flags(rules, column, series):
    """The rows of a column that some rule about it refuses."""
    refused = np.zeros(len(series), bool)
    for of, _, passes in rules:
        if of == column:
            refused |= ~passes(series).to_numpy().astype(bool)
    return refused
