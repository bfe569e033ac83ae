//! Lines of the protocol as text, and what a run must make of them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::json::{Json, Key, Masked, Step, blank, key, shallow, spelt, value};

/// What stands before its line end.
#[derive(Debug, Clone)]
pub enum Line {
    Record(Record),
    State(State),
    /// Leaves as it came.
    Message(String),
    /// No message: a LOG that tells its size stands for it.
    Foreign(String),
}

/// Texts around `data`.
#[derive(Debug, Clone)]
pub struct Record {
    pub stream: Stream,
    pub before: String,
    pub data: Option<Json>,
    pub after: String,
}

/// Namespace and name, as read.
pub type Stream = (Option<&'static str>, &'static str);

/// Texts around the record count, and the streams it covers; all when there are none.
#[derive(Debug, Clone)]
pub struct State {
    pub covers: Vec<Stream>,
    pub before: String,
    pub count: Option<String>,
    pub after: String,
}

/// A whole input.
#[derive(Clone)]
pub struct Input {
    pub lines: Vec<Line>,
    /// The line end, and whether the last line has one.
    pub end: &'static str,
    pub ended: bool,
}

/// Every stream that occurs.
pub const STREAMS: [Stream; 6] = [
    (None, "users"),
    (None, "orders"),
    (Some("crm"), "users"),
    (None, "a \"b\".c/é😀"),
    (Some("users"), "users"),
    (None, ""),
];

impl Input {
    /// The bytes of the input.
    pub fn text(&self) -> String {
        let lines = self
            .lines
            .iter()
            .map(|line| line.text(None, &|text| text.to_owned()));
        self.join(lines)
    }

    /// What must leave when only `path` of the records of `streams` is masked.
    pub fn expected(&self, streams: &[Stream], path: &[Step], masked: Masked<'_>) -> String {
        let mut open = std::collections::BTreeMap::<Stream, u64>::new();
        let mut lines = Vec::with_capacity(self.lines.len());
        for (i, line) in self.lines.iter().enumerate() {
            lines.push(match line {
                Line::Record(record) => {
                    *open.entry(record.stream).or_default() += 1;
                    let path = streams.contains(&record.stream).then_some(path);
                    line.text(path, masked)
                }
                Line::State(state) => {
                    let mut count = 0;
                    open.retain(|stream, records| {
                        let covered = state.covers.is_empty() || state.covers.contains(stream);
                        count += if covered { *records } else { 0 };
                        !covered
                    });
                    state.counting(count)
                }
                Line::Foreign(text) if !text.trim_ascii().is_empty() => {
                    // All of the line but its newline is counted.
                    let last = i + 1 == self.lines.len();
                    let bytes = text.len()
                        + if last && !self.ended {
                            0
                        } else {
                            self.end.len() - 1
                        };
                    foreign(i + 1, bytes)
                }
                Line::Message(text) | Line::Foreign(text) => text.clone(),
            });
        }
        let mut text = self.join(lines.into_iter());
        // The line that stands for a foreign one ends in a bare newline.
        text = text.replace(
            &format!("{FOREIGN_END}{}", self.end),
            &format!("{FOREIGN_END}\n"),
        );
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    fn join(&self, lines: impl Iterator<Item = String>) -> String {
        let mut text: String = lines.map(|line| line + self.end).collect();
        if !self.ended && text.ends_with(self.end) {
            text.truncate(text.len() - self.end.len());
        }
        text
    }
}

const FOREIGN_END: &str = "set `foreign_lines: show` to see it\"}}";

fn foreign(number: usize, bytes: usize) -> String {
    format!(
        "{{\"type\":\"LOG\",\"log\":{{\"level\":\"INFO\",\"message\":\"midflight: line {number} is not an Airbyte \
         message ({bytes} bytes); its text is withheld, {FOREIGN_END}"
    )
}

impl std::fmt::Debug for Input {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "lines that end in {:?}\n{}", self.end, self.text())
    }
}

impl Line {
    /// The line as written; what stands at `path` of a record is handed to `masked`.
    pub fn text(&self, path: Option<&[Step]>, masked: Masked<'_>) -> String {
        match self {
            Self::Record(record) => {
                let mut out = record.before.clone();
                match &record.data {
                    Some(data) => data.write(path, masked, &mut out),
                    None => out.push_str("null"),
                }
                out + &record.after
            }
            Self::State(state) => state.text(state.count.as_deref()),
            Self::Message(text) | Self::Foreign(text) => text.clone(),
        }
    }
}

impl State {
    fn text(&self, count: Option<&str>) -> String {
        let stats = count.map(|count| format!(",\"sourceStats\":{{\"recordCount\":{count}}}"));
        format!("{}{}{}", self.before, stats.unwrap_or_default(), self.after)
    }

    fn counting(&self, count: u64) -> String {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts are doubles in the protocol"
        )]
        let said = |text: &String| text.parse() == Ok(count as f64);
        match &self.count {
            Some(text) if said(text) => self.text(Some(text)),
            _ => self.text(Some(&format!("{count}.0"))),
        }
    }
}

/// An input with states of one type.
pub fn input() -> impl Strategy<Value = Input> {
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n")];
    let lines = select(vec![Scope::Stream, Scope::Global, Scope::Legacy]).prop_flat_map(|scope| {
        let line = prop_oneof![
            12 => record(data()).prop_map(Line::Record),
            3 => state(scope).prop_map(Line::State),
            1 => message().prop_map(Line::Message),
            1 => foreign_text().prop_map(Line::Foreign),
        ];
        vec(line, 0..20)
    });
    (lines, end, prop_oneof![4 => Just(true), 1 => Just(false)])
        .prop_map(|(lines, end, ended)| Input { lines, end, ended })
}

fn quoted(text: &str, escaped: u8) -> String {
    format!("\"{}\"", spelt(text, escaped).raw)
}

/// The data of a record: an object in which the keys of interest are frequent.
pub fn data() -> impl Strategy<Value = Option<Json>> {
    let street = (vec((key(), value()), 0..4), blank())
        .prop_map(|(members, blank)| Json::Object(members, blank));
    let items = (vec(prop_oneof![street, shallow()], 0..4), blank())
        .prop_map(|(items, blank)| Json::Array(items, blank));
    let object = (vec((key(), value()), 0..4), blank())
        .prop_map(|(members, blank)| Json::Object(members, blank));
    let member = prop_oneof![
        6 => (key(), value()),
        1 => (Just(spelt("address", 0)), object),
        1 => (Just(spelt("items", 0)), items),
    ];
    let object =
        (vec(member, 0..8), blank()).prop_map(|(members, blank)| Json::Object(members, blank));
    option::weighted(0.95, object)
}

/// A record with this data.
pub fn record(data: impl Strategy<Value = Option<Json>>) -> impl Strategy<Value = Record> {
    let unknown = (
        key().prop_filter("it decides nothing", undecided),
        shallow(),
    )
        .boxed();
    let inner = (
        select(STREAMS.to_vec()),
        prop_oneof![9 => Just(0_u8), 1 => any::<u8>()],
        0..3_u8,
        option::of(unknown.clone()),
    );
    let inner = inner.prop_flat_map(|(stream, escaped, style, unknown)| {
        let mut members = vec![
            format!("\"stream\":{}", quoted(stream.1, escaped)),
            "\"emitted_at\":1795338276094".to_owned(),
        ];
        match stream.0 {
            Some(namespace) => {
                members.push(format!("\"namespace\":{}", quoted(namespace, escaped)))
            }
            None if style == 1 => members.push("\"namespace\":null".to_owned()),
            None => {}
        }
        members.extend(unknown.map(member));
        members.push(DATA.to_owned());
        (Just(stream), arranged(members))
    });
    let outer = (inner, option::of(unknown)).prop_flat_map(|((stream, inner), unknown)| {
        let mut members = vec![
            "\"type\":\"RECORD\"".to_owned(),
            format!("\"record\":{inner}"),
        ];
        members.extend(unknown.map(member));
        (Just(stream), arranged(members))
    });
    (outer, data).prop_map(|((stream, line), data)| {
        let (before, after) = line.split_once(HOLE).expect("data has a place");
        Record {
            stream,
            before: before.to_owned(),
            data,
            after: after.to_owned(),
        }
    })
}

/// Stands for the data until it is known.
const DATA: &str = "\"data\":\u{1}";
const HOLE: char = '\u{1}';

fn undecided(key: &Key) -> bool {
    ![
        "type",
        "record",
        "state",
        "stream",
        "namespace",
        "data",
        "meta",
    ]
    .contains(&key.text.as_str())
}

fn member((key, value): (Key, Json)) -> String {
    format!("\"{}\":{}", key.raw, value.text())
}

/// An object of these members, mostly in the order given.
fn arranged(members: Vec<String>) -> impl Strategy<Value = String> {
    let order = prop_oneof![2 => Just(members.clone()), 1 => Just(members).prop_shuffle()];
    (order, blank()).prop_map(|(members, blank)| {
        let separator = format!("{blank},{blank}");
        format!("{{{blank}{}{blank}}}", members.join(&separator))
    })
}

#[derive(Debug, Clone, Copy)]
enum Scope {
    Stream,
    Global,
    Legacy,
}

fn state(scope: Scope) -> impl Strategy<Value = State> {
    let count = select(vec![
        "0", "0.0", "1", "1.0", "2e0", "3.00", "17", "-1.0", "null", "\"1\"",
    ])
    .prop_map(str::to_owned);
    let covers = match scope {
        Scope::Stream => subsequence(STREAMS.to_vec(), 1..=1).boxed(),
        Scope::Global => subsequence(STREAMS.to_vec(), 0..STREAMS.len()).boxed(),
        Scope::Legacy => Just(Vec::new()).boxed(),
    };
    (covers, option::of(count), shallow(), any::<bool>()).prop_map(
        move |(covers, count, opaque, type_first)| {
            let described = covers.iter().map(|(namespace, name)| {
                let namespace =
                    namespace.map(|namespace| format!(",\"namespace\":{}", quoted(namespace, 0)));
                let opaque = opaque.text();
                format!(
                    "{{\"stream_descriptor\":{{\"name\":{}{}}},\"stream_state\":{opaque}}}",
                    quoted(name, 0),
                    namespace.unwrap_or_default()
                )
            });
            let described: Vec<_> = described.collect();
            let body = match scope {
                Scope::Stream => format!("\"type\":\"STREAM\",\"stream\":{}", described.concat()),
                Scope::Global => format!(
                    "\"type\":\"GLOBAL\",\"global\":{{\"stream_states\":[{}]}}",
                    described.join(",")
                ),
                Scope::Legacy => format!("\"data\":{}", opaque.text()),
            };
            let (before, after) = match type_first {
                true => (
                    format!("{{\"type\":\"STATE\",\"state\":{{{body}"),
                    "}}".to_owned(),
                ),
                false => (
                    format!("{{\"state\":{{{body}"),
                    "},\"type\":\"STATE\",\"id\":7}".to_owned(),
                ),
            };
            State {
                covers,
                before,
                count,
                after,
            }
        },
    )
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        super::json::string().prop_map(|text| format!(
            "{{\"type\":\"LOG\",\"log\":{{\"level\":\"INFO\",\"message\":{text}}}}}"
        )),
        shallow().prop_map(|value| format!(
            "{{\"type\":\"TRACE\",\"trace\":{{\"emitted_at\":1.50,\"x\":{}}}}}",
            value.text()
        )),
        shallow()
            .prop_map(|value| format!("{{ \"x\" : {} , \"type\" : \"CONTROL\" }}", value.text())),
        Just("{\"type\":\"SOMETHING_NEW\"}".to_owned()),
    ]
}

fn foreign_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9 ,:\"\\\\é]{0,40}",
        shallow().prop_map(|value| format!("[{}]", value.text())),
        shallow().prop_map(|value| format!("{{\"kind\":{}}}", value.text())),
        Just(String::new()),
        Just(" \t ".to_owned()),
    ]
}
