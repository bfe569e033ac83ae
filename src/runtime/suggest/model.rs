//! A language model as it is asked for, and opened: its client, its prompt, and who says what may be described.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::audit::Record;
use crate::document::Problems;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::catalogue::{Answer, Answers};
use crate::plan::config::Config;
use crate::profile::form::StreamProfile;
use crate::protocol::state::Descriptor;
use crate::runtime::catalogue;
use crate::runtime::llm::{Client, Endpoint};
use crate::suggest::llm::prompt::{Shelf, builtin, find};
use crate::suggest::llm::{Clearance, Complete, Llm, Payload, Prompt};

/// A language model that is asked too.
#[derive(Debug, Clone)]
pub struct LanguageModel {
    pub url: String,
    pub model: String,
    /// The variable that holds its key.
    pub key_env: Option<String>,
    pub provider: Option<String>,
    pub timeout: Duration,
    pub tokens: u64,
    /// The prompt's name.
    pub prompt: String,
    /// Where prompts are, instead of in the program.
    pub prompts: Option<PathBuf>,
    pub catalogues: Catalogues,
}

/// Who says what may be described.
#[derive(Debug, Clone)]
pub enum Catalogues {
    /// Files of answers, the first that knows a stream first.
    Files(Vec<PathBuf>),
    /// What a configuration names.
    Config(PathBuf),
    /// Nobody, by the operator's decision.
    Without,
    /// Nobody, and nobody decided that.
    Missing,
}

/// A language model that can be asked.
pub struct Opened {
    client: Client,
    prompt: Prompt,
    answers: Vec<Answers>,
    hide_names: bool,
    without: bool,
}

impl LanguageModel {
    /// Finds the prompt, the key and the catalogues.
    ///
    /// # Errors
    /// `Usage` when nobody says what may be described, `Config` when something is missing or wrong.
    pub fn open(&self) -> Result<Opened> {
        let (answers, hide_names) = self.catalogues.open()?;
        let key = self.key_env.as_ref().map(|name| key(name)).transpose()?;
        let folder = self.prompts.clone();
        let on_disk = |path: &str| {
            let folder = folder.as_deref()?;
            std::fs::read_to_string(folder.join(path)).ok()
        };
        let shelf: Shelf<'_> = match folder {
            Some(_) => &on_disk,
            None => &builtin,
        };
        let prompt = find(&self.prompt, shelf)?;
        let endpoint = Endpoint {
            url: self.url.clone(),
            model: self.model.clone(),
            provider: self.provider.clone(),
            tokens: self.tokens,
            timeout: self.timeout,
        };
        Ok(Opened {
            client: Client::new(endpoint, key)?,
            prompt,
            without: answers.is_empty(),
            answers,
            hide_names,
        })
    }
}

impl Catalogues {
    fn open(&self) -> Result<(Vec<Answers>, bool)> {
        match self {
            Self::Files(files) => {
                let answers = files.iter().map(|file| catalogue::of_file(file));
                Ok((answers.collect::<Result<_>>()?, false))
            }
            Self::Config(path) => {
                let name = path.display().to_string();
                let text = std::fs::read_to_string(path).map_err(|error| {
                    let message = format!("{name} cannot be read");
                    Error::new(ErrorKind::Config, message).because(error)
                })?;
                let mut problems = Problems::new();
                let config = Config::parse(&name, &text, &mut problems);
                problems.into_result()?;
                let spec = config.and_then(|config| config.catalogue);
                let Some(spec) = spec else {
                    return Err(nobody(&format!("{name} names no `catalogue`")));
                };
                let folder = path.parent().unwrap_or(Path::new(""));
                Ok((vec![catalogue::open(&spec, folder)?], spec.hide_names))
            }
            Self::Without => Ok((Vec::new(), false)),
            Self::Missing => Err(nobody(
                "no catalogue says what may be described to a language model",
            )),
        }
    }
}

fn nobody(what: &str) -> Error {
    Error::new(ErrorKind::Usage, what).hint(
        "give --catalogue FILE, or --config FILE with a `catalogue`; or decide yourself with --without-catalogue",
    )
}

/// The key in an environment variable; the error names the variable alone.
fn key(name: &str) -> Result<String> {
    let key = std::env::var(name).unwrap_or_default();
    match key.trim() {
        "" => {
            let message = format!("the environment variable `{name}` is not set");
            Err(Error::new(ErrorKind::Config, message)
                .hint("set it to the key, or leave --llm-key-env out where none is needed"))
        }
        key => Ok(key.to_owned()),
    }
}

impl Opened {
    /// The suggester of one run. `keep` records, `known` are fingerprints of rules that are there.
    pub fn suggester<'a>(
        &'a self,
        keep: &'a dyn Fn(Record) -> Result<()>,
        known: &'a [String],
        now: &'a str,
    ) -> Llm<'a> {
        Llm {
            model: self.model(),
            prompt: &self.prompt,
            clearance: Box::new(|stream| self.clearance(stream)),
            keep,
            known,
            now,
        }
    }

    /// The model itself.
    pub fn model(&self) -> &dyn Complete {
        &self.client
    }

    /// The prompt that is used.
    pub fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// What may be said of a stream.
    pub fn clearance(&self, stream: &StreamProfile) -> Clearance {
        if self.without {
            return Clearance::Operator;
        }
        let stream = Descriptor {
            namespace: stream.namespace.clone(),
            name: stream.name.clone(),
        };
        let mut answers = self.answers.iter().map(|answers| answers.stream(&stream));
        let first = answers.next();
        let known = first.iter().cloned().chain(answers);
        let known = known
            .into_iter()
            .find(|answer| answer.stream != Answer::Unknown);
        match known.or(first) {
            Some(answer) => Clearance::Catalogue {
                answer: (*answer).clone(),
                hide_names: self.hide_names,
            },
            None => Clearance::Operator,
        }
    }

    /// What would be sent about a stream.
    ///
    /// # Errors
    /// When it may not be described.
    pub fn payload(&self, stream: &StreamProfile) -> Result<Value> {
        let payload = Payload::new(stream, &self.prompt, &self.clearance(stream))?;
        let messages = payload.messages();
        let messages: Vec<_> = messages
            .map(|(role, text)| json!({"role": role.as_str(), "content": text}))
            .collect();
        Ok(json!({
            "stream": payload.stream(),
            "sha256": payload.sha256(),
            "messages": messages,
        }))
    }
}
