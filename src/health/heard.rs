//! What connectors say of failures while their messages pass: classified at once and counted, never kept.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::entry::{Failure, HeardEntry};
use super::failures::{self, Class, Finding, Library};
use crate::error::{Error, ErrorKind};

/// Texts of one run that are classified; further ones are only counted.
const TEXTS_MAX: u64 = 20_000;

/// Who said something, or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Origin {
    #[default]
    Source,
    Destination,
    Midflight,
}

impl Origin {
    /// The word of the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Midflight => "midflight",
        }
    }
}

/// What was heard in one run.
#[derive(Debug, Default)]
pub struct Heard {
    /// Stream statuses whose reason is a limit of the source.
    rate_limited: u64,
    /// Messages that tell an error: TRACE ERROR, and LOG at ERROR or FATAL.
    errors: u64,
    classes: BTreeMap<Class, u64>,
    texts: u64,
    /// The surest finding of a TRACE ERROR, by whom, and of anything else.
    traced: Option<(Origin, Finding)>,
    said: Option<(Origin, Finding)>,
    ended: Option<(Origin, Finding)>,
}

/// The messages that are looked at.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    log: Option<Log<'a>>,
    #[serde(borrow)]
    trace: Option<Trace<'a>>,
}

#[derive(Deserialize)]
struct Log<'a> {
    #[serde(default)]
    level: &'a str,
    #[serde(default, borrow)]
    message: std::borrow::Cow<'a, str>,
    #[serde(default, borrow)]
    stack_trace: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Trace<'a> {
    #[serde(borrow)]
    error: Option<TraceError<'a>>,
    stream_status: Option<Status>,
}

#[derive(Deserialize)]
struct TraceError<'a> {
    #[serde(default, borrow)]
    message: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, borrow)]
    internal_message: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, borrow)]
    stack_trace: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    failure_type: Option<&'a str>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    reasons: Option<Vec<Reason>>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(rename = "type", default)]
    kind: String,
}

impl Heard {
    /// Hears a message that is neither a record nor a state, by its line. Most lines are passed over at a glance.
    pub fn hear_line(&mut self, origin: Origin, line: &[u8]) {
        if !failures::may_tell(line) {
            return;
        }
        let Ok(message) = serde_json::from_slice::<Message<'_>>(line) else {
            return;
        };
        if let Some(log) = message.log {
            self.hear_log(origin, &log);
        }
        let Some(trace) = message.trace else {
            return;
        };
        let reasons = trace.stream_status.and_then(|status| status.reasons);
        let limited = reasons.into_iter().flatten();
        let limited = limited
            .filter(|reason| reason.kind == "RATE_LIMITED")
            .count() as u64;
        if limited > 0 {
            self.rate_limited += limited;
            *self.classes.entry(Class::RateLimit).or_default() += limited;
        }
        if let Some(error) = trace.error {
            self.hear_error(origin, &error);
        }
    }

    fn hear_log(&mut self, origin: Origin, log: &Log<'_>) {
        let error = matches!(log.level, "ERROR" | "FATAL");
        if !error && log.level != "WARN" {
            return;
        }
        self.errors += u64::from(error);
        let found = self.classify(&[Some(&log.message), log.stack_trace.as_deref()]);
        if let Some(finding) = found {
            *self.classes.entry(finding.class).or_default() += 1;
            if error {
                keep(&mut self.said, origin, finding);
            }
        }
    }

    fn hear_error(&mut self, origin: Origin, error: &TraceError<'_>) {
        self.errors += 1;
        let texts = [
            error.message.as_deref(),
            error.internal_message.as_deref(),
            error.stack_trace.as_deref(),
        ];
        let found = self.classify(&texts);
        let finding = found.unwrap_or_else(|| failures::by_failure_type(error.failure_type));
        *self.classes.entry(finding.class).or_default() += 1;
        keep(&mut self.traced, origin, finding);
    }

    /// Hears a line that is no message: what a connector writes to stderr.
    pub fn hear_text(&mut self, origin: Origin, text: &str) {
        if let Some(finding) = self.classify(&[Some(text)]) {
            *self.classes.entry(finding.class).or_default() += 1;
            keep(&mut self.said, origin, finding);
        }
    }

    /// Hears how a connector ended: its exit code, 128 and more for a signal.
    pub fn hear_exit(&mut self, origin: Origin, code: i32) {
        if code != 0
            && let Some(finding) = Library::builtin().and_then(|library| library.exit(code))
        {
            *self.classes.entry(finding.class).or_default() += 1;
            keep(&mut self.ended, origin, finding);
        }
    }

    fn classify(&mut self, texts: &[Option<&str>]) -> Option<Finding> {
        self.texts += 1;
        if self.texts > TEXTS_MAX {
            return None;
        }
        let library = Library::builtin()?;
        let texts = texts.iter().flatten();
        let found = texts.filter_map(|text| library.classify(text.as_bytes()));
        found.reduce(|best, next| {
            if next.confidence > best.confidence {
                next
            } else {
                best
            }
        })
    }

    /// Why the run failed; `None` where nothing did. What a connector told as its error comes before what midflight
    /// says of it.
    pub fn failure(&self, failed: Option<&Error>) -> Option<Failure> {
        let child =
            failed.is_none_or(|error| matches!(error.kind(), ErrorKind::Child | ErrorKind::Closed));
        let told = self.traced.filter(|_| child);
        let ended = failed.and(self.ended).filter(|_| child);
        let said = failed.and(self.said).filter(|_| child);
        let surest = [told, ended, said]
            .into_iter()
            .flatten()
            .reduce(|best, next| {
                if next.1.confidence > best.1.confidence {
                    next
                } else {
                    best
                }
            });
        let (origin, finding) = match (surest, failed) {
            (Some(found), _) => found,
            (None, None) => return None,
            (None, Some(error)) => {
                let origin = match error.kind() {
                    ErrorKind::Child => failures::role(error),
                    _ => Origin::Midflight,
                };
                (origin, failures::of_error(error))
            }
        };
        Some(Failure {
            class: finding.class.as_str().to_owned(),
            origin: origin.as_str().to_owned(),
            signature: finding.signature.to_owned(),
        })
    }

    /// The same for the history.
    pub fn entry(&self) -> HeardEntry {
        let classes = self.classes.iter();
        HeardEntry {
            rate_limited: self.rate_limited,
            errors: self.errors,
            classes: classes
                .map(|(class, count)| (class.as_str().to_owned(), *count))
                .collect(),
        }
    }
}

/// The surest finding; of equal ones the first.
fn keep(known: &mut Option<(Origin, Finding)>, origin: Origin, found: Finding) {
    if known.is_none_or(|(_, known)| found.confidence > known.confidence) {
        *known = Some((origin, found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Heard {
        let mut heard = Heard::default();
        for line in lines {
            heard.hear_line(Origin::Source, line.as_bytes());
        }
        heard
    }

    #[test]
    fn errors_and_limits_are_counted_and_other_messages_are_not() {
        let heard = heard(&[
            r#"{"type":"LOG","log":{"level":"INFO","message":"401 Client Error: Unauthorized"}}"#,
            r#"{"type":"LOG","log":{"level":"WARN","message":"429 Client Error: Too Many Requests for url: https://x"}}"#,
            r#"{"type":"LOG","log":{"level":"ERROR","message":"something odd"}}"#,
            r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":1.0,"stream_status":{"stream_descriptor":{"name":"a"},"status":"RUNNING","reasons":[{"type":"RATE_LIMITED","rate_limited":{"quota_reset":1}}]}}}"#,
            r#"{"type":"TRACE","trace":{"type":"ESTIMATE","estimate":{"name":"ERROR"}}}"#,
            "ERROR no json",
        ]);
        let entry = heard.entry();
        assert_eq!((entry.rate_limited, entry.errors), (1, 1));
        assert_eq!(
            entry.classes,
            BTreeMap::from([("rate_limit".to_owned(), 2)])
        );
        assert_eq!(heard.failure(None), None);
    }

    #[test]
    fn what_a_connector_tells_comes_before_what_midflight_says() {
        let trace = r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1.0,"error":{"message":"Config validation error","internal_message":"password authentication failed for user \"ann\"","failure_type":"config_error"}}}"#;
        let failure = heard(&[trace]).failure(None).expect("a failure");
        assert_eq!((&*failure.class, &*failure.origin), ("auth", "source"));
        let child = Error::new(ErrorKind::Child, "the source ended with exit code 1");
        assert_eq!(heard(&[trace]).failure(Some(&child)), Some(failure));
        // A defect of our own is not the source's.
        let own = Error::new(ErrorKind::Policy, "a mask cannot be applied");
        let failure = heard(&[trace]).failure(Some(&own)).expect("a failure");
        assert_eq!(
            (&*failure.class, &*failure.origin),
            ("source_data", "midflight")
        );
    }

    #[test]
    fn an_unknown_error_has_the_class_of_its_failure_type() {
        for (kind, class) in [
            ("config_error", "configuration"),
            ("system_error", "unknown"),
        ] {
            let line = format!(
                r#"{{"type":"TRACE","trace":{{"type":"ERROR","emitted_at":1,"error":{{"message":"xyzzy","failure_type":"{kind}"}}}}}}"#
            );
            let failure = heard(&[&line]).failure(None).expect("a failure");
            assert_eq!((&*failure.class, &*failure.signature), (class, ""));
        }
    }

    #[test]
    fn how_a_connector_ended_counts() {
        let mut heard = Heard::default();
        heard.hear_exit(Origin::Destination, 137);
        let child = Error::new(ErrorKind::Child, "the destination was ended by signal 9");
        let failure = heard.failure(Some(&child)).expect("a failure");
        assert_eq!(
            (&*failure.class, &*failure.origin),
            ("memory", "destination")
        );
        assert_eq!(heard.failure(None), None);
    }
}
