//! Nodes as YAML text that [`super::parse()`] reads back as the same nodes.
//!
//! Text is quoted wherever it could be taken for something else, by this program or by readers of
//! YAML 1.1; every scalar stays on one line.

use std::fmt::Write;

use super::parse::plain_value;
use super::{Key, Node, Value};

/// The column past which a list or map is laid out over several lines.
const WIDTH: usize = 110;
/// The longest key that stands without a `?`; readers look no further than 1024 characters for its colon.
const KEY_CHARACTERS_MAX: usize = 500;

/// How the value of an entry is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// On one line if it fits, else over several.
    Fit,
    /// A map or list that is not empty has a line for each of its entries.
    Open,
}

/// The node on one line.
pub fn flow(node: &Node) -> String {
    let mut out = String::new();
    write_flow(node, &mut out);
    out
}

/// Adds the lines of one entry of a map whose keys stand `indent` columns in.
pub fn entry(out: &mut String, indent: usize, key: &str, node: &Node, layout: Layout) {
    write_indent(out, indent);
    entry_here(out, indent, key, node, layout);
}

/// Adds an entry where its line has begun already, as behind `- `.
pub fn entry_here(out: &mut String, indent: usize, key: &str, node: &Node, layout: Layout) {
    let value = value(indent, indent + key.chars().count(), node, layout);
    let key = scalar(key);
    if is_long(&key) {
        out.push_str("? ");
        out.push_str(&key);
        out.push('\n');
        write_indent(out, indent);
    } else {
        out.push_str(&key);
    }
    out.push(':');
    match value {
        Laid::Inline(text) => {
            out.push(' ');
            out.push_str(&text);
            out.push('\n');
        }
        Laid::Lines(text) => {
            out.push('\n');
            out.push_str(&text);
        }
    }
}

/// A value laid out: behind its key, or on the lines after it, each with its line break.
#[derive(Debug)]
pub enum Laid {
    /// What stands behind `key: `.
    Inline(String),
    /// The lines below `key:`.
    Lines(String),
}

/// Lays out the value of a key that stands `indent` columns in and ends at column `used`.
pub fn value(indent: usize, used: usize, node: &Node, layout: Layout) -> Laid {
    let holds_any = match &node.value {
        Value::List(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        _ => false,
    };
    let inline = flow(node);
    let fits = layout == Layout::Fit && used + 2 + inline.chars().count() <= WIDTH;
    if !holds_any || fits {
        return Laid::Inline(inline);
    }
    let mut lines = String::new();
    let indent = indent + 2;
    match &node.value {
        Value::Map(entries) => {
            for (key, node) in entries {
                entry(&mut lines, indent, &key.name, node, Layout::Fit);
            }
        }
        Value::List(items) => {
            for node in items {
                item(&mut lines, indent, node);
            }
        }
        _ => {}
    }
    Laid::Lines(lines)
}

/// Adds the lines of one item of a list whose dashes stand `indent` columns in.
pub fn item(out: &mut String, indent: usize, node: &Node) {
    write_indent(out, indent);
    out.push_str("- ");
    let inline = flow(node);
    let entries = match &node.value {
        Value::Map(entries) if indent + 2 + inline.chars().count() > WIDTH => entries.as_slice(),
        _ => &[],
    };
    if entries.is_empty() {
        out.push_str(&inline);
        out.push('\n');
    }
    for (i, (Key { name, .. }, node)) in entries.iter().enumerate() {
        if i == 0 {
            entry_here(out, indent + 2, name, node, Layout::Fit);
        } else {
            entry(out, indent + 2, name, node, Layout::Fit);
        }
    }
}

fn write_indent(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn is_long(key: &str) -> bool {
    key.chars().count() > KEY_CHARACTERS_MAX
}

fn write_flow(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Integer(number) => write_into(out, format_args!("{number}")),
        Value::Float(number) if number.is_nan() => out.push_str(".nan"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { ".inf" } else { "-.inf" });
        }
        // Debug keeps the point or exponent that makes it a float again.
        Value::Float(number) => write_into(out, format_args!("{number:?}")),
        Value::Text(text) => out.push_str(&scalar(text)),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write_flow(item, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (i, (key, node)) in entries.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                let key = scalar(&key.name);
                out.push_str(if is_long(&key) { "? " } else { "" });
                out.push_str(&key);
                out.push_str(if is_long(&key) { " : " } else { ": " });
                write_flow(node, out);
            }
            out.push('}');
        }
    }
}

fn write_into(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

/// Text as one scalar, bare where nobody could mistake it.
pub fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let escapes = text.chars().any(needs_escape);
    if escapes || (text.contains('\'') && !text.contains(['"', '\\'])) {
        return double_quoted(text);
    }
    format!("'{}'", text.replace('\'', "''"))
}

fn is_plain(text: &str) -> bool {
    let character = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                '_' | '-' | '.' | '/' | '+' | '(' | ')' | '<' | '>' | '=' | '*' | '@' | ';'
            )
            || matches!(
                c,
                ' ' | '|' | '%' | '^' | '~' | '!' | '?' | '$' | '…' | ':' | '\'' | '"'
            )
    };
    let begins =
        text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '(' | '/' | '^' | '$'));
    let ends = !text.ends_with([' ', ':', '-', '?']);
    begins
        && ends
        && text.chars().all(|c| character(c) && !needs_escape(c))
        // In a list or map in braces a colon is safest between two letters or digits.
        && text.match_indices(':').all(|(at, _)| {
            let next = text[at + 1..].chars().next();
            next.is_some_and(char::is_alphanumeric)
        })
        && matches!(plain_value(text), Some(Value::Text(_)))
        && !means_more_elsewhere(text)
}

/// Whether readers of YAML 1.1 take the text for a truth value or a number.
fn means_more_elsewhere(text: &str) -> bool {
    const WORDS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    let numeric = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'_' | b'.' | b':' | b'e' | b'E' | b'+'));
    word || numeric || text.starts_with("0b") || text.starts_with("0x")
}

/// Characters that must not stand bare, or that nobody would see.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{a0}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}'
        )
        || matches!(c, '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}')
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if needs_escape(c) && u32::from(c) > 0xffff => {
                write_into(&mut out, format_args!("\\U{:08X}", u32::from(c)));
            }
            c if needs_escape(c) => write_into(&mut out, format_args!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Problems, parse};

    fn read(text: &str) -> Node {
        let mut problems = Problems::new();
        let node = parse("f", text, &mut problems);
        assert!(problems.is_empty(), "{problems}\n{text}");
        node.expect(text)
    }

    #[test]
    fn text_is_bare_only_where_nobody_could_mistake_it() {
        for (text, expected) in [
            ("age BETWEEN 0 AND 120", "age BETWEEN 0 AND 120"),
            ("2026-09-01/2026-09-14", "2026-09-01/2026-09-14"),
            ("sha256:9c1f", "sha256:9c1f"),
            ("rule-suggest@3", "rule-suggest@3"),
            ("Zoë", "Zoë"),
            ("\"a\" IS NOT NULL", "'\"a\" IS NOT NULL'"),
            ("a = 'x'", "a = 'x'"),
            ("'x' = a", "\"'x' = a\""),
            ("a, 'b'", "\"a, 'b'\""),
            ("", "''"),
            ("12", "'12'"),
            ("1:30", "'1:30'"),
            ("1e3", "'1e3'"),
            ("null", "'null'"),
            ("No", "'No'"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            ("a\nb", "\"a\\nb\""),
            ("- a", "'- a'"),
            ("a\u{202e}b", "\"a\\u202Eb\""),
            ("^[A-Z]{3}\\d$", "'^[A-Z]{3}\\d$'"),
        ] {
            assert_eq!(scalar(text), expected, "{text}");
            assert_eq!(
                read(&format!("k: {expected}"))
                    .get("k")
                    .map(|n| n.value.clone()),
                Some(Value::Text(text.to_owned()))
            );
        }
    }

    #[test]
    fn what_is_wide_is_laid_out_over_lines() {
        let long = "x".repeat(60);
        let node = Node::map([
            ("short", Node::map([("a", Value::Integer(1).into())])),
            (
                "rows",
                Value::List(vec![
                    Node::text(&long),
                    Node::map([("b", Node::text(&long)), ("c", Node::text(&long))]),
                ])
                .into(),
            ),
            ("none", Value::List(vec![]).into()),
        ]);
        let mut out = String::new();
        entry(&mut out, 2, "k", &node, Layout::Fit);
        assert_eq!(
            out,
            format!(
                "  k:\n    short: {{a: 1}}\n    rows:\n      - {long}\n      - b: {long}\n        c: {long}\n    none: []\n"
            )
        );
        assert!(read(&out).get("k").expect("k").same(&node));
    }
}
