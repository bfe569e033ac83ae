"""Parses scripts in their dialects: drift_sqlglot.py < {"bigquery": ["…", …], …}

What the parser does not understand it keeps as a command, which is a failure here. Prints how many statements there are.
"""

import json
import sys

import sqlglot
from sqlglot import exp

# Renaming a column is understood where the parser knows the dialect's words for it.
count = 0
for dialect, scripts in json.load(sys.stdin).items():
    for script in scripts:
        for statement in sqlglot.parse(script, dialect=dialect):
            if statement is None or isinstance(statement, exp.Semicolon):
                continue
            if not isinstance(statement, exp.Alter) or not statement.args["actions"]:
                sys.exit(f"{dialect}: not understood: {statement.sql(dialect=dialect)}")
            count += 1
print(count)
