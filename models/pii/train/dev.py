"""Readers and scores of the development sets. Nothing here is ever trained on."""
import collections
import json
import re

GOLD = {"PERSON": "PERSON", "PER": "PERSON", "person": "PERSON", "STREET_ADDRESS": "LOCATION", "GPE": "LOCATION", "LOC": "LOCATION",
        "location": "LOCATION", "ZIP_CODE": "LOCATION", "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL", "CREDIT_CARD": "CREDIT_CARD",
        "IBAN_CODE": "IBAN", "US_SSN": "SSN", "IP_ADDRESS": "IP"}
OURS = {"STREET_ADDRESS": "LOCATION", "CITY": "LOCATION", "STATE": "LOCATION", "POSTCODE": "LOCATION", "GOVERNMENT_ID": "SSN",
        "BANK_ACCOUNT": "IBAN", "USERNAME": "USERNAME"}
MICRO = ["PERSON", "LOCATION", "PHONE", "CREDIT_CARD", "EMAIL", "IBAN", "SSN", "IP"]


def luhn(text):
    digits = [int(c) for c in text if c.isdigit()]
    odd = sum(d * 2 - 9 * (d > 4) for d in digits[-2::-2])
    return (sum(digits[-1::-2]) + odd) % 10 == 0


PATTERNS = [("EMAIL", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", None), ("SSN", r"\b\d{3}-\d{2}-\d{4}\b", None),
            ("IP", r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b", None),
            ("IBAN", r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b", None), ("CREDIT_CARD", r"(?<![\d.,])\d(?:[ -]?\d){12,18}\b", luhn)]
PATTERNS = [(t, re.compile(p), check) for t, p, check in PATTERNS]


def with_patterns(text, spans):
    """The deterministic layer's finds, then the model's where they do not touch."""
    sure = [(m.start(), m.end(), t) for t, p, check in PATTERNS for m in p.finditer(text) if not check or check(m.group())]
    return sure + [(a, b, OURS.get(t, t)) for a, b, t, _ in spans if not any(a < y and b > x for x, y, _ in sure)]


def presidio(path):
    return [(x["full_text"], [(s["start_position"], s["end_position"], s["entity_type"]) for s in x["spans"]]) for x in json.load(open(path))]


def bio_spans(tokens):
    """(start, end, label) runs of (start, end, tag) tokens."""
    out = []
    for a, b, tag in tokens:
        prefix, _, kind = tag.replace("_", "-", 1).partition("-")
        if prefix == "I" and out and out[-1][2] == kind and out[-1][3]:
            out[-1][1] = b
        elif kind:
            out.append([a, b, kind, True])
            continue
        if not kind and out:
            out[-1][3] = False
    return [tuple(x[:3]) for x in out]


def columns(path, uner=False):
    """CoNLL-style files: token and tag columns, a blank line between sentences; UNER also gives the sentence's text."""
    out, tokens, text = [], [], ""
    for line in [*open(path, encoding="utf8"), "\n"]:
        line = line.rstrip("\n")
        if uner and line.startswith("# text = "):
            text, tokens = line[9:], []
        elif not line.strip():
            if tokens:
                out.append((text, bio_spans(tokens)))
            text, tokens = "", []
        elif not (uner and line[0] == "#"):
            c = re.split(r"\t| ", line) if not uner else line.split("\t")
            if uner and re.search(r"[-.]", c[0]):
                continue
            word, tag = (c[1], c[2]) if uner else (c[0], c[-1])
            if uner:
                at = max(text.find(word, tokens[-1][1] if tokens else 0), 0)
            else:
                text += " " * bool(text)
                at = len(text)
                text += word
            tokens.append((at, at + len(word), tag))
    return out


def bracketed(path, language):
    """Sentences of one language whose people stand in square brackets."""
    out = []
    for line in open(path, encoding="utf8"):
        if line.startswith(language + "\t"):
            text, spans = "", []
            for k, part in enumerate(re.split(r"[\[\]]", line.rstrip("\n").split("\t")[1])):
                if k % 2:
                    spans.append((len(text), len(text) + len(part), "PERSON"))
                text += part
            out.append((text, spans))
    return out


def merged(text, spans):
    """Neighbouring spans of one of the two kinds written in parts become one."""
    out = []
    for a, b, t in sorted((s for s in spans if s[2] and s[1] > s[0]), key=lambda s: (s[0], -s[1])):
        if out and out[-1][2] == t and t in ("PERSON", "LOCATION") and re.fullmatch(r"[\s,.\-/#]*", text[out[-1][1] : a]):
            out[-1] = (out[-1][0], max(b, out[-1][1]), t)
        else:
            out.append((a, b, t))
    return out


def f1(p, r):
    return 2 * p * r / (p + r) if p + r else 0.0


def covered(span, others):
    return 2 * sum(max(0, min(span[1], b) - max(span[0], a)) for a, b, _ in others) >= span[1] - span[0]


def text_scores(data, found, types):
    """{type or MICRO: (precision, recall, F50, strict F, gold, found)}; F50 asks for half of a span under the same type."""
    n = collections.defaultdict(lambda: [0] * 5)
    for (text, gold), spans in zip(data, found):
        gold, spans = merged(text, [(a, b, GOLD.get(t)) for a, b, t in gold]), merged(text, spans)
        for t in types:
            g, s = [x for x in gold if x[2] == t], [x for x in spans if x[2] == t]
            for key in (t, "MICRO"):
                add = len(g), len(s), sum(covered(x, s) for x in g), sum(covered(x, g) for x in s), len(set(g) & set(s))
                n[key] = [x + y for x, y in zip(n[key], add)]
    out = {}
    for t, (g, s, right, good, exact) in n.items():
        p, r = good / max(1, s), right / max(1, g)
        out[t] = p, r, f1(p, r), f1(exact / max(1, s), exact / max(1, g)), g, s
    return out


def column_words(name):
    """A key as words, the way the engine hands it to the tagger."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.split(r"[\s_.\-/]+", name)).strip().lower()


def bare_number(value):
    """Digits alone, with or without decimals; but not the digits of a valid card."""
    return bool(re.fullmatch(r"[-+]?\d+(?:[.,]\d+)*", value)) and not (re.fullmatch(r"\d{13,19}", value) and luhn(value))


CELL = {"ADDRESS": {"LOCATION"}, "SSN": {"SSN"}}


def cell_scores(path, tag, gate=True, header=True):
    """Cells of labelled tables. `tag` is given texts and gives spans. Returns figures, false cells and missed cells."""
    rows = []
    for line in open(path):
        r = json.loads(line)
        rows += [(r["stream"], c, str(v), r["pii"][c]) for c, v in r["record"].items() if v not in (None, "") and r["pii"][c] in
                 ("NONE", "PERSON", "ADDRESS", "EMAIL", "PHONE", "SSN", "IP", "CREDIT_CARD")]
    texts = {(c, v): (f"{column_words(c)}: {v}" if header else v) for _, c, v, _ in rows}
    keys = [k for k in texts if not (gate and bare_number(k[1]))]
    found = dict(zip(keys, tag([texts[k] for k in keys])))
    n, false, missed = collections.Counter(), collections.Counter(), collections.Counter()
    for stream, c, v, gold in rows:
        text, spans = texts[c, v], found.get((c, v), [])
        start = len(text) - len(v)
        spans = [s for s in with_patterns(text, spans) if s[1] > start and s[2] not in ("ORGANIZATION",)]
        if gold == "NONE":
            n["plain"] += 1
            if spans:
                n["false"] += 1
                false[stream, c, v, spans[0][2]] += 1
            continue
        whole = (start, len(text), "")
        n["gold"] += 1
        n["any"] += covered(whole, spans)
        ok = covered(whole, [s for s in spans if s[2] in CELL.get(gold, {gold})])
        n["typed"] += ok
        n[gold, "gold"] += 1
        n[gold, "typed"] += ok
        if not ok:
            missed[stream, c, v, gold, spans[0][2] if spans else ""] += 1
    p, r = n["any"] / max(1, n["any"] + n["false"]), n["any"] / n["gold"]
    figures = {"typed": n["typed"] / n["gold"], "any": r, "false": n["false"] / n["plain"], "precision": p, "F1": f1(p, r)}
    figures["by type"] = {k[0]: n[k[0], "typed"] / n[k] for k in n if isinstance(k, tuple) and k[1] == "gold"}
    return figures, false, missed
