//! What stands beside the declared columns, names, and what cannot be compiled or pushed.

use super::*;

#[test]
fn meta_columns_say_where_a_record_comes_from() {
    let line = r#"{"type":"RECORD","record":{"stream":"s","emitted_at":1700000000123,"data":{"a":"x"},"meta":{"changes":[{"field":"b","change":"NULLED","reason":"SOURCE_RETRIEVAL_ERROR"},{"field":"half"},{"field":"b","change":"NULLED","reason":"SOURCE_RETRIEVAL_ERROR"}]}}}"#;
    for layout in [Layout::Midflight, Layout::Airbyte] {
        let batch = batch_of(
            &spec(layout, vec![column("a", T::Integer)]),
            &[line.to_owned(), line.to_owned(), record("null")],
        );
        let schema = batch.schema();
        let names: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        let mut expected = vec![
            "_airbyte_raw_id",
            "_airbyte_extracted_at",
            "_airbyte_meta",
            "_airbyte_generation_id",
            "a",
        ];
        let at = match layout {
            Layout::Midflight => {
                expected.push("_airbyte_extra");
                "2023-11-14T22:13:20.123Z"
            }
            Layout::Airbyte => "1700000000123",
        };
        assert_eq!(names, expected);
        assert_eq!(shown(batch.column(1)), [at; 3]);
        assert_eq!(shown(batch.column(3)), ["3"; 3]);
        assert!(shown(batch.column(2))[0].starts_with("{sync_id: 42, changes: ["));
        let told = [
            "b NULLED SOURCE_RETRIEVAL_ERROR",
            "a NULLED DESTINATION_TYPECAST_ERROR",
        ];
        assert_eq!(changes(&batch)[..2], [told, told]);
        assert!(changes(&batch)[2].is_empty());
        let ids = shown(batch.column(0));
        assert_eq!(ids[0].as_bytes(), raw_id(line.as_bytes(), 0));
        assert_eq!(ids[1].as_bytes(), raw_id(line.as_bytes(), 1000));
        assert_ne!(ids[0], ids[1]);
    }
}

#[test]
fn ids_that_a_record_brings_are_kept() {
    let line = |more: &str| {
        format!(r#"{{"record":{{{more}"data":{{}},"emitted_at":1}},"type":"RECORD"}}"#)
    };
    let own = line("");
    let lines = [
        line(r#""_airbyte_raw_id":"my-\u0069d","_airbyte_generation_id":9,"#),
        line(r#""_airbyte_raw_id":null,"_airbyte_generation_id":"9","#),
        own.clone(),
    ];
    let batch = batch_of(&spec(Layout::Midflight, Vec::new()), &lines);
    let ids = shown(batch.column(0));
    assert_eq!(ids[0], "my-id");
    assert_eq!(ids[1].as_bytes(), raw_id(lines[1].as_bytes(), 1000));
    assert_eq!(ids[2].as_bytes(), raw_id(own.as_bytes(), 2000));
    assert_eq!(shown(batch.column(3)), ["9", "3", "3"]);
}

#[test]
fn an_unflattened_table_holds_the_record_as_it_is_written() {
    for layout in [Layout::Midflight, Layout::Airbyte] {
        let unflattened = TableSpec {
            flatten: false,
            ..spec(layout, vec![column("a", T::Unknown)])
        };
        let data = [r#"{ "a" : 1.50, "b":{"c":[]} }"#, "{}"];
        let batch = batch_of(&unflattened, &data.map(record));
        assert_eq!(batch.num_columns(), 5);
        assert_eq!(shown(named(&batch, "_airbyte_data")), data);
    }
}

#[test]
fn destination_s3_names_are_avro_safe_and_undeclared_keys_dropped() {
    let nested = T::Object(vec![key("zip code", T::String), key("2", T::Integer)]);
    let columns = vec![column("e-mail", T::String), column("1st", nested)];
    let lines = [record(
        r#"{"e-mail":"x","1st":{"zip code":"z","2":2,"new":1},"new":1}"#,
    )];
    let batch = batch_of(&spec(Layout::Airbyte, columns), &lines);
    assert_eq!(shown(named(&batch, "e_mail")), ["x"]);
    assert_eq!(shown(named(&batch, "_1st")), ["{zip_code: z, _2: 2}"]);
    assert_eq!(batch.num_columns(), 6);
}

#[test]
fn columns_are_found_by_the_keys_of_records() {
    let columns = vec![column("e-mail", T::String), column("1st", T::Integer)];
    for (layout, extra) in [(Layout::Airbyte, None), (Layout::Midflight, Some(6))] {
        let table = Table::compile(&spec(layout, columns.clone())).expect("a table");
        for (name, place) in [
            ("e-mail", Some(4)),
            ("1st", Some(5)),
            ("_airbyte_extracted_at", Some(1)),
            ("_airbyte_extra", extra),
            ("email", None),
        ] {
            assert_eq!(table.place_of(name), place, "{layout:?} {name}");
        }
    }
    let mut whole = spec(Layout::Midflight, columns);
    whole.flatten = false;
    let table = Table::compile(&whole).expect("a table");
    assert_eq!(table.place_of("e-mail"), None);
    assert_eq!(table.place_of("_airbyte_data"), Some(4));
}

#[test]
fn parts_of_a_millisecond_are_kept_where_there_is_room() {
    let line = |emitted_at: &str| record("{}").replace("1700000000123", emitted_at);
    for (layout, expected) in [
        (Layout::Midflight, "2023-11-14T22:13:20.123457Z"),
        (Layout::Airbyte, "1700000000123"),
    ] {
        let batch = batch_of(&spec(layout, Vec::new()), &[line("1700000000123.4567")]);
        assert_eq!(shown(named(&batch, "_airbyte_extracted_at")), [expected]);
    }
}

#[test]
fn types_differ_by_layout() {
    let columns = || {
        [
            T::Number,
            T::Timestamp,
            T::TimestampTz,
            T::Time,
            T::TimeTz,
            T::union([T::Date, T::Json]),
        ]
        .into_iter()
        .zip(["n", "t", "z", "time", "timez", "u"])
        .map(|(ty, name)| column(name, ty))
        .collect()
    };
    let types = |layout| {
        let table = Table::compile(&spec(layout, columns())).expect("a table");
        let fields = table.schema().fields().iter().skip(4).take(6);
        let told = fields.map(|field| {
            let adjusted = field.metadata().contains_key("adjusted_to_utc");
            format!(
                "{}{}",
                field.data_type(),
                if adjusted { " UTC" } else { "" }
            )
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        types(Layout::Midflight),
        [
            "Decimal128(38, 18)",
            "Timestamp(µs)",
            "Timestamp(µs, \"UTC\")",
            "Time64(µs)",
            "Time64(µs) UTC",
            "Utf8"
        ]
    );
    assert_eq!(
        types(Layout::Airbyte),
        [
            "Float64",
            "Timestamp(µs, \"UTC\")",
            "Timestamp(µs, \"UTC\")",
            "Time64(µs) UTC",
            "Time64(µs) UTC",
            "Utf8"
        ]
    );
}

#[test]
fn fields_say_their_type_and_how_they_were_masked() {
    let masked = ColumnSpec {
        notes: vec![("mask".to_owned(), "hash".to_owned())],
        ..column("x", T::Array(Some(Box::new(T::Binary))))
    };
    let table = Table::compile(&spec(Layout::Midflight, vec![masked])).expect("a table");
    let field = table.schema().field(4);
    assert_eq!(field.metadata()["mask"], "hash");
    assert_eq!(field.metadata()["airbyte_type"], "array");
    let DataType::List(item) = field.data_type() else {
        panic!("a list");
    };
    assert_eq!(item.metadata()["airbyte_type"], "binary_data");
    assert_eq!(item.metadata()["encoding"], "base64");
    assert_eq!(item.name(), "element");
}

#[test]
fn what_has_no_place_is_not_compiled() {
    let refused = |layout, columns, kind, what: &str| {
        let error = Table::compile(&spec(layout, columns)).expect_err(what);
        assert_eq!(error.kind(), kind);
        assert!(error.message().contains(what), "{error}");
    };
    let catalog = ErrorKind::Catalog;
    let own = Layout::Midflight;
    refused(
        own,
        vec![column("a", T::String), column("a", T::Date)],
        catalog,
        "called `a`",
    );
    refused(
        own,
        vec![column("_airbyte_meta", T::String)],
        catalog,
        "`_airbyte_meta`",
    );
    refused(
        Layout::Airbyte,
        vec![column("a-b", T::String), column("a_b", T::String)],
        catalog,
        "`a_b`",
    );
    refused(
        Layout::Airbyte,
        vec![column("a", T::Unknown)],
        catalog,
        "no declared type",
    );
    let nested = T::Array(Some(Box::new(T::Unknown)));
    refused(Layout::Airbyte, vec![column("a", nested)], catalog, "`a[]`");
    let alike = T::union([T::String, T::SchemalessObject]);
    refused(
        Layout::Airbyte,
        vec![column("a", alike)],
        catalog,
        "union `a` are called `string`",
    );
    let deep = (0..70).fold(T::String, |ty, _| T::Array(Some(Box::new(ty))));
    refused(own, vec![column("a", deep)], catalog, "deeper than 64");
    for (precision, scale) in [(39, 0), (0, 0), (5, 6), (5, -1)] {
        let number = NumberAs::Decimal { precision, scale };
        let odd = ColumnSpec {
            number,
            ..column("a", T::Number)
        };
        refused(own, vec![odd], ErrorKind::Config, "no decimal");
    }
}

#[test]
fn a_line_that_is_no_record_leaves_the_rows_before_it() {
    let list = T::Array(Some(Box::new(T::Object(vec![key("b", T::Boolean)]))));
    let choice = T::Object(vec![key("c", T::String), key("d", list)]);
    let columns = vec![
        column("a", T::String),
        column("x", choice),
        column("z", T::Integer),
    ];
    let good = record(r#"{"a":"1","x":{"c":"2","d":[{"b":true}],"e":1},"z":"no"}"#);
    let bad = [
        record(r#"{"a":"1","x":{"c":"2","d":[{"b":true},{"b" true}]}}"#),
        record(r#"{"a":"1","x":{"c":"2","d":[{"n":1},{"b":}]},"z":1}"#),
        record(r#"{"a":"1","new":1,"x":{"c" "2"}}"#),
        record(r#"{"a":"1""#),
        record("[]"),
        record("1"),
        good.replace("1700000000123", "\"soon\""),
        good.replace("1700000000123", "9223372036854775807"),
        good.replace("emitted_at", "emitted"),
        good.replace("\"emitted_at\"", "\"data\""),
        good.replace("\"data\"", "\"datum\""),
        r#"{"type":"STATE","state":{}}"#.to_owned(),
        r#"{"type":"RECORD","record":1}"#.to_owned(),
        format!("{good}\n{good}"),
        String::new(),
    ];
    let table = Table::compile(&spec(Layout::Midflight, columns)).expect("a table");
    let mut builder = Builder::new(&table, ORIGIN);
    push(&mut builder, &good, 0).expect("a row");
    for line in &bad {
        let error = push(&mut builder, line, 7).expect_err(line);
        assert_eq!(error.kind(), ErrorKind::Protocol, "{line}");
        assert!(
            error.message().starts_with("the line at byte 7 "),
            "{error}"
        );
        push(&mut builder, &good, 0).expect("a row");
    }
    let batch = builder.finish().expect("a batch");
    assert_eq!(batch.num_rows(), bad.len() + 1);
    for array in batch.columns() {
        let rows = shown(array);
        assert!(rows.iter().all(|row| *row == rows[0]), "{rows:?}");
    }
    assert_eq!(
        shown(named(&batch, "_airbyte_extra"))[0],
        r#"{"x":{"e":1}}"#
    );
}

#[test]
fn a_line_must_be_followed_by_what_its_scan_needs() {
    let table = Table::compile(&spec(Layout::Midflight, Vec::new())).expect("a table");
    let mut builder = Builder::new(&table, ORIGIN);
    let line = record("{}");
    let end = line.len() as u32;
    for behind in ["", "\n", " {\"next\":1}\n"] {
        let bytes = format!("{line}{behind}");
        let error = builder.push(bytes.as_bytes(), Span { start: 0, end }, 0);
        assert!(error.is_err_and(|error| error.kind() == ErrorKind::Internal));
    }
    let padded = format!("{line}\n{}", "x".repeat(PADDING));
    for end in [end, end + 1] {
        builder
            .push(padded.as_bytes(), Span { start: 0, end }, 5)
            .expect("a row");
    }
    let batch = builder.finish().expect("a batch");
    let ids = shown(batch.column(0));
    assert_eq!(ids[0], ids[1], "the newline is no part of a line");
}

#[test]
fn changes_are_bounded() {
    let fields: Vec<_> = (0..400)
        .map(|i| key(&format!("k{i}"), T::Integer))
        .collect();
    let data: String = (0..400).map(|i| format!(r#""k{i}":"x","#)).collect();
    let data = format!(r#"{{"o":{{{}}}}}"#, data.trim_end_matches(','));
    let batch = batch_of(
        &spec(Layout::Midflight, vec![column("o", T::Object(fields))]),
        &[record(&data), record("{}")],
    );
    let told = changes(&batch);
    assert_eq!(told[0].len(), CHANGES_MAX);
    assert_eq!(told[0][255], "o.k255 NULLED DESTINATION_TYPECAST_ERROR");
    assert!(told[1].is_empty());
}

#[test]
fn a_builder_starts_anew() {
    let columns = vec![
        column("a", T::String),
        column("b", T::Array(Some(Box::new(T::Boolean)))),
    ];
    let table = Table::compile(&spec(Layout::Midflight, columns)).expect("a table");
    let mut builder = Builder::new(&table, ORIGIN);
    assert_eq!(builder.finish().expect("none").num_rows(), 0);
    let line = record(r#"{"a":"x","b":[true,null],"c":1}"#);
    push(&mut builder, &line, 0).expect("a row");
    assert!(builder.bytes() >= line.len());
    let first = builder.finish().expect("a batch");
    push(&mut builder, &line, 0).expect("a row");
    assert_eq!(builder.finish().expect("a batch"), first);
    let other = Builder::new(&table, ORIGIN).finish().expect("none");
    assert_eq!(&other.schema(), table.schema());
}
