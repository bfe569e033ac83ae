//! Language models behind HTTP, as OpenAI, Azure, vLLM, Ollama and others offer them.
//!
//! Everything that goes to one goes through `Client::complete`, and that takes a [`Payload`] and nothing else. What is
//! sent and answered reaches no message; [`Http`] sees to that. A run has a budget of tokens, and a server that does
//! not know a setting is asked without it.

mod budget;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::json;

use super::http::{Http, Patience, Refused};
use crate::error::{Error, ErrorKind, Result};
use crate::suggest::llm::{Call, Complete, Completion, Payload, Prompt, Unanswered};
use budget::Budget;

/// Bytes of an answer beside its tokens, and for each of them.
const ANSWER_BYTES: u64 = 256 << 10;
const TOKEN_BYTES: u64 = 32;
/// Tokens for which a call is not worth making.
const TOKENS_MIN: u64 = 256;
/// How a provider is called whose name is not given.
const PROVIDER: &str = "openai_compatible";

/// A model and where it is.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// What stands before `/chat/completions`.
    pub url: String,
    pub model: String,
    /// Who runs it, as a word for records.
    pub provider: Option<String>,
    /// Tokens that a run may take, of questions and answers together.
    pub tokens: u64,
    /// For one answer.
    pub timeout: Duration,
}

/// A client of one model.
#[derive(Debug)]
pub struct Client {
    http: Http,
    endpoint: Endpoint,
    budget: Budget,
    /// Settings that the server does not know.
    unknown: Mutex<Vec<Setting>>,
}

/// A setting that some servers refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setting {
    ResponseFormat,
    Seed,
    Temperature,
    /// Newer models want `max_completion_tokens`.
    MaxTokens,
}

impl Setting {
    const ALL: [Self; 4] = [
        Self::ResponseFormat,
        Self::Seed,
        Self::Temperature,
        Self::MaxTokens,
    ];

    /// Words of which a refusal that means the setting has one.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::ResponseFormat => &["response_format", "json_schema"],
            Self::Seed => &["seed"],
            Self::Temperature => &["temperature"],
            Self::MaxTokens => &["max_tokens"],
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    model: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl Client {
    /// A client; `key` is sent with every question.
    ///
    /// # Errors
    /// `Usage` when the address is none, `Config` when the key cannot stand in a header.
    pub fn new(endpoint: Endpoint, key: Option<String>) -> Result<Self> {
        let url = endpoint.url.trim_end_matches('/');
        let plain = !url.contains(['@', '?', '#']);
        if !plain || !(url.starts_with("http://") || url.starts_with("https://")) {
            let message = "the address of the language model is no plain address";
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("write it as https://host/v1, without user, password or parameters"));
        }
        let patience = Patience {
            tries: 3,
            wait: Duration::from_secs(1),
            wait_max: Duration::from_secs(60),
            timeout: endpoint.timeout,
        };
        Ok(Self {
            http: Http::new("the language model at", url, key, patience)?,
            budget: Budget::new(endpoint.tokens),
            unknown: Mutex::default(),
            endpoint,
        })
    }

    fn body(
        &self,
        payload: &Payload,
        prompt: &Prompt,
        tokens: u64,
        left_out: &[Setting],
    ) -> String {
        let messages = payload
            .messages()
            .map(|(role, text)| json!({"role": role.as_str(), "content": text}));
        let mut body = json!({
            "model": self.endpoint.model,
            "messages": messages.collect::<Vec<_>>(),
        });
        for setting in Setting::ALL {
            let known = !left_out.contains(&setting);
            match setting {
                Setting::ResponseFormat if known => {
                    body["response_format"] = json!({"type": "json_schema", "json_schema": {
                        "name": prompt.id.replace('-', "_"), "strict": true, "schema": prompt.output,
                    }});
                }
                Setting::Seed if known => body["seed"] = json!(prompt.settings.seed),
                Setting::Temperature if known => {
                    body["temperature"] = json!(prompt.settings.temperature);
                }
                Setting::MaxTokens if known => body["max_tokens"] = json!(tokens),
                Setting::MaxTokens => body["max_completion_tokens"] = json!(tokens),
                _ => {}
            }
        }
        body.to_string()
    }

    /// The server's answer, without settings that it turns out not to know.
    fn ask(
        &self,
        payload: &Payload,
        prompt: &Prompt,
        tokens: u64,
    ) -> Result<(Vec<u8>, bool), Box<Refused>> {
        let limit = ANSWER_BYTES + tokens * TOKEN_BYTES;
        loop {
            let left_out = self.left_out();
            let body = self.body(payload, prompt, tokens, &left_out);
            match self.http.post("/chat/completions", &body, limit) {
                Ok(answer) => return Ok((answer, !left_out.contains(&Setting::ResponseFormat))),
                Err(refused) => match unknown_setting(&refused, &left_out) {
                    Some(setting) => self.leave_out(setting),
                    None => return Err(refused),
                },
            }
        }
    }

    fn left_out(&self) -> Vec<Setting> {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown.clone()
    }

    fn leave_out(&self, setting: Setting) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown.push(setting);
    }

    fn call(&self) -> Call {
        let provider = self.endpoint.provider.as_deref().unwrap_or(PROVIDER);
        Call {
            provider: provider.to_owned(),
            model: self.endpoint.model.clone(),
            at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            ..Call::default()
        }
    }

    /// What an answer says, with what the call took.
    fn read(
        &self,
        bytes: &[u8],
        estimate: u64,
        call: &mut Call,
    ) -> Result<String, (Error, &'static str)> {
        // The error may quote the answer, so it is not kept.
        let Ok(answer) = serde_json::from_slice::<Answer>(bytes) else {
            self.budget.spend(estimate);
            let what = "answers with something else than a completion";
            return Err((self.http.error(ErrorKind::Model, what), "not_understood"));
        };
        let choice = answer.choices.into_iter().next();
        let text = choice
            .as_ref()
            .and_then(|choice| choice.message.content.clone());
        let usage = answer.usage.filter(|usage| usage.prompt_tokens > 0);
        call.estimated = usage.is_none();
        let written = text.as_ref().map_or(0, |text| budget::tokens(text.len()));
        call.input_tokens = usage.as_ref().map_or(estimate, |usage| usage.prompt_tokens);
        call.output_tokens = usage
            .as_ref()
            .map_or(written, |usage| usage.completion_tokens);
        self.budget
            .spend(call.input_tokens.saturating_add(call.output_tokens));
        call.response_model = answer.model;
        call.finish_reasons = choice
            .and_then(|choice| choice.finish_reason)
            .into_iter()
            .collect();
        text.ok_or_else(|| {
            (
                self.http.error(ErrorKind::Model, "answers without a text"),
                "no_text",
            )
        })
    }
}

impl Complete for Client {
    fn complete(&self, payload: &Payload, prompt: &Prompt) -> Result<Completion, Box<Unanswered>> {
        let started = Instant::now();
        let mut call = self.call();
        let said: usize = payload.messages().map(|(_, text)| text.len()).sum();
        let estimate = budget::tokens(said + prompt.output.to_string().len());
        let left = self.budget.left();
        if left < estimate + TOKENS_MIN {
            let message = format!(
                "the token budget has {left} of {} left, too few for another question",
                self.endpoint.tokens
            );
            let error = Error::new(ErrorKind::Limit, message)
                .hint("raise --token-budget, or give fewer profiles");
            let code = "budget".to_owned();
            return Err(Box::new(Unanswered { error, code, call }));
        }
        let tokens = prompt.settings.max_tokens.min(left - estimate);
        let asked = self.ask(payload, prompt, tokens);
        call.milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match asked {
            Ok((bytes, held)) => {
                call.held_to_schema = held;
                match self.read(&bytes, estimate, &mut call) {
                    Ok(text) => Ok(Completion { text, call }),
                    Err((error, code)) => {
                        let code = code.to_owned();
                        Err(Box::new(Unanswered { error, code, call }))
                    }
                }
            }
            Err(refused) => {
                // Whoever did not answer in time may have worked all the same.
                if refused.code == "timeout" {
                    self.budget
                        .spend(estimate.saturating_mul(u64::from(refused.tried)));
                }
                let code = refused.code.clone();
                let error = explained(*refused);
                Err(Box::new(Unanswered { error, code, call }))
            }
        }
    }
}

/// The setting that a refusal is about: one that is named in it, in quotes or between blanks.
fn unknown_setting(refused: &Refused, left_out: &[Setting]) -> Option<Setting> {
    if !matches!(refused.status, Some(400 | 422)) {
        return None;
    }
    let said = String::from_utf8_lossy(&refused.answer).to_lowercase();
    let mut open = Setting::ALL
        .into_iter()
        .filter(|setting| !left_out.contains(setting));
    open.find(|setting| setting.words().iter().any(|word| said.contains(word)))
}

/// The error with what to do about it.
fn explained(refused: Refused) -> Error {
    if refused.passing {
        let tried = refused.tried;
        return refused.error.hint(format!("it was tried {tried} times"));
    }
    refused
        .error
        .hint(match refused.status.unwrap_or_default() {
            401 | 403 => "look at the variable that --llm-key-env names",
            300..=399 | 404 | 405 => {
                "look at --llm-url, which ends before `/chat/completions`, and at --llm-model"
            }
            _ => "look at the server's own log",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_left_out_one_by_one_and_once() {
        let format = Refused::answered(
            400,
            r#"{"error":{"message":"Unknown field: 'response_format'"}}"#,
        );
        assert_eq!(unknown_setting(&format, &[]), Some(Setting::ResponseFormat));
        assert_eq!(unknown_setting(&format, &[Setting::ResponseFormat]), None);
        let tokens = Refused::answered(400, "Unsupported parameter: 'max_tokens'");
        assert_eq!(unknown_setting(&tokens, &[]), Some(Setting::MaxTokens));
        assert_eq!(
            unknown_setting(&Refused::answered(400, "the model is too busy"), &[]),
            None
        );
        assert_eq!(
            unknown_setting(&Refused::answered(401, "response_format"), &[]),
            None
        );
    }
}
