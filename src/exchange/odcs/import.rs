//! The quality of a contract's object as rules.

use super::{COLUMNS, ON_FAIL};
use crate::document::{Node, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::exchange::imported::{Found, Imported, list, literal, on_fail, severity, text};
use crate::exchange::sql;
use crate::plan::rules::{Literal, RuleForm};
use crate::schema::path::Path;

/// Adds the rules about a stream; the contract's only object is that stream whatever its name.
///
/// # Errors
/// `Config` when it is no contract, or has no such object.
pub(in crate::exchange) fn import(
    contract: &Node,
    stream: &str,
    imported: &mut Imported,
) -> Result<()> {
    if text(contract, "kind") != Some("DataContract") {
        let message = "this is neither a data contract (`kind: DataContract`) nor a list of checks";
        return Err(Error::new(ErrorKind::Config, message)
            .hint("ODCS 3 contracts and dqx's checks can be read"));
    }
    let objects = list(contract, "schema");
    let called = |object: &&Node| {
        ["name", "physicalName"]
            .iter()
            .any(|key| text(object, key) == Some(stream))
    };
    let object = match (objects, objects.iter().find(called)) {
        (_, Some(object)) | ([object], None) => object,
        _ => {
            let names: Vec<_> = objects
                .iter()
                .filter_map(|object| text(object, "name"))
                .collect();
            let message = format!("the contract has no object called `{stream}`");
            return Err(Error::new(ErrorKind::Config, message)
                .hint(format!("there are: {}", names.join(", "))));
        }
    };
    for property in list(object, "properties") {
        let name = text(property, "name").unwrap_or_default();
        for quality in list(property, "quality") {
            one(quality, Some(name), imported);
        }
        if !list(property, "properties").is_empty() {
            nested(property, &Path::key(name), imported);
        }
    }
    for quality in list(object, "quality") {
        one(quality, None, imported);
    }
    Ok(())
}

/// Fields of an object that have quality of their own: their paths would have to be guessed in queries.
fn nested(property: &Node, path: &Path, imported: &mut Imported) {
    for field in list(property, "properties") {
        for quality in list(field, "quality") {
            let name = text(field, "name").unwrap_or_default();
            let message =
                format!("the quality of `{path}.{name}` is about a field inside an object");
            let hint = "write the rule by hand, with the path as its column";
            imported.refuse(quality.at, message, hint);
        }
    }
}

/// Why something is no rule, and what to do.
type Refusal = (String, &'static str);

fn one(quality: &Node, property: Option<&str>, imported: &mut Imported) {
    let kind = text(quality, "type").unwrap_or("library");
    let metric = text(quality, "metric").or_else(|| text(quality, "rule"));
    let name = text(quality, "name").or_else(|| text(quality, "id"));
    let name = name.map_or_else(
        || {
            format!(
                "{}_{}",
                property.unwrap_or("object"),
                metric.unwrap_or(kind)
            )
        },
        str::to_owned,
    );
    let demand = match kind {
        "library" => library(quality, metric, property),
        "sql" => query(quality, property),
        "text" => Err((
            "it is a sentence for people".to_owned(),
            "write it as a rule",
        )),
        other => {
            let engine = text(quality, "engine").unwrap_or(other);
            Err((
                format!("it is written for `{engine}`"),
                "write it as a rule",
            ))
        }
    };
    match demand {
        Ok((form, columns)) => imported.add(Found {
            name,
            form,
            columns,
            severity: severity(text(quality, "severity")),
            on_fail: on_fail(custom(quality, ON_FAIL).and_then(as_text)),
            dimension: text(quality, "dimension"),
            description: text(quality, "description"),
            at: quality.at,
        }),
        Err((why, hint)) => imported.refuse(quality.at, format!("`{name}`: {why}"), hint),
    }
}

fn as_text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The value of a custom property.
fn custom<'a>(quality: &'a Node, name: &str) -> Option<&'a Node> {
    let all = list(quality, "customProperties");
    let found = all
        .iter()
        .find(|property| text(property, "property") == Some(name));
    found?.get("value")
}

/// Whether the count must be nothing; other thresholds are about many rows.
fn none_may_fail(quality: &Node) -> Result<(), Refusal> {
    let number = |key: &str| match quality.get(key).map(|node| &node.value) {
        Some(Value::Integer(number)) => Some(*number),
        Some(Value::Float(number)) if *number == 0.0 => Some(0),
        Some(_) => Some(i64::MAX),
        None => None,
    };
    let percent = text(quality, "unit") == Some("percent");
    let none = number("mustBe") == Some(0)
        || number("mustBeLessOrEqualTo") == Some(0)
        || !percent && number("mustBeLessThan") == Some(1);
    match none {
        true => Ok(()),
        false => Err((
            "its threshold is about many rows, and a rule is about one".to_owned(),
            "import it with `mustBe: 0`, and let `limits` bound how many rows may fail",
        )),
    }
}

type Demand = (RuleForm, Vec<Path>);

fn library(
    quality: &Node,
    metric: Option<&str>,
    property: Option<&str>,
) -> Result<Demand, Refusal> {
    let metric = metric.ok_or(("it names no metric".to_owned(), ""))?;
    if matches!(metric, "duplicateValues" | "rowCount") {
        let why = format!("`{metric}` is about many rows, and a rule is about one");
        return Err((why, "check it in the warehouse, where all rows are"));
    }
    none_may_fail(quality)?;
    let property = property.ok_or(("it names no property".to_owned(), ""))?;
    let column = Path::key(property);
    let arguments = quality.get("arguments");
    let values = |key: &str| {
        let found = arguments.map_or(&[][..], |arguments| list(arguments, key));
        found.iter().filter_map(literal).collect::<Vec<_>>()
    };
    let form = match metric {
        "nullValues" => RuleForm::NotNull,
        "missingValues" => match values("missingValues") {
            missing if missing.is_empty() => RuleForm::NotNull,
            missing => {
                let name = sql::name(&column);
                let listed: Vec<_> = missing.iter().map(Literal::to_sql).collect();
                let listed = listed.join(", ");
                RuleForm::Expr(format!("{name} IS NOT NULL AND {name} NOT IN ({listed})"))
            }
        },
        "invalidValues" => {
            let pattern = arguments.and_then(|arguments| text(arguments, "pattern"));
            match (values("validValues"), pattern) {
                (valid, None) if !valid.is_empty() => RuleForm::InSet(valid),
                (valid, Some(pattern)) if valid.is_empty() => RuleForm::Regex(pattern.to_owned()),
                (valid, Some(_)) if !valid.is_empty() => {
                    return Err((
                        "it has both `validValues` and `pattern`".to_owned(),
                        "write two entries",
                    ));
                }
                _ => return Err(("it says neither `validValues` nor `pattern`".to_owned(), "")),
            }
        }
        other => return Err((format!("the metric `{other}` is not known"), "")),
    };
    Ok((form, vec![column]))
}

/// A query that counts rows by one condition.
fn query(quality: &Node, property: Option<&str>) -> Result<Demand, Refusal> {
    const ONLY: &str = "`SELECT COUNT(*) FROM {object} WHERE …` with `mustBe: 0` can be read";
    none_may_fail(quality)?;
    let query = text(quality, "query").unwrap_or_default().trim();
    let query = query.trim_end_matches(';').trim_end();
    let condition = condition_of(query).ok_or((
        "its query is more than a count of rows by one condition".to_owned(),
        ONLY,
    ))?;
    let column = property.map(Path::key);
    let mut condition = condition.to_owned();
    for holder in ["{property}", "${property}", "{column}", "${column}"]
        .iter()
        .rev()
    {
        if condition.contains(holder) {
            let name = column.as_ref().map(sql::name);
            let name = name.ok_or((format!("it says {holder}, but is about no property"), ""))?;
            condition = condition.replace(holder, &name);
        }
    }
    let expression = sql::turned(&condition);
    let columns = columns(quality, &expression, column.as_ref())?;
    if let [column] = columns.as_slice()
        && expression
            == format!(
                "TRY_CAST({} AS TIMESTAMP) <= CURRENT_TIMESTAMP",
                sql::name(column)
            )
    {
        return Ok((RuleForm::NotInFuture, columns));
    }
    Ok((RuleForm::Expr(expression), columns))
}

/// The columns that an expression says, those that the contract says for it before.
fn columns(
    quality: &Node,
    expression: &str,
    property: Option<&Path>,
) -> Result<Vec<Path>, Refusal> {
    let said = custom(quality, COLUMNS).map(|node| match &node.value {
        Value::List(items) => items.as_slice(),
        _ => &[],
    });
    let said = said.unwrap_or_default().iter().filter_map(as_text);
    let said: Vec<Path> = said.filter_map(|path| path.parse().ok()).collect();
    if !said.is_empty() {
        return Ok(said);
    }
    let named = sql::columns(expression);
    match (named, property) {
        (Ok(named), _) => Ok(named),
        // Its own check says why it cannot stand in a rule.
        (Err(_), Some(property)) => Ok(vec![property.clone()]),
        (Err(why), None) => Err((why, "")),
    }
}

/// The condition of `SELECT COUNT(*) FROM name WHERE condition`.
fn condition_of(query: &str) -> Option<&str> {
    let mut rest = query;
    for word in ["select", "count(*)", "from"] {
        rest = rest.trim_start();
        let head = rest.get(..word.len())?;
        if !head.eq_ignore_ascii_case(word) {
            return None;
        }
        rest = &rest[word.len()..];
    }
    // The object's name: one word, or a placeholder.
    let rest = rest.trim_start();
    let end = rest.find(char::is_whitespace)?;
    let rest = rest[end..].trim_start();
    let head = rest.get(..5)?;
    let condition = rest.get(5..)?.trim();
    let plain = head.eq_ignore_ascii_case("where") && !condition.is_empty();
    let several = sql::outside_quotes(condition).any(|(_, c)| c == ';');
    (plain && !several).then_some(condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_by_one_condition_is_read() {
        for (query, condition) in [
            ("SELECT COUNT(*) FROM {object} WHERE a < 0", Some("a < 0")),
            (
                "select count(*)\n from ${table}\n where NOT (a = 'where')",
                Some("NOT (a = 'where')"),
            ),
            ("SELECT COUNT(*) FROM users u JOIN x WHERE a", None),
            ("SELECT COUNT(*) FROM users", None),
            ("SELECT COUNT(DISTINCT a) FROM users WHERE a > 1", None),
            ("SELECT COUNT(*) FROM users WHERE a; DROP TABLE users", None),
        ] {
            assert_eq!(condition_of(query), condition, "{query}");
        }
    }
}
