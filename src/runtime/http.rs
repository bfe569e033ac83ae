//! Asking a server over HTTP: bounded answers, deadlines, tries, and messages that quote nothing.
//!
//! Neither what is sent, nor what is answered, nor the key reaches a message: of an answer that is an error only its
//! status and its code are told. Redirects are not followed, so that nothing goes anywhere but where it was sent.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// Bytes of an answer that is an error which are looked at.
const ERROR_BYTES: u64 = 1 << 16;

/// How long a server is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often a request is made before it counts as failed.
    pub tries: u32,
    /// The wait before the second try; it doubles from try to try.
    pub wait: Duration,
    /// The longest wait, also where the server asks for more.
    pub wait_max: Duration,
    /// For one answer, from the request to its last byte.
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

/// A server and how it is spoken to.
#[derive(Debug)]
pub struct Http {
    client: Client,
    url: String,
    /// What it is called in messages, as `the endpoint`.
    what: &'static str,
    /// Whether messages name the address.
    named: bool,
    patience: Patience,
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Payload {
    content_type: &'static str,
    bytes: Vec<u8>,
    gzip: bool,
}

impl Payload {
    /// Bytes of a type.
    pub fn new(content_type: &'static str, bytes: Vec<u8>) -> Self {
        Self {
            content_type,
            bytes,
            gzip: false,
        }
    }

    /// A text of JSON.
    pub fn json(bytes: Vec<u8>) -> Self {
        Self::new("application/json", bytes)
    }

    /// The same, smaller.
    #[must_use]
    pub fn zipped(self) -> Self {
        let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
        let made = zipped.write_all(&self.bytes).and_then(|()| zipped.finish());
        match made {
            Ok(bytes) if !self.gzip => Self {
                bytes,
                gzip: true,
                ..self
            },
            _ => self,
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub struct Refused {
    pub error: Error,
    /// Of the last answer, if there was one.
    pub status: Option<u16>,
    /// A word for records: `timeout`, `unreachable`, `status_429`.
    pub code: String,
    /// How often it was tried.
    pub tried: u32,
    /// Trying again later may help.
    pub passing: bool,
    /// The beginning of the answer, to be looked at and never told.
    pub answer: Vec<u8>,
    /// How long the server asks to wait.
    asked: Option<Duration>,
}

impl Http {
    /// A client of the server at `url`.
    ///
    /// # Errors
    /// `Config` when the key cannot stand in a header, `Model` when there can be no client.
    pub fn new(
        what: &'static str,
        url: &str,
        key: Option<String>,
        patience: Patience,
    ) -> Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            // The error would quote nothing of it, and neither do we.
            let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {key}")) else {
                let message = format!("the key of {what} has characters that no header can hold");
                return Err(Error::new(ErrorKind::Config, message));
            };
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Self::with_headers(what, url, headers, patience)
    }

    /// A client that sends these headers with everything.
    ///
    /// # Errors
    /// `Model` when there can be no client.
    pub fn with_headers(
        what: &'static str,
        url: &str,
        headers: HeaderMap,
        patience: Patience,
    ) -> Result<Self> {
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
            url: url.to_owned(),
            what,
            named: true,
            patience,
        })
    }

    /// The same, with an address that is a secret: no message names it.
    #[must_use]
    pub fn unnamed(self) -> Self {
        Self {
            named: false,
            ..self
        }
    }

    /// Where the server is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The answer to a body of JSON, of at most `limit` bytes.
    ///
    /// # Errors
    /// What the last of several tries came to.
    pub fn post(&self, path: &str, body: &str, limit: u64) -> Result<Vec<u8>, Box<Refused>> {
        self.send(path, &Payload::json(body.as_bytes().to_vec()), limit)
    }

    /// The answer to whatever is sent, of at most `limit` bytes.
    ///
    /// # Errors
    /// What the last of several tries came to.
    pub fn send(&self, path: &str, payload: &Payload, limit: u64) -> Result<Vec<u8>, Box<Refused>> {
        self.ask(path, Some(payload), limit)
    }

    /// The same client with another patience for what fails.
    pub fn trying(&mut self, tries: u32) {
        self.patience.tries = tries;
    }

    /// What is at `path`, of at most `limit` bytes.
    ///
    /// # Errors
    /// What the last of several tries came to.
    pub fn get(&self, path: &str, limit: u64) -> Result<Vec<u8>, Box<Refused>> {
        self.ask(path, None, limit)
    }

    /// The error of this server.
    pub fn error(&self, kind: ErrorKind, what: &str) -> Error {
        match self.named {
            true => Error::new(kind, format!("{} {} {what}", self.what, self.url)),
            false => Error::new(kind, format!("{} {what}", self.what)),
        }
    }

    fn ask(&self, path: &str, body: Option<&Payload>, limit: u64) -> Result<Vec<u8>, Box<Refused>> {
        let mut wait = self.patience.wait;
        let mut tried = 1;
        loop {
            match self.once(path, body, limit) {
                Ok(answer) => return Ok(answer),
                Err(mut refused) if !refused.passing || tried >= self.patience.tries => {
                    refused.tried = tried;
                    return Err(refused);
                }
                Err(refused) => {
                    std::thread::sleep(refused.asked.unwrap_or(wait).min(self.patience.wait_max));
                }
            }
            wait *= 2;
            tried += 1;
        }
    }

    fn once(
        &self,
        path: &str,
        body: Option<&Payload>,
        limit: u64,
    ) -> Result<Vec<u8>, Box<Refused>> {
        let started = Instant::now();
        let url = format!("{}{path}", self.url);
        let request = match body {
            Some(body) => {
                let request = self
                    .client
                    .post(url)
                    .header(CONTENT_TYPE, body.content_type);
                let request = match body.gzip {
                    true => request.header(CONTENT_ENCODING, "gzip"),
                    false => request,
                };
                request.body(body.bytes.clone())
            }
            None => self.client.get(url).header("accept", "application/json"),
        };
        let response = request.send().map_err(|error| {
            let (what, code) = match () {
                () if error.is_timeout() => ("gives no answer in time", "timeout"),
                () if error.is_connect() => ("cannot be reached", "unreachable"),
                () => ("breaks the connection off", "broken_off"),
            };
            self.passing(what, code)
        })?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refused(status, response));
        }
        self.read(response, limit, started)
    }

    /// The answer's bytes. The deadline holds for all of them: a server that gives one byte a second ends too.
    fn read(
        &self,
        mut response: Response,
        limit: u64,
        started: Instant,
    ) -> Result<Vec<u8>, Box<Refused>> {
        let (mut bytes, mut block) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            match response.read(&mut block) {
                Ok(0) => return Ok(bytes),
                Ok(count) => bytes.extend_from_slice(&block[..count]),
                Err(_) if started.elapsed() >= self.patience.timeout => {
                    return Err(self.passing("gives no answer in time", "timeout"));
                }
                Err(_) => return Err(self.passing("breaks the connection off", "broken_off")),
            }
            if bytes.len() as u64 > limit {
                let what = format!("answers with more than {limit} bytes");
                return Err(self.lasting(&what, "too_long"));
            }
            if started.elapsed() > self.patience.timeout {
                return Err(self.passing("gives no answer in time", "timeout"));
            }
        }
    }

    /// What an answer that is no success means.
    fn refused(&self, status: StatusCode, response: Response) -> Box<Refused> {
        let asked = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let mut answer = Vec::new();
        let _ = response.take(ERROR_BYTES).read_to_end(&mut answer);
        let said = code(&answer).map_or(String::new(), |code| format!(" ({code})"));
        let what = format!("answers {}{said}", status.as_u16());
        let passing = status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
        let code = format!("status_{}", status.as_u16());
        let refused = match passing {
            true => self.passing(&what, &code),
            false => self.lasting(&what, &code),
        };
        Box::new(Refused {
            status: Some(status.as_u16()),
            answer,
            asked,
            ..*refused
        })
    }

    fn passing(&self, what: &str, code: &str) -> Box<Refused> {
        self.failure(ErrorKind::Input, what, code, true)
    }

    fn lasting(&self, what: &str, code: &str) -> Box<Refused> {
        self.failure(ErrorKind::Model, what, code, false)
    }

    fn failure(&self, kind: ErrorKind, what: &str, code: &str, passing: bool) -> Box<Refused> {
        Box::new(Refused {
            error: self.error(kind, what),
            status: None,
            code: code.to_owned(),
            tried: 1,
            passing,
            answer: Vec::new(),
            asked: None,
        })
    }
}

impl Refused {
    /// An answer of this status, for tests of what it means.
    #[cfg(test)]
    pub fn answered(status: u16, answer: &str) -> Self {
        Self {
            error: Error::new(ErrorKind::Model, "refused"),
            status: Some(status),
            code: String::new(),
            tried: 1,
            passing: false,
            answer: answer.as_bytes().to_vec(),
            asked: None,
        }
    }
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
