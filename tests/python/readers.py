"""Compares what readers find in a stage with the messages that were loaded into it, field by field.

    readers.py STAGE CATALOG MESSAGES LAYOUT [NUMBERS [READERS]]

LAYOUT is `midflight` or `airbyte`; NUMBERS says as JSON how a stream stores its numbers, as
`{"users": {"price": "decimal(10,2)"}}`; READERS are those that read, as `duckdb,polars`, if not all do. What is expected is worked out here from the catalog and the messages alone.
Prints a summary as JSON; fails at the first difference.
"""

import decimal
import json
import math
import pathlib
import re
import struct
import sys
import uuid

import duckdb
import polars
import pyarrow
import pyarrow.parquet

DIGITS = decimal.Context(prec=2000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
SIZE = "DESTINATION_FIELD_SIZE_LIMITATION"
TYPE = "DESTINATION_TYPECAST_ERROR"
TEXT = "DESTINATION_SERIALIZATION_ERROR"
DAY = 86_400_000_000


class Number(str):
    """A number as it is written."""


class Lost(Exception):
    """A value that cannot be kept."""


def members(pairs):
    return dict(pairs)


def parse(text):
    return json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=members)


# ---- Types of a catalog ----


def kind(schema):
    """(name, inner) of a JSON schema; inner is a type, a dict of types, or a list of options."""
    if schema.get("airbyte_type") == "json":
        return ("json", None)
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        return union([kind(option) for option in choices if option.get("type") != "null"])
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    return union([named(name, schema) for name in names if name != "null"])


def union(options):
    flat = [inner for option in options for inner in (option[1] if option[0] == "union" else [option])]
    if not flat or ("unknown", None) in flat:
        return ("unknown", None)
    flat = [option for at, option in enumerate(flat) if option not in flat[:at]]
    if ("number", None) in flat:
        flat = [option for option in flat if option[0] != "integer"]
    return flat[0] if len(flat) == 1 else ("union", flat)


def named(name, schema):
    form, airbyte = schema.get("format"), schema.get("airbyte_type", "")
    if airbyte == "big_integer":
        return (airbyte, None)
    if name == "array":
        items = schema.get("items")
        return ("array", kind(items)) if items is not None else ("array_text", None)
    if name == "object":
        properties = schema.get("properties")
        fields = {key: kind(inner) for key, inner in (properties or {}).items()}
        return ("object", fields) if fields else ("object_text", None)
    if name == "number" and airbyte == "integer":
        return ("integer", None)
    if name != "string":
        return (name, None)
    if schema.get("contentEncoding") == "base64":
        return ("binary_data", None)
    if form == "date":
        return ("date", None)
    if form in ("date-time", "time"):
        word = "timestamp" if form == "date-time" else "time"
        bare = airbyte.endswith("without_timezone")
        return (f"{word}_without_timezone" if bare else f"{word}_with_timezone", None)
    return ("string", None)


# ---- What a value must become ----

DATE = r"([+-]?\d{4,6})-(\d\d)-(\d\d)"
CLOCK = r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
OFFSET = r"(?:[Zz]|([+-])(\d{1,2})(?::?(\d\d))?)?"


def days(year, month, day):
    import datetime

    cycles, year = divmod(int(year), 400)
    try:
        ordinal = datetime.date(year + 400, int(month), int(day)).toordinal()
    except ValueError:
        raise Lost(TEXT) from None
    return ordinal + (cycles - 1) * 146_097 - 719_163


def clock(hour, minute, second, fraction):
    hour, minute, second = int(hour), int(minute), int(second or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise Lost(TEXT)
    fraction = fraction or ""
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + int(fraction[:6].ljust(6, "0"))
    return micros, bool(fraction[6:].strip("0"))


def ahead(sign, hours, minutes):
    minutes = int(hours or 0) * 60 + int(minutes or 0)
    return (-minutes if sign == "-" else minutes) * 60_000_000


def timestamp(text):
    plain = text.removesuffix(" BC")
    found = re.fullmatch(f"{DATE}(?:[Tt ]{CLOCK}{OFFSET})?", plain, re.ASCII)
    if not found:
        raise Lost(TEXT)
    year, month, day, hour, minute, second, fraction, *offset = found.groups()
    year = 1 - int(year) if plain != text else int(year)
    time, cut = clock(hour or 0, minute or 0, second, fraction)
    return days(year, month, day) * DAY + time - ahead(*offset), cut


def date(text):
    micros, cut = timestamp(text)
    return micros // DAY, cut or micros % DAY != 0


def time(text):
    found = re.fullmatch(CLOCK + OFFSET, text, re.ASCII)
    if not found:
        raise Lost(TEXT)
    hour, minute, second, fraction, *offset = found.groups()
    micros, cut = clock(hour, minute, second, fraction)
    return (micros - ahead(*offset)) % DAY, cut


TEMPORAL = {"date": date, "timestamp": timestamp, "time": time}


def is_number(value):
    return isinstance(value, Number)


def is_text(value):
    return isinstance(value, str) and not is_number(value)


def is_whole(value):
    if not is_number(value):
        return False
    exact = DIGITS.create_decimal(value)
    return exact == exact.to_integral_value(context=DIGITS)


def number(value, form):
    """A number in its form, and whether digits were lost."""
    if form == "text":
        return str(value), False
    if form == "double":
        double = float(value)
        if math.isinf(double):
            raise Lost(SIZE)
        return double, False
    precision, scale = map(int, re.findall(r"\d+", form))
    exact = DIGITS.create_decimal(value)
    unit = decimal.Decimal(1).scaleb(-scale)
    kept = exact.quantize(unit, decimal.ROUND_HALF_EVEN, DIGITS) if exact.adjusted() < 400 else exact
    if kept.copy_abs() >= decimal.Decimal(10) ** (precision - scale):
        raise Lost(SIZE)
    return kept, kept != exact


class Expected:
    """Works out what a record becomes."""

    def __init__(self, layout):
        self.layout = layout
        self.changes = []

    def change(self, path, change, reason):
        if (path, change, reason) not in self.changes:
            self.changes.append((path, change, reason))

    def value(self, ty, value, path, form):
        if value is None:
            return None
        try:
            kept, cut = self.kept(ty, value, path, form)
        except Lost as lost:
            self.change(path, "NULLED", str(lost))
            return None
        if cut:
            self.change(path, "TRUNCATED", SIZE)
        return kept

    def kept(self, ty, value, path, form):
        name, inner = ty
        if name in ("string", "binary_data", "big_integer"):
            if name == "big_integer" and is_whole(value):
                return str(value), False
            must(is_text(value))
            return value, False
        if name == "boolean":
            must(isinstance(value, bool))
            return value, False
        if name == "integer":
            must(is_whole(value))
            whole = int(DIGITS.create_decimal(value))
            if not -(2**63) <= whole < 2**63:
                raise Lost(SIZE)
            return whole, False
        if name == "number":
            must(is_number(value))
            return number(value, form)
        if name.split("_")[0] in TEMPORAL:
            must(is_text(value))
            return TEMPORAL[name.split("_")[0]](value)
        if name == "array":
            must(isinstance(value, list))
            return [self.value(inner, item, f"{path}[]", form) for item in value], False
        if name == "object":
            must(isinstance(value, dict))
            fields = inner.items()
            return {
                self.name(key): self.value(of, value.get(key), f"{path}.{step(key)}", form) for key, of in fields
            }, False
        if name == "union" and self.layout == "airbyte":
            return self.option(inner, value, path, form), False
        must(name != "array_text" or isinstance(value, list))
        must(name != "object_text" or isinstance(value, dict))
        return Json(value), False

    def option(self, options, value, path, form):
        fitting = [option for option in options if fits(option, value)]
        if not fitting:
            raise Lost(TEXT)
        of_text = ("string", "binary_data", "big_integer")
        fitting.sort(key=lambda option: option[0] in of_text)
        spelt = [option for option in fitting if is_spelt(option, value)]
        chosen = (spelt or fitting)[0]
        struct = {"type": called(chosen)} | {called(option): None for option in options}
        struct[called(chosen)] = self.value(chosen, value, path, form)
        return struct

    def name(self, key):
        return key if self.layout == "midflight" else avro_safe(key)


def must(holds):
    if not holds:
        raise Lost(TYPE)


def called(option):
    texts = ("string", "binary_data", "big_integer", "json", "array_text", "object_text")
    return "string" if option[0] in texts else option[0]


def fits(option, value):
    name = option[0]
    if name.split("_")[0] in TEMPORAL:
        try:
            return is_text(value) and bool(TEMPORAL[name.split("_")[0]](value))
        except Lost:
            return False
    return {
        "boolean": isinstance(value, bool),
        "integer": is_whole(value),
        "number": is_number(value),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }.get(name, is_text(value))


def is_spelt(option, value):
    name = option[0]
    if name.split("_")[0] not in TEMPORAL:
        return True
    clock, zone = ":" in value, bool(re.search(r":.*[Zz+-]", value))
    if name == "date":
        return not clock
    return clock and zone == name.endswith("with_timezone")


def avro_safe(key):
    safe = re.sub("[^A-Za-z0-9_]", "_", key)
    return f"_{safe}" if not key or key[0] in "0123456789" else safe


def step(key):
    """A key in a path."""
    return key if re.fullmatch(r"[\w-]+", key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def undeclared(fields, record):
    """The members of an object that nothing declares, by nesting."""
    found = {}
    for key, value in record.items():
        if key not in fields:
            found[key] = value
            continue
        name, inner = fields[key]
        if name == "object" and isinstance(value, dict):
            below = undeclared(inner, value)
            if below:
                found[key] = below
        if name == "array" and isinstance(value, list) and strays(inner, value):
            found[key] = value
    return found


def strays(ty, items):
    name, inner = ty
    if name == "object":
        return any(isinstance(item, dict) and undeclared(inner, item) for item in items)
    return name == "array" and any(isinstance(item, list) and strays(inner, item) for item in items)


class Json:
    """JSON that a text must hold, literal by literal."""

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return json.dumps(self.value, ensure_ascii=False)


# ---- What a type must be for each reader ----

AIRBYTE_META = {
    "_airbyte_raw_id": ("string", None),
    "_airbyte_extracted_at": ("integer", None),
    "_airbyte_meta": (
        "object",
        {
            "sync_id": ("integer", None),
            "changes": ("array", ("object", {key: ("string", None) for key in ("field", "change", "reason")})),
        },
    ),
    "_airbyte_generation_id": ("integer", None),
}
MIDFLIGHT_META = AIRBYTE_META | {"_airbyte_extracted_at": ("timestamp_with_timezone", None)}


class Types:
    """The type that a column must have, as each reader says it, and in the file."""

    def __init__(self, layout):
        self.layout = layout

    def columns(self, fields, forms):
        airbyte = self.layout == "airbyte"
        columns = dict(AIRBYTE_META if airbyte else MIDFLIGHT_META)
        for key, ty in fields.items():
            form = "double" if airbyte else forms.get(key, "decimal(38,18)")
            columns[avro_safe(key) if airbyte else key] = self.stored(ty, form)
        if not airbyte:
            columns["_airbyte_extra"] = ("string", None)
        return columns

    def stored(self, ty, form):
        name, inner = ty
        if name == "number":
            return (form, None) if form != "text" else ("string", None)
        if name == "array":
            return (name, self.stored(inner, form))
        if name == "object":
            safe = avro_safe if self.layout == "airbyte" else str
            return (name, {safe(key): self.stored(of, form) for key, of in inner.items()})
        if name == "union" and self.layout == "airbyte":
            options = {called(option): self.stored(option, form) for option in inner}
            return ("object", {"type": ("string", None)} | options)
        if self.layout == "airbyte" and name in ("timestamp_without_timezone", "time_without_timezone"):
            # Avro knows one kind of either.
            return (name.replace("without", "with"), None)
        scalar = ("boolean", "integer", "date", "timestamp", "time")
        return (name if name.split("_")[0] in scalar else "string", None)


def of_arrow(ty):
    if pyarrow.types.is_struct(ty):
        return ("object", {ty.field(at).name: of_arrow(ty.field(at).type) for at in range(ty.num_fields)})
    if pyarrow.types.is_list(ty):
        return ("array", of_arrow(ty.value_type))
    # A time of day has no zone in Arrow.
    if ty == pyarrow.time64("us"):
        return ("time", None)
    if pyarrow.types.is_decimal128(ty):
        return (f"decimal({ty.precision},{ty.scale})", None)
    names = {
        pyarrow.string(): "string",
        pyarrow.bool_(): "boolean",
        pyarrow.int64(): "integer",
        pyarrow.float64(): "double",
        pyarrow.date32(): "date",
        pyarrow.timestamp("us"): "timestamp_without_timezone",
        pyarrow.timestamp("us", "UTC"): "timestamp_with_timezone",
    }
    return (names.get(ty, str(ty)), None)


def of_polars(ty):
    if isinstance(ty, polars.Struct):
        return ("object", {field.name: of_polars(field.dtype) for field in ty.fields})
    if isinstance(ty, polars.List):
        return ("array", of_polars(ty.inner))
    if isinstance(ty, polars.Decimal):
        return (f"decimal({ty.precision},{ty.scale})", None)
    if ty == polars.Time:
        return ("time", None)
    names = {
        polars.String(): "string",
        polars.Boolean(): "boolean",
        polars.Int64(): "integer",
        polars.Float64(): "double",
        polars.Date(): "date",
        polars.Datetime("us"): "timestamp_without_timezone",
        polars.Datetime("us", "UTC"): "timestamp_with_timezone",
    }
    return (names.get(ty, str(ty)), None)


def of_duckdb(ty):
    if ty.id == "struct":
        return ("object", {name: of_duckdb(inner) for name, inner in ty.children})
    if ty.id == "list":
        return ("array", of_duckdb(ty.children[0][1]))
    if ty.id == "decimal":
        precision, scale = (inner for _, inner in ty.children)
        return (f"decimal({precision},{scale})", None)
    names = {
        "VARCHAR": "string",
        "BOOLEAN": "boolean",
        "BIGINT": "integer",
        "DOUBLE": "double",
        "DATE": "date",
        "TIMESTAMP": "timestamp_without_timezone",
        "TIMESTAMP WITH TIME ZONE": "timestamp_with_timezone",
        "TIME": "time_without_timezone",
        "TIME WITH TIME ZONE": "time_with_timezone",
    }
    return (names.get(str(ty), str(ty)), None)


def of_parquet(schema):
    """Leaves of a Parquet file: path, physical type, logical type."""
    leaves = [schema.column(at) for at in range(len(schema))]
    return [(leaf.path, leaf.physical_type, str(leaf.logical_type)) for leaf in leaves]


def leaves(columns):
    """What the leaves of the file must be."""
    for path, ty in columns.items():
        yield from leaves_of(path, ty)


def leaves_of(path, ty):
    name, inner = ty
    if name == "object":
        for key, of in inner.items():
            yield from leaves_of(f"{path}.{key}", of)
        return
    if name == "array":
        yield from leaves_of(f"{path}.list.element", inner)
        return
    zoned = str(name.endswith("with_timezone")).lower()
    plain = {
        "string": ("BYTE_ARRAY", "String"),
        "boolean": ("BOOLEAN", "None"),
        "integer": ("INT64", "None"),
        "double": ("DOUBLE", "None"),
        "date": ("INT32", "Date"),
    }
    if name.startswith("time"):
        word = "Timestamp" if name.startswith("timestamp") else "Time"
        more = ", is_from_converted_type=false, force_set_converted_type=false" if word == "Timestamp" else ""
        logical = f"{word}(isAdjustedToUTC={zoned}, timeUnit=microseconds{more})"
        yield path, "INT64", logical
    elif name.startswith("decimal"):
        precision, scale = map(int, re.findall(r"\d+", name))
        physical = "INT32" if precision < 10 else "INT64" if precision < 19 else "FIXED_LEN_BYTE_ARRAY"
        yield path, physical, f"Decimal(precision={precision}, scale={scale})"
    else:
        yield (path, *plain[name])


# ---- Readers ----


def by_pyarrow(files, types):
    tables = []
    for file in files:
        opened = pyarrow.parquet.ParquetFile(file)
        same(of_parquet(opened.schema), list(leaves(types)), f"leaves of {file}")
        tables.append(opened.read())
    table = pyarrow.concat_tables(tables)
    return table, {field.name: of_arrow(field.type) for field in table.schema}


def by_polars(files, _types):
    frame = polars.concat([polars.read_parquet(file) for file in files])
    return frame.to_arrow(), {name: of_polars(ty) for name, ty in frame.schema.items()}


def by_duckdb(files, _types):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
    relation = connection.read_parquet([str(file) for file in files], hive_partitioning=False)
    types = dict(zip(relation.columns, map(of_duckdb, relation.types)))
    return relation.to_arrow_table(), types


READERS = {"pyarrow": by_pyarrow, "polars": by_polars, "duckdb": by_duckdb}


def values(array):
    """The values of an Arrow array; dates are days, times and timestamps microseconds."""
    ty = array.type
    valid = array.is_valid().to_pylist()
    if pyarrow.types.is_struct(ty):
        children = {ty.field(at).name: values(array.field(at)) for at in range(ty.num_fields)}
        rows = range(len(array))
        return [{key: of[at] for key, of in children.items()} if valid[at] else None for at in rows]
    if pyarrow.types.is_list(ty) or pyarrow.types.is_large_list(ty):
        inner, ends = values(array.values), array.offsets.to_pylist()
        return [inner[ends[at] : ends[at + 1]] if valid[at] else None for at in range(len(array))]
    if pyarrow.types.is_timestamp(ty):
        array = array.cast(pyarrow.timestamp("us", ty.tz)).cast(pyarrow.int64())
    elif pyarrow.types.is_time(ty):
        array = array.cast(pyarrow.time64("us")).cast(pyarrow.int64())
    elif pyarrow.types.is_date(ty):
        array = array.cast(pyarrow.date32()).cast(pyarrow.int32())
    return array.to_pylist()


def column(table, name):
    chunks = table.column(name).chunks
    return [value for chunk in chunks for value in values(chunk)]


# ---- Comparing ----

FIELDS = {name: 0 for name in READERS}


def same(found, expected, where):
    if found != expected:
        raise SystemExit(f"{where}: found\n{found!r}\nbut expected\n{expected!r}")


def alike(found, expected, where, reader):
    """Compares, and counts values."""
    if isinstance(expected, dict) and isinstance(found, dict):
        same(list(found), list(expected), f"{where}: keys")
        for key, value in expected.items():
            alike(found[key], value, f"{where}.{key}", reader)
        return
    if isinstance(expected, list) and isinstance(found, list):
        same(len(found), len(expected), f"{where}: items")
        for at, value in enumerate(expected):
            alike(found[at], value, f"{where}[{at}]", reader)
        return
    FIELDS[reader] += 1
    if isinstance(expected, Json):
        found = Json(parse(found)) if isinstance(found, str) else found
        same(repr_of(found), repr_of(expected), where)
        return
    if isinstance(expected, float) and isinstance(found, float):
        found, expected = struct.pack(">d", found), struct.pack(">d", expected)
    same((type(found), found), (type(expected), expected), where)


def repr_of(value):
    """A form of JSON in which texts and numbers differ, and 1 from 1.0."""
    if isinstance(value, Json):
        return repr_of(value.value)
    if isinstance(value, dict):
        return {key: repr_of(of) for key, of in value.items()}
    if isinstance(value, list):
        return [repr_of(item) for item in value]
    return (type(value).__name__, value)


def files_of(stage, descriptor):
    """The parts that the stream's list names, by the list's own words about which stream it is of."""
    lists = [json.loads(path.read_text()) for path in (stage / "_midflight/streams").rglob("*.json")]
    mine = [one for one in lists if (one["namespace"], one["stream"]) == descriptor]
    if not mine:
        return []
    same(len(mine), 1, f"lists of {descriptor}")
    files = [stage / part["path"] for part in mine[0]["parts"]]
    for file, part in zip(files, mine[0]["parts"]):
        same(file.stat().st_size, part["bytes"], f"bytes of {file}")
        same(pyarrow.parquet.ParquetFile(file).metadata.num_rows, part["rows"], f"rows of {file}")
    return files


def expected_rows(layout, stream, fields, forms, records):
    # Rows that replace others without the platform's ids are the first generation of a new stage.
    overwrites = stream["destination_sync_mode"] == "overwrite"
    generation = stream.get("generation_id", 1 if overwrites else 0)
    columns = {}
    for record in records:
        expected = Expected(layout)
        own = [tuple(change[key] for key in ("field", "change", "reason")) for change in changes_of(record)]
        row, millis = {}, int(record["emitted_at"])
        for key, ty in fields.items():
            form = "double" if layout == "airbyte" else forms.get(key, "decimal(38,18)")
            row[expected.name(key)] = expected.value(ty, record["data"].get(key), step(key), form)
        changes = own + [change for change in expected.changes if change not in own]
        changes = [dict(zip(("field", "change", "reason"), change)) for change in changes]
        extra = undeclared(fields, record["data"])
        meta = {
            "_airbyte_raw_id": record.get("_airbyte_raw_id"),
            "_airbyte_extracted_at": millis if layout == "airbyte" else millis * 1000,
            "_airbyte_meta": {"sync_id": stream.get("sync_id", 0), "changes": changes},
            "_airbyte_generation_id": int(record.get("_airbyte_generation_id") or generation),
        }
        row = meta | row
        if layout == "midflight":
            row["_airbyte_extra"] = Json(extra) if extra else None
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return columns


def changes_of(record):
    return (record.get("meta") or {}).get("changes") or []


def compare(stage, layout, stream, forms, records):
    """Compares one stream with what every reader finds; gives its rows."""
    named = stream["stream"]
    descriptor = (named.get("namespace"), named["name"])
    fields = {key: kind(schema) for key, schema in named["json_schema"]["properties"].items()}
    files = files_of(stage, descriptor)
    if not records:
        same(files, [], f"parts of {descriptor}, which has no rows")
        return 0
    if not files:
        raise SystemExit(f"{descriptor}: no parts")
    types = Types(layout).columns(fields, forms)
    expected = expected_rows(layout, stream, fields, forms, records)
    for reader, read in READERS.items():
        table, found = read(files, types)
        # Of the three, only DuckDB tells times with a zone from those without.
        known = types if reader == "duckdb" else untimed(types)
        same(found, known, f"{reader}: types of {descriptor}")
        same(list(found), list(expected), f"{reader}: columns of {descriptor}")
        same(table.num_rows, len(records), f"{reader}: rows of {descriptor}")
        for name, of in expected.items():
            rows = column(table, name)
            if name == "_airbyte_raw_id":
                ids(rows, of, f"{reader}: {descriptor}")
                FIELDS[reader] += len(rows)
                continue
            for at, value in enumerate(of):
                alike(rows[at], value, f"{reader}: {descriptor}, row {at}: {name}", reader)
    return len(records)


def untimed(types):
    names = ("time_with_timezone", "time_without_timezone")

    def of(ty):
        name, inner = ty
        if name == "object":
            return (name, untimed(inner))
        return ("array", of(inner)) if name == "array" else ("time" if name in names else name, inner)

    return {key: of(ty) for key, ty in types.items()}


def ids(found, kept, where):
    same(len(set(found)), len(found), f"{where}: different ids")
    for id, own in zip(found, kept):
        same(str(uuid.UUID(id)), id, f"{where}: form of an id")
        if own is not None:
            same(id, own, f"{where}: an id that came with its record")


def main(stage, catalog, messages, layout, numbers="{}", readers="pyarrow,polars,duckdb"):
    numbers = json.loads(numbers)
    for left_out in READERS.keys() - set(readers.split(",")):
        del READERS[left_out], FIELDS[left_out]
    records = {}
    for line in pathlib.Path(messages).read_text().splitlines():
        message = parse(line)
        if message["type"] == "RECORD":
            record = message["record"]
            records.setdefault((record.get("namespace"), record["stream"]), []).append(record)
    summary = {"streams": 0, "rows": 0}
    for stream in json.loads(pathlib.Path(catalog).read_text())["streams"]:
        named = stream["stream"]
        descriptor = (named.get("namespace"), named["name"])
        forms = numbers.get(named["name"], {})
        summary["rows"] += compare(pathlib.Path(stage), layout, stream, forms, records.pop(descriptor, []))
        summary["streams"] += 1
    same(records, {}, "records of streams that the catalog does not have")
    print(json.dumps(summary | {"fields": FIELDS}))


main(*sys.argv[1:])
