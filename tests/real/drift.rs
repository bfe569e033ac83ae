//! The statements that follow changes of schemas, run by the databases they are written for: DuckDB and PostgreSQL on
//! tables with a row, and for Snowflake and BigQuery, which nobody can run here, read by a parser of their dialects.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use midflight::drift::ddl::Dialect;
use midflight::protocol::catalog::ConfiguredCatalog;
use midflight::schema::{LogicalType, StreamSchema};

use super::postgres::Postgres;
use super::venv::Venv;
use crate::drift::{DIALECTS, cases, own, run};

/// Where the tables are that a stream's table must be like afterwards.
const WANTED: &str = "wanted";

/// A case that starts from a catalog, so that there are tables.
struct Trial {
    name: String,
    /// The tables of before with a row each, the statements, and the tables of now beside them.
    script: String,
    checks: Vec<Check>,
}

/// What must hold of one table afterwards.
struct Check {
    schema: String,
    table: String,
    /// Columns that the statements bring to what they are now.
    columns: Vec<String>,
    /// Columns that may be null now.
    nullable: Vec<String>,
}

struct Table {
    schema: Option<String>,
    name: String,
    columns: Vec<(String, LogicalType, bool)>,
}

fn tables(folder: &Path, file: &str) -> Option<Vec<Table>> {
    let text = fs::read_to_string(folder.join(file)).expect("a file");
    let catalog = ConfiguredCatalog::parse(&text, file).ok()?;
    let own = own(folder);
    let option = |name: &str| {
        let at = own.iter().position(|argument| argument == name)?;
        own.get(at + 1).cloned()
    };
    let streams = catalog.streams().iter().map(|stream| {
        let schema = StreamSchema::from_json_schema(&stream.json_schema).expect("a schema");
        let required = stream.json_schema["required"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let columns = schema
            .columns()
            .map(|(name, ty)| (name.to_owned(), ty.clone(), required.contains(&json!(name))));
        Table {
            schema: option("--schema").or_else(|| stream.namespace.clone()),
            name: format!(
                "{}{}",
                option("--table-prefix").unwrap_or_default(),
                stream.name
            ),
            columns: columns.collect(),
        }
    });
    Some(streams.collect())
}

impl Trial {
    fn of(name: &str, folder: &Path, dialect: (&str, Dialect)) -> Option<Self> {
        let (word, dialect) = dialect;
        let (before, now) = (tables(folder, "before.json")?, tables(folder, "now.json")?);
        let mut script = format!("CREATE SCHEMA {};\n", dialect.quoted(WANTED));
        let schemas: BTreeSet<_> = before
            .iter()
            .chain(&now)
            .filter_map(|table| table.schema.clone())
            .collect();
        for schema in schemas {
            script += &format!("CREATE SCHEMA {};\n", dialect.quoted(&schema));
        }
        for table in &before {
            script += &created(dialect, table.schema.as_deref(), table, true);
        }
        // Everything is accepted, so that every statement there is is run.
        let own = own(folder);
        let mut arguments: Vec<&str> = own.iter().map(String::as_str).collect();
        arguments.extend([
            "--dialect",
            word,
            "--policy",
            "evolve",
            "--policy",
            "personal=mask",
        ]);
        let (code, text) = run(folder, &arguments);
        assert_eq!(code, 0, "{name}: everything is accepted");
        let head = DIALECTS
            .iter()
            .find(|(other, _)| *other == word)
            .expect("a dialect")
            .1;
        let statements = text.find(head).map_or("", |at| &text[at..]);
        script += statements;
        for table in &now {
            script += &created(dialect, Some(WANTED), table, false);
        }
        arguments.extend(["--format", "json"]);
        let (_, told) = run(folder, &arguments);
        let told: Value = serde_json::from_str(&told).expect("JSON");
        let checks = now.iter().filter_map(|table| {
            let earlier = before.iter().any(|other| other.name == table.name);
            earlier.then(|| Check::of(table, &told, dialect))
        });
        Some(Self {
            name: name.to_owned(),
            script,
            checks: checks.collect(),
        })
    }

    /// Compares the columns of all tables with what they must be: rows of schema, table, column, type, nullable.
    fn check(&self, rows: &Value) -> usize {
        let rows: Vec<[String; 5]> = serde_json::from_value(rows.clone()).expect("rows");
        let find = |schema: &str, table: &str, column: &str| {
            rows.iter()
                .find(|row| row[0] == schema && row[1] == table && row[2] == column)
        };
        let mut compared = 0;
        for check in &self.checks {
            for column in &check.columns {
                let place = format!("{}: {}.{column}", self.name, check.table);
                let found = find(&check.schema, &check.table, column);
                let wanted = find(WANTED, &check.table, column);
                let (found, wanted) = (
                    found.unwrap_or_else(|| panic!("{place} is missing")),
                    wanted.unwrap_or_else(|| panic!("{place} is not wanted")),
                );
                assert_eq!(found[3], wanted[3], "{place}");
                compared += 1;
            }
            for column in &check.nullable {
                let found = find(&check.schema, &check.table, column).expect("a column");
                assert_eq!(found[4], "YES", "{}: {column}", self.name);
                compared += 1;
            }
        }
        compared
    }
}

impl Check {
    fn of(table: &Table, told: &Value, dialect: Dialect) -> Self {
        let changes: Vec<&Value> = told["changes"]
            .as_array()
            .expect("changes")
            .iter()
            .collect();
        let of = |column: &str| {
            let path = midflight::schema::path::Path::key(column).to_string();
            changes.iter().filter(move |change| {
                let stream = change["stream"].as_str().expect("a stream");
                stream.ends_with(table.name.trim_start_matches("raw_"))
                    && change["column"] == json!(path)
            })
        };
        let noted = |change: &&&Value| {
            let statements = change["statements"].as_array().expect("statements");
            statements
                .iter()
                .any(|statement| statement.get("note").is_some())
        };
        let columns = table.columns.iter().map(|(name, ..)| name.clone());
        let columns: Vec<_> = columns
            .filter(|name| !of(name).any(|change| noted(&change)))
            .collect();
        let nullable = table
            .columns
            .iter()
            .map(|(name, ..)| name.clone())
            .filter(|name| of(name).any(|change| change["change"] == "became_nullable"));
        let default = match dialect {
            Dialect::DuckDb => "main",
            _ => "public",
        };
        Self {
            schema: table.schema.clone().unwrap_or_else(|| default.to_owned()),
            table: table.name.clone(),
            nullable: nullable.collect(),
            columns,
        }
    }
}

/// A table, and with `filled` a row in it and `NOT NULL` where the schema demands a value.
fn created(dialect: Dialect, schema: Option<&str>, table: &Table, filled: bool) -> String {
    let name = dialect.quoted(&table.name);
    let name = match schema {
        Some(schema) => format!("{}.{name}", dialect.quoted(schema)),
        None => name,
    };
    let columns = table.columns.iter().map(|(column, ty, required)| {
        let demand = if filled && *required { " NOT NULL" } else { "" };
        format!("{} {}{demand}", dialect.quoted(column), dialect.type_of(ty))
    });
    let columns: Vec<_> = columns.collect();
    let mut script = format!("CREATE TABLE {name} ({});\n", columns.join(", "));
    if filled {
        let values = table.columns.iter().map(|(_, ty, _)| value(ty));
        let values: Vec<_> = values.collect();
        script += &format!("INSERT INTO {name} VALUES ({});\n", values.join(", "));
    }
    script
}

fn value(ty: &LogicalType) -> &'static str {
    match ty {
        LogicalType::String | LogicalType::BigInteger | LogicalType::Binary => {
            "'12345678901234567890'"
        }
        LogicalType::Boolean => "TRUE",
        LogicalType::Integer => "9007199254740993",
        LogicalType::Number => "1.25",
        LogicalType::Date => "DATE '2026-01-31'",
        LogicalType::Timestamp | LogicalType::TimestampTz => "TIMESTAMP '2026-01-31 10:00:00'",
        LogicalType::Time | LogicalType::TimeTz => "TIME '10:00:00'",
        _ => "'{\"x\": 1}'",
    }
}

fn trials(dialect: (&str, Dialect)) -> Vec<Trial> {
    let trials = cases().into_iter();
    let trials: Vec<_> = trials
        .filter_map(|(name, folder)| Trial::of(&name, &folder, dialect))
        .collect();
    assert!(trials.len() > 15, "the cases were found");
    trials
}

#[test]
fn duckdb_runs_the_statements() {
    let mut compared = 0;
    for trial in trials(("duckdb", Dialect::DuckDb)) {
        let mut python = Venv::of("drift").program("python");
        python.arg(crate::support::root().join("tests/python/drift_duckdb.py"));
        let mut running = python
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut stdin = running.stdin.take().expect("stdin");
        stdin.write_all(trial.script.as_bytes()).expect("a script");
        drop(stdin);
        let output = running.wait_with_output().expect("python ends");
        assert!(output.status.success(), "{}:\n{}", trial.name, trial.script);
        let rows = serde_json::from_slice(&output.stdout).expect("JSON");
        compared += trial.check(&rows);
    }
    assert!(compared > 60, "{compared} columns were compared");
}

#[test]
fn postgresql_runs_the_statements() {
    let server = Postgres::start();
    let mut compared = 0;
    for (number, trial) in trials(("postgres", Dialect::Postgres)).iter().enumerate() {
        let database = format!("case_{number}");
        server
            .psql("postgres", &format!("CREATE DATABASE {database}"))
            .expect("a database");
        let script = format!(
            "\\set QUIET on\nSET client_min_messages = warning;\n{}\n\
             SELECT json_agg(json_build_array(table_schema, table_name, column_name, data_type, is_nullable)) \
             FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema');\n",
            trial.script
        );
        let printed = server
            .psql(&database, &script)
            .unwrap_or_else(|error| panic!("{}: {error}\n{script}", trial.name));
        let rows = serde_json::from_str(&printed).expect("JSON");
        compared += trial.check(&rows);
    }
    assert!(compared > 60, "{compared} columns were compared");
}

#[test]
fn snowflake_and_bigquery_statements_are_of_their_dialects() {
    let mut scripts = json!({});
    for dialect in ["snowflake", "bigquery"] {
        let mut found = Vec::new();
        for folder in cases().into_values() {
            let own = own(&folder);
            let mut arguments: Vec<&str> = own.iter().map(String::as_str).collect();
            arguments.extend(["--policy", "evolve", "--dialect", dialect]);
            let (_, text) = run(&folder, &arguments);
            found.extend(text.find("\n-- ").map(|at| text[at..].to_owned()));
        }
        scripts[dialect] = json!(found);
    }
    let mut python = Venv::of("drift").program("python");
    python.arg(crate::support::root().join("tests/python/drift_sqlglot.py"));
    let mut running = python
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut stdin = running.stdin.take().expect("stdin");
    stdin
        .write_all(scripts.to_string().as_bytes())
        .expect("scripts");
    drop(stdin);
    let output = running.wait_with_output().expect("python ends");
    assert!(output.status.success(), "a statement is not understood");
    let count: usize = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("a count");
    assert!(count > 80, "{count} statements");
}
