//! Broken input: what is damaged on its way leaves as it came, or stops the run; it never takes a masked
//! value along.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::budget::{Verdict, check};
use super::engine::{Way, plan, run};
use super::json::{Json, key, shallow, spelt};
use super::lines::{self, Record};
use super::{must, shown, strict, way};

/// Stands in every masked value and nowhere else.
const CANARY: &str = "canary7f3a9";

/// Damage to bytes. Places are fractions of the length.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize),
    /// The range moves to the other place.
    Move(Index, usize, Index),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let range = |at: &Index, width: &usize| {
            let start = at.index(length);
            start..(start + width).min(length)
        };
        match self {
            Self::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Insert(at, byte) => bytes.insert(at.index(length), *byte),
            Self::Remove(at, width) => drop(bytes.drain(range(at, width))),
            Self::Repeat(at, width) => {
                let copy = bytes[range(at, width)].to_vec();
                let at = at.index(length);
                bytes.splice(at..at, copy);
            }
            Self::Move(at, width, to) => {
                let moved: Vec<u8> = bytes.drain(range(at, width)).collect();
                let to = to.index(bytes.len() + 1);
                bytes.splice(to..to, moved);
            }
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let byte = prop_oneof![
        3 => proptest::sample::select(b"\"\\{}[],:\n\r \x00\x1f0eu".to_vec()),
        1 => any::<u8>(),
    ];
    let width = 1..40_usize;
    prop_oneof![
        3 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        3 => (any::<Index>(), byte).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        2 => (any::<Index>(), width.clone()).prop_map(|(at, width)| Mutation::Remove(at, width)),
        1 => (any::<Index>(), width.clone()).prop_map(|(at, width)| Mutation::Repeat(at, width)),
        1 => (any::<Index>(), width, any::<Index>()).prop_map(|(at, width, to)| Mutation::Move(at, width, to)),
    ]
}

#[test]
fn arbitrary_bytes_end_in_an_answer() {
    let plans = [
        plan("{version: 1, unlisted: pass}", None),
        plan("version: 1", None),
    ];
    let noise = proptest::sample::select(b"{}[]\":,\\\n\r \t0\xc3\xa9\xff\x00aeu".to_vec());
    let piece = prop_oneof![
        4 => vec(noise, 0..40),
        1 => vec(any::<u8>(), 0..100),
        1 => lines::record(lines::data()).prop_map(|record| lines::Line::Record(record).text(None, &|text| text.to_owned()).into_bytes()),
    ];
    let bytes = vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    check(&(bytes, way(), 0..plans.len()), |(bytes, way, which)| {
        run(&plans[which], &bytes, &way);
        Ok(())
    });
}

#[test]
fn damaged_lines_leave_as_they_came_or_stop_the_run() {
    let plan = plan("{version: 1, unlisted: pass}", None);
    check(
        &(lines::input(), vec(mutation(), 1..4)),
        |(input, mutations)| {
            let mut bytes = input.text().into_bytes();
            mutations
                .iter()
                .for_each(|mutation| mutation.apply(&mut bytes));
            let run = run(&plan, &bytes, &Way::plain());
            let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
                let ended = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                ended
                    .split(|byte| *byte == b'\n')
                    .filter(|_| !bytes.is_empty())
                    .map(<[u8]>::to_vec)
                    .collect()
            };
            let came = lines(&bytes);
            let mut came = came.iter();
            for left in lines(run.body()).iter() {
                let ours = left.starts_with(
                    br#"{"type":"LOG","log":{"level":"INFO","message":"midflight: line"#,
                );
                let state = memchr::memmem::find(left, b"STATE").is_some();
                let Some(came) = came.next() else {
                    return must(false, || {
                        format!("more lines leave than came: {}", shown(left))
                    });
                };
                must(ours || state || left == came, || {
                    format!("{}\nbecame\n{}", shown(came), shown(left))
                })?;
            }
            let all = run.failed.is_some() || came.next().is_none();
            must(all, || {
                "lines are missing though the run succeeded".to_owned()
            })
        },
    );
}

fn planted() -> impl Strategy<Value = Record> {
    let canary = Json::Scalar(format!("\"a{CANARY}@example.org\""));
    let values = vec![
        canary.clone(),
        Json::Array(vec![canary.clone()], " "),
        Json::Object(vec![(spelt("e", 0), canary)], ""),
    ];
    let secret = (
        prop_oneof![3 => Just(0), 1 => any::<u8>()],
        proptest::sample::select(values),
    );
    let secret = secret.prop_map(|(escaped, value)| (spelt("email", escaped), value));
    let member = prop_oneof![2 => (key(), shallow()), 3 => secret];
    let data = vec(member, 1..6).prop_map(|members| {
        // A generated `email` would hide that the mask was not applied.
        Some(Json::Object(members, ""))
    });
    lines::record(data).prop_map(|mut record| {
        record.stream = (None, "users");
        record.before =
            "{\"type\":\"RECORD\",\"record\":{\"stream\":\"users\",\"data\":".to_owned();
        record.after = "}}".to_owned();
        record
    })
}

#[test]
fn no_damage_carries_a_masked_value_out() {
    let users = "{unlisted: pass, stages: [{mask: {column: email, with: redact}}]}";
    let plan = plan(
        &format!("{{version: 1, unlisted: pass, streams: {{users: {users}}}}}"),
        None,
    );
    let line = planted()
        .prop_map(|record| lines::Line::Record(record).text(None, &|text| text.to_owned()));
    check(
        &(vec((line, vec(mutation(), 0..3)), 1..4), way()),
        |(lines, way)| {
            let mut bytes = Vec::new();
            for (line, mutations) in &lines {
                let mut line = line.clone().into_bytes();
                mutations
                    .iter()
                    .for_each(|mutation| mutation.apply(&mut line));
                bytes.extend(line);
                bytes.push(b'\n');
            }
            let run = run(&plan, &bytes, &way);
            for line in run.output.split(|byte| *byte == b'\n') {
                if memchr::memmem::find(line, CANARY.as_bytes()).is_some() {
                    outside(line).map_err(|why| {
                        TestCaseError::fail(format!(
                            "{why}: {}\ncame as\n{}",
                            shown(line),
                            shown(&bytes)
                        ))
                    })?;
                }
            }
            Ok(())
        },
    );
}

/// Whether a line with the canary holds it outside the masked column, by the strict reader. A line that it
/// refuses is searched for the column's key right before the canary.
fn outside(line: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return beside(text);
    }
    let told = |error: serde_json::Error| error.to_string();
    for record in strict::all(text, "record").map_err(told)? {
        let streams = strict::all(record, "stream").map_err(told)?;
        if !streams
            .iter()
            .any(|stream| strict::string(stream).as_deref() == Some("users"))
        {
            continue;
        }
        for data in strict::all(record, "data").map_err(told)? {
            let emails = strict::all(data, "email").map_err(told)?;
            if emails.iter().any(|email| email.contains(CANARY)) {
                return Err("the masked column holds it".to_owned());
            }
        }
    }
    Ok(())
}

/// Whether no canary of a broken line follows the masked column's key where the members of `data` stand.
/// Deeper inside, in values that the plan passes over, damage is passed on as it came.
fn beside(text: &str) -> Result<(), String> {
    const DEPTH_OF_DATA: usize = 3;
    if !text.contains("\"stream\":\"users\"") {
        return Ok(());
    }
    for (at, _) in text.match_indices(CANARY) {
        let before = text[..at].trim_end_matches(['a', '"', '{', '[', ' ']);
        let before = before
            .strip_suffix("\"e\":")
            .unwrap_or(before)
            .trim_end_matches(['{', ' ', '\t', '\r']);
        let key = before
            .strip_suffix(':')
            .map(str::trim_end)
            .and_then(|key| key.strip_suffix('"'));
        let Some((above, key)) = key.and_then(|key| key.rsplit_once('"')) else {
            continue;
        };
        let named = strict::string(&format!("\"{key}\"")).as_deref() == Some("email");
        if named && depth(above) == Some(DEPTH_OF_DATA) {
            return Err("a broken line holds it behind the masked column's key".to_owned());
        }
    }
    Ok(())
}

/// How many containers are open behind a text; `None` inside a string.
fn depth(text: &str) -> Option<usize> {
    let (mut depth, mut inside, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'{' | b'[' if !inside => depth += 1,
            b'}' | b']' if !inside => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (!inside).then_some(depth)
}

#[test]
fn the_judge_of_canaries_sees_them() {
    let line = |data: &str| {
        format!("{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"users\",\"data\":{data}}}}}")
    };
    let secret = format!("\"{CANARY}\"");
    for (data, fine) in [
        (format!("{{\"email\":{secret}}}"), false),
        (format!("{{\"email\":1,\"e\\u006dail\":[{secret}]}}"), false),
        (format!("{{\"Email\":{secret}}}"), true),
        (format!("{{\"Email\":{secret}"), true),
        (format!("{{\"email\": [{secret}"), false),
        (format!("{{\"e\\u006dail\" : {{\"e\":{secret}"), false),
    ] {
        let verdict: Verdict = outside(line(&data).as_bytes()).map_err(TestCaseError::fail);
        assert_eq!(verdict.is_ok(), fine, "{data}");
    }
}
