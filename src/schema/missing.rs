//! What goes wrong when a path and a schema do not fit: messages with names, never values.

use std::error::Error as StdError;
use std::fmt;

use super::path::Path;
use crate::error::{Error, ErrorKind};

/// Names a message lists.
pub(super) const LISTED: usize = 8;

/// A path that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub path: Path,
    /// The path that was probably meant, ready to be pasted.
    pub nearest: Option<String>,
    /// The first names that exist where the path fails; empty when nothing can lie there.
    pub available: Vec<String>,
}

/// A name that is already taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exists {
    pub path: Path,
}

/// Why a column cannot be renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenameError {
    /// The column does not exist.
    Missing(Missing),
    /// The new name is taken.
    Exists(Exists),
    /// The path ends in `[]` or `*`, which have no name to change.
    Unnamed(Path),
}

impl Missing {
    /// What to do about it, when there is something to say.
    pub fn advice(&self) -> Option<String> {
        if let Some(nearest) = &self.nearest {
            return Some(format!("did you mean `{nearest}`?"));
        }
        (!self.available.is_empty()).then(|| format!("there are: {}", self.available.join(", ")))
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "there is no column `{}`", self.path)
    }
}

impl fmt::Display for Exists {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "there already is a column `{}`", self.path)
    }
}

impl fmt::Display for RenameError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(out),
            Self::Exists(exists) => exists.fmt(out),
            Self::Unnamed(path) => {
                write!(out, "`{path}` names no single key that could be renamed")
            }
        }
    }
}

impl StdError for Missing {}
impl StdError for Exists {}
impl StdError for RenameError {}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        let error = Self::new(ErrorKind::Catalog, missing.to_string());
        match missing.advice() {
            Some(advice) => error.hint(advice),
            None => error,
        }
    }
}

impl From<Exists> for Error {
    fn from(exists: Exists) -> Self {
        Self::new(ErrorKind::Catalog, exists.to_string()).hint("choose another name")
    }
}

impl From<RenameError> for Error {
    fn from(error: RenameError) -> Self {
        match error {
            RenameError::Missing(missing) => missing.into(),
            RenameError::Exists(exists) => exists.into(),
            RenameError::Unnamed(_) => Self::new(ErrorKind::Catalog, error.to_string())
                .hint("name a key, as `address.city` or `items[].email`"),
        }
    }
}

impl From<Missing> for RenameError {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<Exists> for RenameError {
    fn from(exists: Exists) -> Self {
        Self::Exists(exists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_and_what_to_do() {
        let mut missing = Missing {
            path: "adress.city".parse().expect("a path"),
            nearest: Some("address.city".to_owned()),
            available: vec!["id".to_owned(), "address".to_owned()],
        };
        let error = Error::from(missing.clone());
        assert_eq!(error.kind(), ErrorKind::Catalog);
        assert_eq!(error.message(), "there is no column `adress.city`");
        assert_eq!(error.advice(), Some("did you mean `address.city`?"));
        missing.nearest = None;
        assert_eq!(missing.advice().as_deref(), Some("there are: id, address"));
        missing.available.clear();
        assert_eq!(Error::from(RenameError::from(missing)).advice(), None);
    }
}
