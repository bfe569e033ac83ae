//! JSON Lines: every layout, parts of every size, and what is broken.

use proptest::prelude::*;

use super::*;

fn rows(text: &str) -> Vec<String> {
    Staged::new("a.jsonl", text.as_bytes())
        .rows(None)
        .expect(text)
}

#[test]
fn every_layout_is_read() {
    for (line, row) in [
        // As destination-s3 writes it.
        (
            r#"{"_airbyte_raw_id":"r","_airbyte_extracted_at":5,"_airbyte_meta":{"sync_id":1,"changes":[]},"_airbyte_generation_id":7,"_airbyte_data":{"a": 1.10, "b":"\u00e9"}}"#,
            r#"{"a": 1.10, "b":"\u00e9"},"emitted_at":5,"meta":{"sync_id":1,"changes":[]},"_airbyte_raw_id":"r","_airbyte_generation_id":7"#,
        ),
        // Flattened.
        (
            r#"{"_airbyte_raw_id":"r","_airbyte_extracted_at":5,"a":{"_airbyte_data":1} , "b" : [2,3],"_airbyte_generation_id":0,"c":null}"#,
            r#"{"a":{"_airbyte_data":1} , "b" : [2,3],"c":null},"emitted_at":5,"_airbyte_raw_id":"r","_airbyte_generation_id":0"#,
        ),
        // Before 2023.
        (
            r#"{"_airbyte_ab_id":"r","_airbyte_emitted_at":"2023-11-14T22:13:20Z","_airbyte_data":{}}"#,
            r#"{},"emitted_at":1700000000000,"_airbyte_raw_id":"r""#,
        ),
        // A raw table that was unloaded from a warehouse.
        (
            r#"{"_airbyte_data":"{\"a\":\n\"x\"}","_airbyte_loaded_at":null,"_airbyte_meta":"{\"changes\":[]}","_airbyte_extracted_at":"2023-11-14 22:13:20.5+00"}"#,
            r#"{"a": "x"},"emitted_at":1700000000500,"meta":{"changes":[]}"#,
        ),
        // Anything else.
        (
            r#"{ "a" : 1, "a":2 }"#,
            r#"{ "a" : 1, "a":2 },"emitted_at":MODIFIED"#,
        ),
        (r#"{}"#, r#"{},"emitted_at":MODIFIED"#),
        (r#"{"_airbyte_data":null}"#, r#"null,"emitted_at":MODIFIED"#),
        (
            r#"{"_airbyte_raw_id":null,"a":1}"#,
            r#"{"a":1},"emitted_at":MODIFIED"#,
        ),
        (
            r#"{"\u005fairbyte_raw_id":"r","a":1}"#,
            r#"{"a":1},"emitted_at":MODIFIED,"_airbyte_raw_id":"r""#,
        ),
        (
            r#"{"_airbyte_other":1}"#,
            r#"{"_airbyte_other":1},"emitted_at":MODIFIED"#,
        ),
    ] {
        assert_eq!(rows(line), [row], "{line}");
    }
}

#[test]
fn blank_lines_and_ends_of_lines_are_no_records() {
    let row = r#"{"a":1},"emitted_at":MODIFIED"#;
    let text = "\u{feff}{\"a\":1}\r\n\r\n  \n {\"a\":1} \t\n{\"a\":1}";
    assert_eq!(rows(text), [row; 3]);
    assert!(rows("").is_empty() && rows("\n\n").is_empty() && rows("\u{feff}").is_empty());
}

#[test]
fn what_is_broken_is_told_with_its_line() {
    for (text, wrong) in [
        ("{\"a\":1}\n\n{\"a\":\"x", "line 3 ends inside a string"),
        (
            "{\"a\":1",
            "line 1 has braces or brackets that do not pair up",
        ),
        ("[1]", "line 1 is not one JSON object"),
        ("text", "line 1 is not one JSON object"),
        ("{}{}", "line 1 goes on behind its closing brace"),
        ("{} x", "line 1 goes on behind its closing brace"),
        ("x {}", "line 1 is not one JSON object"),
        ("{\"a\":1,}", "line 1 has a member without a key or colon"),
        (
            "{\"_airbyte_data\":1}",
            "line 1 has an `_airbyte_data` that is no object",
        ),
        (
            "{\"_airbyte_data\":[]}",
            "line 1 has an `_airbyte_data` that is no object",
        ),
        (
            "{\"_airbyte_data\":\"[]\"}",
            "line 1 has an `_airbyte_data` that is no object",
        ),
        (
            "{\"_airbyte_data\":{},\"a\":1}",
            "line 1 has `_airbyte_data` beside columns of its own",
        ),
        (
            "{\"_airbyte_data\":{},\"_airbyte_data\":{}}",
            "line 1 has `_airbyte_data` twice",
        ),
        (
            "{\"_airbyte_extracted_at\":\"soon\"}",
            "line 1 has an extraction time that is no time",
        ),
        (
            "{\"_airbyte_raw_id\":\"a\",\"_airbyte_raw_id\":\"b\"}",
            "line 1 has a column of Airbyte twice",
        ),
    ] {
        assert_eq!(
            Staged::new("a.jsonl", text.as_bytes()).wrong(None),
            wrong,
            "{text}"
        );
    }
    let invalid = Staged::new("a.jsonl", b"{\"a\":\"\xff\"}");
    assert_eq!(invalid.wrong(None), "line 1 is not valid UTF-8");
}

#[test]
fn lines_before_an_error_have_been_given() {
    let staged = Staged::new("a.jsonl", b"{\"a\":1}\n{\"a\":2}\n{\"a\"\n{\"a\":4}\n");
    let mut reader = staged.open(&Part::Whole, None).expect("a reader");
    let mut lines = Vec::new();
    assert!(reader.read(&mut lines, usize::MAX).is_err());
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 2);
    assert_eq!(reader.offsets(), [0, 8]);
    assert!(!reader.read(&mut lines, 1).expect("nothing"));
}

#[test]
fn lines_have_a_bound() {
    let long = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    let longest = long(lines::LINE_BYTES_MAX);
    assert_eq!(rows(&format!("{longest}\n{{}}")).len(), 2);
    for further in [1, 300 << 10] {
        let text = format!("{{}}\n{}\n", long(lines::LINE_BYTES_MAX + further));
        let wrong = Staged::new("a.jsonl", text.as_bytes()).wrong(None);
        assert_eq!(
            wrong,
            "the line that starts at byte 3 is longer than 1048576 bytes"
        );
    }
}

#[test]
fn a_file_that_changes_is_not_read_on() {
    let text = "{\"a\":1}\n".repeat(20_000);
    let staged = Staged::new("a.jsonl", text.as_bytes());
    let mut reader = staged.open(&Part::Whole, None).expect("a reader");
    let mut lines = Vec::new();
    assert!(reader.read(&mut lines, 1).expect("a line"));
    let file = staged.folder.path().join("public/users/a.jsonl");
    std::fs::write(&file, text.replace('1', "22")).expect("a file");
    let failed = loop {
        match reader.read(&mut lines, 1 << 20) {
            Ok(true) => {}
            Ok(false) => panic!("it is read to its end"),
            Err(error) => break error,
        }
    };
    assert_eq!(failed.kind(), crate::error::ErrorKind::Input);
    assert!(failed.to_string().contains("changed"), "{failed}");
}

/// Lines of text in which little is regular, and one end of line or another.
fn texts() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        8 => "[a-zé ]{0,30}".prop_map(|text| format!("{{\"t\":\"{text}\"}}")),
        1 => Just(String::new()),
        1 => (0usize..40_000).prop_map(|size| format!("{{\"t\":\"{}\"}}", "y".repeat(size))),
    ];
    let end = prop_oneof![3 => Just("\n"), 1 => Just("\r\n")];
    (proptest::collection::vec((line, end), 0..20), any::<bool>()).prop_map(|(lines, ended)| {
        let text: String = lines.into_iter().map(|(line, end)| line + end).collect();
        if ended {
            text
        } else {
            text.trim_end_matches('\n').to_owned()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn parts_are_the_whole(text in texts(), parts in 1u64..40) {
        let staged = Staged::new("a.jsonl", text.as_bytes());
        let whole = staged.part(&Part::Whole).expect("the whole");
        let size = staged.object.size;
        for part_bytes in [size / parts + 1, size / 2 + 1, size.max(2) - 1] {
            let divided = divide(&staged.bucket, &staged.object, part_bytes).expect("parts");
            let mut together = (Vec::new(), Vec::new());
            for part in &divided {
                let (lines, offsets) = staged.part(part).expect("a part");
                together.0.extend(lines);
                together.1.extend(offsets);
            }
            prop_assert_eq!(&together, &whole);
        }
    }
}

#[test]
fn parts_of_every_size_are_the_whole() {
    let text = "\u{feff}{\"a\":1}\r\n\n{\"é\":\"\\n\"}\n \n{}\n\n{\"b\":[1,2]}";
    let staged = Staged::new("a.jsonl", text.as_bytes());
    let whole = staged.part(&Part::Whole).expect("the whole");
    assert_eq!(whole.1, [0, 13, 27, 31]);
    for part_bytes in 1..=staged.object.size {
        let mut together = (Vec::new(), Vec::new());
        for part in divide(&staged.bucket, &staged.object, part_bytes).expect("parts") {
            let (lines, offsets) = staged.part(&part).expect("a part");
            together.0.extend(lines);
            together.1.extend(offsets);
        }
        assert_eq!(together, whole, "{part_bytes}");
    }
}

#[test]
fn a_part_tells_the_byte_of_a_broken_line() {
    let text = "{}\n".repeat(10) + "{\n";
    let staged = Staged::new("a.jsonl", text.as_bytes());
    let error = staged.part(&Part::Bytes(20..32)).expect_err("an error");
    let text = error.to_string();
    assert!(
        text.contains("the line that starts at byte 30 has braces"),
        "{text}"
    );
}
