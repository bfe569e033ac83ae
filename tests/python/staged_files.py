"""Writes the files of fixtures/staged with the writers that people use, and beside each the rows it must give.

Needs fastavro, pyarrow, zstandard. Run in the repository's root: python tests/python/staged_files.py
"""

import datetime as dt
import decimal
import gzip
import json
import pathlib
import uuid

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

ROOT = pathlib.Path("fixtures/staged")
UTC = dt.timezone.utc
NOON = dt.datetime(2024, 2, 29, 12, 30, 1, 250000, tzinfo=UTC)
IDS = ["0a8ac3c1-7d5b-4b0c-8f0e-1f2e3d4c5b6a", "1b9bd4d2-8e6c-4c1d-9a1f-2a3f4e5d6c7b"]
META = '{"sync_id":42,"changes":[{"field":"age","change":"NULLED","reason":"DESTINATION_FIELD_SIZE_LIMITATION"}]}'


def place(case, name, rows, schema=None):
    folder = ROOT / case
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.jsonl").write_text("".join(row + "\n" for row in rows))
    if schema is not None:
        (folder / "schema.json").write_text(json.dumps({"type": "object", "properties": schema}, indent=1) + "\n")
    return folder / name


def row(data, number=None, meta=META):
    """What stands behind the stream: `number` picks Airbyte's columns, None leaves them out."""
    if number is None:
        return f'{data},"emitted_at":MODIFIED'
    return f'{data},"emitted_at":{1700000000000 + number},"meta":{meta},"_airbyte_raw_id":"{IDS[number]}","_airbyte_generation_id":{number}'


def text():
    data = ['{"id": 1, "name": "Zoë \\u00e9", "score": 1.10}', '{"id":12345678901234567890,"name":null,"tags":["a", "b"]}']
    nested = [
        f'{{"_airbyte_raw_id":"{IDS[n]}","_airbyte_extracted_at":{1700000000000 + n},"_airbyte_meta":{META},"_airbyte_generation_id":{n},"_airbyte_data":{data[n]}}}'
        for n in range(2)
    ]
    path = place("jsonl-gz", "2024_02_29_1709209801250_0.jsonl.gz", [row(data[n], n) for n in range(2)])
    # Two members, as a multipart upload leaves them.
    path.write_bytes(b"".join(gzip.compress((line + "\n").encode(), mtime=0) for line in nested))
    flat = [line.replace('"_airbyte_data":{', "")[:-1] for line in nested]
    path = place("jsonl-flat-zst", "a.jsonl.zst", [row(data[n], n) for n in range(2)])
    path.write_bytes(zstandard.compress("\r\n".join(flat).encode()))

    header = "_airbyte_raw_id,_airbyte_extracted_at,_airbyte_meta,_airbyte_generation_id"
    quoted = META.replace('"', '""')
    lead = [f'{IDS[n]},{1700000000000 + n},"{quoted}",{n}' for n in range(2)]
    path = place("csv-data", "a.csv", [row(data[n], n) for n in range(2)])
    body = [f'{lead[n]},"{data[n].replace(chr(34), chr(34) * 2)}"' for n in range(2)]
    path.write_text("\r\n".join([header + ",_airbyte_data", *body]) + "\r\n", newline="")
    path = place(
        "csv-flat-gz",
        "a.csv.gz",
        [
            row('{"id":1,"name":"Zoë, \\"the\\" first","active":true,"address":{"city":"Köln"},"born":"2000-01-01"}', 0),
            row('{"id":12345678901234567890,"name":null,"active":null,"address":null,"born":null}', 1),
        ],
        {
            "id": {"type": "integer"},
            "name": {"type": "string"},
            "active": {"type": "boolean"},
            "address": {"type": "object"},
            "born": {"type": "string", "format": "date"},
        },
    )
    body = [lead[0] + ',1,"Zoë, ""the"" first",true,"{""city"":""Köln""}",2000-01-01', lead[1] + ",12345678901234567890,,,,"]
    path.write_bytes(gzip.compress("\r\n".join([header + ",id,name,active,address,born", *body]).encode(), mtime=0))


CHANGES = {"field": "age", "change": "NULLED", "reason": "DESTINATION_FIELD_SIZE_LIMITATION"}


def avro():
    change = {"type": "record", "name": "change", "fields": [{"name": key, "type": "string"} for key in ("field", "change", "reason")]}
    meta = {
        "type": "record",
        "name": "_airbyte_meta",
        "fields": [{"name": "sync_id", "type": ["null", "long"]}, {"name": "changes", "type": {"type": "array", "items": change}}],
    }
    micros = {"type": "long", "logicalType": "timestamp-micros"}
    address = {"type": "record", "name": "address", "fields": [{"name": "city", "type": ["null", "string"]}, {"name": "since", "type": ["null", {"type": "int", "logicalType": "date"}]}]}
    fields = {
        "id": ["null", "long"],
        "score": ["null", "double"],
        "born": ["null", {"type": "int", "logicalType": "date"}],
        "seen": ["null", micros],
        "local": ["null", micros],
        "wakes": ["null", {"type": "long", "logicalType": "time-micros"}],
        "either": ["null", "long", "string", address],
        "address": ["null", "address"],
        "tags": ["null", {"type": "array", "items": ["null", "string"]}],
        "extra": ["null", "string"],
        "price": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}],
        "exact": {"type": "fixed", "name": "exact", "size": 16, "logicalType": "decimal", "precision": 38, "scale": 10},
        "who": {"type": "string", "logicalType": "uuid"},
        "level": {"type": "enum", "name": "level", "symbols": ["LOW", "HIGH"]},
        "blob": "bytes",
        "counts": {"type": "map", "values": "long"},
        "nanos": ["null", {"type": "long", "logicalType": "local-timestamp-millis"}],
    }
    schema = {
        "type": "record",
        "name": "users",
        "namespace": "public",
        "fields": [
            {"name": "_airbyte_raw_id", "type": "string"},
            {"name": "_airbyte_extracted_at", "type": "long"},
            {"name": "_airbyte_meta", "type": meta},
            {"name": "_airbyte_generation_id", "type": "long"},
            *({"name": name, "type": ty} for name, ty in fields.items()),
        ],
    }
    records = [
        {
            "id": 2**63 - 1,
            "score": 0.1,
            "born": dt.date(1999, 12, 31),
            "seen": NOON,
            "local": NOON,
            "wakes": dt.time(6, 0, 0, 5),
            "either": "text",
            "address": {"city": "Köln", "since": dt.date(2020, 1, 1)},
            "tags": ["a", None],
            "extra": '{"k": [1, 2]}',
            "price": decimal.Decimal("-12.5000"),
            "exact": decimal.Decimal("1234567890123456789012345678.0123456789"),
            "who": uuid.UUID(IDS[0]),
            "level": "HIGH",
            "blob": b"\0\xff",
            "counts": {"a": 1},
            "nanos": dt.datetime(2024, 2, 29, 12, 30, 1),
        },
        {
            **{name: None for name in fields},
            "score": float("inf"),
            "either": {"city": None, "since": None},
            "exact": decimal.Decimal(0),
            "who": uuid.UUID(IDS[1]),
            "level": "LOW",
            "blob": b"",
            "counts": {},
        },
    ]
    own = [
        {
            "_airbyte_raw_id": IDS[n],
            "_airbyte_extracted_at": 1700000000000 + n,
            "_airbyte_meta": {"sync_id": 42, "changes": [CHANGES]},
            "_airbyte_generation_id": n,
        }
        for n in range(2)
    ]
    expected = [
        '{"id":9223372036854775807,"score":0.1,"born":"1999-12-31","seen":"2024-02-29T12:30:01.250Z","local":"2024-02-29T12:30:01.250","wakes":"06:00:00.000005",'
        '"either":"text","address":{"city":"Köln","since":"2020-01-01"},"tags":["a",null],"extra":{"k": [1, 2]},"price":-12.5000,'
        '"exact":1234567890123456789012345678.0123456789,"who":"0a8ac3c1-7d5b-4b0c-8f0e-1f2e3d4c5b6a","level":"HIGH","blob":"AP8=","counts":{"a":1},"nanos":"2024-02-29T12:30:01"}',
        '{"id":null,"score":null,"born":null,"seen":null,"local":null,"wakes":null,"either":{"city":null,"since":null},"address":null,"tags":null,"extra":null,"price":null,'
        '"exact":0.0000000000,"who":"1b9bd4d2-8e6c-4c1d-9a1f-2a3f4e5d6c7b","level":"LOW","blob":"","counts":{},"nanos":null}',
    ]
    lost = '{"field":"score","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}'
    rows = [row(expected[0], 0), row(expected[1], 1, META[:-2] + "," + lost + "]}")]
    declared = {
        "local": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
        "extra": {"type": "object"},
        "score": {"type": "number"},
    }
    for codec in ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]:
        path = place("avro-" + codec, "a.avro", rows, declared)
        with path.open("wb") as file:
            fastavro.writer(file, schema, [{**own[n], **records[n]} for n in range(2)], codec=codec, sync_marker=bytes(range(16)))


def parquet():
    meta = pa.struct([("sync_id", pa.int64()), ("changes", pa.list_(pa.struct([(key, pa.string()) for key in ("field", "change", "reason")])))])
    either = pa.struct([("type", pa.string()), ("string", pa.string()), ("integer", pa.int64()), ("number", pa.float64())])
    schema = pa.schema(
        [
            pa.field("_airbyte_raw_id", pa.string(), nullable=False),
            pa.field("_airbyte_extracted_at", pa.int64(), nullable=False),
            pa.field("_airbyte_meta", meta, nullable=False),
            pa.field("_airbyte_generation_id", pa.int64(), nullable=False),
            ("id", pa.int64()),
            ("score", pa.float64()),
            ("born", pa.date32()),
            ("seen", pa.timestamp("us", tz="UTC")),
            ("local", pa.timestamp("us", tz="UTC")),
            ("wakes", pa.time64("us")),
            ("either", either),
            ("address", pa.struct([("city", pa.string()), ("tags", pa.list_(pa.string()))])),
            ("extra", pa.string()),
            ("price", pa.decimal128(20, 4)),
            ("kind", pa.dictionary(pa.int32(), pa.string())),
            ("blob", pa.binary()),
            ("counts", pa.map_(pa.string(), pa.int64())),
            ("plain", pa.timestamp("ns")),
        ]
    )
    records = [
        {
            "id": -(2**63),
            "score": 1e300,
            "born": dt.date(1999, 12, 31),
            "seen": NOON,
            "local": NOON,
            "wakes": dt.time(6, 0, 0, 5),
            "either": {"type": "integer", "string": None, "integer": 7, "number": None},
            "address": {"city": "Köln", "tags": ["a", None]},
            "extra": '{"k": [1, 2]}',
            "price": decimal.Decimal("-12.5000"),
            "kind": "x",
            "blob": b"\0\xff",
            "counts": {"a": 1},
            "plain": dt.datetime(2024, 2, 29, 12, 30, 1),
        },
        {"either": {"type": "string", "string": "7", "integer": None, "number": None}, "score": float("nan")},
    ]
    own = [
        {
            "_airbyte_raw_id": IDS[n],
            "_airbyte_extracted_at": 1700000000000 + n,
            "_airbyte_meta": {"sync_id": 42, "changes": [CHANGES]},
            "_airbyte_generation_id": n,
        }
        for n in range(2)
    ]
    names = [field.name for field in schema][4:]
    for record in records:
        for name in names:
            record.setdefault(name, None)
    lost = '{"field":"score","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}'
    expected = [
        '{"id":-9223372036854775808,"score":1e+300,"born":"1999-12-31","seen":"2024-02-29T12:30:01.250Z","local":"2024-02-29T12:30:01.250","wakes":"06:00:00.000005",'
        '"either":7,"address":{"city":"Köln","tags":["a",null]},"extra":{"k": [1, 2]},"price":-12.5000,"kind":"x","blob":"AP8=","counts":{"a":1},"plain":"2024-02-29T12:30:01"}',
        '{"id":null,"score":null,"born":null,"seen":null,"local":null,"wakes":null,"either":"7","address":null,"extra":null,"price":null,"kind":null,"blob":null,"counts":null,"plain":null}',
    ]
    rows = [row(expected[0], 0), row(expected[1], 1, META[:-2] + "," + lost + "]}")]
    declared = {
        "local": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
        "extra": {"type": "object"},
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "number"}]},
    }
    table = pa.Table.from_pylist([{**own[n], **records[n]} for n in range(2)], schema=schema)
    for codec in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]:
        path = place("parquet-" + codec, "a.parquet", rows, declared)
        # Without Arrow's own schema, as a writer that is not Arrow.
        pq.write_table(table, path, compression=codec, row_group_size=1, store_schema=codec == "zstd", write_page_checksum=True)
    path = place("parquet-old", "part-0.c000.snappy.parquet", [row('{"at":"2024-02-29T12:30:01","list":[1,2],"big":"AAECAwQFBgcICQoLDA0ODw=="}')])
    old = pa.table(
        {
            "at": pa.array([dt.datetime(2024, 2, 29, 12, 30, 1)], pa.timestamp("ns")),
            "list": pa.array([[1, 2]], pa.list_(pa.int32())),
            "big": pa.array([bytes(range(16))], pa.binary(16)),
        }
    )
    pq.write_table(old, path, version="1.0", use_deprecated_int96_timestamps=True, use_compliant_nested_type=False, data_page_version="2.0")


text()
avro()
parquet()
