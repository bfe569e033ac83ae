"""The job of run.py in other tools: peers.py TOOL FOLDER OUT THREADS MASK. Each reads the files with their declared types, masks
three columns, drops rows by a rule, and writes Parquet with zstd at level 3."""
import os
import sys

tool, folder, out, threads, mask = sys.argv[1:]
KEY = "000102030405060708090a0b0c0d0e0f"
COLUMNS = {
    "_airbyte_raw_id": "VARCHAR", "_airbyte_extracted_at": "BIGINT",
    "_airbyte_meta": "STRUCT(changes STRUCT(field VARCHAR, change VARCHAR, reason VARCHAR)[], sync_id BIGINT)",
    "_airbyte_generation_id": "BIGINT",
    "id": "BIGINT", "uuid": "VARCHAR", "name": "VARCHAR", "email": "VARCHAR", "phone": "VARCHAR",
    "date_of_birth": "DATE", "gender": "VARCHAR", "locale": "VARCHAR", "created_at": "TIMESTAMPTZ",
    "updated_at": "TIMESTAMPTZ", "is_active": "BOOLEAN", "balance": "DOUBLE", "login_count": "BIGINT",
    "address": "STRUCT(street VARCHAR, unit VARCHAR, city VARCHAR, state VARCHAR, postal_code VARCHAR, country VARCHAR, "
               "geo STRUCT(lat DOUBLE, lon DOUBLE))",
    "last_login_ip": "VARCHAR",
}


def duckdb_job():
    import duckdb
    con = duckdb.connect()
    con.execute(f"SET threads = {threads}; SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    masked = {"hash": "sha256('" + KEY + "' || {0})", "redact": "CASE WHEN {0} IS NOT NULL THEN '<MASKED>' END"}[mask]
    masks = ", ".join(f"{masked.format(column)} AS {column}" for column in ("name", "email", "phone"))
    con.execute(f"""COPY (SELECT * REPLACE ({masks})
        FROM read_json('{folder}/**/*.jsonl', format = 'newline_delimited', columns = {COLUMNS})
        WHERE login_count >= 500) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)""")


def polars_job():
    os.environ["POLARS_MAX_THREADS"] = threads
    import polars as pl
    import polars_hash as plh
    text, whole, double, flag = pl.String, pl.Int64, pl.Float64, pl.Boolean
    change = pl.Struct({"field": text, "change": text, "reason": text})
    schema = {
        "_airbyte_raw_id": text, "_airbyte_extracted_at": whole,
        "_airbyte_meta": pl.Struct({"changes": pl.List(change), "sync_id": whole}), "_airbyte_generation_id": whole,
        "id": whole, "uuid": text, "name": text, "email": text, "phone": text, "date_of_birth": text, "gender": text,
        "locale": text, "created_at": text, "updated_at": text, "is_active": flag, "balance": double,
        "login_count": whole,
        "address": pl.Struct({"street": text, "unit": text, "city": text, "state": text, "postal_code": text,
                              "country": text, "geo": pl.Struct({"lat": double, "lon": double})}),
        "last_login_ip": text,
    }
    columns = ("name", "email", "phone")
    if mask == "hash":
        masks = [plh.concat_str(pl.lit(KEY), pl.col(column)).chash.sha2_256().alias(column) for column in columns]
    else:
        masks = [pl.when(pl.col(column).is_not_null()).then(pl.lit("<MASKED>")).alias(column) for column in columns]
    instants = [pl.col(column).str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
                for column in ("created_at", "updated_at")]
    frame = pl.scan_ndjson(f"{folder}/**/*.jsonl", schema=schema).filter(pl.col("login_count") >= 500)
    frame = frame.with_columns(masks + instants + [pl.col("date_of_birth").str.to_date(strict=False)])
    frame.sink_parquet(out, compression="zstd", compression_level=1)


{"duckdb": duckdb_job, "polars": polars_job}[tool]()
