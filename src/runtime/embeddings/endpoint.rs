//! Embedders behind HTTP, as OpenAI, Azure, vLLM, Ollama, text-embeddings-inference and others offer them.
//!
//! Neither texts nor the key reach a message; [`Http`] sees to that.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use crate::error::{Error, ErrorKind, Result};
use crate::model::embedder::mean;
use crate::model::embedding::Endpoint;
use crate::model::{Embedder, Tokenize, Vector};
use crate::runtime::http::{Http, Patience, Refused};
use crate::stage::embed::cut::{Chunk, Size, cut};

/// The most texts of one request.
const TEXTS_MAX: usize = 64;
/// The most bytes of text of one request, unless a single text has more.
const BYTES_MAX: usize = 60_000;
/// Bytes that a number of an answer may take.
const NUMBER_BYTES: usize = 64;

/// An embedder behind an endpoint.
#[derive(Debug)]
pub(super) struct Remote {
    http: Http,
    endpoint: Endpoint,
    measure: Arc<dyn Tokenize>,
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
        Ok(Self {
            http: Http::new("the endpoint", &endpoint.url, key, patience)?,
            endpoint: endpoint.clone(),
            measure,
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
        let limit = texts.len() * self.endpoint.dimensions * NUMBER_BYTES + (1 << 20);
        let answer = self
            .http
            .post("/embeddings", &body.to_string(), limit as u64);
        let answer = answer.map_err(|refused| explained(*refused))?;
        self.vectors(&answer, texts.len())
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
        self.http.error(kind, what)
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

/// The error with what to do about it.
fn explained(refused: Refused) -> Error {
    if refused.passing {
        let tried = refused.tried;
        return refused.error.hint(format!(
            "it was tried {tried} times; run the sync again from its last state"
        ));
    }
    refused
        .error
        .hint(match refused.status.unwrap_or_default() {
            401 | 403 => "look at the model's `key`",
            404 | 405 | 300..400 => {
                "look at `endpoint`, which ends before `/embeddings`, and at `name`"
            }
            400 | 413 | 422 => "if texts are too long for the model, set its `max_tokens`",
            _ => "look at the endpoint's own log",
        })
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
}
