//! One function per kind of stage: checks a spec against the schema, speaks its verb, compiles it.

use serde_json::Value;

use super::Compiler;
use super::detect::Sought;
use super::types::{
    column_type, derived_type, key_name, logical_type, placeholder_of, target_type,
};
use crate::batch::{ColumnId, write_string};
use crate::detect::{Library, kind_of_name};
use crate::document::{Position, Problems};
use crate::schema::json_schema::to_schema;
use crate::schema::path::Path;
use crate::schema::{LogicalType, Missing, RenameError};
use crate::stage::cast::Cast;
use crate::stage::derive::Derive;
use crate::stage::drop::Drop;
use crate::stage::filter::Filter;
use crate::stage::mask::operator::{ColumnType, Compiled};
use crate::stage::mask::{Mask, Whole};
use crate::stage::rename::Rename;
use crate::stage::spec::{CastFailure, CastType, Operator, StageSpec};
use crate::stage::{ColumnRef, sql::Expression};

impl Compiler<'_> {
    /// Compiles one stage; `Check` is compiled with its rule file elsewhere.
    pub(super) fn stage(&mut self, spec: &StageSpec, at: Position, problems: &mut Problems) {
        match spec {
            StageSpec::Check => {}
            StageSpec::Filter(sql) => self.filter(sql, at, problems),
            StageSpec::Rename { from, to } => self.rename(from, to, at, problems),
            StageSpec::Drop(columns) => self.drop(columns, at, problems),
            StageSpec::Cast {
                column,
                to,
                on_error,
            } => self.cast(column, *to, *on_error, at, problems),
            StageSpec::Derive { column, sql } => self.derive(column, sql, at, problems),
            StageSpec::Mask { column, with } => self.mask(column, with, at, problems),
            StageSpec::Detect {
                columns,
                kinds,
                with,
                pin,
            } => {
                let sought = Sought { kinds, with, pin };
                self.detect(columns, &sought, at, problems);
            }
            StageSpec::Split(split) => self.split(split, at, problems),
            StageSpec::Embed(spec) => self.embed(spec, at, problems),
            StageSpec::Classify(spec) => self.classify(spec, at, problems),
        }
        self.note_masked(spec);
    }

    /// The type of a column that a stage names, or a problem with the nearest name.
    pub(super) fn resolve(
        &self,
        stage: &str,
        path: &Path,
        at: Position,
        problems: &mut Problems,
    ) -> Option<LogicalType> {
        self.schema
            .resolve(path)
            .inspect_err(|missing| self.missing(stage, missing, at, problems))
            .ok()
    }

    fn missing(&self, stage: &str, missing: &Missing, at: Position, problems: &mut Problems) {
        self.problem(
            at,
            format!("{stage}: {missing}"),
            missing.advice(),
            problems,
        );
    }

    /// What a stage that reads `path` as a whole needs to know of it.
    pub(super) fn read(
        &mut self,
        stage: &str,
        path: &Path,
        at: Position,
        problems: &mut Problems,
    ) -> Option<ColumnRef> {
        let ty = self.resolve(stage, path, at, problems)?;
        if let Some(inside) = self.book.changed_inside(path) {
            let message =
                format!("{stage}: `{path}` as a whole after `{inside}` inside it was changed");
            let hint = "put this stage before that one, or name the fields".to_owned();
            self.problem(at, message, Some(hint), problems);
            return None;
        }
        Some(self.reference(path, ty))
    }

    fn reference(&mut self, path: &Path, ty: LogicalType) -> ColumnRef {
        ColumnRef {
            id: self.book.column(path),
            ty,
            name: path.to_string(),
            place: format!("stream `{}`, column `{path}`", self.descriptor),
        }
    }

    fn filter(&mut self, sql: &str, at: Position, problems: &mut Problems) {
        let compiled = self.expression("filter", sql, at, problems);
        let Some((expression, columns)) = compiled else {
            return;
        };
        self.schema.sift(expression.columns(), "filter");
        match expression.boolean() {
            Ok(expression) => self.push(
                "filter",
                Filter {
                    expression,
                    columns,
                },
            ),
            Err(problem) => self.sql_problem("filter", &problem, at, problems),
        }
    }

    fn rename(&mut self, from: &Path, to: &str, at: Position, problems: &mut Problems) {
        if let Err(error) = self.schema.rename(from, to) {
            return match error {
                RenameError::Missing(missing) => self.missing("rename", &missing, at, problems),
                error => self.problem(at, format!("rename: {error}"), None, problems),
            };
        }
        let column = self.book.column(from);
        let target = from.with_leaf(to);
        let taken = (!self.book.is_renamed(&target)).then(|| self.book.column(&target));
        self.book.rename(from, &target);
        if let Some(stream) = &mut self.stream {
            stream.renamed(from, to);
        }
        let to = to.to_owned();
        self.push(format!("rename {from}"), Rename { column, to, taken });
    }

    fn drop(&mut self, columns: &[Path], at: Position, problems: &mut Problems) {
        let mut ids = Vec::new();
        for path in columns {
            if self.is_key_or_cursor(path) {
                let message = format!("drop: `{path}` is a primary key or cursor");
                self.problem(
                    at,
                    message,
                    Some("destinations need it; mask it instead".into()),
                    problems,
                );
            } else if path.leaf().is_none() {
                let hint = "name the column, or the object or array that holds it".to_owned();
                self.problem(
                    at,
                    format!("drop: `{path}` does not end in a name"),
                    Some(hint),
                    problems,
                );
            } else if let Err(missing) = self.schema.remove(path) {
                self.missing("drop", &missing, at, problems);
            } else {
                ids.push(self.book.column(path));
                self.book.change(path);
            }
        }
        let names: Vec<_> = columns.iter().map(Path::to_string).collect();
        self.push(format!("drop {}", names.join(", ")), Drop { columns: ids });
    }

    fn cast(
        &mut self,
        path: &Path,
        to: CastType,
        on_error: CastFailure,
        at: Position,
        problems: &mut Problems,
    ) {
        let Some(column) = self.read("cast", path, at, problems) else {
            return;
        };
        if on_error == CastFailure::Null && self.is_key_or_cursor(path) {
            let message =
                format!("cast: `{path}` is a primary key or cursor and must not become null");
            self.problem(
                at,
                message,
                Some("use `on_error: reject` or `fail`".into()),
                problems,
            );
        }
        let name = format!("cast {path}");
        if let Err(missing) = self
            .schema
            .rewrite(path, Some(target_type(to)), &name, false)
        {
            self.missing("cast", &missing, at, problems);
        }
        self.book.change(path);
        let refusals = self.refusals;
        self.push(
            name,
            Cast {
                column,
                to,
                on_error,
                refusals,
            },
        );
    }

    fn derive(&mut self, name: &str, sql: &str, at: Position, problems: &mut Problems) {
        let Some((expression, columns)) = self.expression("derive", sql, at, problems) else {
            return;
        };
        let inputs: Vec<Path> = expression.columns().to_vec();
        let schema = to_schema(&derived_type(expression.data_type()));
        let by = format!("derive {name}");
        let Some(column) = self.add_as(&by, name, schema, &inputs, at, problems) else {
            return;
        };
        let name = name.to_owned();
        self.push(
            format!("derive {name}"),
            Derive {
                column,
                name,
                expression,
                columns,
            },
        );
    }

    /// Adds a top-level column made of `inputs`; `by` is the stage with what tells it from others.
    pub(super) fn add_as(
        &mut self,
        by: &str,
        name: &str,
        schema: Value,
        inputs: &[Path],
        at: Position,
        problems: &mut Problems,
    ) -> Option<ColumnId> {
        let path = Path::key(name);
        let stage = by.split(' ').next().unwrap_or_default();
        let other = || Some("choose another name".to_owned());
        if self.book.uses(name) && self.schema.resolve(&path).is_err() {
            let message = format!(
                "{stage}: `{name}` is the name of a column that an earlier stage renamed or dropped"
            );
            self.problem(at, message, other(), problems);
            return None;
        }
        if let Err(exists) = self.schema.add_as(name, schema, inputs, by) {
            self.problem(at, format!("{stage}: {exists}"), other(), problems);
            return None;
        }
        self.book.derive(&path, inputs);
        Some(self.book.column(&path))
    }

    fn mask(&mut self, path: &Path, with: &Operator, at: Position, problems: &mut Problems) {
        let Some(column) = self.read("mask", path, at, problems) else {
            return;
        };
        if !self.keeps_key(path, with) {
            let message = format!(
                "mask: `{path}` is a primary key or cursor, which must stay unique and in order"
            );
            let hint = "a key takes hash (without normalize), token, fpe or encrypt; a cursor only shift_date without subject";
            self.problem(at, message, Some(hint.into()), problems);
            return;
        }
        let input = column_type(&column.ty);
        let Some(operator) = self.operator("mask", path, with, input, at, problems) else {
            return;
        };
        let subject = match with {
            Operator::ShiftDate {
                subject: Some(subject),
                ..
            } => {
                let Some(subject) = self.read("mask", subject, at, problems) else {
                    return;
                };
                Some(subject.id)
            }
            _ => None,
        };
        let name = format!("mask {path}");
        let output = Compiled::output_type(with, input);
        let retyped = (output != input || input == ColumnType::Other)
            .then(|| logical_type(output, &column.ty));
        let retyped = retyped.filter(|_| !matches!(with, Operator::Nullify));
        if let Err(missing) = self.schema.rewrite(path, retyped, &name, true) {
            self.missing("mask", &missing, at, problems);
        }
        self.book.change(path);
        let whole = match with {
            Operator::Redact { placeholder } => {
                let text = placeholder.clone().unwrap_or_else(|| placeholder_of(path));
                let mut json = Vec::new();
                write_string(&text, &mut json);
                Some(Whole::Json(json))
            }
            Operator::Nullify => Some(Whole::Null),
            _ => None,
        };
        let refusals = self.refusals;
        self.push(
            name,
            Mask {
                column,
                operator,
                whole,
                subject,
                refusals,
            },
        );
    }

    pub(super) fn operator(
        &self,
        stage: &str,
        path: &Path,
        with: &Operator,
        column: ColumnType,
        at: Position,
        problems: &mut Problems,
    ) -> Option<Compiled> {
        let name = key_name(with);
        let key = name
            .and_then(|name| self.sources.keys.get(name))
            .map(|key| key.bytes());
        if name.is_some() && key.is_none() && !problems.is_empty() {
            // That the key could not be had has been said where keys are resolved.
            return None;
        }
        let kind = Library::builtin()
            .ok()
            .and_then(|library| kind_of_name(library, &path.to_string()));
        Compiled::compile(with, key, kind, column)
            .inspect_err(|why| {
                self.problem(at, format!("{stage}: `{path}`: {why}"), None, problems)
            })
            .ok()
    }

    pub(super) fn is_key_or_cursor(&self, path: &Path) -> bool {
        self.stream
            .as_ref()
            .is_some_and(|stream| stream.is_key(path) || stream.is_cursor(path))
    }

    pub(super) fn keeps_key(&self, path: &Path, with: &Operator) -> bool {
        let Some(stream) = &self.stream else {
            return true;
        };
        (!stream.is_key(path) || Compiled::keeps_unique(with))
            && (!stream.is_cursor(path) || Compiled::keeps_order(with))
    }

    /// Compiles an expression and the columns it reads.
    pub(super) fn expression(
        &mut self,
        stage: &str,
        sql: &str,
        at: Position,
        problems: &mut Problems,
    ) -> Option<(Expression, Vec<ColumnRef>)> {
        if !self.schema.is_known() && self.sources.later {
            return None;
        }
        if !self.schema.is_known() {
            let message = format!("{stage}: the types of the columns are not known");
            let hint = "give the configured catalog with --catalog".to_owned();
            self.problem(at, message, Some(hint), problems);
            return None;
        }
        let expression = match Expression::compile(sql, &|path| self.sql_type(path)) {
            Ok(expression) => expression,
            Err(found) => {
                found
                    .iter()
                    .for_each(|problem| self.sql_problem(stage, problem, at, problems));
                return None;
            }
        };
        let paths = expression.columns().to_vec();
        let columns: Vec<_> = paths
            .iter()
            .filter_map(|path| self.read(stage, path, at, problems))
            .collect();
        (columns.len() == paths.len()).then_some((expression, columns))
    }
}
