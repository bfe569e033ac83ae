//! What is wrong with documents: collected whole, sorted by place, told in one error.

use std::fmt;

use super::Position;
use crate::error::{Error, ErrorKind, Result};

/// The most problems kept; the rest are counted.
pub const PROBLEMS_MAX: usize = 1_000;

/// One thing wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as the person named it.
    pub file: String,
    /// Where; `None` when it concerns the file as a whole.
    pub at: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// What to do, when there is something.
    pub hint: Option<String>,
}

/// `midflight.yaml:7:5: unknown key `colum`; did you mean `column`?`
impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(at) = self.at {
            write!(out, ":{}:{}", at.line, at.column)?;
        }
        write!(out, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(out, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// Every problem of a configuration and the files it names, up to [`PROBLEMS_MAX`].
#[derive(Debug, Clone, Default)]
pub struct Problems {
    kept: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    /// No problems yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        if self.kept.len() < PROBLEMS_MAX {
            self.kept.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    /// Adds a problem at a place.
    pub fn push_at(&mut self, file: &str, at: Position, message: impl Into<String>) {
        self.push(Problem {
            file: file.to_owned(),
            at: Some(at),
            message: message.into(),
            hint: None,
        });
    }

    /// Adds a problem at a place, with what to do about it.
    pub fn push_hint(
        &mut self,
        file: &str,
        at: Position,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Problem {
            file: file.to_owned(),
            at: Some(at),
            message: message.into(),
            hint: Some(hint.into()),
        });
    }

    /// Adds a problem of a file as a whole.
    pub fn push_file(&mut self, file: &str, message: impl Into<String>) {
        self.push(Problem {
            file: file.to_owned(),
            at: None,
            message: message.into(),
            hint: None,
        });
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many problems there are, those past the limit included.
    pub fn len(&self) -> usize {
        self.kept.len() + self.left_out
    }

    /// The problems kept, in the order of finding unless [`Problems::sort`] was called.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.kept.iter()
    }

    /// Orders by file, then place; equal problems become one.
    pub fn sort(&mut self) {
        self.kept.sort();
        self.kept.dedup();
    }

    /// Nothing when all is well, else one error of kind `Config` that lists every problem.
    pub fn into_result(mut self) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        self.sort();
        Err(Error::new(ErrorKind::Config, self.to_string()))
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One problem a line.
impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.kept.iter().enumerate() {
            if i > 0 {
                out.write_str("\n")?;
            }
            write!(out, "{problem}")?;
        }
        if self.left_out > 0 {
            write!(out, "\nand {} more problems", self.left_out)?;
        }
        Ok(())
    }
}

/// The name among those valid that was probably meant: at most two slips of the finger away (one for
/// short names), whatever the case; the first of equals.
pub fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A long text is no slip of the finger, and the distance costs its length squared.
    const NAME_CHARACTERS_MAX: usize = 100;
    let wanted = name.to_lowercase();
    let length = wanted.chars().count();
    if length > NAME_CHARACTERS_MAX {
        return None;
    }
    let slips_max = if length < 5 { 1 } else { 2 };
    let mut best = None;
    for candidate in among {
        if candidate.len() > 4 * NAME_CHARACTERS_MAX {
            continue;
        }
        let slips = strsim::osa_distance(&wanted, &candidate.to_lowercase());
        if slips <= slips_max && best.is_none_or(|(least, _)| slips < least) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_slip_of_the_finger_away() {
        let names = ["column", "columns", "with", "key", "keep_first", "to"];
        for (name, expected) in [
            ("colum", Some("column")),
            ("Column", Some("column")),
            ("columnss", Some("columns")),
            ("wiht", Some("with")),
            ("kye", Some("key")),
            ("keepfirst", Some("keep_first")),
            ("keep-first", Some("keep_first")),
            ("ot", Some("to")),
            ("frobnicate", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names.into_iter()), expected, "{name}");
        }
        assert_eq!(nearest(&"c".repeat(1_000_000), names.into_iter()), None);
    }

    #[test]
    fn problems_are_told_in_order_and_once() {
        let mut problems = Problems::new();
        assert!(problems.clone().into_result().is_ok());
        let at = |line, column| Position { line, column };
        problems.push_at("b.yaml", at(2, 1), "second");
        problems.push_hint("a.yaml", at(10, 2), "later", "do this");
        problems.push_at("a.yaml", at(9, 12), "earlier");
        problems.push_at("b.yaml", at(2, 1), "second");
        problems.push_file("a.yaml", "cannot be read");
        let error = problems.into_result().expect_err("there are problems");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.message(),
            "a.yaml: cannot be read\n\
             a.yaml:9:12: earlier\n\
             a.yaml:10:2: later; do this\n\
             b.yaml:2:1: second"
        );
    }

    #[test]
    fn problems_past_the_limit_are_counted() {
        let mut problems = Problems::new();
        for line in 0..PROBLEMS_MAX + 3 {
            problems.push_at("f", Position { line, column: 1 }, "wrong");
        }
        assert_eq!(problems.len(), PROBLEMS_MAX + 3);
        assert_eq!(problems.iter().count(), PROBLEMS_MAX);
        assert!(problems.to_string().ends_with("\nand 3 more problems"));
    }
}
