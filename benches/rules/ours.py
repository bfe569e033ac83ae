"""midflight's own suggestions, through its program: profile, suggest, and the rules on every row."""

import json
import math
import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd


def json_type(series):
    values = series.dropna()
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if not pd.api.types.is_numeric_dtype(values):
        return "string"
    return "integer" if bool((values == values.round()).all()) else "number"


def plain(value, kind):
    """A cell as JSON has it; whole numbers that pandas keeps as floats, for want of a null, are whole again."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and kind == "integer" and value.is_integer():
        return int(value)
    return value


class Table:
    """A table as a stream: its catalog, and rows as messages."""

    def __init__(self, folder, train):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.kinds = {column: json_type(train[column]) for column in train}
        properties = {column: {"type": ["null", kind]} for column, kind in self.kinds.items()}
        stream = {
            "name": "rows",
            "json_schema": {"type": "object", "properties": properties},
            "supported_sync_modes": ["full_refresh"],
        }
        configured = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}
        self.catalog = self.write("catalog.json", json.dumps({"streams": [configured]}))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def lines(self, rows):
        for row in rows:
            data = {column: plain(value, self.kinds[column]) for column, value in row.items()}
            record = {"stream": "rows", "emitted_at": 0, "data": data}
            yield json.dumps({"type": "RECORD", "record": record})


def suggest(program, table, train):
    """The rules that a profile of the first part leads to: {id: columns}, and the folder they lie in."""
    messages = "\n".join(table.lines(train.to_dict("records"))) + "\n"
    folder = table.folder
    profile = folder / "profile.json"
    run(program, ["profile", "--catalog", table.catalog, "--out", profile, "--no-progress"], messages)
    rules = folder / "rows.rules.yaml"
    rules.unlink(missing_ok=True)
    table.write("train.jsonl", messages)
    run(program, ["suggest", "--profile", profile, "--catalog", table.catalog, "--data", folder / "train.jsonl", "--into", rules])
    proposed = rules.read_text()
    # As if a person had approved all of it; every violation is written beside its row.
    text = re.sub(r"(?m)^phase: .*$", "phase: enforced", proposed)
    text = re.sub(r"(?m)^    status: proposed$", "    status: enforced", text)
    text = re.sub(r"(?m)^    on_fail: .*$", "    on_fail: annotate", text)
    table.write("enforced.rules.yaml", text)
    table.write(
        "midflight.yaml",
        "version: 1\nunlisted: pass\nstreams:\n  rows:\n    rules: enforced.rules.yaml\n",
    )
    listed = run(program, ["rules", "list", rules, "--format", "json"])
    return {rule["id"]: rule["columns"] for rule in json.loads(listed)["rules"]}


def judge(program, table, rows):
    """For every row the ids of the rules that it fails."""
    messages = "\n".join(table.lines(rows)) + "\n"
    config = table.folder / "midflight.yaml"
    told = run(program, ["pipe", "--config", config, "--catalog", table.catalog, "--no-progress"], messages)
    failed = []
    for line in told.splitlines():
        message = json.loads(line)
        if message["type"] == "RECORD":
            failed.append({entry["rule"] for entry in message["record"]["data"].get("_dq") or []})
    return failed


def run(program, arguments, messages=None):
    ended = subprocess.run([program, *map(str, arguments)], input=messages, capture_output=True, text=True)
    if ended.returncode != 0:
        raise SystemExit(f"{program} {arguments[0]}: exit {ended.returncode}\n{ended.stderr}")
    return ended.stdout
