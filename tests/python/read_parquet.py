"""Prints every row of the Parquet files below a folder as a JSON line, with the folder of its table."""

import json
import pathlib
import sys

import pyarrow.parquet

lake = pathlib.Path(sys.argv[1])
for file in sorted(lake.rglob("*.parquet")):
    table = pyarrow.parquet.ParquetFile(file).read()
    for row in table.drop_columns(["embedding"]).to_pylist():
        print(json.dumps({"table": file.relative_to(lake).parts[0], "row": row}))
