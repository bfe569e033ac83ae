//! Each kind of tampering is found, by its name; anything else that is done to a chain is found too.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::audit::{Kind, Record, seal};

fn chain(records: u64) -> Vec<String> {
    let mut head = Head::default();
    let lines = (0..records).map(|number| {
        let record = Record::new(Kind::LlmCall, json!({"number": number, "stream": "users"}));
        let (line, next) = seal(&head, "2026-01-01T00:00:00Z", &record);
        head = next;
        line
    });
    lines.collect()
}

fn verified(lines: &[String], anchor: Anchor) -> Verified {
    let mut verifier = Verifier::new(anchor);
    lines.iter().for_each(|line| verifier.line(line.as_bytes()));
    verifier.finish()
}

fn told(lines: &[String]) -> Vec<String> {
    let found = verified(lines, Anchor::default());
    found.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_whole_chain_holds() {
    let lines = chain(5);
    let found = verified(&lines, Anchor::default());
    assert!(found.holds());
    assert_eq!((found.lines, found.head.records), (5, 5));
    assert!(verified(&[], Anchor::default()).holds());
}

#[test]
fn tampering_is_called_by_its_name() {
    let whole = chain(5);
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = whole.clone();
        change(&mut lines);
        told(&lines)
    };
    assert_eq!(
        with(&|lines| lines[2] = lines[2].replace("users", "posts")),
        ["line 3: record 3 was changed"]
    );
    assert_eq!(
        with(&|lines| drop(lines.remove(2))),
        ["line 3: record 3 is missing before this line"]
    );
    assert_eq!(
        with(&|lines| drop(lines.drain(..2))),
        ["line 1: records 1 to 2 are missing before this line"]
    );
    assert_eq!(
        with(&|lines| lines.insert(2, lines[0].clone())),
        ["line 3: record 1 was moved here, repeated or inserted"]
    );
    assert_eq!(
        with(&|lines| lines.swap(1, 2)),
        [
            "line 2: record 2 is missing before this line",
            "line 3: record 2 was moved here, repeated or inserted"
        ]
    );
    assert_eq!(
        with(&|lines| lines[3] = "{}".to_owned()),
        ["line 4: this is no record"]
    );
    // Whoever makes a record anew, with its hash, would have to make all behind it anew.
    let forged = |lines: &mut Vec<String>| {
        let before = Link::read(lines[1].as_bytes()).expect("a record").head();
        let record = Record::new(Kind::RuleApproved, json!({}));
        lines[2] = seal(&before, "2026-01-01T00:00:00Z", &record).0;
    };
    assert_eq!(
        with(&forged),
        ["line 4: record 4 was not written behind the record before it: one of them was put in"]
    );
}

#[test]
fn a_missing_end_needs_an_anchor() {
    let whole = chain(5);
    let last = Link::read(whole[4].as_bytes()).expect("a record").hash;
    let head = Anchor {
        head: Some(last),
        records: None,
    };
    let count = Anchor {
        head: None,
        records: Some(5),
    };
    let short = &whole[..4];
    assert!(verified(short, Anchor::default()).holds());
    for anchor in [head, count] {
        assert!(verified(&whole, anchor.clone()).holds());
        assert!(
            verified(&chain(7), anchor.clone()).holds(),
            "a chain that grew"
        );
        let found = verified(short, anchor);
        assert_eq!(found.faults[0].kind, FaultKind::Shortened);
    }
    // Another chain of the same length is not this one.
    let mut other = Head::default();
    let record = Record::new(Kind::LlmCall, json!({}));
    let lines: Vec<String> = (0..5)
        .map(|_| {
            let (line, next) = seal(&other, "t", &record);
            other = next;
            line
        })
        .collect();
    let anchor = Anchor {
        head: Link::read(whole[4].as_bytes()).map(|link| link.hash),
        records: None,
    };
    assert!(!verified(&lines, anchor).holds());
}

#[test]
fn a_torn_line_is_named() {
    let mut verifier = Verifier::new(Anchor::default());
    verifier.line(chain(1)[0].as_bytes());
    verifier.torn(40);
    let found = verifier.finish();
    assert_eq!(
        found.faults[0].to_string(),
        "line 2: 40 bytes without a newline: a run was stopped while it wrote a record"
    );
}

/// One thing that can be done to a file of lines.
#[derive(Debug, Clone)]
enum Tampering {
    Byte { line: usize, at: usize, to: u8 },
    Drop(usize),
    Swap(usize, usize),
    Repeat { line: usize, before: usize },
    Renumber { line: usize, seq: u64 },
    Remake(usize),
    Cut(usize),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let place = 0..20_usize;
    prop_oneof![
        (place.clone(), 0..400_usize, 0x20..0x7f_u8).prop_map(|(line, at, to)| Tampering::Byte {
            line,
            at,
            to
        }),
        place.clone().prop_map(Tampering::Drop),
        (place.clone(), place.clone()).prop_map(|(a, b)| Tampering::Swap(a, b)),
        (place.clone(), place.clone())
            .prop_map(|(line, before)| Tampering::Repeat { line, before }),
        (place.clone(), 1..40_u64).prop_map(|(line, seq)| Tampering::Renumber { line, seq }),
        place.clone().prop_map(Tampering::Remake),
        place.prop_map(Tampering::Cut),
    ]
}

fn tamper(lines: &mut Vec<String>, with: &Tampering) {
    match *with {
        Tampering::Byte { line, at, to } => {
            let mut bytes = lines[line].clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] = to;
            lines[line] = String::from_utf8(bytes).expect("ASCII");
        }
        Tampering::Drop(line) => drop(lines.remove(line)),
        Tampering::Swap(a, b) => lines.swap(a, b),
        Tampering::Repeat { line, before } => lines.insert(before, lines[line].clone()),
        Tampering::Renumber { line, seq } => {
            let from = format!("\"seq\":{}", line + 1);
            lines[line] = lines[line].replace(&from, &format!("\"seq\":{seq}"));
        }
        Tampering::Remake(line) => {
            let before = match line {
                0 => Head::default(),
                line => Link::read(lines[line - 1].as_bytes())
                    .expect("a record")
                    .head(),
            };
            let record = Record::new(Kind::RuleApproved, json!({}));
            lines[line] = seal(&before, "t", &record).0;
        }
        Tampering::Cut(line) => lines.truncate(line),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_is_found(with in tampering()) {
        let whole = chain(20);
        let anchor = Anchor {
            head: Link::read(whole[19].as_bytes()).map(|link| link.hash),
            records: None,
        };
        let mut lines = whole.clone();
        tamper(&mut lines, &with);
        prop_assert_eq!(verified(&lines, anchor).holds(), lines == whole);
    }
}
