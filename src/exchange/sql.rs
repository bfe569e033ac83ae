//! Expressions between dialects: quotes of names, conditions turned round, the columns that are named.

use std::cell::RefCell;

use arrow::datatypes::DataType;

use crate::schema::path::{Path, Segment};
use crate::stage::sql::Expression;

/// The columns that an expression names.
///
/// # Errors
/// Why it cannot stand in a rule.
pub(super) fn columns(sql: &str) -> Result<Vec<Path>, String> {
    let named = RefCell::new(Vec::new());
    let compiled = Expression::compile(sql, &|path| {
        let mut named = named.borrow_mut();
        if !named.contains(path) {
            named.push(path.clone());
        }
        Ok(DataType::Utf8View)
    });
    let named = named.into_inner();
    match compiled {
        // No type is known here: what does not fit text may fit what the column is.
        _ if !named.is_empty() => Ok(named),
        Ok(_) => Err("it names no column".to_owned()),
        Err(problems) => Err(problems
            .first()
            .map_or_else(String::new, |problem| problem.message.clone())),
    }
}

/// A path of keys as SQL names it.
pub(super) fn name(path: &Path) -> String {
    let names = path.segments().iter().map(|segment| match segment {
        Segment::Key(name) => format!("\"{}\"", name.replace('"', "\"\"")),
        Segment::Items => "[]".to_owned(),
        Segment::Any => "*".to_owned(),
    });
    names.collect::<Vec<_>>().join(".")
}

/// The condition that holds where the other does not. NULL stays NULL.
pub(super) fn turned(condition: &str) -> String {
    let condition = condition.trim();
    match inner_of_not(condition) {
        Some(inner) => inner.to_owned(),
        None => format!("NOT ({condition})"),
    }
}

/// What stands in `NOT (…)`, where that is the whole condition.
fn inner_of_not(condition: &str) -> Option<&str> {
    let word = condition.get(..3)?;
    let rest = condition.get(3..)?.trim_start();
    if !word.eq_ignore_ascii_case("not") || !rest.starts_with('(') {
        return None;
    }
    let mut depth = 0_usize;
    for (at, c) in outside_quotes(rest) {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    let whole = at + 1 == rest.len();
                    return whole.then(|| rest[1..at].trim());
                }
            }
            _ => {}
        }
    }
    None
}

/// The characters that stand in no quotes, with their places.
pub(super) fn outside_quotes(sql: &str) -> impl Iterator<Item = (usize, char)> {
    let mut open = None;
    sql.char_indices().filter(move |(_, c)| match open {
        Some(quote) => {
            if *c == quote {
                open = None;
            }
            false
        }
        None if matches!(c, '\'' | '"' | '`') => {
            open = Some(*c);
            false
        }
        None => true,
    })
}

/// Standard SQL as Spark reads it: names in backticks, and backslashes in text doubled.
pub(super) fn to_spark(sql: &str) -> String {
    requoted(sql, '"', '`', |text| text.replace('\\', "\\\\"))
}

/// Spark's SQL as standard SQL.
pub(super) fn from_spark(sql: &str) -> String {
    requoted(sql, '`', '"', |text| text.replace("\\\\", "\\"))
}

fn requoted(sql: &str, from: char, to: char, text: fn(&str) -> String) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(start) = rest.find(['\'', from]) {
        out.push_str(&rest[..start]);
        let quote = if rest[start..].starts_with('\'') {
            '\''
        } else {
            from
        };
        let (inside, after) = quoted(&rest[start + quote.len_utf8()..], quote);
        match quote {
            '\'' => out.push_str(&format!("'{}'", text(&inside).replace('\'', "''"))),
            _ => {
                let doubled = format!("{to}{to}");
                out.push_str(&format!("{to}{}{to}", inside.replace(to, &doubled)));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What stands up to the closing quote, doubled quotes as one, and what follows it.
fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut inside = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c != quote {
            inside.push(c);
        } else if characters.peek().is_some_and(|(_, next)| *next == quote) {
            characters.next();
            inside.push(quote);
        } else {
            return (inside, &text[at + quote.len_utf8()..]);
        }
    }
    (inside, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_go_there_and_back() {
        for (sql, spark) in [
            ("\"a b\" = 'it''s' AND c > 1", "`a b` = 'it''s' AND c > 1"),
            ("\"q\"\"d\" IS NULL", "`q\"d` IS NULL"),
            ("\"t`k\" <> '\"x\"'", "`t``k` <> '\"x\"'"),
            ("regexp_like(c, '^\\d+$')", "regexp_like(c, '^\\\\d+$')"),
            ("\"a\".\"b\" > 0", "`a`.`b` > 0"),
        ] {
            assert_eq!(to_spark(sql), spark);
            assert_eq!(from_spark(spark), sql);
        }
    }

    #[test]
    fn conditions_are_turned_round_and_back() {
        for (condition, other) in [
            ("age < 0", "NOT (age < 0)"),
            ("NOT (age < 0)", "age < 0"),
            ("not(a = ')')", "a = ')'"),
            ("NOT (a) OR (b)", "NOT (NOT (a) OR (b))"),
            ("nothing > 1", "NOT (nothing > 1)"),
        ] {
            assert_eq!(turned(condition), other);
        }
    }

    #[test]
    fn columns_are_read_and_what_is_no_row_rule_is_refused() {
        let found = columns("\"a b\" > c AND address.city = 'x' AND c < 1").expect("columns");
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["a b", "c", "address.city"]);
        for sql in ["SUM(a) > 1", "a IN (SELECT 1)", "a >", "1 = 1"] {
            columns(sql).expect_err(sql);
        }
    }
}
