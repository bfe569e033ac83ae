//! What a rule demands: an SQL expression, or a shorthand that is turned into one.
//!
//! A row passes when the expression is true or NULL, so every shorthand but `not_null` lets a missing
//! value pass.

use crate::document::{Fields, Node, Position, Problems, Value, listed, nearest};
use crate::plan::config::{TYPES, read_name};
use crate::schema::path::{Path, Segment};
use crate::stage::spec::CastType;

/// The most values of an `in_set`.
pub const SET_VALUES_MAX: usize = 1_000;

/// What a rule demands of its columns; a shorthand demands it of each of them.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleForm {
    /// A boolean SQL expression over the stream's columns.
    Expr(String),
    /// There is a value.
    NotNull,
    /// The value is one of these.
    InSet(Vec<Literal>),
    /// The value is neither below `min` nor above `max`; one of them is there.
    Range {
        min: Option<Literal>,
        max: Option<Literal>,
    },
    /// The text has this many characters; one of the limits is there.
    Length { min: Option<u64>, max: Option<u64> },
    /// The pattern is found in the text.
    Regex(String),
    /// The value reads as this type; never `String`, which everything does.
    Type(CastType),
    /// No two rows of a batch have the same values in the columns, taken together.
    UniqueInBatch,
    /// The date or timestamp is not later than now.
    NotInFuture,
}

/// A value of a shorthand.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other finite number.
    Float(f64),
    /// Text; a date too.
    Text(String),
}

impl RuleForm {
    /// The name of the shorthand; `expr` for an expression.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Expr(_) => "expr",
            Self::NotNull => "not_null",
            Self::InSet(_) => "in_set",
            Self::Range { .. } => "range",
            Self::Length { .. } => "length",
            Self::Regex(_) => "regex",
            Self::Type(_) => "type",
            Self::UniqueInBatch => "unique_in_batch",
            Self::NotInFuture => "not_in_future",
        }
    }

    /// The expression, true or NULL for a row that passes. `unique_in_batch` has none, being about
    /// several rows, and `not_in_future` has none without `now`, a timestamp as SQL reads it.
    pub(super) fn to_sql(&self, columns: &[Path], now: Option<&str>) -> Option<String> {
        if let Self::Expr(sql) = self {
            return Some(sql.clone());
        }
        let demands: Option<Vec<_>> = columns
            .iter()
            .map(|column| self.column_sql(&identifier(column)?, now))
            .collect();
        demands.map(|demands| demands.join(" AND "))
    }

    fn column_sql(&self, column: &str, now: Option<&str>) -> Option<String> {
        Some(match self {
            Self::Expr(_) | Self::UniqueInBatch => return None,
            Self::NotNull => format!("{column} IS NOT NULL"),
            Self::InSet(values) => {
                let values: Vec<_> = values.iter().map(Literal::to_sql).collect();
                format!("{column} IN ({})", values.join(", "))
            }
            Self::Range { min, max } => between(
                column,
                min.as_ref().map(Literal::to_sql),
                max.as_ref().map(Literal::to_sql),
            ),
            Self::Length { min, max } => between(
                &format!("character_length({column})"),
                min.map(|n| n.to_string()),
                max.map(|n| n.to_string()),
            ),
            Self::Regex(pattern) => format!("regexp_like({column}, {})", quoted(pattern)),
            Self::Type(to) => type_sql(column, *to),
            Self::NotInFuture => {
                let now = quoted(now?);
                format!("TRY_CAST({column} AS TIMESTAMP) <= CAST({now} AS TIMESTAMP)")
            }
        })
    }
}

fn between(value: &str, min: Option<String>, max: Option<String>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("{value} BETWEEN {min} AND {max}"),
        (Some(min), None) => format!("{value} >= {min}"),
        (None, Some(max)) => format!("{value} <= {max}"),
        (None, None) => "TRUE".to_owned(),
    }
}

fn type_sql(column: &str, to: CastType) -> String {
    let cast = |name: &str| format!("TRY_CAST({column} AS {name})");
    let reads = |name: &str| format!("{} IS NOT NULL", cast(name));
    let test = match to {
        CastType::String => return "TRUE".to_owned(),
        // A cast of a fraction to an integer succeeds by cutting it off.
        CastType::Integer => format!("({} AND {} % 1 = 0)", reads("BIGINT"), cast("DOUBLE")),
        CastType::Number => reads("DOUBLE"),
        CastType::Boolean => reads("BOOLEAN"),
        CastType::Date => reads("DATE"),
        CastType::TimestampWithTimezone | CastType::TimestampWithoutTimezone => reads("TIMESTAMP"),
    };
    format!("({column} IS NULL OR {test})")
}

impl Literal {
    /// As SQL writes it.
    pub fn to_sql(&self) -> String {
        match self {
            Self::Bool(flag) => if *flag { "TRUE" } else { "FALSE" }.to_owned(),
            Self::Integer(number) => number.to_string(),
            // Debug keeps the point or exponent that makes it a float again.
            Self::Float(number) => format!("{number:?}"),
            Self::Text(text) => quoted(text),
        }
    }

    fn as_number(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "compared with another limit only"
            )]
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A path of keys as SQL names it; `None` for a path that names several values.
pub fn identifier(path: &Path) -> Option<String> {
    let names: Option<Vec<_>> = path
        .segments()
        .iter()
        .map(|segment| match segment {
            Segment::Key(name) => Some(format!("\"{}\"", name.replace('"', "\"\""))),
            Segment::Items | Segment::Any => None,
        })
        .collect();
    names.map(|names| names.join("."))
}

type Reader = fn(&Node, &str, &mut Problems) -> Option<RuleForm>;

const CHECKS: &[(&str, Reader)] = &[
    ("not_null", |node, file, problems| {
        bare(RuleForm::NotNull, node, file, problems)
    }),
    ("in_set", in_set),
    ("range", range),
    ("length", length),
    ("regex", |node, file, problems| {
        let pattern = read_name(node, "the pattern", file, problems)?;
        Some(RuleForm::Regex(pattern.to_owned()))
    }),
    ("type", value_type),
    ("unique_in_batch", |node, file, problems| {
        bare(RuleForm::UniqueInBatch, node, file, problems)
    }),
    ("not_in_future", |node, file, problems| {
        bare(RuleForm::NotInFuture, node, file, problems)
    }),
];

/// Reads a shorthand: its name, or a map of its name to its settings.
pub(super) fn read_check(node: &Node, file: &str, problems: &mut Problems) -> Option<RuleForm> {
    let nothing = Node {
        value: Value::Null,
        at: node.at,
    };
    let (name, at, settings) = match &node.value {
        Value::Text(name) => (name, node.at, &nothing),
        Value::Map(entries) => match entries.as_slice() {
            [(key, settings)] => (&key.name, key.at, settings),
            _ => {
                let message = "a check is one key with its settings";
                problems.push_hint(file, node.at, message, "write two rules for two checks");
                return None;
            }
        },
        _ => {
            node.mismatch("a check", file, problems);
            return None;
        }
    };
    match CHECKS.iter().find(|(known, _)| known == name) {
        Some((_, read)) => read(settings, file, problems),
        None => {
            refuse_unknown(name, at, file, problems);
            None
        }
    }
}

fn refuse_unknown(name: &str, at: Position, file: &str, problems: &mut Problems) {
    let names = CHECKS.iter().map(|(name, _)| *name);
    let hint = match nearest(name, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!(
            "the checks are {}; write anything else as `expr:`",
            listed(&names.collect::<Vec<_>>())
        ),
    };
    problems.push_hint(file, at, format!("unknown check `{name}`"), hint);
}

fn bare(form: RuleForm, node: &Node, file: &str, problems: &mut Problems) -> Option<RuleForm> {
    if node.value != Value::Null {
        let message = format!("the check `{}` takes no settings", form.name());
        problems.push_at(file, node.at, message);
        return None;
    }
    Some(form)
}

fn in_set(node: &Node, file: &str, problems: &mut Problems) -> Option<RuleForm> {
    let items = node.read_list(file, problems)?;
    if items.is_empty() || items.len() > SET_VALUES_MAX {
        let message = format!("a set has 1 to {SET_VALUES_MAX} values");
        problems.push_at(file, node.at, message);
        return None;
    }
    let mut values: Vec<Literal> = Vec::with_capacity(items.len());
    for item in items {
        let value = literal(item, file, problems)?;
        if values.first().is_some_and(|first| !alike(first, &value)) {
            problems.push_at(file, item.at, "the values of a set are of one kind");
            return None;
        }
        values.push(value);
    }
    Some(RuleForm::InSet(values))
}

fn range(node: &Node, file: &str, problems: &mut Problems) -> Option<RuleForm> {
    let mut fields = Fields::of(node, "the check `range`", file, problems)?;
    let (low, high) = (fields.take("min"), fields.take("max"));
    fields.finish(problems);
    let mut limit = |node: Option<&Node>| match node {
        None => Some(None),
        Some(node) => literal(node, file, problems).map(Some),
    };
    let (min, max) = (limit(low), limit(high));
    let (min, max) = (min?, max?);
    let wrong = match (&min, &max) {
        (None, None) => Some("the check `range` needs `min`, `max` or both"),
        (Some(a), Some(b)) if !alike(a, b) => Some("`min` and `max` are of one kind"),
        (Some(a), Some(b)) if a.as_number() > b.as_number() => Some("`min` is above `max`"),
        (Some(Literal::Bool(_)), _) | (_, Some(Literal::Bool(_))) => {
            Some("true and false have no range")
        }
        _ => None,
    };
    if let Some(message) = wrong {
        problems.push_at(file, node.at, message);
        return None;
    }
    Some(RuleForm::Range { min, max })
}

fn length(node: &Node, file: &str, problems: &mut Problems) -> Option<RuleForm> {
    let mut fields = Fields::of(node, "the check `length`", file, problems)?;
    let mut limit = |name| {
        let characters = fields.integer_within(name, 0..=i64::from(i32::MAX), problems)?;
        u64::try_from(characters).ok()
    };
    let (min, max) = (limit("min"), limit("max"));
    let given = fields.take("min").is_some() || fields.take("max").is_some();
    fields.finish(problems);
    let wrong = match (min, max) {
        (None, None) if !given => Some("the check `length` needs `min`, `max` or both"),
        (Some(min), Some(max)) if min > max => Some("`min` is above `max`"),
        _ => None,
    };
    if let Some(message) = wrong {
        problems.push_at(file, node.at, message);
        return None;
    }
    Some(RuleForm::Length { min, max })
}

fn value_type(node: &Node, file: &str, problems: &mut Problems) -> Option<RuleForm> {
    let to = node.read_choice(TYPES, file, problems)?;
    if to == CastType::String {
        let message = "every value reads as a string, so this check cannot fail";
        problems.push_at(file, node.at, message);
        return None;
    }
    Some(RuleForm::Type(to))
}

fn literal(node: &Node, file: &str, problems: &mut Problems) -> Option<Literal> {
    Some(match &node.value {
        Value::Bool(flag) => Literal::Bool(*flag),
        Value::Integer(number) => Literal::Integer(*number),
        Value::Float(_) => Literal::Float(node.read_number(file, problems)?),
        Value::Text(text) => Literal::Text(text.clone()),
        Value::Null | Value::List(_) | Value::Map(_) => {
            node.mismatch("text, a number, true or false", file, problems);
            return None;
        }
    })
}

fn alike(one: &Literal, other: &Literal) -> bool {
    one.is_text() == other.is_text() && one.as_number().is_some() == other.as_number().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    fn read(text: &str) -> (Option<RuleForm>, Vec<String>) {
        let mut problems = Problems::new();
        let node = parse("f", text, &mut problems).expect("well-formed");
        let form = read_check(&node, "f", &mut problems);
        problems.sort();
        (form, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn shorthands_become_expressions() {
        for (check, columns, expected) in [
            ("not_null", &["email"][..], r#""email" IS NOT NULL"#),
            (
                "{not_null: }",
                &["a", "b"],
                r#""a" IS NOT NULL AND "b" IS NOT NULL"#,
            ),
            ("{in_set: [a, o'b]}", &["x"], r#""x" IN ('a', 'o''b')"#),
            ("{in_set: [1, 2.5]}", &["x"], r#""x" IN (1, 2.5)"#),
            ("{in_set: [true]}", &["x"], r#""x" IN (TRUE)"#),
            ("{in_set: [no]}", &["x"], r#""x" IN ('no')"#),
            (
                "{range: {min: 0, max: 120}}",
                &["age"],
                r#""age" BETWEEN 0 AND 120"#,
            ),
            ("{range: {min: -1e3}}", &["age"], r#""age" >= -1000.0"#),
            (
                "{range: {max: 2030-01-01}}",
                &["day"],
                r#""day" <= '2030-01-01'"#,
            ),
            (
                "{length: {min: 1, max: 3}}",
                &["c"],
                r#"character_length("c") BETWEEN 1 AND 3"#,
            ),
            (
                "{length: {max: 3}}",
                &["c"],
                r#"character_length("c") <= 3"#,
            ),
            (
                "{regex: \"^[A-Z]'s$\"}",
                &["c"],
                r#"regexp_like("c", '^[A-Z]''s$')"#,
            ),
            (
                "{type: date}",
                &["c"],
                r#"("c" IS NULL OR TRY_CAST("c" AS DATE) IS NOT NULL)"#,
            ),
            (
                "{type: integer}",
                &["c"],
                r#"("c" IS NULL OR (TRY_CAST("c" AS BIGINT) IS NOT NULL AND TRY_CAST("c" AS DOUBLE) % 1 = 0))"#,
            ),
            (
                "not_null",
                &["address.city", "\"a\"\"b.c\""],
                r#""address"."city" IS NOT NULL AND "a""b.c" IS NOT NULL"#,
            ),
        ] {
            let (form, problems) = read(check);
            assert_eq!(problems, Vec::<String>::new(), "{check}");
            let columns: Vec<Path> = columns.iter().map(|c| c.parse().expect(c)).collect();
            let sql = form.and_then(|form| form.to_sql(&columns, None));
            assert_eq!(sql.as_deref(), Some(expected), "{check}");
        }
    }

    #[test]
    fn what_a_row_alone_cannot_tell_has_no_expression() {
        let columns = [Path::key("c")];
        assert_eq!(
            RuleForm::UniqueInBatch.to_sql(&columns, Some("2026-01-01T00:00:00Z")),
            None
        );
        assert_eq!(RuleForm::NotInFuture.to_sql(&columns, None), None);
        assert_eq!(
            RuleForm::NotInFuture
                .to_sql(&columns, Some("2026-01-01T00:00:00Z"))
                .as_deref(),
            Some(r#"TRY_CAST("c" AS TIMESTAMP) <= CAST('2026-01-01T00:00:00Z' AS TIMESTAMP)"#)
        );
    }

    #[test]
    fn wrong_checks_are_told_with_the_way_out() {
        for (check, expected) in [
            ("[not_null]", &["f:1:1: expected a check, found a list"][..]),
            (
                "not_nul",
                &["f:1:1: unknown check `not_nul`; did you mean `not_null`?"],
            ),
            (
                "luhn",
                &[
                    "f:1:1: unknown check `luhn`; the checks are `not_null`, `in_set`, `range`, `length`, `regex`, `type`, `unique_in_batch` and `not_in_future`; write anything else as `expr:`",
                ],
            ),
            (
                "{not_null: true}",
                &["f:1:12: the check `not_null` takes no settings"],
            ),
            (
                "{range: {min: 1}, not_null: }",
                &["f:1:1: a check is one key with its settings; write two rules for two checks"],
            ),
            ("in_set", &["f:1:1: expected a list, found nothing"]),
            ("{in_set: []}", &["f:1:10: a set has 1 to 1000 values"]),
            (
                "{in_set: [a, 1]}",
                &["f:1:14: the values of a set are of one kind"],
            ),
            (
                "{in_set: [true, 1]}",
                &["f:1:17: the values of a set are of one kind"],
            ),
            (
                "{in_set: [a, null]}",
                &["f:1:14: expected text, a number, true or false, found nothing"],
            ),
            (
                "{range: {}}",
                &["f:1:9: the check `range` needs `min`, `max` or both"],
            ),
            (
                "{range: {min: 2, max: 1}}",
                &["f:1:9: `min` is above `max`"],
            ),
            (
                "{range: {min: a, max: 1}}",
                &["f:1:9: `min` and `max` are of one kind"],
            ),
            (
                "{range: {min: true}}",
                &["f:1:9: true and false have no range"],
            ),
            (
                "{range: {mim: 1}}",
                &[
                    "f:1:9: the check `range` needs `min`, `max` or both",
                    "f:1:10: unknown key `mim`; did you mean `min`?",
                ],
            ),
            (
                "{range: {min: .inf}}",
                &["f:1:15: expected a finite number"],
            ),
            (
                "{length: {}}",
                &["f:1:10: the check `length` needs `min`, `max` or both"],
            ),
            (
                "{length: {min: -1}}",
                &["f:1:16: `min` must lie between 0 and 2147483647"],
            ),
            (
                "{length: {min: 3, max: 2}}",
                &["f:1:10: `min` is above `max`"],
            ),
            ("{regex: ''}", &["f:1:9: the pattern is empty"]),
            (
                "{type: strng}",
                &["f:1:8: unknown word `strng`; did you mean `string`?"],
            ),
            (
                "{type: string}",
                &["f:1:8: every value reads as a string, so this check cannot fail"],
            ),
        ] {
            let (form, problems) = read(check);
            assert_eq!(problems, expected, "{check}");
            assert!(form.is_none() || check.contains("length"), "{check}");
        }
    }
}
