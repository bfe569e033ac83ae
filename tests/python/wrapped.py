"""Drives a wrapped source with PyAirbyte, into a DuckDB cache: spec, check, discover, read, and read once more.

    wrapped.py NAME EXECUTABLE CONFIG.json CACHE.duckdb

Prints one JSON object: the top-level keys of the form, the streams found, and the rows of both reads.
"""

import json
import sys

import airbyte as ab
from airbyte.caches import DuckDBCache


def rows(cache, name):
    frame = cache.get_pandas_dataframe(name)
    return json.loads(frame.to_json(orient="records", date_format="iso"))


def main():
    name, executable, config, file = sys.argv[1:]
    with open(config) as given:
        config = json.load(given)
    source = ab.get_source(name, config=config, local_executable=executable, install_if_missing=False)
    form = source.config_spec
    source.check()
    streams = source.get_available_streams()
    source.select_all_streams()
    cache = DuckDBCache(db_path=file)
    told = {"form": sorted(form["properties"]), "streams": sorted(streams), "schemas": {}, "reads": []}
    for stream in streams:
        told["schemas"][stream] = sorted(source.get_stream_json_schema(stream)["properties"])
    for _ in range(2):
        result = source.read(cache=cache)
        told["reads"].append({"records": result.processed_records, "tables": {
            stream: rows(cache, stream) for stream in sorted(result.streams)}})
    print("RESULT " + json.dumps(told))


main()
