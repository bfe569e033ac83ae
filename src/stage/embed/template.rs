//! The text of a record: what stands between the columns, and the columns, as `{{title}}\n{{notes}}`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::schema::path::Path;

/// A template; names at least one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Literal(String),
    Column(Path),
}

impl Template {
    /// The value of one column.
    pub fn column(path: Path) -> Self {
        Self(vec![Part::Column(path)])
    }

    /// The parts in their order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The columns, each once.
    pub fn columns(&self) -> Vec<&Path> {
        let mut columns: Vec<&Path> = Vec::new();
        for part in &self.0 {
            if let Part::Column(path) = part
                && !columns.contains(&path)
            {
                columns.push(path);
            }
        }
        columns
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let literal = &rest[..open];
            let Some(close) = rest[open..].find("}}").map(|at| open + at) else {
                return Err("has a `{{` without `}}`".to_owned());
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let name = rest[open + 2..close].trim();
            let path = name.parse().map_err(|error| {
                format!("names `{name}`, which is no path of a column: {error}")
            })?;
            parts.push(Part::Column(path));
            rest = &rest[close + 2..];
        }
        if !parts.iter().any(|part| matches!(part, Part::Column(_))) {
            return Err("names no column".to_owned());
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Literal(text) => out.write_str(text),
            Part::Column(path) => write!(out, "{{{{{path}}}}}"),
        })
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read_and_written() {
        for text in [
            "{{title}}",
            "{{title}}\n{{body.text}}",
            "a {b} {{\"c.d\"}} }} e",
            "{{tags[]}} of {{*}}",
        ] {
            let template: Template = text.parse().expect(text);
            assert_eq!(template.to_string(), text);
        }
        let twice: Template = "{{ a }}{{a}}{{b}}".parse().expect("spaces are allowed");
        assert_eq!(twice.columns().len(), 2);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, says) in [
            ("title", "no column"),
            ("", "no column"),
            ("{{title}", "without"),
            ("{{}}", "no path"),
            ("{{a..b}}", "`a..b`"),
        ] {
            let error = text.parse::<Template>().expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
