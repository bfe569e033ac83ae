//! CSV: fields by their declared types, and what is broken.

use super::*;
use LogicalType as T;

#[test]
fn declared_types_tell_what_a_field_is() {
    let declared = columns(&[
        ("i", T::Integer),
        ("n", T::Number),
        ("b", T::Boolean),
        ("s", T::String),
        ("o", T::SchemalessObject),
        ("a", T::Array(None)),
        ("u", T::union([T::Integer, T::Boolean, T::SchemalessObject])),
        ("d", T::Date),
    ]);
    let text = concat!(
        "_airbyte_raw_id,_airbyte_extracted_at,_airbyte_meta,_airbyte_generation_id,i,n,b,s,o,a,u,d,x\r\n",
        "r1,1700000000000,\"{\"\"sync_id\"\":1,\"\"changes\"\":[]}\",3,1,1.10,true,x,\"{\"\"k\"\": 1}\",[1],5,2024-01-01,7\r\n",
        "r2,2023-11-14T22:13:20Z,,,,,,,,,,,\r\n",
        "r3,1,,,99999999999999999999,1e5,false,\"a\n\"\"b\",\"{\n}\",\"[\"\"x\"\",\n2]\",true,,\r\n",
        "r4,1,,,01,.5,TRUE,1,[],{},x,,\"\"\r\n",
    );
    let rows = Staged::new("a.csv", text.as_bytes())
        .rows(Some(&declared))
        .expect("rows");
    assert_eq!(
        rows,
        [
            r#"{"i":1,"n":1.10,"b":true,"s":"x","o":{"k": 1},"a":[1],"u":5,"d":"2024-01-01","x":"7"},"emitted_at":1700000000000,"meta":{"sync_id":1,"changes":[]},"_airbyte_raw_id":"r1","_airbyte_generation_id":3"#,
            r#"{"i":null,"n":null,"b":null,"s":null,"o":null,"a":null,"u":null,"d":null,"x":null},"emitted_at":1700000000000,"_airbyte_raw_id":"r2""#,
            r#"{"i":99999999999999999999,"n":1e5,"b":false,"s":"a\n\"b","o":{ },"a":["x", 2],"u":true,"d":null,"x":null},"emitted_at":1,"_airbyte_raw_id":"r3""#,
            r#"{"i":"01","n":".5","b":"TRUE","s":"1","o":"[]","a":"{}","u":"x","d":null,"x":null},"emitted_at":1,"_airbyte_raw_id":"r4""#,
        ]
    );
}

#[test]
fn a_column_may_hold_the_record() {
    let text = "_airbyte_ab_id,_airbyte_emitted_at,_airbyte_data\nr,2023-11-14 22:13:20,\"{\"\"a\"\":1.0,\n\"\"b\"\":\"\"x,y\"\"}\"\nr,1,\n";
    let rows = Staged::new("a.csv", text.as_bytes())
        .rows(None)
        .expect("rows");
    assert_eq!(
        rows,
        [
            r#"{"a":1.0, "b":"x,y"},"emitted_at":1700000000000,"_airbyte_raw_id":"r""#,
            r#"null,"emitted_at":1,"_airbyte_raw_id":"r""#
        ]
    );
}

#[test]
fn without_types_everything_is_text() {
    let staged = Staged::new("a.csv", "\u{feff}a,\"b \"\"c\"\"\"\n1,é\n,2".as_bytes());
    let rows = staged.rows(None).expect("rows");
    assert_eq!(
        rows,
        [
            r#"{"a":"1","b \"c\"":"é"},"emitted_at":MODIFIED"#,
            r#"{"a":null,"b \"c\"":"2"},"emitted_at":MODIFIED"#
        ]
    );
    let mut offsets = staged.part(&Part::Whole).expect("rows").1;
    offsets.dedup();
    assert_eq!(offsets.len(), 2);
    for empty in ["", "a,b\n", "a"] {
        let rows = Staged::new("a.csv", empty.as_bytes())
            .rows(None)
            .expect("no rows");
        assert!(rows.is_empty(), "{empty}");
    }
}

#[test]
fn what_is_broken_is_told_with_its_line() {
    let long = format!("a,b\n1,\"{}", "x\n".repeat(lines::LINE_BYTES_MAX));
    for (text, wrong) in [
        (
            "a,b\n1,2\n3\n",
            "the row on line 3 has 1 fields, the row of names 2",
        ),
        (
            "a,b\n\"x\ny\",1\n1,2,3",
            "the row on line 4 has 3 fields, the row of names 2",
        ),
        (
            "a,b\n1,\"2\n",
            "the row on line 2 ends inside a quoted field: the file is cut off",
        ),
        (
            "a,\"b",
            "the row on line 1 ends inside a quoted field: the file is cut off",
        ),
        ("a,a\n", "the row on line 1 names a column twice"),
        (
            "a,_airbyte_data\n",
            "the row on line 1 names `_airbyte_data` beside columns of the record",
        ),
        (
            "_airbyte_data\n[1]\n",
            "the row on line 2 has an `_airbyte_data` that is no object",
        ),
        (
            "_airbyte_meta,a\nx,1\n",
            "the row on line 2 has an `_airbyte_meta` that is no object",
        ),
        (&long, "the row on line 2 is longer than 1048576 bytes"),
    ] {
        assert_eq!(Staged::new("a.csv", text.as_bytes()).wrong(None), wrong);
    }
    let invalid = Staged::new("a.csv", b"a\n\xff\n");
    assert_eq!(invalid.wrong(None), "the row on line 2 is not valid UTF-8");
}
