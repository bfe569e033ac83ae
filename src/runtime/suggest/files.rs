//! Where proposed rules go: into the file of their stream, whose other bytes stay as they are.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::Proposed;
use crate::document::Problems;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::config::Rank;
use crate::plan::rules::{Limits, Phase, RuleFile, RuleSpec, write};
use crate::profile::form::StreamProfile;
use crate::runtime::trial::Book;

/// How rule files end.
const ENDING: &str = ".rules.yaml";

/// The place of rule files.
#[derive(Debug)]
pub(super) enum Place {
    /// Nowhere: rules are printed.
    None,
    Folder(PathBuf),
    File(PathBuf),
}

/// A rule file, there already or to be made.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
    stream: String,
    /// Its text and rules, if it is there.
    there: Option<(String, RuleFile)>,
}

impl Place {
    /// As the arguments name it.
    pub fn of(folder: Option<&Path>, file: Option<&Path>) -> Self {
        match (folder, file) {
            (Some(folder), _) => Self::Folder(folder.to_owned()),
            (None, Some(file)) => Self::File(file.to_owned()),
            (None, None) => Self::None,
        }
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::None => None,
            Self::Folder(folder) => Some(folder.clone()),
            Self::File(file) => Some(file.parent().map(Path::to_owned).unwrap_or_default()),
        }
    }

    /// The file of a stream: the one that names it most closely, else a new one.
    pub fn file(&self, stream: &StreamProfile) -> Result<Option<Target>> {
        let name = super::name(stream);
        let (path, there) = match self {
            Self::None => return Ok(None),
            Self::File(path) => {
                let there = path.exists().then(|| read(path)).transpose()?;
                if let Some((_, file)) = &there
                    && rank(file, stream).is_none()
                {
                    let message = format!(
                        "{} is written for `{}`, not for `{name}`",
                        path.display(),
                        file.stream.as_str()
                    );
                    return Err(Error::new(ErrorKind::Usage, message));
                }
                (path.clone(), there)
            }
            Self::Folder(folder) => match closest(folder, stream)? {
                Some((path, there)) => (path, Some(there)),
                None => (folder.join(format!("{}{ENDING}", file_name(&name))), None),
            },
        };
        Ok(Some(Target {
            path,
            stream: name,
            there,
        }))
    }
}

impl Target {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rules that are there.
    pub fn rules(&self) -> &[RuleSpec] {
        self.there.as_ref().map_or(&[], |(_, file)| &file.rules)
    }

    /// The file as it would be with what is proposed; where there is none, one that nobody has written.
    pub fn book(target: Option<&Self>, proposed: &Proposed) -> Result<Book> {
        let path = target.map_or_else(|| PathBuf::from(ENDING), |target| target.path.clone());
        let name = path.display().to_string();
        let text = match target.and_then(|target| target.there.as_ref()) {
            Some((text, _)) => write::append(&name, text, &proposed.rules)?,
            None => {
                let limits = Limits::default();
                write::file(&proposed.stream, Phase::Monitor, &proposed.rules, &limits)
            }
        };
        let mut problems = Problems::new();
        let file = RuleFile::parse(&name, &text, &mut problems);
        problems.into_result()?;
        let unread = || Error::new(ErrorKind::Internal, "proposed rules cannot be read again");
        Ok(Book {
            file: file.ok_or_else(unread)?,
            path,
            name,
            text,
        })
    }

    /// Adds rules, and makes the file if it is not there. It is written whole or not at all.
    pub fn add(&mut self, rules: &[RuleSpec]) -> Result<()> {
        let name = self.path.display().to_string();
        let text = match &self.there {
            Some((text, _)) => write::append(&name, text, rules)?,
            None => write::file(&self.stream, Phase::Monitor, rules, &Limits::default()),
        };
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::NamedTempFile::new_in(folder))
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.as_file().sync_all()?;
                file.persist(&self.path)
                    .map(drop)
                    .map_err(|error| error.error)
            });
        written.map_err(|error| {
            Error::new(ErrorKind::Output, format!("{name} cannot be written")).because(error)
        })
    }
}

fn rank(file: &RuleFile, stream: &StreamProfile) -> Option<Rank> {
    file.stream.rank(stream.namespace.as_deref(), &stream.name)
}

/// The rule file of a folder that names a stream most closely.
fn closest(folder: &Path, stream: &StreamProfile) -> Result<Option<(PathBuf, (String, RuleFile))>> {
    let mut paths: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let message = format!("{} cannot be read", folder.display());
            return Err(Error::new(ErrorKind::Config, message).because(error));
        }
    };
    paths.retain(|path| path.to_string_lossy().ends_with(ENDING));
    paths.sort();
    let mut best: Option<(Rank, PathBuf, (String, RuleFile))> = None;
    for path in paths {
        let there = read(&path)?;
        if let Some(rank) = rank(&there.1, stream)
            && best.as_ref().is_none_or(|(other, ..)| rank > *other)
        {
            best = Some((rank, path, there));
        }
    }
    Ok(best.map(|(_, path, there)| (path, there)))
}

fn read(path: &Path) -> Result<(String, RuleFile)> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Config, format!("{name} cannot be read")).because(error)
    })?;
    let mut problems = Problems::new();
    let file = RuleFile::parse(&name, &text, &mut problems);
    problems.into_result()?;
    match file {
        Some(file) => Ok((text, file)),
        None => Err(Error::new(
            ErrorKind::Config,
            format!("{name} is no rule file"),
        )),
    }
}

/// A stream's name as that of a file.
fn file_name(stream: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name: String = stream
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    name.trim_start_matches('.').to_owned()
}
