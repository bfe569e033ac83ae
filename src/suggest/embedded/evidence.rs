//! Values of a profile as parts of rules: literals, and example rows.

use crate::document::Node;
use crate::plan::rules::Literal;
use crate::schema::path::{Path, Segment};

/// A row that holds one value in its only column, whose key is at the top; `None` for other columns.
pub fn row(columns: &[Path], value: Node) -> Option<Node> {
    match columns {
        [column] => nested(column.segments(), value),
        _ => None,
    }
}

fn nested(path: &[Segment], value: Node) -> Option<Node> {
    match path {
        [] => Some(value),
        [Segment::Key(name), rest @ ..] => Some(Node::map([(name, nested(rest, value)?)])),
        _ => None,
    }
}

/// JSON text as a literal; `None` for null and for what has parts.
pub fn literal(json: &str) -> Option<Literal> {
    Some(match serde_json::from_str(json).ok()? {
        serde_json::Value::Bool(flag) => Literal::Bool(flag),
        serde_json::Value::String(text) => Literal::Text(text),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Literal::Integer(whole),
            None => Literal::Float(number.as_f64().filter(|number| number.is_finite())?),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_literals() {
        assert_eq!(
            literal("\"a\\u0062\""),
            Some(Literal::Text("ab".to_owned()))
        );
        assert_eq!(literal("12"), Some(Literal::Integer(12)));
        assert_eq!(literal("1.5"), Some(Literal::Float(1.5)));
        assert_eq!(literal("true"), Some(Literal::Bool(true)));
        for none in ["null", "[1]", "{}", "x"] {
            assert_eq!(literal(none), None, "{none}");
        }
    }

    #[test]
    fn a_row_nests_as_its_column_does() {
        let path: Path = "address.city".parse().expect("a path");
        let row = row(&[path], Node::text("x")).expect("a row");
        assert_eq!(
            row,
            Node::map([("address", Node::map([("city", Node::text("x"))]))])
        );
    }
}
