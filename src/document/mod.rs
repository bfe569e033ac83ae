//! Documents that people write: YAML 1.2 with the position of every key and value.
//!
//! [`parse()`] gives one [`Node`] tree, [`Fields`] reads a map strictly, and everything wrong lands in
//! [`Problems`], so that one pass over a file tells all of it. [`mod@write`] makes text of nodes, and
//! [`outline()`] says where each value of a text begins and ends, for edits that leave the rest as it
//! is. Knows nothing of what a document means.

mod fields;
mod outline;
mod parse;
mod problem;
pub mod write;

pub use fields::{Fields, listed};
pub use outline::{Extent, Outline, OutlineEntry, outline};
pub use parse::{NESTING_MAX, TEXT_BYTES_MAX, parse};
pub use problem::{PROBLEMS_MAX, Problem, Problems, nearest};

/// A place in a file, in lines and characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where its first character stands.
    pub at: Position,
}

/// The values of YAML's core schema. `no`, `on` and dates are text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Integer(i64),
    /// Any other number, `.inf` and `.nan` included.
    Float(f64),
    /// Text, quoted or not.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file, without duplicate names.
    Map(Vec<(Key, Node)>),
}

/// The key of a map's entry, as written: `1` and `null` are names too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Where its first character stands.
    pub at: Position,
}

impl From<String> for Key {
    /// A name that stands in no file yet.
    fn from(name: String) -> Self {
        let at = Position { line: 0, column: 0 };
        Self { name, at }
    }
}

impl Value {
    /// What the value is, with its article, for messages: `text`, `a list`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl From<Value> for Node {
    /// A value that stands in no file yet.
    fn from(value: Value) -> Self {
        let at = Position { line: 0, column: 0 };
        Self { value, at }
    }
}

impl Node {
    /// Text that stands in no file yet.
    pub fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into()).into()
    }

    /// A map that stands in no file yet.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Node)>) -> Self {
        let entries = entries
            .into_iter()
            .map(|(name, node)| (Key::from(name.into()), node));
        Value::Map(entries.collect()).into()
    }

    /// The value of a key, if the node is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        entries
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(_, node)| node)
    }

    /// The same as JSON; numbers that JSON does not have become null.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Integer(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => (entries.iter())
                .map(|(key, node)| (key.name.clone(), node.to_json()))
                .collect(),
        }
    }

    /// Whether both say the same, wherever they stand and in whatever order their keys are.
    pub fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::List(one), Value::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same(two))
            }
            (Value::Map(one), Value::Map(two)) => {
                let found = |(key, node): &(Key, Node)| {
                    other.get(&key.name).is_some_and(|there| node.same(there))
                };
                one.len() == two.len() && one.iter().all(found)
            }
            (Value::Float(one), Value::Float(two)) => one.to_bits() == two.to_bits(),
            (one, two) => one == two,
        }
    }

    /// Reports that the value is of another kind than `wanted`, as `text` or `a list`.
    pub fn mismatch(&self, wanted: &str, file: &str, problems: &mut Problems) {
        let message = format!("expected {wanted}, found {}", self.value.kind());
        let scalar = matches!(
            self.value,
            Value::Bool(_) | Value::Integer(_) | Value::Float(_)
        );
        if wanted == "text" && scalar {
            problems.push_hint(file, self.at, message, "quote it to make it text");
        } else {
            problems.push_at(file, self.at, message);
        }
    }

    /// The text, or a problem.
    pub fn read_text<'a>(&'a self, file: &str, problems: &mut Problems) -> Option<&'a str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => {
                self.mismatch("text", file, problems);
                None
            }
        }
    }

    /// The integer, or a problem.
    pub fn read_integer(&self, file: &str, problems: &mut Problems) -> Option<i64> {
        match self.value {
            Value::Integer(number) => Some(number),
            _ => {
                self.mismatch("an integer", file, problems);
                None
            }
        }
    }

    /// The number, whole or not, or a problem. Infinities and NaN are problems.
    pub fn read_number(&self, file: &str, problems: &mut Problems) -> Option<f64> {
        match self.value {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the caller asked for a float; limits and fractions are small"
            )]
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) if number.is_finite() => Some(number),
            Value::Float(_) => {
                problems.push_at(file, self.at, "expected a finite number".to_owned());
                None
            }
            _ => {
                self.mismatch("a number", file, problems);
                None
            }
        }
    }

    /// The boolean, or a problem.
    pub fn read_bool(&self, file: &str, problems: &mut Problems) -> Option<bool> {
        match self.value {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.mismatch("true or false", file, problems);
                None
            }
        }
    }

    /// The list, or a problem.
    pub fn read_list<'a>(&'a self, file: &str, problems: &mut Problems) -> Option<&'a [Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => {
                self.mismatch("a list", file, problems);
                None
            }
        }
    }

    /// The entries of the map, or a problem.
    pub fn read_map<'a>(
        &'a self,
        file: &str,
        problems: &mut Problems,
    ) -> Option<&'a [(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => {
                self.mismatch("a map", file, problems);
                None
            }
        }
    }

    /// A list of text, or one text for a list of one, with the place of each; wrong elements are
    /// problems and left out. An empty list is a problem.
    pub fn read_texts<'a>(
        &'a self,
        file: &str,
        problems: &mut Problems,
    ) -> Option<Vec<(&'a str, Position)>> {
        match &self.value {
            Value::Text(text) => Some(vec![(text, self.at)]),
            Value::List(items) if items.is_empty() => {
                problems.push_at(file, self.at, "the list is empty".to_owned());
                None
            }
            Value::List(items) => Some(
                items
                    .iter()
                    .filter_map(|item| Some((item.read_text(file, problems)?, item.at)))
                    .collect(),
            ),
            _ => {
                self.mismatch("text or a list of text", file, problems);
                None
            }
        }
    }
}
