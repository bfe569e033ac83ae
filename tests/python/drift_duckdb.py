"""Runs a script of SQL in a new DuckDB database and prints the columns of its tables as JSON: drift_duckdb.py < SCRIPT"""

import json
import sys

import duckdb

database = duckdb.connect()
database.execute(sys.stdin.read())
rows = database.execute(
    "SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns"
).fetchall()
json.dump(rows, sys.stdout)
