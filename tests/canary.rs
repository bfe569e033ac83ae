//! Values never leave by the side door: distinctive values are planted where masks and rules look, everything
//! goes wrong that can, and none of them may be found in what leaves, in any spelling.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::support::{KEY, Program, midflight};

/// What is planted: no part of any name, message or placeholder.
const TEXT: &str = "Qx7Kestrel\"Vole/9é";
/// The part of it that no escape changes.
const CORE: &str = "Qx7Kestrel";
const MAIL: &str = "qx7kestrel.vole@canary-mail.example";
const NUMBER: &str = "918273645546372";

const CATALOG: &str = r#"{"streams": [{"stream": {"name": "users", "json_schema": {"type": "object", "properties": {
  "id": {"type": "integer"}, "secret": {"type": "string"}, "number": {"type": "integer"}, "mail": {"type": "string"},
  "day": {"type": "string", "format": "date"}, "notes": {"type": "string"},
  "items": {"type": "array", "items": {"type": "object", "properties": {"secret": {"type": "string"}}}},
  "inner": {"type": "object", "properties": {"secret": {"type": "string"}, "any": {"type": "object"}}}
}}, "supported_sync_modes": ["full_refresh"]}, "sync_mode": "full_refresh", "destination_sync_mode": "append"}]}"#;

const HEAD: &str = "version: 1\nkeys: {main: {env: MIDFLIGHT_KEY}}\n";

const RULES: &str = r#"version: 1
stream: users
phase: enforced
rules:
  - {id: r_shape, check: {regex: "^[a-z]+$"}, columns: secret, on_fail: quarantine, status: enforced}
  - {id: r_known, check: {in_set: [a, b]}, columns: mail, on_fail: annotate, status: enforced}
  - {id: r_small, check: {range: {max: 10}}, columns: number, on_fail: nullify, status: enforced}
  - {id: r_day, check: {type: date}, columns: notes, on_fail: annotate, status: proposed}
"#;

/// Masks every planted column with one operator.
fn masks(with: &str) -> String {
    [
        "secret",
        "number",
        "mail",
        "notes",
        "\"items[].secret\"",
        "inner.secret",
        "\"inner.any.*\"",
    ]
    .map(|column| format!("      - mask: {{column: {column}, {with}}}\n"))
    .concat()
}

/// Every operator that takes text; the others refuse it, which must not tell it either.
const OPERATORS: &[&str] = &[
    "with: redact",
    "with: hash",
    "with: token",
    "with: encrypt",
    "with: nullify",
    "with: partial, keep_last: 0",
    "with: fpe, alphabet: alphanumeric",
    "with: fpe",
    "with: pseudonym, kind: NAME",
    "with: generalize, range: 1000000000000000000",
    "with: generalize, prefix: 1",
    "with: generalize, to: year",
    "with: generalize, network: {ipv4: 8}",
    "with: shift_date",
];

/// Records that hold the planted values, in every shape that a reader may meet.
fn records() -> String {
    let text = serde_json::to_string(TEXT).expect("JSON");
    let escaped: String = TEXT
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    [
        format!(r#"{{"id":1,"secret":{text},"number":{NUMBER},"mail":"{MAIL}","day":{text},"notes":"to {MAIL} now"}}"#),
        format!(r#"{{"id":2,"secret":"{escaped}","items":[{{"secret":{text}}},{{"secret":{NUMBER}}}],"inner":{{"secret":{text},"any":{{"a":[{text},{{"b":"{MAIL}"}}]}}}}}}"#),
        format!(r#"{{"id":3,"secret":{NUMBER},"number":{text},"mail":[{text}],"notes":{{"k":{text}}}}}"#),
        format!(r#"{{"id":4,"secret":{text},"secret":{text},"s\u0065cret":{text}}}"#),
        format!(r#"{{"id":5,"number":"{NUMBER}","secret":[{NUMBER},[{text}]],"inner":{{"secret":{{"x":{text}}}}}}}"#),
        format!(r#"{{"id":6,"secret":{CORE}}}"#),
    ]
    .map(|data| record(&data))
    .concat()
}

/// Records whose planted values stand elsewhere than the catalog says.
fn misshapen() -> Vec<String> {
    let text = serde_json::to_string(TEXT).expect("JSON");
    [
        format!(r#"{{"id":7,"items":{{"secret":{text}}}}}"#),
        format!(r#"{{"id":7,"items":[[{{"secret":{text}}}]]}}"#),
        format!(r#"{{"id":7,"items":[{text}]}}"#),
        format!(r#"{{"id":7,"items":{text}}}"#),
        format!(r#"{{"id":7,"inner":{text}}}"#),
        format!(r#"{{"id":7,"inner":[{{"secret":{text}}}]}}"#),
        format!(r#"{{"id":7,"inner":{{"any":{text}}}}}"#),
    ]
    .map(|data| record(&data))
    .to_vec()
}

fn record(data: &str) -> String {
    format!(
        "{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"users\",\"data\":{data},\"emitted_at\":1}}}}\n"
    )
}

/// Lines that cannot be passed, each with a planted value.
fn broken() -> Vec<Vec<u8>> {
    let whole = record(&format!(r#"{{"id":1,"secret":"{CORE}"}}"#));
    let lines = [
        whole[..whole.len() - 4].to_owned(),
        whole[..whole.len() - 30].to_owned(),
        whole.replace("\"data\":{", "\"data\":{},\"data\":{"),
        whole.replace("\"data\":", "\"data\":7,\"more\":"),
        whole.replace("RECORD", "LOG"),
        whole.replace("\"id\":1", "\"id\" 1"),
        whole.replace(
            "\"stream\":\"users\"",
            &format!("\"stream\":7,\"x\":\"{CORE}\""),
        ),
        whole.replace("\"type\":\"RECORD\",", ""),
        format!("Traceback: {CORE} {MAIL} {NUMBER}\n"),
        format!("'{CORE}'\n[\"{CORE}\"]\n"),
        format!("{{\"type\":\"STATE\",\"state\":{{\"type\":\"{CORE}\"}}}}\n"),
        format!("{{\"type\":\"{CORE}\",\"record\":{{\"stream\":\"users\",\"data\":{{}}}}}}\n"),
        format!("{}{}\n", whole.trim_end(), whole.trim_end()),
    ];
    let mut lines: Vec<Vec<u8>> = lines.map(String::into_bytes).to_vec();
    let spliced = |bytes: &[u8]| {
        whole
            .replace(CORE, &format!("{CORE}@"))
            .into_bytes()
            .iter()
            .flat_map(|&byte| {
                if byte == b'@' {
                    bytes.to_vec()
                } else {
                    vec![byte]
                }
            })
            .collect()
    };
    lines.extend([&b"\xff"[..], b"\x00", b"\t"].map(spliced));
    lines
}

/// What a run leaves, wherever it leaves it.
struct Left {
    code: i32,
    places: Vec<(String, Vec<u8>)>,
}

impl Left {
    /// Runs `program` in `folder` and gathers everything.
    fn by(program: &Program, input: &[u8], folder: &Path) -> Self {
        let ended = program.run(input);
        let mut places = vec![
            ("stdout".to_owned(), ended.stdout),
            ("stderr".to_owned(), ended.stderr.into_bytes()),
        ];
        for name in ["report", "rejects"] {
            gather(&folder.join(name), &mut places);
        }
        Self {
            code: ended.code,
            places,
        }
    }

    /// Fails when a planted value is found, and says where.
    fn must_hold_nothing_planted(&self, what: &str) {
        for (place, bytes) in &self.places {
            let haystack = bytes.to_ascii_lowercase();
            for (spelling, needle) in spellings() {
                let found = haystack
                    .windows(needle.len())
                    .position(|part| part == needle);
                if let Some(at) = found {
                    let around = &bytes[at.saturating_sub(120)..(at + 60).min(bytes.len())];
                    panic!(
                        "{what}: {place} holds a planted value ({spelling}): …{}…",
                        String::from_utf8_lossy(around)
                    );
                }
            }
        }
    }
}

fn gather(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            gather(&entry.path(), places);
        } else {
            places.push((
                entry.path().display().to_string(),
                fs::read(entry.path()).expect("a file"),
            ));
        }
    }
}

/// The planted values as a careless program might spell them, in lower case.
fn spellings() -> Vec<(&'static str, Vec<u8>)> {
    spellings_of(&[CORE, "vole@canary", "canary-mail", NUMBER])
}

/// Texts as a careless program might spell them, in lower case.
pub fn spellings_of(texts: &[&str]) -> Vec<(&'static str, Vec<u8>)> {
    let lower = |text: String| text.to_ascii_lowercase().into_bytes();
    let mut spellings = Vec::new();
    for plain in texts.iter().copied() {
        spellings.push(("plain", lower(plain.to_owned())));
        spellings.push((
            "hex",
            lower(plain.bytes().map(|byte| format!("{byte:02x}")).collect()),
        ));
        spellings.push((
            "escaped",
            lower(plain.bytes().map(|byte| format!("\\u{byte:04x}")).collect()),
        ));
        spellings.push(("reversed", lower(plain.chars().rev().collect())));
        spellings.push((
            "percent",
            lower(plain.bytes().map(|byte| format!("%{byte:02x}")).collect()),
        ));
        // Where a value stands inside others, its base64 depends on its place among threes.
        for before in 0..3 {
            let bytes = [&[0; 3][..before], plain.as_bytes()].concat();
            let text = STANDARD.encode(bytes);
            let inner = text[if before == 0 { 0 } else { 4 }..text.len() / 4 * 4 - 4].to_owned();
            spellings.push(("base64", lower(inner)));
        }
        let whole = URL_SAFE.encode(plain);
        spellings.push(("base64", lower(whole.trim_end_matches('=').to_owned())));
    }
    spellings
}

/// A folder with the plan's files, and `pipe` in it.
fn pipe(config: &str) -> (tempfile::TempDir, Program) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("config.yaml", config),
        ("catalog.json", CATALOG),
        ("rules.yaml", RULES),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let arguments = [
        "pipe",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
        "--report",
        "report",
        "--workers",
        "1",
    ];
    let program = midflight(&arguments)
        .within(folder.path())
        .env("MIDFLIGHT_KEY", KEY);
    (folder, program)
}

/// The spellings are really looked for: a plan that passes everything is caught.
#[test]
#[should_panic(expected = "stdout holds a planted value (plain)")]
fn a_leak_would_be_found() {
    let (folder, program) = pipe("version: 1\nunlisted: pass\n");
    Left::by(&program, records().as_bytes(), folder.path()).must_hold_nothing_planted("no masks");
}

#[test]
fn every_operator_hides_and_refuses_without_telling() {
    for with in OPERATORS {
        for reject in ["", "reject: {to: rejects}\n"] {
            let config = format!(
                "{HEAD}unlisted: pass\nstreams:\n  users:\n    stages:\n      - drop: day\n{}{reject}",
                masks(with)
            );
            let (folder, program) = pipe(&config);
            let mut left = Left::by(&program, records().as_bytes(), folder.path());
            // A mask that does not fit a column's declared type is refused before anything moves.
            assert!([0, 1, 2].contains(&left.code), "{with}: {}", left.code);
            if left.code == 2 {
                let only = config
                    .lines()
                    .filter(|line| !line.contains("number"))
                    .collect::<Vec<_>>()
                    .join("\n");
                fs::write(
                    folder.path().join("config.yaml"),
                    only.replace("drop: day", "drop: [day, number]"),
                )
                .expect("a file");
                left = Left::by(&program, records().as_bytes(), folder.path());
            }
            left.must_hold_nothing_planted(&format!("{with} {reject}"));
        }
    }
}

#[test]
fn values_of_another_shape_than_declared_stay_behind() {
    for (with, reject) in [
        ("with: redact", ""),
        ("with: hash", ""),
        ("with: hash", "reject: {to: rejects}\n"),
    ] {
        let config = format!(
            "{HEAD}unlisted: pass\nstreams:\n  users:\n    stages:\n{}{reject}",
            masks(with)
        );
        let (folder, program) = pipe(&config);
        for line in misshapen() {
            let left = Left::by(&program, line.as_bytes(), folder.path());
            left.must_hold_nothing_planted(&format!("{with} {reject}{line}"));
        }
    }
}

#[test]
fn rules_and_casts_fail_without_telling() {
    let hidden = masks("with: redact");
    for (stages, what) in [
        ("      - check\n", "rules"),
        (
            "      - cast: {column: secret, to: integer, on_error: reject}\n",
            "a cast that rejects",
        ),
        (
            "      - cast: {column: secret, to: timestamp_with_timezone, on_error: fail}\n",
            "a cast that fails",
        ),
        (
            "      - cast: {column: secret, to: boolean, on_error: null}\n",
            "a cast that nulls",
        ),
        (
            "      - filter: \"CAST(secret AS BIGINT) > number / (id - id)\"\n",
            "SQL that fails",
        ),
        (
            "      - derive: {column: made, sql: \"CAST(secret AS DATE)\"}\n",
            "SQL that cannot be worked out",
        ),
        (
            "      - derive: {column: made, sql: \"number * 9223372036854775807\"}\n",
            "SQL that overflows",
        ),
    ] {
        let rules = if stages.contains("check") {
            "    rules: rules.yaml\n"
        } else {
            ""
        };
        let config = format!(
            "{HEAD}unlisted: pass\nstreams:\n  users:\n{rules}    stages:\n{stages}      - drop: day\n{hidden}reject: {{to: rejects}}\n"
        );
        let (folder, program) = pipe(&config);
        let left = Left::by(&program, records().as_bytes(), folder.path());
        assert!(
            [0, 1, 3].contains(&left.code),
            "{what}: {}",
            String::from_utf8_lossy(&left.places[1].1)
        );
        left.must_hold_nothing_planted(what);
    }
}

#[test]
fn broken_lines_are_told_without_their_values() {
    let config = format!(
        "{HEAD}unlisted: redact\nstreams:\n  users:\n    stages:\n{}reject: {{to: rejects}}\n",
        masks("with: redact")
    );
    let (folder, program) = pipe(&config);
    for line in broken() {
        let left = Left::by(&program, &line, folder.path());
        left.must_hold_nothing_planted(&String::from_utf8_lossy(&line));
    }
}

#[test]
fn outputs_that_fail_tell_no_values() {
    let config = format!(
        "{HEAD}unlisted: pass\nstreams:\n  users:\n    stages:\n      - drop: day\n{}reject: {{to: rejects}}\n",
        masks("with: hash")
    );
    let (folder, program) = pipe(&config);
    fs::write(folder.path().join("rejects"), "a file, not a folder").expect("a file");
    let left = Left::by(&program, records().as_bytes(), folder.path());
    assert_eq!(left.code, 1);
    left.must_hold_nothing_planted("a reject store that cannot be made");

    let input = folder.path().join("input.jsonl");
    fs::write(&input, records()).expect("a file");
    fs::remove_file(folder.path().join("rejects")).expect("a file");
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let mut command = program.command();
    let output = command
        .stdin(fs::File::open(&input).expect("a file"))
        .stdout(full)
        .output()
        .expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let mut places = vec![("stderr".to_owned(), output.stderr)];
    gather(&folder.path().join("rejects"), &mut places);
    Left { code: 1, places }.must_hold_nothing_planted("a full disk");
}

/// A key is a value too.
#[test]
fn keys_are_told_by_name_only() {
    let short = "00ff00ff00ff00ff00ff00ff00ff";
    let config = format!(
        "{HEAD}unlisted: pass\nstreams:\n  users:\n    stages:\n{}",
        masks("with: hash")
    );
    for (key, code) in [(KEY, 0), (short, 2)] {
        let (folder, program) = pipe(&config);
        let program = program.env("MIDFLIGHT_KEY", key);
        let left = Left::by(
            &program,
            record(r#"{"id":1,"secret":"x"}"#).as_bytes(),
            folder.path(),
        );
        assert_eq!(left.code, code);
        for (place, bytes) in &left.places {
            let text = String::from_utf8_lossy(bytes).to_lowercase();
            assert!(
                !text.contains(key) && !text.contains(&key[..16]),
                "{place} holds the key"
            );
        }
    }
    // A key put where its name belongs is not repeated.
    let (folder, program) = pipe(&config.replace("with: hash", &format!("with: hash, key: {KEY}")));
    let left = Left::by(&program, b"", folder.path());
    assert_eq!(left.code, 2);
    assert!(!String::from_utf8_lossy(&left.places[1].1).contains(&KEY[..16]));
}
