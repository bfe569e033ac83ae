//! Where each value of a document begins and ends, in bytes of its text.
//!
//! Made for edits that change some bytes and leave all others. A value in block style ends with the
//! last character of the last value in it; comments belong to nobody.

use saphyr_parser::{Event, Parser, Span};

/// A stretch of the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins.
    pub start: usize,
    /// Where it ends; the byte after the last.
    pub end: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Outline {
    /// A scalar; nothing for a value that is not written at all.
    Scalar(Option<Extent>),
    /// A list; `flow` when it stands in brackets.
    List {
        extent: Extent,
        flow: bool,
        items: Vec<Outline>,
    },
    /// A map; `flow` when it stands in braces.
    Map {
        extent: Extent,
        flow: bool,
        entries: Vec<OutlineEntry>,
    },
}

/// An entry of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct OutlineEntry {
    /// The name of its key.
    pub name: String,
    /// Where its key stands.
    pub key: Extent,
    /// Where its colon ends.
    pub colon: usize,
    /// Its value.
    pub value: Outline,
}

impl Outline {
    /// Where the value stands; nothing when it is not written.
    pub fn extent(&self) -> Option<Extent> {
        match self {
            Self::Scalar(extent) => *extent,
            Self::List { extent, .. } | Self::Map { extent, .. } => Some(*extent),
        }
    }

    /// The entry of a key, if the value is a map that has it.
    pub fn entry(&self, name: &str) -> Option<&OutlineEntry> {
        match self {
            Self::Map { entries, .. } => entries.iter().find(|entry| entry.name == name),
            _ => None,
        }
    }
}

impl OutlineEntry {
    /// Where the entry ends.
    pub fn end(&self) -> usize {
        self.value.extent().map_or(self.colon, |extent| extent.end)
    }
}

enum Open {
    List(usize, bool, Vec<Outline>),
    Map(
        usize,
        bool,
        Vec<OutlineEntry>,
        Option<(String, Extent, usize)>,
    ),
}

/// The outline of a text that [`super::parse()`] has read; `None` for any other.
pub fn outline(text: &str) -> Option<Outline> {
    let mark = '\u{feff}';
    let skipped = if text.starts_with(mark) {
        mark.len_utf8()
    } else {
        0
    };
    let body = &text[skipped..];
    let places: Vec<usize> = (body.char_indices().map(|(at, _)| at + skipped))
        .chain([text.len()])
        .collect();
    let extent = |span: &Span| {
        let start = *places.get(span.start.index())?;
        let end = *places.get(span.end.index())?;
        let written = text.get(start..end)?.trim_end();
        (!written.is_empty()).then_some(Extent {
            start,
            end: start + written.len(),
        })
    };
    let mut open: Vec<Open> = Vec::new();
    let mut parser = Parser::new_from_str(body);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.ok()?;
        let start = *places.get(span.start.index())?;
        let done = match event {
            Event::Scalar(name, ..) => {
                let extent = extent(&span);
                if let Some(Open::Map(.., key @ None)) = open.last_mut() {
                    *key = Some(read_key(text, name.into_owned(), extent?)?);
                    continue;
                }
                Outline::Scalar(extent)
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(
                    start,
                    text[start..].starts_with('['),
                    Vec::new(),
                ));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(
                    start,
                    text[start..].starts_with('{'),
                    Vec::new(),
                    None,
                ));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => close(open.pop()?, start),
            _ => continue,
        };
        match open.last_mut() {
            None => return Some(done),
            Some(Open::List(.., items)) => items.push(done),
            Some(Open::Map(.., entries, key)) => {
                let (name, key, colon) = key.take()?;
                let done = from_its_mark(text, colon, done);
                entries.push(OutlineEntry {
                    name,
                    key,
                    colon,
                    value: done,
                });
            }
        }
    }
    None
}

fn read_key(text: &str, name: String, key: Extent) -> Option<(String, Extent, usize)> {
    let at = past_blank(text, key.end);
    text[at..].starts_with(':').then_some((name, key, at + 1))
}

/// The first byte from `at` on that is neither blank nor of a comment.
fn past_blank(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start().len();
        if !text[at..].starts_with('#') {
            return at;
        }
        at += text[at..].find('\n').unwrap_or(text.len() - at);
    }
}

/// The value of a key, from its first character on: the parser begins a list whose dashes stand below
/// the key with its first item, and text over several lines with its first line.
fn from_its_mark(text: &str, colon: usize, mut value: Outline) -> Outline {
    let at = past_blank(text, colon);
    let marks: &[char] = match value {
        Outline::List { flow: false, .. } => &['-'],
        Outline::Scalar(_) => &['|', '>'],
        _ => &[],
    };
    if let Outline::List { extent, .. } | Outline::Scalar(Some(extent)) = &mut value
        && text[at..].starts_with(marks)
    {
        extent.start = extent.start.min(at);
    }
    value
}

/// A list or map whose closing bracket, if it has one, stands at `at`.
fn close(open: Open, at: usize) -> Outline {
    match open {
        Open::List(start, flow, items) => {
            let last = items.iter().rev().find_map(|item| Some(item.extent()?.end));
            let end = if flow {
                at + 1
            } else {
                last.unwrap_or(start + 1)
            };
            let extent = Extent { start, end };
            Outline::List {
                extent,
                flow,
                items,
            }
        }
        Open::Map(start, flow, entries, _) => {
            let last = entries.last().map(OutlineEntry::end);
            let end = if flow { at + 1 } else { last.unwrap_or(start) };
            let extent = Extent { start, end };
            Outline::Map {
                extent,
                flow,
                entries,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches<'a>(outline: &Outline, text: &'a str, out: &mut Vec<&'a str>) {
        if let Some(extent) = outline.extent() {
            out.push(&text[extent.start..extent.end]);
        }
        match outline {
            Outline::Scalar(_) => {}
            Outline::List { items, .. } => items.iter().for_each(|item| stretches(item, text, out)),
            Outline::Map { entries, .. } => {
                for entry in entries {
                    out.push(&text[entry.key.start..entry.colon]);
                    stretches(&entry.value, text, out);
                }
            }
        }
    }

    #[test]
    fn values_end_with_their_last_character() {
        for (text, expected) in [
            (
                "\u{feff}# ü\na: x y  # note\n",
                &["a: x y", "a:", "x y"][..],
            ),
            (
                "a:\n- 1 # one\n- ü\n# end\n",
                &["a:\n- 1 # one\n- ü", "a:", "- 1 # one\n- ü", "1", "ü"],
            ),
            (
                "r:\r\n  - b: {c: [1, 'x' ]} # z\r\n    d:\r\n",
                &[
                    "r:\r\n  - b: {c: [1, 'x' ]} # z\r\n    d:",
                    "r:",
                    "- b: {c: [1, 'x' ]} # z\r\n    d:",
                    "b: {c: [1, 'x' ]} # z\r\n    d:",
                    "b:",
                    "{c: [1, 'x' ]}",
                    "c:",
                    "[1, 'x' ]",
                    "1",
                    "'x'",
                    "d:",
                ],
            ),
            (
                "a: |\n  x\n\n  y\n\nb: >-\n  z\n# c\n",
                &[
                    "a: |\n  x\n\n  y\n\nb: >-\n  z",
                    "a:",
                    "|\n  x\n\n  y",
                    "b:",
                    ">-\n  z",
                ],
            ),
        ] {
            let outline = outline(text).expect(text);
            let mut found = Vec::new();
            stretches(&outline, text, &mut found);
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(outline("a: [1"), None);
    }
}
