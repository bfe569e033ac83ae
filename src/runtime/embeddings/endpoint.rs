//! Embedders behind HTTP, as OpenAI, Azure, vLLM, Ollama, text-embeddings-inference and others offer them.
//!
//! Neither texts nor the key reach a message: of an answer that is an error only its status and its code are
//! told. Redirects are not followed, so that texts go nowhere but where they were sent.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::model::embedder::mean;
use crate::model::embedding::Endpoint;
use crate::model::{Embedder, Tokenize, Vector};
use crate::stage::embed::cut::{Chunk, Size, cut};

/// The most texts of one request.
const TEXTS_MAX: usize = 64;
/// The most bytes of text of one request, unless a single text has more.
const BYTES_MAX: usize = 60_000;
/// Bytes that a number of an answer may take.
const NUMBER_BYTES: usize = 64;

/// How long an endpoint is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How often a request is made before it counts as failed.
    pub tries: u32,
    /// The wait before the second try; it doubles from try to try.
    pub wait: Duration,
    /// The longest wait, also where the endpoint asks for more.
    pub wait_max: Duration,
    /// For one answer.
    pub timeout: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 5,
            wait: Duration::from_millis(500),
            wait_max: Duration::from_secs(60),
            timeout: Duration::from_secs(60),
        }
    }
}

/// An embedder behind an endpoint.
#[derive(Debug)]
pub(super) struct Remote {
    client: Client,
    endpoint: Endpoint,
    measure: Arc<dyn Tokenize>,
    patience: Patience,
}

/// Why a request failed.
enum Failure {
    /// Trying again may help, after this long if the endpoint says so.
    Passing(Error, Option<Duration>),
    Lasting(Error),
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

impl Remote {
    /// A client of `endpoint`. Texts are measured with the tokens of `measure`.
    ///
    /// # Errors
    /// `Config` when the key cannot stand in a header, `Model` when there can be no client.
    pub fn new(
        endpoint: &Endpoint,
        key: Option<String>,
        measure: Arc<dyn Tokenize>,
        patience: Patience,
    ) -> Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            // The error would quote nothing of it, and neither do we.
            let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {key}")) else {
                let message = "the endpoint's key has characters that no header can hold";
                return Err(Error::new(ErrorKind::Config, message));
            };
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("midflight/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10).min(patience.timeout))
            .timeout(patience.timeout)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Model, "there can be no HTTP client").because(error)
            })?;
        Ok(Self {
            client,
            endpoint: endpoint.clone(),
            measure,
            patience,
        })
    }

    /// The parts of a text that are sent by themselves; most texts are one.
    fn parts(&self, text: &str) -> Result<Vec<Chunk>> {
        let whole = || Chunk {
            bytes: 0..text.len(),
            tokens: 1,
        };
        // No token is shorter than a byte.
        if text.len() <= self.endpoint.max_tokens {
            return Ok(vec![whole()]);
        }
        let tokens = self.measure.tokens(text)?;
        let size = Size {
            tokens: self.endpoint.max_tokens,
            overlap: 0,
        };
        Ok(cut(text, &tokens, size))
    }

    /// The vectors of a bounded number of texts.
    fn ask(&self, texts: &[&str]) -> Result<Vec<Vector>> {
        let mut body = json!({
            "model": self.endpoint.name,
            "input": texts,
            "encoding_format": "float",
        });
        if self.endpoint.shorten {
            body["dimensions"] = json!(self.endpoint.dimensions);
        }
        let body = body.to_string();
        let mut wait = self.patience.wait;
        let mut tried = 1;
        loop {
            match self.once(&body, texts.len()) {
                Ok(vectors) => return Ok(vectors),
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(error, _)) if tried >= self.patience.tries => {
                    return Err(error.hint(format!(
                        "it was tried {tried} times; run the sync again from its last state"
                    )));
                }
                Err(Failure::Passing(_, asked)) => {
                    std::thread::sleep(asked.unwrap_or(wait).min(self.patience.wait_max));
                }
            }
            wait *= 2;
            tried += 1;
        }
    }

    fn once(&self, body: &str, texts: usize) -> Result<Vec<Vector>, Failure> {
        let request = self
            .client
            .post(format!("{}/embeddings", self.endpoint.url))
            .header("content-type", "application/json")
            .body(body.to_owned());
        let response = request.send().map_err(|error| {
            let what = match () {
                () if error.is_timeout() => "gives no answer in time",
                () if error.is_connect() => "cannot be reached",
                () => "breaks the connection off",
            };
            Failure::Passing(self.error(ErrorKind::Input, what), None)
        })?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refused(status, response));
        }
        let limit = texts * self.endpoint.dimensions * NUMBER_BYTES + (1 << 20);
        let mut bytes = Vec::new();
        let read = response.take(limit as u64).read_to_end(&mut bytes);
        read.map_err(|_| {
            Failure::Passing(
                self.error(ErrorKind::Input, "breaks the connection off"),
                None,
            )
        })?;
        self.vectors(&bytes, texts).map_err(Failure::Lasting)
    }

    /// What an answer that is no success means.
    fn refused(&self, status: StatusCode, response: Response) -> Failure {
        let asked = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let mut bytes = Vec::new();
        let _ = response.take(1 << 16).read_to_end(&mut bytes);
        let code = code(&bytes).map_or(String::new(), |code| format!(" ({code})"));
        let what = format!("answers {}{code}", status.as_u16());
        let passing = status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
        if passing {
            return Failure::Passing(self.error(ErrorKind::Input, &what), asked);
        }
        let hint = match status.as_u16() {
            401 | 403 => "look at the model's `key`",
            404 | 405 | 300..400 => {
                "look at `endpoint`, which ends before `/embeddings`, and at `name`"
            }
            400 | 413 | 422 => "if texts are too long for the model, set its `max_tokens`",
            _ => "look at the endpoint's own log",
        };
        Failure::Lasting(self.error(ErrorKind::Model, &what).hint(hint))
    }

    fn vectors(&self, bytes: &[u8], texts: usize) -> Result<Vec<Vector>> {
        // The error may quote the answer, so it is not kept.
        let Ok(answer) = serde_json::from_slice::<Answer>(bytes) else {
            return Err(self.error(ErrorKind::Model, "answers with something else than vectors"));
        };
        let mut vectors: Vec<Option<Vector>> = vec![None; texts];
        for item in answer.data {
            let (wanted, given) = (self.endpoint.dimensions, item.embedding.len());
            if given != wanted {
                let what = format!("gives vectors of {given} dimensions instead of {wanted}");
                return Err(self.error(ErrorKind::Model, &what).hint(
                    "set `dimensions` to what the model gives, or `shorten: true` where it can give less",
                ));
            }
            if item.embedding.iter().any(|value| !value.is_finite()) {
                return Err(self.error(ErrorKind::Model, "gives numbers that are not finite"));
            }
            if let Some(place) = vectors.get_mut(item.index) {
                *place = Some(item.embedding.into());
            }
        }
        let vectors: Option<Vec<Vector>> = vectors.into_iter().collect();
        vectors.ok_or_else(|| self.error(ErrorKind::Model, "gives fewer vectors than texts"))
    }

    fn error(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, format!("the endpoint {} {what}", self.endpoint.url))
    }
}

impl Embedder for Remote {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>> {
        let cuts: Vec<Vec<Chunk>> = texts
            .iter()
            .map(|text| self.parts(text))
            .collect::<Result<_>>()?;
        let parts = || texts.iter().zip(&cuts);
        let parts: Vec<&str> = parts()
            .flat_map(|(text, cuts)| cuts.iter().map(|cut| &text[cut.bytes.clone()]))
            .collect();
        let mut vectors = Vec::with_capacity(parts.len());
        for request in requests(&parts) {
            vectors.extend(self.ask(&parts[request])?);
        }
        let mut rest = vectors.as_slice();
        Ok(cuts
            .iter()
            .map(|cuts| {
                let (own, others) = rest.split_at(cuts.len());
                rest = others;
                match own {
                    [only] => Arc::clone(only),
                    several => {
                        let weights = cuts.iter().map(|cut| cut.tokens);
                        mean(several.iter().map(|vector| &**vector).zip(weights))
                    }
                }
            })
            .collect())
    }
}

/// The texts of each request, bounded in number and bytes.
fn requests(texts: &[&str]) -> Vec<Range<usize>> {
    let mut requests: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (at, text) in texts.iter().enumerate() {
        bytes += text.len();
        match requests.last_mut() {
            Some(last) if last.len() < TEXTS_MAX && bytes <= BYTES_MAX => last.end = at + 1,
            _ => {
                requests.push(at..at + 1);
                bytes = text.len();
            }
        }
    }
    requests
}

/// The code of an error's answer, when it is a word and no sentence: sentences may quote texts or keys.
fn code(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let error = answer.get("error")?;
    let code = error.get("code").or(error.get("type"))?.as_str()?;
    let word = |c: char| c.is_ascii_lowercase() || c == '_';
    (code.len() <= 40 && !code.is_empty() && code.chars().all(word)).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded() {
        let short = vec!["a"; 150];
        assert_eq!(requests(&short), [0..64, 64..128, 128..150]);
        let long = "x".repeat(BYTES_MAX / 2);
        let longest = "x".repeat(BYTES_MAX * 2);
        let mixed = ["a", &long, &long, &longest, "b", "c"];
        assert_eq!(requests(&mixed), [0..2, 2..3, 3..4, 4..6]);
        assert!(requests(&[]).is_empty());
    }

    #[test]
    fn only_words_of_an_error_are_told() {
        let told = |text: &str| code(text.as_bytes());
        assert_eq!(
            told(r#"{"error":{"code":"rate_limit_exceeded"}}"#).as_deref(),
            Some("rate_limit_exceeded")
        );
        assert_eq!(
            told(r#"{"error":{"type":"invalid_api_key"}}"#).as_deref(),
            Some("invalid_api_key")
        );
        for text in [
            r#"{"error":{"code":"the text 'Ann' is wrong"}}"#,
            r#"{"error":"x"}"#,
            r#"{"error":{"code":7}}"#,
            "<html>",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
