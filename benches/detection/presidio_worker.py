"""Presidio as it comes, with spaCy's en_core_web_md: one job on stdin, its answer on stdout, both JSON.

    presidio_worker.py texts|structured|speed MODEL_FOLDER
"""
import json
import logging
import sys
import time

import pandas
import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_structured import PandasAnalysisBuilder

logging.disable(logging.WARNING)


class Loaded(SpacyNlpEngine):
    """Presidio's spaCy engine around a model that is loaded already."""

    def __init__(self, model):
        super().__init__()
        self.nlp = {"en": model}


def texts(engine, values):
    return [
        [(found.start, found.end, found.entity_type, round(found.score, 4)) for found in engine.analyze(value, "en")]
        for value in values
    ]


def structured(engine, tables):
    """presidio-structured's own choice of a type per column: all defaults, the first 100 rows."""
    builder = PandasAnalysisBuilder(analyzer=engine)
    return {stream: builder.generate_analysis(pandas.DataFrame(rows).fillna("")).entity_mapping
            for stream, rows in tables.items()}


def speed(engine, rows):
    out = {"records": len(rows)}
    for name, lead in [("value", lambda column: ""), ("column", lambda column: column.replace("_", " ") + ": ")]:
        begun = time.process_time()
        cells = 0
        for row in rows:
            for column, value in row.items():
                if isinstance(value, str) and value:
                    engine.analyze(lead(column) + value, "en")
                    cells += 1
        out[name] = time.process_time() - begun
        out["cells"] = cells
    return out


def main():
    job, model = sys.argv[1:]
    engine = AnalyzerEngine(nlp_engine=Loaded(spacy.load(model)), supported_languages=["en"])
    question = json.load(sys.stdin)
    answer = {"texts": texts, "structured": structured, "speed": speed}[job](engine, question)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
