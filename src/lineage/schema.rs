//! Columns and their parts, as a catalogue lists them.

use super::facet::{Facet, SchemaField, SchemaFields};
use crate::schema::path::{Path, Segment};
use crate::schema::{Field, LogicalType, StreamSchema};

/// The most columns, with their parts, that an event lists of one dataset.
pub(super) const FIELDS_MAX: usize = 5_000;

/// What the elements of an array are called where fields are named.
const ELEMENT: &str = "_element";

/// The columns of a stream; `None` where nothing declares any.
pub(super) fn fields(schema: &StreamSchema) -> Option<Facet<SchemaFields>> {
    let mut room = FIELDS_MAX;
    let mut fields = Vec::new();
    for (at, (name, ty)) in schema.columns().enumerate() {
        if room == 0 {
            break;
        }
        let mut field = field(name, ty, &mut room);
        field.ordinal_position = Some(at + 1);
        fields.push(field);
    }
    (!fields.is_empty()).then(|| Facet::new(SchemaFields { fields }))
}

fn field(name: &str, ty: &LogicalType, room: &mut usize) -> SchemaField {
    *room = room.saturating_sub(1);
    let (word, fields) = match ty {
        LogicalType::Array(Some(item)) if *room > 0 => {
            ("array".to_owned(), vec![field(ELEMENT, item, room)])
        }
        LogicalType::Object(parts) => ("struct".to_owned(), inside(parts, room)),
        ty => (word(ty), Vec::new()),
    };
    SchemaField {
        name: name.to_owned(),
        ty: word,
        ordinal_position: None,
        fields,
    }
}

/// The word that catalogues know for a type: they have learned those of Spark.
fn word(ty: &LogicalType) -> String {
    let word = match ty {
        LogicalType::Integer => "long",
        LogicalType::Number => "double",
        LogicalType::TimestampTz | LogicalType::Timestamp => "timestamp",
        LogicalType::Array(_) => "array",
        LogicalType::Object(_) | LogicalType::SchemalessObject => "struct",
        ty => return ty.name(),
    };
    word.to_owned()
}

fn inside(parts: &[Field], room: &mut usize) -> Vec<SchemaField> {
    let mut fields = Vec::new();
    for part in parts {
        if *room == 0 {
            break;
        }
        fields.push(field(&part.name, &part.ty, room));
    }
    fields
}

/// A path as fields are named: `address.city`, `items._element.sku`. `None` for one that leads to several fields.
pub(super) fn named(path: &Path) -> Option<String> {
    let names = path.segments().iter().map(|segment| match segment {
        Segment::Key(name) => Some(name.as_str()),
        Segment::Items => Some(ELEMENT),
        Segment::Any => None,
    });
    Some(names.collect::<Option<Vec<_>>>()?.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_stand_inside_their_column() {
        let schema = StreamSchema::from_json_schema(&json!({"properties": {
            "id": {"type": "integer"},
            "items": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        }}));
        let facet = fields(&schema.expect("a schema")).expect("columns");
        let value = serde_json::to_value(&facet).expect("JSON");
        assert_eq!(
            value["fields"],
            json!([
                {"name": "id", "type": "long", "ordinal_position": 1},
                {"name": "items", "type": "array", "ordinal_position": 2, "fields": [
                    {"name": "_element", "type": "struct", "fields": [{"name": "sku", "type": "string"}]}
                ]},
            ])
        );
        let path: Path = "items[].sku".parse().expect("a path");
        assert_eq!(named(&path).as_deref(), Some("items._element.sku"));
        let path: Path = "items[].*".parse().expect("a path");
        assert_eq!(named(&path), None);
    }

    #[test]
    fn more_columns_than_an_event_lists_are_left_out() {
        let properties: serde_json::Map<_, _> = (0..FIELDS_MAX + 10)
            .map(|n| (format!("c{n}"), json!({"type": "string"})))
            .collect();
        let schema = StreamSchema::from_json_schema(&json!({"properties": properties}));
        let value = serde_json::to_value(fields(&schema.expect("a schema"))).expect("JSON");
        assert_eq!(value["fields"].as_array().map(Vec::len), Some(FIELDS_MAX));
    }
}
