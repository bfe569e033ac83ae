//! The statements by which a destination's table follows a change of its stream.
//!
//! Types are those of Airbyte's own destinations: PostgreSQL 3, Snowflake 4, BigQuery 3 and DuckDB as PyAirbyte writes it.
//! Only top-level columns are columns there; what lies inside an object or array is part of one JSON value.

mod bigquery;
mod duckdb;
mod postgres;
mod snowflake;

use super::change::{Change, Kind};
use super::decide::Decision;
use crate::plan::config::Answer;
use crate::schema::LogicalType;
use crate::schema::path::Path;

/// A destination's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    Snowflake,
    BigQuery,
    DuckDb,
}

/// A line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// SQL, without its semicolon.
    Run(String),
    /// What must be known, or done by other means; one line.
    Note(String),
}

/// Where the tables of streams are.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// The schema or data set; the stream's namespace if it is not given.
    pub schema: Option<String>,
    /// What every table's name begins with.
    pub prefix: String,
}

/// What is done to one table.
#[derive(Debug, Clone, PartialEq)]
enum Alter {
    Add {
        column: String,
        ty: LogicalType,
    },
    Retype {
        column: String,
        from: LogicalType,
        to: LogicalType,
    },
    Release {
        column: String,
    },
    Rename {
        from: String,
        to: String,
    },
}

impl Dialect {
    /// The name of the destination.
    pub fn title(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Snowflake => "Snowflake",
            Self::BigQuery => "BigQuery",
            Self::DuckDb => "DuckDB",
        }
    }

    /// The type that the destination gives a column.
    pub fn type_of(self, ty: &LogicalType) -> &'static str {
        match self {
            Self::Postgres => postgres::type_of(ty),
            Self::Snowflake => snowflake::type_of(ty),
            Self::BigQuery => bigquery::type_of(ty),
            Self::DuckDb => duckdb::type_of(ty),
        }
    }

    /// A name as the destination writes it in statements.
    pub fn quoted(self, name: &str) -> String {
        match self {
            Self::Postgres | Self::DuckDb => double_quoted(name),
            Self::Snowflake => snowflake::quoted(name),
            Self::BigQuery => bigquery::quoted(name),
        }
    }

    /// How the type of a column is changed in place; `None` where it cannot be.
    fn retype(self, column: &str, from: &str, to: &str) -> Option<String> {
        match self {
            Self::Postgres => postgres::retype(column, from, to),
            Self::Snowflake => snowflake::retype(column, from, to),
            Self::BigQuery => bigquery::retype(column, from, to),
            Self::DuckDb => duckdb::retype(column, from, to),
        }
    }

    /// The statements that follow a decision; of one that waits, those that would follow if it were accepted.
    pub fn statements(self, decision: &Decision, tables: &Tables) -> Vec<Statement> {
        let change = &decision.change;
        let table = self.table(change, tables);
        let discards = [Answer::DiscardValue, Answer::DiscardRow];
        if change.path.is_some() && discards.contains(&decision.answer()) {
            let note = format!("{}: what is discarded needs no statement", change.stream);
            return vec![Statement::Note(note)];
        }
        match alter(change) {
            // What is masked is text, whatever it was.
            Ok(Some(Alter::Add { column, .. })) if masks_whole(decision) => {
                let note = format!(
                    "{}: `{column}` is masked and so text; it is {} once it is classified",
                    change.stream,
                    change.now.as_ref().map_or("", |ty| self.type_of(ty))
                );
                let alter = Alter::Add {
                    column,
                    ty: LogicalType::String,
                };
                let mut statements = vec![Statement::Note(note)];
                statements.extend(self.written(&table, &alter));
                statements
            }
            Ok(Some(alter)) => self.written(&table, &alter),
            Ok(None) => Vec::new(),
            Err(note) => vec![Statement::Note(note)],
        }
    }

    fn table(self, change: &Change, tables: &Tables) -> String {
        let name = self.quoted(&format!("{}{}", tables.prefix, change.stream.name));
        let schema = tables.schema.as_ref().or(change.stream.namespace.as_ref());
        match schema {
            Some(schema) => format!("{}.{name}", self.quoted(schema)),
            None => name,
        }
    }

    fn written(self, table: &str, alter: &Alter) -> Vec<Statement> {
        let run = |action: String| vec![Statement::Run(format!("ALTER TABLE {table} {action}"))];
        match alter {
            Alter::Add { column, ty } => {
                let (column, ty) = (self.quoted(column), self.type_of(ty));
                run(format!("ADD COLUMN IF NOT EXISTS {column} {ty}"))
            }
            Alter::Rename { from, to } => {
                let (from, to) = (self.quoted(from), self.quoted(to));
                run(format!("RENAME COLUMN {from} TO {to}"))
            }
            Alter::Release { column } => run(format!(
                "ALTER COLUMN {} DROP NOT NULL",
                self.quoted(column)
            )),
            Alter::Retype { column, from, to } => self.retyped(table, column, from, to),
        }
    }

    fn retyped(
        self,
        table: &str,
        column: &str,
        from: &LogicalType,
        to: &LogicalType,
    ) -> Vec<Statement> {
        let (before, now) = (self.type_of(from), self.type_of(to));
        let quoted = self.quoted(column);
        if before == now {
            let note = format!("{table}.{quoted} is {now} before and after");
            return vec![Statement::Note(note)];
        }
        let widens = widens(from, to);
        if widens && let Some(action) = self.retype(&quoted, before, now) {
            return vec![Statement::Run(format!("ALTER TABLE {table} {action}"))];
        }
        let why = match widens {
            true => format!("{} cannot make it {now} in place", self.title()),
            false => format!("not all of its values are {now}"),
        };
        let variant = self.quoted(&format!("{column}_{}", suffix(to)));
        vec![
            Statement::Note(format!(
                "{table}.{quoted} is {before}, and {why}: write the new values to a column beside it, or load the \
                 stream again"
            )),
            Statement::Note(format!(
                "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {variant} {now};"
            )),
        ]
    }
}

/// What is done about a change; nothing where no column is concerned, a note where nothing can be done.
fn alter(change: &Change) -> Result<Option<Alter>, String> {
    let column = match &change.path {
        // Fields of an object and elements of an array are part of one column.
        Some(path) => match path.as_key() {
            Some(name) => name.to_owned(),
            None => return Ok(None),
        },
        None => String::new(),
    };
    let stream = &change.stream;
    match (&change.kind, &change.before, &change.now) {
        (Kind::ColumnAdded, _, Some(ty)) => Ok(Some(Alter::Add {
            column,
            ty: ty.clone(),
        })),
        (Kind::Widened | Kind::Narrowed | Kind::FamilyChanged, Some(from), Some(to)) => {
            Ok(Some(Alter::Retype {
                column,
                from: from.clone(),
                to: to.clone(),
            }))
        }
        (Kind::BecameNullable, ..) => Ok(Some(Alter::Release { column })),
        (Kind::ColumnRenamed { from, .. }, ..) => match from.as_key() {
            Some(from) => Ok(Some(Alter::Rename {
                from: from.to_owned(),
                to: column,
            })),
            None => Ok(None),
        },
        (Kind::StreamAdded, ..) => Err(format!("{stream}: the destination makes the table")),
        (Kind::StreamRemoved, ..) => Err(format!("{stream}: the table stays as it is")),
        (Kind::ColumnRemoved, ..) => Err(format!(
            "{stream}: `{column}` stays and is NULL in new rows",
        )),
        (Kind::BecameRequired { .. }, ..) => Err(format!(
            "{stream}: `{column}` stays nullable, as destinations keep every column",
        )),
        (Kind::KeyChanged { now, .. }, ..) => Err(format!(
            "{stream}: rows are told apart by {} now; load the stream again",
            listed(now)
        )),
        (Kind::CursorChanged { .. }, ..) => Err(format!(
            "{stream}: the cursor is part of no table; reset the stream's state",
        )),
        _ => Ok(None),
    }
}

/// Whether the column itself is masked, and not a field inside it.
fn masks_whole(decision: &Decision) -> bool {
    let mut places = decision.change.personal.iter();
    decision.answer() == Answer::Mask
        && places.any(|found| Some(&found.path) == decision.change.path.as_ref())
}

fn listed(paths: &[Path]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
    match paths.is_empty() {
        true => "nothing".to_owned(),
        false => paths.join(", "),
    }
}

/// Whether every value of one type can be stored as one of the other.
fn widens(from: &LogicalType, to: &LogicalType) -> bool {
    use LogicalType as T;
    matches!(
        (from, to),
        (T::Integer, T::Number | T::BigInteger) | (T::Date, T::Timestamp)
    )
}

/// What tells a column for values of another type from the one beside it.
fn suffix(ty: &LogicalType) -> &'static str {
    use LogicalType as T;
    match ty {
        T::String | T::Binary | T::BigInteger => "text",
        T::Boolean => "boolean",
        T::Integer => "integer",
        T::Number => "number",
        T::Date => "date",
        T::Timestamp | T::TimestampTz => "timestamp",
        T::Time | T::TimeTz => "time",
        T::Array(_) | T::Object(_) | T::SchemalessObject | T::Json | T::Union(_) | T::Unknown => {
            "json"
        }
    }
}

fn double_quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
