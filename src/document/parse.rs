//! Text to [`Node`]s, from the events of the YAML parser and within bounds.
//!
//! Aliases are refused rather than expanded, nesting is cut off before it can exhaust the stack, and
//! a duplicate key is a problem instead of a silent choice.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{Key, Node, Position, Problems, Value};

/// The longest document read, in bytes.
pub const TEXT_BYTES_MAX: usize = 4 << 20;

/// The deepest nesting read, in lists and maps.
pub const NESTING_MAX: usize = 64;

/// Reads the one document of `text`; `file` is its name in messages. `None`, with at least one
/// problem, when there is no tree to work with. A document with duplicate keys, odd tags or numbers
/// too large still gives its tree, so that its other problems can be found too.
pub fn parse(file: &str, text: &str, problems: &mut Problems) -> Option<Node> {
    if text.len() > TEXT_BYTES_MAX {
        problems.push_file(
            file,
            format!("the file is larger than {} MiB", TEXT_BYTES_MAX >> 20),
        );
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str(text);
    let mut tree = Tree::new(file, problems);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => tree.take(event, span)?,
            Err(error) => {
                let at = position(*error.marker());
                tree.problem(at, format!("this is not YAML: {}", error.info()));
                return None;
            }
        }
    }
    tree.finish()
}

/// A list or map whose end has not been seen.
enum Open {
    List {
        at: Position,
        items: Vec<Node>,
    },
    Map {
        at: Position,
        entries: Vec<(Key, Node)>,
        /// The line of each name seen.
        lines: HashMap<String, usize>,
        key: Option<Key>,
    },
}

struct Tree<'a> {
    file: &'a str,
    problems: &'a mut Problems,
    open: Vec<Open>,
    documents: usize,
    root: Option<Node>,
    aliases: usize,
}

impl<'a> Tree<'a> {
    fn new(file: &'a str, problems: &'a mut Problems) -> Self {
        Self {
            file,
            problems,
            open: Vec::new(),
            documents: 0,
            root: None,
            aliases: 0,
        }
    }

    fn problem(&mut self, at: Position, message: impl Into<String>) {
        self.problems.push_at(self.file, at, message);
    }

    /// Takes one event; `None` when reading on makes no sense.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let at = position(span.start);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Some(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.problem(at, "a second document begins here; one is allowed");
                    return None;
                }
                Some(())
            }
            Event::Alias(_) => {
                self.aliases += 1;
                self.problems.push_hint(
                    self.file,
                    at,
                    "aliases are not supported",
                    "write the value out",
                );
                self.place(Value::Null, "*", at)
            }
            Event::Scalar(text, style, _, tag) => {
                let value = self.scalar(&text, style, tag.as_deref(), at);
                self.place(value, &text, at)
            }
            Event::SequenceStart(_, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                self.descend(Open::List {
                    at,
                    items: Vec::new(),
                })
            }
            Event::MappingStart(_, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                self.descend(Open::Map {
                    at,
                    entries: Vec::new(),
                    lines: HashMap::new(),
                    key: None,
                })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop()? {
                Open::List { at, items } => self.place(Value::List(items), "", at),
                Open::Map { at, entries, .. } => self.place(Value::Map(entries), "", at),
            },
        }
    }

    fn descend(&mut self, open: Open) -> Option<()> {
        let (Open::List { at, .. } | Open::Map { at, .. }) = open;
        if matches!(self.open.last(), Some(Open::Map { key: None, .. })) {
            self.problem(at, "a key must be text, not a list or a map");
            return None;
        }
        if self.open.len() == NESTING_MAX {
            self.problem(at, format!("nested deeper than {NESTING_MAX} levels"));
            return None;
        }
        self.open.push(open);
        Some(())
    }

    /// Puts a value where it belongs; `text` is its source when it stands as a key.
    fn place(&mut self, value: Value, text: &str, at: Position) -> Option<()> {
        match self.open.last_mut() {
            None => self.root = Some(Node { value, at }),
            Some(Open::List { items, .. }) => items.push(Node { value, at }),
            Some(Open::Map {
                entries,
                lines,
                key,
                ..
            }) => match key.take() {
                None => {
                    let name = text.to_owned();
                    *key = Some(Key { name, at });
                }
                Some(key) => {
                    if let Some(line) = lines.get(&key.name) {
                        let message =
                            format!("the key `{}` stands on line {line} already", key.name);
                        self.problem(key.at, message);
                    } else {
                        lines.insert(key.name.clone(), key.at.line);
                        entries.push((key, Node { value, at }));
                    }
                }
            },
        }
        Some(())
    }

    /// The value of a scalar by the core schema of YAML 1.2 (section 10.3.2 of its specification).
    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Position) -> Value {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => {
                return Value::Text(text.to_owned());
            }
            tag => self.refuse_tag(tag, at),
        }
        if style != ScalarStyle::Plain {
            return Value::Text(text.to_owned());
        }
        match plain_value(text) {
            Some(value) => value,
            None => {
                self.problems.push_hint(
                    self.file,
                    at,
                    "this integer does not fit 64 bits",
                    "quote it to make it text",
                );
                Value::Integer(i64::MAX)
            }
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, at: Position) {
        if tag.is_some() {
            self.problem(at, "tags other than `!!str` are not supported");
        }
    }

    fn finish(self) -> Option<Node> {
        if self.root.is_none() {
            self.problems.push_file(self.file, "the file is empty");
        }
        // What an alias stood for is unknown, so nothing true could be said about the rest.
        self.root.filter(|_| self.aliases == 0)
    }
}

/// What a scalar without quotes means; `None` for an integer beyond 64 bits.
pub(super) fn plain_value(text: &str) -> Option<Value> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match number(text) {
            Some(Ok(value)) => value,
            Some(Err(TooLarge)) => return None,
            None => Value::Text(text.to_owned()),
        },
    })
}

/// An integer beyond 64 bits.
struct TooLarge;

/// The number that a plain scalar means, if it means one.
fn number(text: &str) -> Option<Result<Value, TooLarge>> {
    let integer = |digits: &str, radix| {
        i64::from_str_radix(digits, radix)
            .map(Value::Integer)
            .map_err(|_| TooLarge)
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, |b| b.is_ascii_hexdigit()).then(|| integer(digits, 16));
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return all(digits, |b| (b'0'..=b'7').contains(&b)).then(|| integer(digits, 8));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if all(unsigned, |b| b.is_ascii_digit()) {
        return Some(integer(text, 10));
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" => {
            let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
            return Some(Ok(Value::Float(sign * f64::INFINITY)));
        }
        ".nan" | ".NaN" | ".NAN" if unsigned.len() == text.len() => {
            return Some(Ok(Value::Float(f64::NAN)));
        }
        _ => {}
    }
    is_float(unsigned)
        .then(|| text.parse().ok())
        .flatten()
        .map(|number| Ok(Value::Float(number)))
}

/// `digits [ "." [ digits ] ] [ exponent ]` or `"." digits [ exponent ]`.
fn is_float(unsigned: &str) -> bool {
    let digit = |b: u8| b.is_ascii_digit();
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent_fits = exponent
        .is_none_or(|exponent| all(exponent.strip_prefix(['-', '+']).unwrap_or(exponent), digit));
    let mantissa_fits = match mantissa.split_once('.') {
        None => all(mantissa, digit),
        Some(("", fraction)) => all(fraction, digit),
        Some((whole, fraction)) => all(whole, digit) && fraction.bytes().all(digit),
    };
    exponent_fits && mantissa_fits
}

fn all(text: &str, test: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(test)
}

fn position(marker: saphyr_parser::Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let mut problems = Problems::new();
        let node = parse("f.yaml", text, &mut problems);
        (node, problems.iter().map(ToString::to_string).collect())
    }

    fn at(line: usize, column: usize) -> Position {
        Position { line, column }
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        let text = |t: &str| Value::Text(t.to_owned());
        for (source, expected) in [
            ("~", Value::Null),
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("FALSE", Value::Bool(false)),
            ("no", text("no")),
            ("on", text("on")),
            ("12", Value::Integer(12)),
            ("-7", Value::Integer(-7)),
            ("+7", Value::Integer(7)),
            ("007", Value::Integer(7)),
            ("0x1F", Value::Integer(31)),
            ("0o17", Value::Integer(15)),
            ("0x-1", text("0x-1")),
            ("-9223372036854775808", Value::Integer(i64::MIN)),
            ("1.5", Value::Float(1.5)),
            ("1.", Value::Float(1.0)),
            (".5", Value::Float(0.5)),
            ("1e3", Value::Float(1000.0)),
            ("-.inf", Value::Float(f64::NEG_INFINITY)),
            ("1.2.3", text("1.2.3")),
            ("e3", text("e3")),
            (".", text(".")),
            ("inf", text("inf")),
            ("1_000", text("1_000")),
            ("2026-09-15", text("2026-09-15")),
            ("'12'", text("12")),
            ("\"a\\nb\"", text("a\nb")),
            ("!!str 12", text("12")),
            ("ünïcode", text("ünïcode")),
        ] {
            let (node, problems) = read(source);
            assert_eq!(problems, Vec::<String>::new(), "{source}");
            assert_eq!(node.map(|n| n.value), Some(expected), "{source}");
        }
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let (node, problems) =
            read("\u{feff}# head\na:\n  - b: 1\n    'ü c': x\n  -\nd:\ne: {f: [g]}\n");
        assert_eq!(problems, Vec::<String>::new());
        let node = node.expect("a tree");
        assert_eq!(node.at, at(2, 1));
        let Value::Map(entries) = &node.value else {
            panic!("a map")
        };
        let places: Vec<_> = entries
            .iter()
            .map(|(k, n)| (k.name.as_str(), k.at, n.at))
            .collect();
        assert_eq!(places[0], ("a", at(2, 1), at(3, 3)));
        assert_eq!((places[1].0, places[1].1), ("d", at(6, 1)));
        assert_eq!(places[2], ("e", at(7, 1), at(7, 4)));
        let Value::List(items) = &entries[0].1.value else {
            panic!("a list")
        };
        assert_eq!(items[0].at, at(3, 5));
        let Value::Map(inner) = &items[0].value else {
            panic!("a map")
        };
        assert_eq!(
            (inner[1].0.name.as_str(), inner[1].0.at, inner[1].1.at),
            ("ü c", at(4, 5), at(4, 12))
        );
        assert_eq!(items[1].value, Value::Null);
    }

    #[test]
    fn broken_documents_are_told_with_their_place() {
        for (source, expected) in [
            ("", vec!["f.yaml: the file is empty"]),
            ("# nothing\n", vec!["f.yaml: the file is empty"]),
            (
                "a: 1\n---\nb: 2\n",
                vec!["f.yaml:2:1: a second document begins here; one is allowed"],
            ),
            (
                "a: 1\nb: 2\na: 3\nb: 4\n",
                vec![
                    "f.yaml:3:1: the key `a` stands on line 1 already",
                    "f.yaml:4:1: the key `b` stands on line 2 already",
                ],
            ),
            (
                "a: &x 1\nb: *x\nc: *x\n",
                vec![
                    "f.yaml:2:4: aliases are not supported; write the value out",
                    "f.yaml:3:4: aliases are not supported; write the value out",
                ],
            ),
            (
                "a: !env HOME\n",
                vec!["f.yaml:1:4: tags other than `!!str` are not supported"],
            ),
            (
                "? [a]\n: b\n",
                vec!["f.yaml:1:3: a key must be text, not a list or a map"],
            ),
            (
                "a: 9223372036854775808",
                vec!["f.yaml:1:4: this integer does not fit 64 bits; quote it to make it text"],
            ),
        ] {
            assert_eq!(read(source).1, expected, "{source}");
        }
        for (source, start) in [
            ("a: [1, 2\n", "f.yaml:"),
            ("a: 'x\n", "f.yaml:"),
            ("a:\n\t- b\n", "f.yaml:2:"),
        ] {
            let (node, problems) = read(source);
            assert!(node.is_none(), "{source}");
            assert!(
                problems.len() == 1 && problems[0].starts_with(start),
                "{problems:?}"
            );
            assert!(problems[0].contains("this is not YAML: "), "{problems:?}");
        }
    }

    #[test]
    fn duplicates_keep_the_first_and_the_tree() {
        let (node, _) = read("a: 1\na: 2\n");
        let Some(Value::Map(entries)) = node.map(|n| n.value) else {
            panic!("a map")
        };
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].1.value, Value::Integer(1));
    }

    #[test]
    fn size_and_depth_have_limits() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(read(&deep(NESTING_MAX)).1.is_empty());
        let past = deep(NESTING_MAX + 1);
        assert_eq!(
            read(&past).1,
            [format!(
                "f.yaml:1:{}: nested deeper than 64 levels",
                NESTING_MAX + 1
            )]
        );
        let blocks = "- ".repeat(100_000);
        assert_eq!(read(&blocks).1.len(), 1);
        let bomb = format!("{}x", "[".repeat(100_000));
        assert_eq!(read(&bomb).1.len(), 1);
        assert_eq!(
            read(&" ".repeat(TEXT_BYTES_MAX + 1)).1,
            ["f.yaml: the file is larger than 4 MiB"]
        );
    }
}
