"""The job as one statement of DuckDB: every line a JSON value, changed by a merge patch, in order."""
import duckdb

STREAM = "line->>'$.record.stream'"
PATCH = """
json_merge_patch(line,
    CASE WHEN line->>'$.record.data.email' IS NULL THEN '{}' ELSE '{"record":{"data":{"email":"<EMAIL>"}}}' END,
    CASE WHEN line->>'$.record.data.phone' IS NULL THEN '{}' ELSE '{"record":{"data":{"phone":"<PHONE>"}}}' END,
    '{"record":{"data":{"address":{"street":"<STREET_ADDRESS>"}}}}')
"""

connection = duckdb.connect()
connection.execute("SET threads = 1")
connection.execute("SET enable_progress_bar = false")
connection.execute(f"""
COPY (
    SELECT CASE WHEN {STREAM} = 'users' THEN {PATCH}::VARCHAR ELSE line::VARCHAR END
    FROM read_json_objects('/dev/stdin', format = 'newline_delimited') AS lines(line)
    WHERE NOT coalesce({STREAM} = 'orders' AND (line->>'$.record.data.amount')::DOUBLE < 0, false)
) TO '/dev/stdout' (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')
""")
