//! Checks as rules.

use crate::document::{Node, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::exchange::imported::{Found, Imported, list, literal, on_fail, severity, text};
use crate::exchange::sql;
use crate::plan::rules::{Literal, RuleForm};
use crate::schema::path::Path;
use crate::stage::spec::CastType;

/// Adds the rules about a stream; a check that says whose it is must be the stream's.
///
/// # Errors
/// `Config` when it is no list of checks.
pub(in crate::exchange) fn import(
    checks: &Node,
    stream: &str,
    imported: &mut Imported,
) -> Result<()> {
    let Value::List(checks) = &checks.value else {
        return Err(Error::new(ErrorKind::Config, "dqx's checks are a list"));
    };
    for check in checks {
        one(check, stream, imported);
    }
    Ok(())
}

/// Why something is no rule, and what to do.
type Refusal = (String, &'static str);

fn one(check: &Node, stream: &str, imported: &mut Imported) {
    let nothing = Node::from(Value::Null);
    let metadata = check.get("user_metadata").unwrap_or(&nothing);
    let call = check.get("check").unwrap_or(&nothing);
    let function = text(call, "function").unwrap_or_default();
    let arguments = call.get("arguments").unwrap_or(&nothing);
    let columns = columns(call, arguments);
    let name = text(check, "name").map_or_else(
        || {
            let first = columns.as_ref().ok().and_then(|columns| columns.first());
            let first = first.map_or_else(String::new, |column| format!("{column}_"));
            format!("{first}{function}")
        },
        str::to_owned,
    );
    let demand = match text(metadata, "stream").filter(|other| *other != stream) {
        Some(other) => Err((format!("it is about the stream `{other}`"), "")),
        None => columns.and_then(|columns| demand(function, arguments, columns)),
    };
    let demand = demand.and_then(|demand| filtered(demand, text(check, "filter")));
    let criticality = text(metadata, "severity").or_else(|| text(check, "criticality"));
    match demand {
        Ok((form, columns)) => imported.add(Found {
            name,
            form,
            columns,
            severity: severity(criticality),
            on_fail: on_fail(text(metadata, "on_fail")),
            dimension: text(metadata, "dimension"),
            description: text(metadata, "description"),
            at: check.at,
        }),
        Err((why, hint)) => imported.refuse(check.at, format!("`{name}`: {why}"), hint),
    }
}

type Demand = (RuleForm, Vec<Path>);

/// The columns that a check names by themselves.
fn columns(call: &Node, arguments: &Node) -> Result<Vec<Path>, Refusal> {
    let mut names: Vec<&Node> = list(call, "for_each_column").iter().collect();
    names.extend(list(arguments, "columns"));
    names.extend(arguments.get("column"));
    let columns = names.into_iter().map(|name| match &name.value {
        Value::Text(text) => column(text),
        _ => Err((
            "a column is named by something else than text".to_owned(),
            "",
        )),
    });
    columns.collect()
}

/// A column as Spark names it; an expression is none.
fn column(name: &str) -> Result<Path, Refusal> {
    let not_plain = || {
        (
            format!("`{name}` is an expression, not a column"),
            "write it as `sql_expression`",
        )
    };
    let path: Path = name.parse().map_err(|_| not_plain())?;
    let quoted = name.contains('`');
    let spells = name.contains(['(', ')', ' ', '[', '+', '*', '/', '\'']);
    match quoted || !spells {
        true => Ok(path),
        false => Err(not_plain()),
    }
}

/// What a function demands of its columns.
fn demand(function: &str, arguments: &Node, columns: Vec<Path>) -> Result<Demand, Refusal> {
    if function == "sql_expression" {
        return expression(arguments, columns);
    }
    let each = |condition: &dyn Fn(&str) -> String| {
        let conditions = columns.iter().map(|column| condition(&sql::name(column)));
        RuleForm::Expr(conditions.collect::<Vec<_>>().join(" AND "))
    };
    if arguments.get("allow_nulls").map(|node| &node.value) == Some(&Value::Bool(false)) {
        let why = "it fails for null, which every rule but `not_null` lets pass".to_owned();
        return Err((why, "write an `is_not_null` beside it"));
    }
    let form = match function {
        "is_not_null" => RuleForm::NotNull,
        "is_null" => each(&|name| format!("{name} IS NULL")),
        "is_not_empty" => each(&|name| format!("{} <> ''", trimmed(name, arguments))),
        "is_not_null_and_not_empty" => {
            each(&|name| format!("{name} IS NOT NULL AND {} <> ''", trimmed(name, arguments)))
        }
        "is_in_list" => RuleForm::InSet(values(arguments, "allowed")?),
        "is_not_null_and_is_in_list" => {
            let set = values(arguments, "allowed")?;
            each(&|name| format!("{name} IS NOT NULL AND {name} IN ({})", listed(&set)))
        }
        "is_not_in_list" => {
            let set = values(arguments, "forbidden")?;
            each(&|name| format!("{name} NOT IN ({})", listed(&set)))
        }
        "is_in_range" => RuleForm::Range {
            min: Some(limit(arguments, "min_limit")?),
            max: Some(limit(arguments, "max_limit")?),
        },
        "is_not_in_range" => {
            let (min, max) = (
                limit(arguments, "min_limit")?,
                limit(arguments, "max_limit")?,
            );
            let (min, max) = (min.to_sql(), max.to_sql());
            each(&|name| format!("NOT ({name} BETWEEN {min} AND {max})"))
        }
        "is_not_less_than" => RuleForm::Range {
            min: Some(limit(arguments, "limit")?),
            max: None,
        },
        "is_not_greater_than" => RuleForm::Range {
            min: None,
            max: Some(limit(arguments, "limit")?),
        },
        "is_equal_to" | "is_not_equal_to" => {
            let value = limit(arguments, "value")?.to_sql();
            let sign = if function == "is_equal_to" { "=" } else { "<>" };
            each(&|name| format!("{name} {sign} {value}"))
        }
        "regex_match" => {
            let pattern = text(arguments, "regex").ok_or(("`regex` is missing".to_owned(), ""))?;
            let quoted = Literal::Text(pattern.to_owned()).to_sql();
            match flag(arguments, "negate") {
                true => each(&|name| format!("NOT regexp_like({name}, {quoted})")),
                false => RuleForm::Regex(pattern.to_owned()),
            }
        }
        "is_valid_date" => valid(arguments, "date_format", CastType::Date)?,
        "is_valid_timestamp" => valid(
            arguments,
            "timestamp_format",
            CastType::TimestampWithTimezone,
        )?,
        "is_not_in_future" if is_zero(arguments.get("offset")) => RuleForm::NotInFuture,
        "is_not_in_future" => {
            let why = "its `offset` moves the present".to_owned();
            return Err((why, "write it as an SQL expression"));
        }
        "is_unique" => {
            let why = "`is_unique` is about many rows, and a rule is about one";
            return Err((
                why.to_owned(),
                "check it in the warehouse, where all rows are",
            ));
        }
        "" => return Err(("it names no function".to_owned(), "")),
        other => {
            let why = format!("no rule says what `{other}` does");
            return Err((why, "write it as an SQL expression"));
        }
    };
    Ok((form, columns))
}

fn expression(arguments: &Node, columns: Vec<Path>) -> Result<Demand, Refusal> {
    let sql = text(arguments, "expression").unwrap_or_default();
    let mut expression = sql::from_spark(sql.trim());
    if flag(arguments, "negate") {
        expression = sql::turned(&expression);
    }
    let named = sql::columns(&expression).map_err(|why| (why, ""))?;
    let columns = if columns.is_empty() { named } else { columns };
    Ok((RuleForm::Expr(expression), columns))
}

/// A check that is asked of some rows only.
fn filtered((form, columns): Demand, filter: Option<&str>) -> Result<Demand, Refusal> {
    let Some(filter) = filter else {
        return Ok((form, columns));
    };
    let filter = sql::from_spark(filter.trim());
    let demanded = form.to_sql(&columns, None).ok_or((
        "its `filter` cannot be joined with what it demands".to_owned(),
        "",
    ))?;
    let form = RuleForm::Expr(format!("({filter}) IS NOT TRUE OR ({demanded})"));
    let mut all = sql::columns(&filter).map_err(|why| (why, ""))?;
    all.retain(|column| !columns.contains(column));
    Ok((form, columns.into_iter().chain(all).collect()))
}

fn trimmed(name: &str, arguments: &Node) -> String {
    match flag(arguments, "trim_strings") {
        true => format!("trim({name})"),
        false => name.to_owned(),
    }
}

fn flag(arguments: &Node, key: &str) -> bool {
    arguments.get(key).map(|node| &node.value) == Some(&Value::Bool(true))
}

fn is_zero(node: Option<&Node>) -> bool {
    node.is_none_or(|node| node.value == Value::Integer(0))
}

fn values(arguments: &Node, key: &str) -> Result<Vec<Literal>, Refusal> {
    let case = arguments.get("case_sensitive").map(|node| &node.value);
    if case == Some(&Value::Bool(false)) {
        let why = "it compares without regard to case";
        return Err((why.to_owned(), "write it as an SQL expression with `lower`"));
    }
    let nodes = list(arguments, key);
    let values: Vec<_> = nodes.iter().filter_map(literal).collect();
    match values.len() == nodes.len() && !values.is_empty() {
        true => Ok(values),
        false => Err((format!("`{key}` is no list of values"), "")),
    }
}

fn listed(values: &[Literal]) -> String {
    let values: Vec<_> = values.iter().map(Literal::to_sql).collect();
    values.join(", ")
}

/// A limit that is a number, or a date.
fn limit(arguments: &Node, key: &str) -> Result<Literal, Refusal> {
    if arguments.get("abs_tolerance").is_some() || arguments.get("rel_tolerance").is_some() {
        let why = "it compares with a tolerance".to_owned();
        return Err((why, "write it as an SQL expression"));
    }
    let found = arguments.get(key).and_then(literal);
    let is_date = |text: &str| {
        text.len() >= 10
            && text
                .bytes()
                .take(10)
                .enumerate()
                .all(|(at, byte)| match at {
                    4 | 7 => byte == b'-',
                    _ => byte.is_ascii_digit(),
                })
    };
    match found {
        Some(Literal::Text(text)) if !is_date(&text) => Err((
            format!("`{key}` is an expression"),
            "write it as an SQL expression",
        )),
        Some(literal) => Ok(literal),
        None => Err((format!("`{key}` is missing"), "")),
    }
}

fn valid(arguments: &Node, format: &str, to: CastType) -> Result<RuleForm, Refusal> {
    match arguments.get(format) {
        None => Ok(RuleForm::Type(to)),
        Some(_) => Err((
            format!("`{format}` says how the text is written"),
            "write it as `regex`",
        )),
    }
}
