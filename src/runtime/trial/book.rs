//! A rule file with its text, so that it can be written back with every other byte as it was.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::document::Problems;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::rules::{RuleFile, RuleSpec};

/// A rule file.
#[derive(Debug, Clone)]
pub struct Book {
    pub path: PathBuf,
    /// Its name in messages.
    pub name: String,
    pub text: String,
    pub file: RuleFile,
}

impl Book {
    /// Reads rule files.
    ///
    /// # Errors
    /// `Config` with every problem of all of them; `Input` when one cannot be read.
    pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Self>> {
        let mut problems = Problems::new();
        let mut books = Vec::new();
        for path in paths {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| {
                let message = format!("{name} cannot be read");
                Error::new(ErrorKind::Config, message).because(error)
            })?;
            if let Some(file) = RuleFile::parse(&name, &text, &mut problems) {
                books.push(Self {
                    path: path.clone(),
                    name,
                    text,
                    file,
                });
            }
        }
        problems.into_result()?;
        Ok(books)
    }

    /// The rule of an id.
    ///
    /// # Errors
    /// `Usage` when there is none, with the name that was probably meant.
    pub fn rule(&self, id: &str) -> Result<&RuleSpec> {
        let rules = self.file.rules.iter();
        if let Some(rule) = rules.clone().find(|rule| rule.id == id) {
            return Ok(rule);
        }
        let error = Error::new(
            ErrorKind::Usage,
            format!("{} has no rule `{id}`", self.name),
        );
        let near = crate::document::nearest(id, rules.map(|rule| rule.id.as_str()));
        Err(match near {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`midflight rules list` prints them"),
        })
    }

    /// Puts another text in its place, whole or not at all, and durable when this returns.
    ///
    /// # Errors
    /// `Output` when it cannot be written, or was changed by somebody else meanwhile.
    pub fn write(&self, text: &str) -> Result<()> {
        let failed = |error: std::io::Error| {
            let message = format!("{} cannot be written", self.name);
            Error::new(ErrorKind::Output, message).because(error)
        };
        // What a link points to is replaced, not the link.
        let path = std::fs::canonicalize(&self.path).map_err(failed)?;
        if std::fs::read_to_string(&path).map_err(failed)? != self.text {
            let message = format!("{} was changed while this ran", self.name);
            return Err(Error::new(ErrorKind::Output, message).hint("run it again"));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        let permissions = std::fs::metadata(&path).map_err(failed)?.permissions();
        file.as_file()
            .set_permissions(permissions)
            .map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        std::fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)
    }
}
