//! The identity of a rule: what it tests and what follows from it, and nothing else.
//!
//! An approval holds for a fingerprint, so editing a rule voids it, while a new description does not.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{OnFail, RuleSpec, Severity};

/// The canonical form; its keys are in alphabetical order.
#[derive(Serialize)]
struct Canonical<'a> {
    columns: Vec<String>,
    expr: &'a str,
    on_fail: OnFail,
    severity: Severity,
}

/// SHA-256 as lower-case hex of the rule's canonical JSON.
pub(super) fn of(rule: &RuleSpec) -> String {
    let expr = match rule.to_sql() {
        Some(sql) => collapse(&sql),
        None => rule.form.name().to_owned(),
    };
    let mut columns: Vec<_> = rule.columns.iter().map(ToString::to_string).collect();
    columns.sort();
    let canonical = Canonical {
        columns,
        expr: &expr,
        on_fail: rule.on_fail,
        severity: rule.severity,
    };
    // Text and unit variants always serialise; an empty text would match no fingerprint of a rule.
    let json = serde_json::to_vec(&canonical).unwrap_or_default();
    hex::encode(Sha256::digest(json))
}

/// The expression with every run of whitespace outside quotes as one space. Comments, escapes and
/// dollar quotes could hide where a quote ends, so an expression with any of them stays as it is.
fn collapse(sql: &str) -> String {
    let sql = sql.trim();
    if ["--", "/*", "\\", "$"]
        .iter()
        .any(|mark| sql.contains(mark))
    {
        return sql.to_owned();
    }
    let mut out = String::with_capacity(sql.len());
    let mut quote = None;
    for c in sql.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
                continue;
            }
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_collapses_outside_quotes_only() {
        for (sql, expected) in [
            ("  a  >\n\t1 ", "a > 1"),
            ("a = 'x  y'  AND b", "a = 'x  y' AND b"),
            (
                "a = 'it''s  so'   OR \"c  d\" = 1",
                "a = 'it''s  so' OR \"c  d\" = 1",
            ),
            ("' '  'a'", "' ' 'a'"),
            ("a = ' '  AND b", "a = ' ' AND b"),
            ("a > 1 -- x\n AND  b", "a > 1 -- x\n AND  b"),
            ("a ~ '\\d  '   AND  b", "a ~ '\\d  '   AND  b"),
        ] {
            assert_eq!(collapse(sql), expected, "{sql}");
        }
    }
}
