"""Reads the labelled sets: records with a type per cell, and sentences with spans.

A folder of sets is walked whole, and every file is read by its form:

    *.jsonl                     one record a line: {"stream", "record", "pii": {column: type}}
    *.json                      Presidio's synthetic sentences: [{"full_text", "spans": [...]}]
    *.iob2                      Universal NER: comments with the text, then numbered words with tags
    *.test, *.annotated, *.conll    one word and its tag a line
"""
import collections
import hashlib
import json
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "detection"

Record = collections.namedtuple("Record", "stream data types")
Sentence = collections.namedtuple("Sentence", "text spans")


def default_folder():
    """Where the labelled sets are: MIDFLIGHT_PII_SETS, or shared/data/pii/dev in or beside the repository."""
    if os.environ.get("MIDFLIGHT_PII_SETS"):
        return pathlib.Path(os.environ["MIDFLIGHT_PII_SETS"])
    for parent in [ROOT, *ROOT.parents]:
        if (parent / "shared/data/pii/dev").is_dir():
            return parent / "shared/data/pii/dev"
    return None


def load(folder):
    """All sets of a folder: ([Record], {name: [Sentence]})."""
    records, texts = [], {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix == ".jsonl":
            records += read_records(path)
        elif path.suffix in READERS:
            texts[set_name(path, folder)] = READERS[path.suffix](path)
    return records, texts


def set_name(path, folder):
    """`synth`, `uner-ewt`, `wnut17`, `btc` where the path says so, else the folder and the file."""
    inside = str(path.relative_to(folder)).lower()
    for name, word in [("synth", "presidio"), ("uner-ewt", "ewt"), ("wnut17", "wnut"), ("btc", "btc")]:
        if word in inside:
            return name
    return inside.rsplit(".", 1)[0]


def read_records(path):
    with open(path, encoding="utf8") as lines:
        found = [json.loads(line) for line in lines if line.strip()]
    return [Record(item["stream"], item["record"], item["pii"]) for item in found]


def read_synthetic(path):
    with open(path, encoding="utf8") as file:
        return [
            Sentence(item["full_text"],
                     [(s["start_position"], s["end_position"], s["entity_type"]) for s in item["spans"]])
            for item in json.load(file)
        ]


def read_universal(path):
    """Universal NER: words are looked up in the `# text =` line, left to right."""
    sentences, text, words = [], None, []

    def finish():
        if text is None:
            return
        places, at = [], 0
        for word, tag in words:
            start = text.find(word, at)
            start = at if start < 0 else start
            at = start + len(word)
            places.append((start, at, tag))
        sentences.append(Sentence(text, spans_of(places)))

    with open(path, encoding="utf8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("# text = "):
                finish()
                text, words = line[9:], []
            elif not line:
                finish()
                text, words = None, []
            elif line[0] != "#":
                fields = line.split("\t")
                if "-" not in fields[0] and "." not in fields[0]:
                    words.append((fields[1], fields[2]))
    finish()
    return sentences


def read_columns(path):
    """One word and its tag a line, sentences apart by empty lines; words are joined with single spaces."""
    sentences, words = [], []

    def finish():
        if not words:
            return
        text, places = "", []
        for word, tag in words:
            text += " " if text else ""
            places.append((len(text), len(text) + len(word), tag.replace("_", "-", 1)))
            text += word
        sentences.append(Sentence(text, spans_of(places)))
        words.clear()

    with open(path, encoding="utf8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if not line.strip():
                finish()
            else:
                fields = line.split("\t")
                words.append((fields[0], fields[-1]))
    finish()
    return sentences


def spans_of(places):
    """Spans of words tagged B-X, I-X, O; an I-X behind another type begins a span."""
    spans, current = [], None
    for start, end, tag in places:
        if tag.startswith("I-") and current and current[2] == tag[2:]:
            current[1] = end
            continue
        if current:
            spans.append(tuple(current))
        current = [start, end, tag[2:]] if tag[:2] in ("B-", "I-") else None
    if current:
        spans.append(tuple(current))
    return spans


READERS = {".json": read_synthetic, ".iob2": read_universal, ".test": read_columns, ".annotated": read_columns,
           ".conll": read_columns}


def digest(value):
    """A short name for a piece of data, to file results under."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]
