//! Which column of an output is made of which columns of an input, and by what rows were sifted.
//!
//! A column is IDENTITY as long as nothing but its name changed. `masking` is claimed where the plan claims it: a mask
//! lies between every value and the output. What `detect` finds inside texts is masked too, but not everything there is.

use super::facet::{ColumnLineage, Facet, InputField, MadeOf, Transformation};
use super::names::Called;
use super::schema::{FIELDS_MAX, named};
use crate::plan::StreamPlan;
use crate::schema::path::{Path, Segment};
use crate::schema::{Lineage, LogicalType, Sifting, StreamSchema};

/// The lineage of a stream's columns. Where a run only `observe`s, every column is itself.
pub(super) fn of_stream(
    plan: &StreamPlan,
    source: &Called,
    observe: bool,
) -> Option<Facet<ColumnLineage>> {
    let schema = &plan.schema;
    let mut fields = ColumnLineage::default();
    let touched = schema.lineage();
    let mut columns: Vec<Lineage> = Vec::new();
    for (name, ty) in schema.columns().take(FIELDS_MAX) {
        columns.push(whole(schema, &Path::key(name), ty, &touched));
    }
    // What has parts is listed with them; a column without parts is its own only leaf.
    let leaves = schema.leaves();
    let inside = leaves.iter().filter(|(path, _)| path.segments().len() > 1);
    columns.extend(inside.map(|(path, _)| schema.origin(path)));
    columns.truncate(FIELDS_MAX);
    for line in &mut columns {
        if observe {
            *line = itself(line.column.clone());
        }
        add(&mut fields, line, source);
    }
    if !observe {
        fields.dataset = schema
            .sifted()
            .iter()
            .flat_map(|sifting| sifted(sifting, source))
            .collect();
    }
    (!fields.fields.is_empty()).then(|| Facet::new(fields))
}

/// The lineage of a second stream's columns.
pub(super) fn of_second(lines: &[Lineage], source: &Called) -> Option<Facet<ColumnLineage>> {
    let mut fields = ColumnLineage::default();
    lines.iter().for_each(|line| add(&mut fields, line, source));
    (!fields.fields.is_empty()).then(|| Facet::new(fields))
}

/// A column as a whole: what was done inside it was done to it, and it is masked if all of it is.
fn whole(schema: &StreamSchema, column: &Path, ty: &LogicalType, touched: &[Lineage]) -> Lineage {
    let mut line = schema.origin(column);
    let below: Vec<&Lineage> = touched
        .iter()
        .filter(|part| {
            part.column != *column && part.column.segments().starts_with(column.segments())
        })
        .collect();
    if below.is_empty() {
        return line;
    }
    for part in &below {
        for stage in &part.stages {
            if !line.stages.contains(stage) {
                line.stages.push(stage.clone());
            }
        }
    }
    let mut parts = Vec::new();
    paths(ty, column, &mut parts);
    line.masking |= !parts.is_empty() && parts.iter().all(|part| schema.origin(part).masking);
    line
}

/// The paths of everything below a column that has no declared parts.
fn paths(ty: &LogicalType, column: &Path, out: &mut Vec<Path>) {
    let step = |segment: Segment| {
        let mut segments = column.segments().to_vec();
        segments.push(segment);
        Path::new(segments)
    };
    match ty {
        LogicalType::Object(fields) => {
            for field in fields {
                if let Some(path) = step(Segment::Key(field.name.clone())) {
                    paths(&field.ty, &path, out);
                }
            }
        }
        LogicalType::Array(Some(item)) => {
            if let Some(path) = step(Segment::Items) {
                paths(item, &path, out);
            }
        }
        _ => out.push(column.clone()),
    }
}

fn itself(column: Path) -> Lineage {
    Lineage {
        inputs: vec![column.clone()],
        column,
        stages: Vec::new(),
        masking: false,
    }
}

fn add(fields: &mut ColumnLineage, line: &Lineage, source: &Called) {
    let Some(name) = named(&line.column) else {
        return;
    };
    let how = transformation(line);
    let inputs = line
        .inputs
        .iter()
        .filter_map(|path| input(path, &how, source));
    let input_fields = inputs.collect();
    fields.fields.insert(name, MadeOf { input_fields });
}

fn input(path: &Path, how: &Transformation, source: &Called) -> Option<InputField> {
    Some(InputField {
        namespace: source.namespace.clone(),
        name: source.name.clone(),
        field: named(path)?,
        transformations: vec![how.clone()],
    })
}

/// How a column came to be what it is, from the texts of its stages.
fn transformation(line: &Lineage) -> Transformation {
    let is = |verb: &str, stage: &String| stage.split(' ').next() == Some(verb);
    // The part a row belongs to says nothing of what the key holds.
    let (ty, subtype) = if line.stages.last().is_some_and(|stage| is("split", stage)) {
        ("INDIRECT", "CONDITIONAL")
    } else if line.stages.iter().all(|stage| is("rename", stage)) {
        ("DIRECT", "IDENTITY")
    } else {
        ("DIRECT", "TRANSFORMATION")
    };
    Transformation {
        ty,
        subtype,
        description: line.stages.join("; "),
        masking: line.masking,
    }
}

fn sifted(sifting: &Sifting, source: &Called) -> Vec<InputField> {
    // A rule may leave a row where it is, and only say so.
    let subtype = match sifting.stage.as_str() {
        "filter" => "FILTER",
        _ => "CONDITIONAL",
    };
    let how = Transformation {
        ty: "INDIRECT",
        subtype,
        description: sifting.stage.clone(),
        masking: false,
    };
    let inputs = sifting.inputs.iter();
    inputs
        .filter_map(|path| input(path, &how, source))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn path(text: &str) -> Path {
        text.parse().expect(text)
    }

    fn told(schema: &StreamSchema) -> Value {
        let source = Called {
            namespace: "n".to_owned(),
            name: "s".to_owned(),
            files: None,
        };
        let mut fields = ColumnLineage::default();
        let touched = schema.lineage();
        for (name, ty) in schema.columns() {
            add(
                &mut fields,
                &whole(schema, &Path::key(name), ty, &touched),
                &source,
            );
        }
        let mut told = serde_json::Map::new();
        for (name, made) in fields.fields {
            let inputs = made.input_fields.iter().map(|input| {
                let how = &input.transformations[0];
                format!("{} {} {} {}", input.field, how.ty, how.subtype, how.masking)
            });
            told.insert(name, inputs.collect());
        }
        Value::Object(told)
    }

    #[test]
    fn stages_say_how_a_column_was_made() {
        let mut schema = StreamSchema::from_json_schema(&json!({"properties": {
            "id": {"type": "integer"}, "email": {"type": "string"}, "name": {"type": "string"},
            "address": {"type": "object", "properties": {"city": {"type": "string"}, "street": {"type": "string"}}},
            "geo": {"type": "object", "properties": {"lat": {"type": "number"}}},
        }}))
        .expect("a schema");
        schema.rename(&path("name"), "called").expect("free");
        schema
            .rewrite(&path("email"), None, "mask email", true)
            .expect("there");
        schema
            .rewrite(&path("address.street"), None, "mask address.street", true)
            .expect("there");
        schema
            .rewrite(&path("geo.lat"), None, "mask geo.lat", true)
            .expect("there");
        schema
            .add(
                "both",
                LogicalType::String,
                &[path("email"), path("called")],
                "derive both",
            )
            .expect("free");
        schema
            .add("part", LogicalType::String, &[path("id")], "split part")
            .expect("free");
        assert_eq!(
            told(&schema),
            json!({
                "id": ["id DIRECT IDENTITY false"],
                "email": ["email DIRECT TRANSFORMATION true"],
                "called": ["name DIRECT IDENTITY false"],
                // One part of it is masked, and all of the other.
                "address": ["address DIRECT TRANSFORMATION false"],
                "geo": ["geo DIRECT TRANSFORMATION true"],
                "both": ["email DIRECT TRANSFORMATION false", "name DIRECT TRANSFORMATION false"],
                "part": ["id INDIRECT CONDITIONAL false"],
            })
        );
    }
}
