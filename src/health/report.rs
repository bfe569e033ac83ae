//! The health of a run, for programs and for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::anomaly::{Anomaly, Severity, examine};
use super::entry::Outcome;
use super::failures::Library;
use super::{Entry, freshness, reliability};

/// The version of health.json.
const VERSION: u32 = 1;

/// Anomalies that a message holds.
const SENT_MAX: usize = 20;

/// Characters of a message's block, which Slack bounds at 3,000.
const BLOCK_CHARACTERS: usize = 2_500;

/// Freshness below which a stream is worth a line.
const STALE: f64 = 0.37;

/// How a run is, seen with those before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    pub version: u32,
    pub run: String,
    pub started: String,
    pub command: String,
    pub outcome: Outcome,
    /// Runs of the history that it was compared with.
    pub runs: usize,
    /// By stream, from 0 to 1.
    pub freshness: BTreeMap<String, f64>,
    /// From 0 to 1.
    pub reliability: f64,
    /// The worst first.
    pub anomalies: Vec<Anomaly>,
    pub failure: Option<Diagnosis>,
}

/// Why a run failed, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    pub class: String,
    pub origin: String,
    pub signature: String,
    pub cause: String,
    pub next: String,
    pub confidence: f64,
}

impl Health {
    /// The health of the last of these runs, the oldest first, as it is at `now`, in seconds since 1970. `None` without
    /// any run.
    pub fn of(entries: &[Entry], now: f64) -> Option<Self> {
        let (judged, past) = entries.split_last()?;
        let failure = judged.failure.as_ref().map(|failure| {
            let library = Library::builtin();
            let advice = library.and_then(|all| all.advice(&failure.class, &failure.signature));
            Diagnosis {
                class: failure.class.clone(),
                origin: failure.origin.clone(),
                signature: failure.signature.clone(),
                cause: advice
                    .as_ref()
                    .map_or(UNKNOWN_CAUSE, |told| told.cause)
                    .to_owned(),
                next: advice
                    .as_ref()
                    .map_or(UNKNOWN_NEXT, |told| told.next)
                    .to_owned(),
                confidence: advice.map_or(0.0, |told| {
                    f64::from((told.confidence * 100.0).round()) / 100.0
                }),
            }
        });
        Some(Self {
            version: VERSION,
            run: judged.run.clone(),
            started: judged.started.clone(),
            command: judged.command.clone(),
            outcome: judged.outcome,
            runs: past.len(),
            freshness: freshness::scores(entries, now),
            reliability: reliability::score(entries),
            anomalies: examine(past, judged),
            failure,
        })
    }

    /// Whether the run failed, or something at least this bad was found.
    pub fn is_bad(&self, severity: Severity) -> bool {
        self.failed()
            || self
                .anomalies
                .iter()
                .any(|anomaly| anomaly.severity >= severity)
    }

    /// Whether the run failed.
    pub fn failed(&self) -> bool {
        self.outcome == Outcome::Failed
    }

    /// health.json.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "run {} ({}) of {}: {}; compared with {}\n",
            self.run,
            self.command,
            self.started,
            self.outcome_word(),
            match self.runs {
                1 => "1 run before it".to_owned(),
                runs => format!("{runs} runs before it"),
            }
        );
        if let Some(failure) = &self.failure {
            let _ = writeln!(
                text,
                "failure: {} at the {} ({:.0} % sure)\n  cause: {}\n  next:  {}",
                failure.class,
                failure.origin,
                failure.confidence * 100.0,
                failure.cause,
                failure.next
            );
        }
        if self.anomalies.is_empty() && !self.failed() {
            text.push_str("nothing unusual\n");
        }
        for anomaly in &self.anomalies {
            let _ = writeln!(text, "{:<8}  {}", severity(anomaly.severity), anomaly.says);
        }
        let _ = writeln!(text, "reliability {:.2}", self.reliability);
        for (stream, score) in &self.freshness {
            let stale = if *score < STALE {
                "  older than usual"
            } else {
                ""
            };
            let _ = writeln!(text, "freshness   {score:.2}  {stream}{stale}");
        }
        text
    }

    /// What Slack's incoming webhooks read: blocks, and a text for notifications.
    pub fn to_slack(&self) -> String {
        let title = format!("midflight {}: {}", self.command, self.headline());
        let mut lines = String::new();
        if let Some(failure) = &self.failure {
            let _ = writeln!(
                lines,
                "*{}* at the {}\n{}\n_{}_",
                failure.class,
                failure.origin,
                escaped(&failure.cause),
                escaped(&failure.next)
            );
        }
        for anomaly in self.anomalies.iter().take(SENT_MAX) {
            let _ = writeln!(
                lines,
                "• *{}* {}",
                severity(anomaly.severity),
                escaped(&anomaly.says)
            );
        }
        if self.anomalies.len() > SENT_MAX {
            let _ = writeln!(lines, "… and {} more", self.anomalies.len() - SENT_MAX);
        }
        if lines.is_empty() {
            lines.push_str("nothing unusual");
        }
        let lines: String = lines.chars().take(BLOCK_CHARACTERS).collect();
        let context = format!("run {} · reliability {:.2}", self.run, self.reliability);
        let message: Value = json!({
            "text": title,
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": title.chars().take(150).collect::<String>()}},
                {"type": "section", "text": {"type": "mrkdwn", "text": lines}},
                {"type": "context", "elements": [{"type": "mrkdwn", "text": context}]},
            ],
        });
        message.to_string()
    }

    fn headline(&self) -> String {
        match (self.failed(), self.anomalies.len()) {
            (true, _) => "a run failed".to_owned(),
            (false, 0) => "a run went well".to_owned(),
            (false, 1) => "one thing is unusual".to_owned(),
            (false, count) => format!("{count} things are unusual"),
        }
    }

    fn outcome_word(&self) -> &'static str {
        match self.outcome {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed => "failed",
        }
    }
}

const UNKNOWN_CAUSE: &str = "nothing that is known was said";
const UNKNOWN_NEXT: &str = "look at the messages of the run itself";

/// The word for a severity.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// Slack gives these three characters a meaning.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::entry::{Failure, StreamEntry};
    use crate::health::testing::daily;

    fn entries(days: usize, last: u64) -> Vec<Entry> {
        let entry = |day: usize| {
            let mut entry = daily(day);
            let mut stream = StreamEntry::default();
            stream.records.read = if day + 1 == days {
                last
            } else {
                1_000 + (day % 3) as u64
            };
            entry.streams.insert("crm.<users>".to_owned(), stream);
            entry
        };
        (0..days).map(entry).collect()
    }

    #[test]
    fn a_run_is_told_in_three_ways() {
        let runs = entries(20, 7);
        let now = runs[19].moment().expect("a moment");
        let health = Health::of(&runs, now).expect("a run");
        assert!(health.is_bad(Severity::Critical) && !health.failed());
        let text = health.to_text();
        assert!(
            text.contains("critical  `crm.<users>` had 7 records"),
            "{text}"
        );
        assert!(text.contains("freshness   1.00  crm.<users>"), "{text}");
        let value: Value = serde_json::from_str(&health.to_json()).expect("JSON");
        assert_eq!(value["anomalies"][0]["metric"], "rows");
        assert_eq!(value["anomalies"][0]["severity"], "critical");
        assert_eq!(value["failure"], Value::Null);
        let slack: Value = serde_json::from_str(&health.to_slack()).expect("JSON");
        assert_eq!(slack["text"], "midflight pipe: one thing is unusual");
        let section = slack["blocks"][1]["text"]["text"].as_str().expect("text");
        assert!(section.contains("`crm.&lt;users&gt;`"), "{section}");
        assert!(Health::of(&[], now).is_none());
    }

    #[test]
    fn a_failure_comes_with_its_cause_and_what_to_do() {
        let mut runs = entries(20, 7);
        let last = runs.last_mut().expect("a run");
        last.outcome = Outcome::Failed;
        last.failure = Some(Failure {
            class: "auth".to_owned(),
            origin: "source".to_owned(),
            signature: String::new(),
        });
        let health = Health::of(&runs, 0.0).expect("a run");
        assert!(health.failed() && health.anomalies.is_empty());
        let failure = health.failure.as_ref().expect("a failure");
        assert!(!failure.cause.is_empty() && !failure.next.is_empty());
        assert!(health.to_text().contains("failure: auth at the source"));
    }
}
