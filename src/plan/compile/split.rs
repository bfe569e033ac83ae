//! Compiles `split`, and remembers what earlier stages hide: a key whose values have merged divides nothing.

use serde_json::{Value, json};

use super::Compiler;
use crate::document::{Position, Problems};
use crate::schema::path::Path;
use crate::schema::{JsonKind, LogicalType};
use crate::stage::ColumnRef;
use crate::stage::mask::operator::Compiled;
use crate::stage::spec::{Operator, Pin, Split, SplitBy, StageSpec};
use crate::stage::split::{self, By, Entity, Moments};

impl Compiler<'_> {
    pub(super) fn split(&mut self, spec: &Split, at: Position, problems: &mut Problems) {
        let (decides, inputs) = match &spec.by {
            SplitBy::Entity {
                key,
                fractions,
                salt,
            } => {
                let columns: Vec<_> = key
                    .iter()
                    .filter_map(|path| self.entity_key(path, at, problems))
                    .collect();
                let fractions: Vec<_> = fractions.iter().map(|(_, fraction)| *fraction).collect();
                if columns.len() < key.len() {
                    return;
                }
                let entity = Entity::new(columns, salt, &fractions);
                (By::Entity(entity), key.clone())
            }
            SplitBy::Time { column, until, .. } => {
                let path = column.clone();
                let Some(column) = self.moment(&path, at, problems) else {
                    return;
                };
                let ends = until.iter().map(|ended| ended.before).collect();
                (By::Time(Moments { column, ends }), vec![path])
            }
        };
        let names = spec.parts();
        let (by, schema) = (format!("split {}", spec.into), one_of(&names));
        let column = self.add_as(&by, &spec.into, schema, &inputs, at, problems);
        let Some(column) = column else {
            return;
        };
        let missing = spec.missing.as_deref();
        let stage = split::Split {
            column,
            name: spec.into.clone(),
            number: self.splits.len(),
            by: decides,
            missing: names.iter().position(|name| Some(*name) == missing),
            parts: split::Split::texts(&names),
            refusals: self.refusals,
        };
        self.splits.push(spec.clone());
        self.push(by, stage);
    }

    /// A column of the entity's key.
    fn entity_key(
        &mut self,
        path: &Path,
        at: Position,
        problems: &mut Problems,
    ) -> Option<ColumnRef> {
        let column = self.read("split", path, at, problems)?;
        if let LogicalType::Array(_) | LogicalType::Object(_) | LogicalType::SchemalessObject =
            &column.ty
        {
            let message = format!("split: `{path}` is {}, which is no key", column.ty.name());
            let hint = "name a column of text, numbers or booleans".to_owned();
            self.problem(at, message, Some(hint), problems);
            return None;
        }
        let text = column.ty.may_hold_text();
        let mut masked = self.book.masked(path);
        if masked.any(|masked| masked.merges && (text || !masked.text_only)) {
            let message = format!(
                "split: `{path}` is masked by an earlier stage in a way that makes different keys equal"
            );
            let hint = "put `split` before that stage, or mask the key with hash or token";
            self.problem(at, message, Some(hint.to_owned()), problems);
            return None;
        }
        Some(column)
    }

    /// A column of dates or timestamps.
    fn moment(&mut self, path: &Path, at: Position, problems: &mut Problems) -> Option<ColumnRef> {
        let column = self.read("split", path, at, problems)?;
        let timeless = matches!(
            column.ty,
            LogicalType::Time | LogicalType::TimeTz | LogicalType::Binary
        );
        if timeless || !column.ty.accepts(JsonKind::Text) {
            let message = format!(
                "split: `{path}` is {}, which holds no dates",
                column.ty.name()
            );
            let hint = "name a column of dates or timestamps, or make one with derive".to_owned();
            self.problem(at, message, Some(hint), problems);
            return None;
        }
        if self.book.masked(path).next().is_some() {
            let message =
                format!("split: `{path}` is masked by an earlier stage, which moves its times");
            let hint = "put `split` before that stage".to_owned();
            self.problem(at, message, Some(hint), problems);
            return None;
        }
        Some(column)
    }

    /// Remembers which values a stage hides.
    pub(super) fn note_masked(&mut self, spec: &StageSpec) {
        match spec {
            StageSpec::Mask { column, with } => self.book.mask(column, merges(with)),
            StageSpec::Detect {
                columns, with, pin, ..
            } => {
                let clean = pin.iter().filter(|(_, pin)| *pin == Pin::Clean);
                let clean: Vec<&Path> = clean.map(|(path, _)| path).collect();
                columns
                    .iter()
                    .for_each(|column| self.book.search(column, merges(with), &clean));
            }
            _ => {}
        }
    }
}

/// The JSON Schema of a column that holds one of some names, or null.
pub(super) fn one_of(names: &[&str]) -> Value {
    let names = names.iter().map(|name| json!(name));
    let all: Vec<Value> = names.chain([Value::Null]).collect();
    json!({"type": ["null", "string"], "enum": all})
}

/// Whether different keys may become equal. What `normalize` makes equal is one entity in two spellings.
fn merges(with: &Operator) -> bool {
    !matches!(with, Operator::Hash { .. }) && !Compiled::keeps_unique(with)
}
