"""Training examples, one JSON line each: {text, spans: [[start, end, label]], source}.

usage: generate.py --data DIR --out FILE [--seed N] [--count N]
"""
import argparse
import json
import os
import pathlib
import sys

import dev
import prose
import templates
from cells import Cells, load_columns
from plain import WORDS, letters, number
from values import Values

SHARES = {"pii cell": 24, "plain cell": 27, "record": 6, "note": 21, "prose": 22}
HEADS = ["text", "message", "comment", "body", "note", "notes", "description", "", "", "subject", "feedback", "content", "tweet", "summary", "review", "remarks", "transcript", "ticket description", "log", "reply", "bemerkung", "mensagem", "comentario", "nachricht"]


def note(cells):
    """A sentence of a template with its slots filled."""
    v, r = cells.v, cells.r
    language = r.choices(list(templates.WEIGHTS), templates.WEIGHTS.values())[0]
    home = v.locale(language)
    rows = templates.T[language] if r.random() < 0.85 else templates.SHARED
    pieces = []
    for row in r.sample(rows, 1 if r.random() < 0.8 else 2):
        locale = home if r.random() < 0.75 else v.locale()
        for k, part in enumerate(row.replace("}", "{").split("{")):
            pieces += slot(part, cells, locale, home) if k % 2 else [(part, None)]
        pieces.append((" ", None))
    return r.choice(HEADS), pieces[:-1]


def slot(name, cells, locale, home):
    v, r = cells.v, cells.r
    kinds = {"g": "given", "s": "surname", "street": "street", "city": "city", "state": "state", "postcode": "postcode", "email": "email", "phone": "phone", "dob": "dob", "id": "government", "iban": "bank", "card": "card", "user": "username", "org": "org"}
    if name in kinds:
        return [(t.lstrip("@"), l) for t, l in cells.value(kinds[name], locale)] if name == "user" else cells.value(kinds[name], locale)
    if name == "name":
        return v.name(locale, forms=r.random() < 0.2)
    if name == "address":
        return v.address(locale)
    plain = {"product": lambda: r.choice(WORDS["product"]), "job": lambda: v.call(home, "job"), "date": v.date, "order": lambda: letters(r, r.choice(["#####", "ORD-#####", "INV-2024-####", "A######"])), "n": lambda: str(r.randrange(1, 500)),
             "amount": lambda: number(r), "year": lambda: str(r.randrange(1950, 2026)), "filler": lambda: v.fakers[home].sentence(r.randrange(3, 9)).rstrip(".")}
    return [(plain[name](), None)]


def gold(cells, rows):
    v, r = cells.v, cells.r
    source, text, spans = r.choice(rows)
    if r.random() < 0.7:
        text, spans = prose.tighten(text, spans)
    if r.random() < 0.45 and any(t in ("GIVEN_NAME", "SURNAME", "NAME") for *_, t in spans):
        return r.choice(HEADS), prose.swap_names(text, spans, v)
    at, pieces = 0, []
    for a, b, t in sorted(spans):
        t = ("GIVEN_NAME" if r.random() < 0.6 else "SURNAME") if t == "NAME" else t
        pieces += [(text[at:a], None), (text[a:b], t)]
        at = b
    return r.choice(HEADS), pieces + [(text[at:], None)]


def joined(column, pieces):
    """(text, spans) of `column: value`; an empty column leaves the value alone."""
    text, spans = f"{column}: " if column else "", []
    for t, label in pieces:
        if label and t.strip():
            spans.append((len(text), len(text) + len(t), label))
        text += t
    return text, spans


def examples(data, seed, count, held_out=()):
    values = Values(seed, held_out)
    cells = Cells(values, load_columns(data / "pii/train/fides-saas-columns/columns.csv"))
    rows = list(prose.sentences(data / "pii/train"))
    with_people = [x for x in rows if x[2]]
    makers = {"pii cell": cells.pii, "plain cell": cells.plain, "record": cells.record, "note": lambda: note(cells), "prose": lambda: gold(cells, with_people if values.r.random() < 0.65 else rows)}
    for _ in range(count):
        source = values.r.choices(list(SHARES), SHARES.values())[0]
        column, pieces = makers[source]()
        text, spans = joined(dev.column_words(column) if source != "record" else column, pieces)
        yield {"text": text[:600], "spans": [s for s in spans if s[1] <= 600], "source": source}


def held_out(folder):
    """Whole names and streets of the development sets, which no example may repeat."""
    out = set()
    for text, spans in dev.presidio(folder / "presidio-research/synth_dataset_v2.json"):
        out |= {text[a:b].lower() for a, b, t in spans if t in ("PERSON", "STREET_ADDRESS")}
    for line in open(folder / "records/records.jsonl"):
        row = json.loads(line)
        out |= {str(v).lower() for k, v in row["record"].items() if row["pii"][k] in ("PERSON", "ADDRESS")}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100000)
    args = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Some of Faker's locales hold sets, whose order would differ from run to run.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    with open(args.out, "w") as f:
        for x in examples(args.data, args.seed, args.count, held_out(args.data / "pii/dev")):
            f.write(json.dumps(x, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
