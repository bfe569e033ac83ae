//! Which new places look as if they held personal data.

use super::change::{Personal, Witness};
use super::shape::Column;
use crate::detect::{Library, NameModel, kind_of_name};
use crate::error::Result;
use crate::schema::LogicalType;
use crate::schema::path::{Path, Segment};

/// Probability from which the model's kind counts. A column that is masked for a moment costs little.
const MODEL: f32 = 0.5;

/// Share of the values from which a kind that a profile found counts.
const VALUES: f64 = 0.3;

/// What tells whether a column looks personal.
#[derive(Debug, Clone, Copy)]
pub struct Witnesses {
    library: &'static Library,
    names: &'static NameModel,
}

impl Witnesses {
    /// What is built into the program.
    ///
    /// # Errors
    /// `Internal` when it is damaged.
    pub fn builtin() -> Result<Self> {
        Ok(Self {
            library: Library::builtin()?,
            names: NameModel::builtin()?,
        })
    }

    /// The places at and below a new column that look personal, in order.
    pub fn look(&self, stream: &str, path: &Path, column: &Column) -> Vec<Personal> {
        let mut found = Vec::new();
        self.visit(stream, path, column, &mut found);
        found
    }

    fn visit(&self, stream: &str, path: &Path, column: &Column, found: &mut Vec<Personal>) {
        for field in &column.fields {
            let path = below(path, Segment::Key(field.name.clone()));
            self.visit(stream, &path, field, found);
        }
        if let Some(items) = &column.items {
            self.visit(stream, &below(path, Segment::Items), items, found);
        }
        // What has declared parts is judged by them.
        if column.fields.is_empty() && column.items.is_none() {
            found.extend(self.judge(stream, path, column));
        }
    }

    fn judge(&self, stream: &str, path: &Path, column: &Column) -> Option<Personal> {
        let told = |kind: &str, by, confidence| Personal {
            path: path.clone(),
            kind: kind.to_owned(),
            by,
            confidence,
        };
        let measured = column.seen.iter().flat_map(|seen| &seen.profile.personal);
        let mut measured = measured.filter(|found| found.decided || found.share >= VALUES);
        if let Some(found) = measured.next() {
            return Some(told(&found.kind, Witness::Values, found.confidence));
        }
        if column.void || column.ty == LogicalType::Boolean {
            return None;
        }
        let name = path.to_string();
        if let Some(kind) = kind_of_name(self.library, &name) {
            return Some(told(kind, Witness::Name, 1.0));
        }
        let votes = self.names.kinds(stream, &name);
        let first = votes.first()?;
        let sure = first.kind != NameModel::NONE && first.probability >= MODEL;
        sure.then(|| told(first.kind, Witness::Model, f64::from(first.probability)))
    }
}

/// The path one step further down.
pub(super) fn below(path: &Path, segment: Segment) -> Path {
    let mut segments = path.segments().to_vec();
    segments.push(segment);
    Path::new(segments).unwrap_or_else(|| path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::shape::Shape;
    use crate::protocol::catalog::ConfiguredCatalog;

    #[test]
    fn names_of_columns_and_fields_tell() {
        let text = r#"{"streams":[{"stream":{"name":"users","json_schema":{"properties":{
            "email":{"type":"string"},"amount":{"type":"number"},"email_verified":{"type":"boolean"},
            "contact":{"type":"object","properties":{"phone":{"type":"string"},"kind":{"type":"string"}}},
            "people":{"type":"array","items":{"type":"object","properties":{"first_name":{"type":"string"}}}},
            "surname":{"type":"string"},"status":{"type":"string"}}}}}]}"#;
        let catalog = ConfiguredCatalog::parse(text, "c").expect("a catalog");
        let shape = Shape::of_catalog(&catalog).expect("a shape");
        let witnesses = Witnesses::builtin().expect("built in");
        let stream = &shape.streams[0];
        let found = stream
            .columns
            .iter()
            .flat_map(|column| witnesses.look("users", &Path::key(column.name.as_str()), column));
        let told: Vec<_> = found.map(|found| found.path.to_string()).collect();
        assert_eq!(
            told,
            ["email", "contact.phone", "people[].first_name", "surname"]
        );
    }
}
