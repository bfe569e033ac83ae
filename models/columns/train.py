"""Trains the classifier of column names and writes columns.bin and check.tsv.

`train.sh` runs it with the packages it needs. `--score` cross-validates instead and prints the figures of
README.md; it writes nothing. With `--connectors-only` as well, next to nothing written by hand is trained on.
"""

import argparse
import csv
import random
import struct
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

import hand
from features import TABLE_BITS, bucket, features

HERE = Path(__file__).parent
KINDS = [
    "NONE", "PERSON", "EMAIL", "PHONE", "STREET_ADDRESS", "CITY", "STATE", "POSTCODE", "GOVERNMENT_ID",
    "BANK_ACCOUNT", "CREDIT_CARD", "DATE_OF_BIRTH", "USERNAME", "IP_ADDRESS",
]
# Categories of the Fides taxonomy, the first prefix that fits.
CATEGORIES = [
    ("user.name", "PERSON"),
    ("user.contact.email", "EMAIL"),
    ("user.contact.phone", "PHONE"),
    ("user.contact.address.city", "CITY"),
    ("user.contact.address.state", "STATE"),
    ("user.contact.address.postal_code", "POSTCODE"),
    ("user.contact.address.country", "NONE"),
    ("user.contact.address", "STREET_ADDRESS"),
    ("user.government_id", "GOVERNMENT_ID"),
    ("user.demographic.date_of_birth", "DATE_OF_BIRTH"),
    ("user.date_of_birth", "DATE_OF_BIRTH"),
    ("user.account", "USERNAME"),
    ("user.device.ip_address", "IP_ADDRESS"),
    ("", "NONE"),
]
# Connectors of the same service: never on both sides of a fold.
SAME = {
    "power_reviews": "powerreviews", "yotpo_loyalty": "yotpo", "yotpo_reviews": "yotpo",
    "mailchimp_override": "mailchimp", "greenhouse_harvest": "greenhouse", "one_signal": "onesignal",
    "twilio_conversations": "twilio", "twilio_sms": "twilio",
}
SEED = 20240611
STRENGTH = 5.0  # the inverse of the L2 penalty
HAND_WEIGHT = 0.5  # of an example written by hand, against a field of a real connector
FOLDS = 10


class Row:
    """A field of a connector: what Fides says of it, and what it is trained as (None: left out)."""

    def __init__(self, record, corrections):
        self.group = SAME.get(record["connector"], record["connector"])
        self.stream, self.path = record["collection"], record["field_path"]
        self.labelled = record["data_categories"] != ""
        category = record["data_categories"]
        self.published = next(kind for prefix, kind in CATEGORIES if category.startswith(prefix))
        right = corrections.get((record["connector"], self.stream, self.path))
        right = right or corrections.get((record["connector"], "*", self.path), self.published)
        self.kind = None if right == "SKIP" else right


def connectors():
    """The fields of the Fides connectors, with the corrections of data/corrections.csv."""
    with open(HERE / "data/corrections.csv") as file:
        corrections = {
            (row["connector"], row["collection"], row["field_path"]): row["kind"] for row in csv.DictReader(file)
        }
    with open(HERE / "data/fides.csv") as file:
        return [Row(row, corrections) for row in csv.DictReader(file)]


def vectors(columns):
    """A sparse row of feature counts per (stream, path), divided by the root of their number."""
    data, places, ends = [], [], [0]
    for stream, path in columns:
        found = [bucket(feature) for feature in features(stream, path)]
        places += found
        data += [1 / np.sqrt(len(found))] * len(found)
        ends.append(len(places))
    matrix = csr_matrix((data, places, ends), shape=(len(ends) - 1, 1 << TABLE_BITS))
    matrix.sum_duplicates()
    return matrix


def fit(columns, kinds, weights):
    """The weights as (kinds, buckets) and the biases."""
    model = LogisticRegression(C=STRENGTH, max_iter=400, tol=1e-5)
    model.fit(vectors(columns), [KINDS.index(kind) for kind in kinds], sample_weight=weights)
    assert list(model.classes_) == list(range(len(KINDS))), "every kind has examples"
    return model.coef_, model.intercept_


def quantise(table):
    """Whole numbers from -127 to 127 and one scale per kind."""
    scales = (np.abs(table).max(axis=1) / 127).astype(np.float32)
    return np.round(table / scales[:, None]).astype(np.int8), scales


def probabilities(columns, whole, scales, biases):
    """What the program computes, from the whole numbers of the table."""
    logits = vectors(columns) @ whole.T.astype(float) * scales + biases.astype(np.float32)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def train(rows, by_hand):
    """A quantised model of these fields and the examples by hand."""
    rows = [row for row in rows if row.kind]
    columns = [(row.stream, row.path) for row in rows] + [(stream, path) for stream, path, _ in by_hand]
    kinds = [row.kind for row in rows] + [kind for _, _, kind in by_hand]
    table, biases = fit(columns, kinds, [1.0] * len(rows) + [HAND_WEIGHT] * len(by_hand))
    return (*quantise(table), biases)


def folds(rows):
    """Groups dealt to folds, the largest first to the smallest fold."""
    sizes = {}
    for row in rows:
        sizes[row.group] = sizes.get(row.group, 0) + 1
    loads, home = [0] * FOLDS, {}
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        fold = loads.index(min(loads))
        home[group] = fold
        loads[fold] += size
    return [home[row.group] for row in rows]


def score(truth, guess, kinds):
    """Precision, recall, F1 of `kinds` taken together, and the number of true ones."""
    pairs = [(one in kinds, other in kinds) for one, other in zip(truth, guess)]
    hit = sum(one and other for one, other in pairs)
    said, true = sum(other for _, other in pairs), sum(one for one, _ in pairs)
    precision, recall = hit / max(said, 1), hit / max(true, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9), true


def report(title, truth, guess):
    print(f"\n{title} ({len(truth)} fields)")

    def line(name, figures):
        print("{:16} P {:.3f}  R {:.3f}  F1 {:.3f}  n {}".format(name, *figures))

    line("any", score(truth, guess, set(KINDS[1:])))
    line("any, no places", score(truth, guess, set(KINDS[1:]) - {"CITY", "STATE", "POSTCODE"}))
    found = [(true, said) for true, said in zip(truth, guess) if true != "NONE" != said]
    print(f"of those found, right kind {sum(true == said for true, said in found) / max(1, len(found)):.3f}")
    for kind in KINDS[1:]:
        if kind in truth or kind in guess:
            line(kind, score(truth, guess, {kind}))


def cross_validate(rows, by_hand):
    """Each field's kind, from a model that has seen no connector of its service."""
    fold_of, guesses = folds(rows), [None] * len(rows)
    for fold in range(FOLDS):
        model = train([row for row, of in zip(rows, fold_of) if of != fold], by_hand)
        held = [at for at, of in enumerate(fold_of) if of == fold]
        chances = probabilities([(rows[at].stream, rows[at].path) for at in held], *model)
        for at, row in zip(held, chances):
            guesses[at] = KINDS[int(row.argmax())]
    return guesses


def write(whole, scales, biases):
    """columns.bin; README.md describes it."""
    body = b"MFCOLS\x00\x01" + struct.pack("<BB", TABLE_BITS, len(KINDS))
    for kind in KINDS:
        body += struct.pack("<B", len(kind)) + kind.encode()
    body += biases.astype("<f4").tobytes() + scales.astype("<f4").tobytes() + whole.T.tobytes()
    hashed = 0xCBF29CE484222325
    for byte in body:
        hashed = ((hashed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    (HERE / "columns.bin").write_bytes(body + struct.pack("<Q", hashed))


def write_check(rows, by_hand, model):
    """check.tsv: columns, and the probability of each kind in the order of the file."""
    with open(HERE / "data/check.txt") as file:
        columns = [tuple(line.rstrip("\n").split("|")) for line in file if line.strip()]
    dice = random.Random(SEED)
    columns += [(row.stream, row.path) for row in dice.sample(rows, 70)]
    columns += [(stream, path) for stream, path, _ in dice.sample(by_hand, 70)]
    lines = [
        "\t".join([stream, path, *(f"{chance:.6f}" for chance in chances)])
        for (stream, path), chances in zip(columns, probabilities(columns, *model))
    ]
    (HERE / "check.tsv").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--score", action="store_true", help="cross-validate and write nothing")
    parser.add_argument("--connectors-only", action="store_true", help="one example by hand per kind, with --score")
    arguments = parser.parse_args()
    rows = connectors()
    by_hand = hand.examples(HERE / "data/hand.yaml", HERE / "../../rules/pii/names.yaml", SEED)
    print(f"{len(rows)} fields of connectors, {len(by_hand)} examples by hand")
    if arguments.score and arguments.connectors_only:
        by_hand = list({kind: (stream, path, kind) for stream, path, kind in reversed(by_hand)}.values())
    if not arguments.score:
        model = train(rows, by_hand)
        write(*model)
        write_check(rows, by_hand, model)
        return
    guesses = cross_validate(rows, by_hand)
    labelled = [(row, guess) for row, guess in zip(rows, guesses) if row.labelled]
    report("As published", [row.published for row, _ in labelled], [guess for _, guess in labelled])
    kept = [(row, guess) for row, guess in zip(rows, guesses) if row.kind]
    report("As corrected", [row.kind for row, _ in kept], [guess for _, guess in kept])


if __name__ == "__main__":
    main()
