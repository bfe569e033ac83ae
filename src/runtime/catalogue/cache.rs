//! Answers of a server in a file, each with the time it was given.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::plan::catalogue::{Catalogue, StreamAnswer};
use crate::plan::config::CatalogueSpec;
use crate::protocol::state::Descriptor;

/// The most answers kept.
const ANSWERS_MAX: usize = 10_000;

/// A catalogue whose answers hold for some time.
#[derive(Debug)]
pub(super) struct Cached<C> {
    catalogue: C,
    file: PathBuf,
    minutes: i64,
    /// What the answers depend on: the server, its names for streams, the tags that decide.
    question: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    question: String,
    answers: BTreeMap<String, StreamAnswer>,
}

impl<C> Cached<C> {
    /// Keeps answers in `file` for so many minutes.
    pub fn new(catalogue: C, spec: &CatalogueSpec, file: &Path, minutes: u32) -> Self {
        let question = format!("{:?} {:?}", spec.from, spec.tags);
        Self {
            catalogue,
            file: file.to_owned(),
            minutes: i64::from(minutes),
            question: hex::encode(Sha256::digest(question)),
        }
    }

    /// What is kept for the same question; nothing when the file is not there or not understood.
    fn kept(&self) -> Kept {
        let text = std::fs::read(&self.file).unwrap_or_default();
        let kept: Kept = serde_json::from_slice(&text).unwrap_or_default();
        match kept.question == self.question {
            true => kept,
            false => Kept {
                question: self.question.clone(),
                answers: BTreeMap::new(),
            },
        }
    }

    fn holds(&self, answer: &StreamAnswer) -> bool {
        let Ok(at) = DateTime::parse_from_rfc3339(&answer.at) else {
            return false;
        };
        let age = Utc::now().signed_duration_since(at);
        age >= TimeDelta::zero() && age < TimeDelta::minutes(self.minutes)
    }

    /// A cache that cannot be written costs a question more; it is no error.
    fn keep(&self, stream: &str, answer: &StreamAnswer) {
        let mut kept = self.kept();
        kept.answers.retain(|_, answer| self.holds(answer));
        if kept.answers.len() >= ANSWERS_MAX {
            return;
        }
        kept.answers.insert(stream.to_owned(), answer.clone());
        let Some(folder) = self.file.parent() else {
            return;
        };
        let _ = std::fs::create_dir_all(folder);
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let text = serde_json::to_vec_pretty(&kept).unwrap_or_default();
        if let Ok(file) = tempfile::NamedTempFile::new_in(folder)
            && std::fs::write(file.path(), text).is_ok()
        {
            let _ = file.persist(&self.file);
        }
    }
}

impl<C: Catalogue> Catalogue for Cached<C> {
    fn answer(&self, stream: &Descriptor) -> StreamAnswer {
        let name = stream.to_string();
        if let Some(answer) = self.kept().answers.remove(&name)
            && self.holds(&answer)
        {
            return answer;
        }
        let answer = self.catalogue.answer(stream);
        // That a server did not answer is nothing to keep.
        if answer.failure.is_none() {
            self.keep(&name, &answer);
        }
        answer
    }
}
