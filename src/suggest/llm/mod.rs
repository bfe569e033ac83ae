//! Rules proposed by a language model, from a description that holds no values, and checked before anyone sees them.
//!
//! ```text
//!  StreamProfile ──► payload ──► Complete (one function, over HTTP) ──► answer ──► rules
//!        ▲ catalogue    │                     ▲                          │ refused: why, in words
//!        └ allow        └──────── prompt ─────┴──────── again ◄──────────┘ at most twice
//! ```
//!
//! Each call leaves a record: hashes of what was sent and answered, counts, codes; never the content.

mod answer;
mod column;
mod names;
mod pairs;
mod payload;
pub mod prompt;
mod refusal;
mod schema;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Suggest;
use crate::audit::{Kind, Record, canonical};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::rules::RuleSpec;
use crate::profile::form::StreamProfile;
use crate::schema::LogicalType;
use crate::schema::path::Path;
use answer::{Judge, Judged};

pub use payload::{Clearance, Payload, Role};
pub use prompt::{Prompt, Settings};
pub use refusal::{Code, Refusal};

/// How often a model is asked about one stream.
const ATTEMPTS: u32 = 3;
/// The longest word of a server that a record repeats.
const WORD_BYTES_MAX: usize = 120;

/// The one way to a language model.
pub trait Complete {
    /// Sends a conversation and gives the answer to it.
    ///
    /// # Errors
    /// Why there is none, with a word for records.
    fn complete(&self, payload: &Payload, prompt: &Prompt) -> Result<Completion, Box<Unanswered>>;
}

/// An answer, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    pub text: String,
    pub call: Call,
}

/// What a call was, apart from its content.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Call {
    /// Who runs the model, as a word: `openai`, `ollama`.
    pub provider: String,
    pub model: String,
    /// As the server calls it.
    pub response_model: Option<String>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// The server did not say how many tokens there were.
    pub estimated: bool,
    pub finish_reasons: Vec<String>,
    /// The server was held to the schema of the prompt.
    pub held_to_schema: bool,
    /// When it began, in RFC 3339, and how long it took.
    pub at: String,
    pub milliseconds: u64,
}

/// A call without an answer.
#[derive(Debug)]
pub struct Unanswered {
    pub error: Error,
    /// A word for records: `timeout`, `status_429`, `budget`.
    pub code: String,
    pub call: Call,
}

/// SHA-256 of what was measured about a stream, which rules name as their source.
pub fn profile_sha256(stream: &StreamProfile) -> [u8; 32] {
    Sha256::digest(canonical(&json!(stream))).into()
}

/// The types that columns have in expressions.
pub fn column_types(stream: &StreamProfile) -> BTreeMap<Path, LogicalType> {
    let columns = stream.columns.iter();
    columns
        .filter_map(|column| Some((column.path.parse().ok()?, super::types::of(column))))
        .collect()
}

/// A language model that proposes rules.
pub struct Llm<'a> {
    pub model: &'a dyn Complete,
    pub prompt: &'a Prompt,
    /// What may be said of a stream.
    pub clearance: Box<dyn Fn(&StreamProfile) -> Clearance + 'a>,
    /// Keeps a record. What cannot be recorded is not done.
    pub keep: &'a dyn Fn(Record) -> Result<()>,
    /// Fingerprints of rules that are there already, retired ones among them.
    pub known: &'a [String],
    /// The moment of the run, in RFC 3339.
    pub now: &'a str,
}

impl Suggest for Llm<'_> {
    fn suggest(&self, stream: &StreamProfile) -> Result<Vec<RuleSpec>> {
        let asked = self.ask(stream)?;
        match asked.rules.is_empty() && asked.refused > 0 {
            true => {
                let message = format!(
                    "the language model gave no rule that holds for stream `{}`: {} refused ({})",
                    asked.stream,
                    asked.refused,
                    asked.codes.keys().copied().collect::<Vec<_>>().join(", ")
                );
                Err(Error::new(ErrorKind::Model, message))
            }
            false => Ok(asked.rules),
        }
    }
}

/// What came of asking about one stream.
#[derive(Debug, Default)]
pub struct Asked {
    pub stream: String,
    pub rules: Vec<RuleSpec>,
    /// Rules and answers that were refused, over all attempts.
    pub refused: u64,
    pub codes: BTreeMap<&'static str, u64>,
    pub attempts: u32,
}

impl Llm<'_> {
    /// Asks about a stream, and again with what was wrong, until nothing is or it was asked often enough.
    ///
    /// # Errors
    /// Why there is no answer; `Policy` when there may be none.
    pub fn ask(&self, stream: &StreamProfile) -> Result<Asked> {
        let clearance = (self.clearance)(stream);
        let built = Payload::new(stream, self.prompt, &clearance);
        self.preflight(stream, &clearance, built.as_ref().ok())?;
        let mut payload = built?;
        let profile = hex::encode(profile_sha256(stream));
        let mut asked = Asked {
            stream: payload.stream().to_owned(),
            ..Asked::default()
        };
        let mut known = self.known.to_vec();
        for attempt in 1..=ATTEMPTS {
            asked.attempts = attempt;
            let completion = match self.model.complete(&payload, self.prompt) {
                Ok(completion) => completion,
                Err(unanswered) => {
                    let Unanswered { error, code, call } = *unanswered;
                    let record = self.record(&payload, &call, attempt);
                    self.finish(record, &[("failure", json!(word(&code)))])?;
                    // What an earlier attempt brought is not thrown away.
                    match asked.rules.is_empty() {
                        true => return Err(error),
                        false => return Ok(asked),
                    }
                }
            };
            let judged = self.judge(&payload, &completion, &profile, &known);
            let record = self.record(&payload, &completion.call, attempt);
            let output = json!({
                "sha256": hex::encode(Sha256::digest(&completion.text)),
                "bytes": completion.text.len(),
            });
            let verdict = json!({"accepted": judged.rules.len(), "refused": judged.codes()});
            self.finish(record, &[("output", output), ("verdict", verdict)])?;
            for (code, count) in judged.codes() {
                *asked.codes.entry(code).or_default() += count;
                asked.refused += count;
            }
            known.extend(judged.rules.iter().map(RuleSpec::fingerprint));
            payload = payload.again(&completion.text, &judged.refusals);
            let corrigible = judged
                .refusals
                .iter()
                .any(|refusal| refusal.code != Code::Duplicate);
            asked.take(judged);
            if !corrigible {
                break;
            }
        }
        Ok(asked)
    }

    fn judge(
        &self,
        payload: &Payload,
        completion: &Completion,
        profile: &str,
        known: &[String],
    ) -> Judged {
        let source = json!({
            "kind": "llm",
            "prompt": self.prompt.name(),
            "prompt_sha256": self.prompt.sha256,
            "model": completion.call.model,
            "profile": format!("sha256:{profile}"),
        });
        let judge = Judge {
            payload,
            output: &self.prompt.output,
            source: &source,
            now: self.now,
        };
        let cut_off = completion
            .call
            .finish_reasons
            .iter()
            .any(|reason| reason == "length");
        judge.answer(&completion.text, cut_off, known)
    }

    /// Records what is about to leave, before it does.
    fn preflight(
        &self,
        stream: &StreamProfile,
        clearance: &Clearance,
        payload: Option<&Payload>,
    ) -> Result<()> {
        let name = match &stream.namespace {
            Some(namespace) => format!("{namespace}.{}", stream.name),
            None => stream.name.clone(),
        };
        let payload = json!({
            "stream": name,
            "purpose": "llm",
            "catalogue": clearance.to_json(),
            "prompt": self.prompt_json(),
            "payload": payload.map(payload_json),
        });
        (self.keep)(Record::new(Kind::Preflight, payload))
    }

    fn prompt_json(&self) -> Value {
        json!({
            "id": self.prompt.id,
            "version": self.prompt.version,
            "sha256": self.prompt.sha256,
        })
    }

    fn record(&self, payload: &Payload, call: &Call, attempt: u32) -> Value {
        json!({
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": call.provider,
            "gen_ai.request.model": call.model,
            "gen_ai.response.model": call.response_model.as_deref().map(word),
            "gen_ai.usage.input_tokens": call.input_tokens,
            "gen_ai.usage.output_tokens": call.output_tokens,
            "gen_ai.response.finish_reasons": call.finish_reasons.iter().map(|reason| word(reason)).collect::<Vec<_>>(),
            "usage_estimated": call.estimated,
            "held_to_schema": call.held_to_schema,
            "stream": payload.stream(),
            "prompt": self.prompt_json(),
            "payload": payload_json(payload),
            "attempt": attempt,
            "started_at": call.at,
            "milliseconds": call.milliseconds,
        })
    }

    fn finish(&self, mut record: Value, further: &[(&str, Value)]) -> Result<()> {
        for (name, value) in further {
            record[*name] = value.clone();
        }
        (self.keep)(Record::new(Kind::LlmCall, record))
    }
}

impl Asked {
    /// Adds what an attempt brought; an id that is taken gets a number.
    fn take(&mut self, judged: Judged) {
        for mut rule in judged.rules {
            let taken = |id: &str, rules: &[RuleSpec]| rules.iter().any(|other| other.id == id);
            let mut number = 2;
            let id = rule.id.clone();
            while taken(&rule.id, &self.rules) {
                rule.id = format!("{id}_{number}");
                number += 1;
            }
            self.rules.push(rule);
        }
    }
}

fn payload_json(payload: &Payload) -> Value {
    json!({
        "sha256": payload.sha256(),
        "bytes": payload.bytes(),
        "columns": payload.columns().len(),
    })
}

/// A word of a server, if it is one: a sentence may quote what was sent.
fn word(text: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@".contains(c);
    match text.len() <= WORD_BYTES_MAX && text.chars().all(plain) {
        true => text,
        false => "not_a_word",
    }
}
