//! A destination that runs another: what the platform sends is cleaned on its way, and what comes back speaks of what the
//! platform sent.
//!
//! | of N records that a STATE covers, d left out, x added | |
//! |---|---|
//! | the inner one is told | `sourceStats.recordCount` N − d + x |
//! | the platform is told | its own `sourceStats`; `destinationStats`: `recordCount` N − d − r, `rejectedRecordCount` d + r |
//!
//! r are those that the inner one rejected itself, so that the sum is N whatever happens.
//!
//! A definition that was added from an image is not told generations, and not which streams are complete. The inner one is
//! given generations then that grow from sync to sync and stay the same for the attempts of one. At the end of the input,
//! which a source that failed reaches too, those streams are declared complete that replace nothing: for them nothing
//! follows from it. Of streams that replace earlier rows `assume_complete` says whether they are. Without it the inner one
//! fails at its end, or keeps both, and nothing is lost; with it, what a source had sent before it failed may replace all
//! there was.

use std::collections::HashSet;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use super::own::Own;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::protocol::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode};
use crate::protocol::said::{self, Said};
use crate::protocol::state::{Descriptor, edit};
use crate::protocol::trace;
use crate::runtime::connector::Connector;
use crate::runtime::delivery::{Back, Delivery, Handed, Sent, Statuses, Voice, echo};
use crate::runtime::generations::{Ids, Turn, identify};
use crate::runtime::load::{load, read_text};
use crate::runtime::pipe::{self, Goal, now_ms};
use crate::runtime::run::{self, Run};

/// A destination's `write`, wrapped.
#[derive(Debug, Clone)]
pub struct Write {
    /// The inner one's command, without `write`.
    pub command: Vec<String>,
    /// What the platform gives with `--config` and `--catalog`.
    pub config: PathBuf,
    pub catalog: PathBuf,
    /// The configuration file that came with the command.
    pub policy: Option<PathBuf>,
    /// The platform's job, of which this is one attempt.
    pub job: Option<String>,
    pub run: run::Options,
}

/// Runs the inner destination on what `input` brings, and gives back to `output` what it gives back. What goes wrong is
/// told there as a TRACE ERROR, and returned.
///
/// # Errors
/// The first error in the order of the input; `Child` when the inner one failed.
pub fn write(write: &Write, input: OwnedFd, output: OwnedFd) -> Result<()> {
    let voice = Voice::platform(output);
    let begun = Inner::begin(write);
    match begun {
        // From here on the run itself tells what goes wrong.
        Ok(inner) => inner.run(write, input, &voice),
        Err(error) => {
            voice.own(&trace::error(&error, now_ms()));
            Err(error)
        }
    }
}

struct Inner {
    plan: Plan,
    connector: Connector,
    statuses: Statuses,
    /// Streams that are not declared complete though nobody said that they are not.
    undeclared: bool,
    _own: Own,
    _catalog: NamedTempFile,
}

impl Inner {
    fn begin(write: &Write) -> Result<Self> {
        let own = Own::read(&write.config, write.policy.as_deref())?;
        let name = write.catalog.display().to_string();
        let catalog = ConfiguredCatalog::parse(&read_text(&write.catalog)?, &name)?;
        let plan = load(&own.files(Some(catalog.clone())))?;
        plan.prepare()?;
        let numbered = catalog
            .streams()
            .iter()
            .any(|stream| stream.generation_id.is_some());
        let mut given = match plan.observe() {
            true => catalog.to_json(),
            false => plan.rewritten_catalog()?,
        };
        let mut statuses = Statuses::Passed;
        let mut undeclared = false;
        if !numbered {
            let number = number(write.job.as_deref());
            let turns: Vec<_> = catalog
                .streams()
                .iter()
                .map(|stream| turn(stream, number))
                .collect();
            identify(&mut given, &turns, |stream| plan.second(stream));
            let assume = plan.sources().config.assume_complete;
            let complete: HashSet<_> = turns
                .iter()
                .filter(|turn| assume || turn.ids.minimum == 0)
                .map(|turn| turn.stream.clone())
                .collect();
            undeclared = complete.len() < turns.len();
            statuses = Statuses::Assumed(complete);
        }
        let file = temporary(&given.to_string())?;
        let mut words = write.command.iter();
        let mut command = Command::new(words.next().map_or("", String::as_str));
        command.args(words).arg("write");
        command.arg("--config").arg(own.child());
        command.arg("--catalog").arg(file.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let connector = Connector::start("the destination", &mut command)?;
        Ok(Self {
            plan,
            connector,
            statuses,
            undeclared,
            _own: own,
            _catalog: file,
        })
    }

    fn run(mut self, write: &Write, input: OwnedFd, voice: &Voice) -> Result<()> {
        let (Some(stdin), Some(stdout)) = (self.connector.stdin(), self.connector.stdout()) else {
            return Err(Error::new(
                ErrorKind::Internal,
                "the destination has no pipes",
            ));
        };
        let (handed, gone) = (Handed::default(), Arc::new(AtomicBool::new(false)));
        let goal = Goal {
            output: stdin,
            delivery: Some(Delivery::new(voice.clone(), self.statuses).remembering(&handed)),
            kept: None,
            gone: Some(Arc::clone(&gone)),
        };
        let (plan, connector, undeclared) = (&self.plan, &mut self.connector, self.undeclared);
        std::thread::scope(|scope| {
            let heard = scope.spawn(|| {
                let way = Way {
                    handed: &handed,
                    voice,
                };
                let heard = echo::listen(stdout, plan.max_line_bytes(), |line| way.back(line));
                gone.store(true, Ordering::Relaxed);
                heard
            });
            let run = Run::new(plan, "wrap write", &write.run);
            pipe::carry(plan, run, input, goal, |ended, writer| {
                // Asked before the input is closed: behind that it ends as it should.
                let early = gone.load(Ordering::Relaxed);
                let mut ended = ended;
                if ended.is_ok() && !early {
                    ended = writer.complete(now_ms()).map(drop);
                    if undeclared && ended.is_ok() {
                        writer.say(&trace::log("WARN", UNDECLARED))?;
                    }
                }
                writer.close();
                let heard = heard.join();
                let ending = connector.wait()?;
                let closed = matches!(&ended, Err(error) if error.kind() == ErrorKind::Closed);
                match ended {
                    Err(error) if !closed => Err(error),
                    _ => {
                        connector.verdict(ending)?;
                        if early || closed {
                            return Err(Error::new(
                                ErrorKind::Child,
                                "the destination ended before its input did",
                            )
                            .hint("its own messages say why"));
                        }
                        let missing = handed.missing();
                        if missing > 0 {
                            let message = format!(
                                "midflight: {missing} states were not given back by the destination"
                            );
                            writer.say(&trace::log("WARN", &message))?;
                        }
                        heard.unwrap_or_else(|_| {
                            Err(Error::new(
                                ErrorKind::Internal,
                                "reading what the destination says failed",
                            ))
                        })
                    }
                }
            })
        })
    }
}

const UNDECLARED: &str = "midflight: streams that replace earlier rows are not declared complete, since nobody said \
    whether the source ended well; `assume_complete: true` takes the end of the input for it";

/// What all streams of a sync are numbered by: the platform's job, which its attempts share, else the moment.
fn number(job: Option<&str>) -> i64 {
    let job = job.and_then(|job| job.parse::<i64>().ok());
    job.filter(|job| *job > 0)
        .unwrap_or_else(|| chrono::Utc::now().timestamp())
}

fn turn(stream: &ConfiguredStream, number: i64) -> Turn {
    let overwrites = stream.destination_sync_mode == DestinationSyncMode::Overwrite;
    let generation = if overwrites { number } else { 0 };
    Turn {
        stream: Descriptor::from(stream),
        ids: Ids {
            generation,
            minimum: generation,
            sync: number,
        },
        anew: overwrites,
    }
}

fn temporary(text: &str) -> Result<NamedTempFile> {
    let mut made = tempfile::Builder::new();
    made.prefix("catalog-").suffix(".json");
    let written = made.tempfile().and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.flush()?;
        Ok(file)
    });
    written.map_err(|error| {
        let message = "the destination's catalog cannot be written";
        Error::new(ErrorKind::Output, message)
            .hint("a directory for temporary files is needed; TMPDIR names it")
            .because(error)
    })
}

/// The way back to the platform.
struct Way<'a> {
    handed: &'a Handed,
    voice: &'a Voice,
}

impl Way<'_> {
    fn back(&self, line: &[u8]) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        match self.confirmed(line) {
            Some(line) => self.voice.pass(&line),
            None => self.voice.pass(line),
        }
    }

    /// A STATE that was handed on, as the platform is to see it; `None` for all else, which passes as it is.
    fn confirmed(&self, line: &[u8]) -> Option<Vec<u8>> {
        if !matches!(said::read(line), Said::Nothing) {
            return None;
        }
        let scope = scope(line)?;
        let id = edit::value(line, "id");
        let sent = match self.handed.back(id, &scope) {
            Back::Newest(sent) | Back::Late(sent) => sent,
            Back::Unknown => return None,
        };
        edit::set(line, &outward(line, &sent))
    }
}

/// Whose progress the STATE of a line tells.
fn scope(line: &[u8]) -> Option<Option<Descriptor>> {
    let message: Value = serde_json::from_slice(line).ok()?;
    let state = message.get("state")?;
    if state.get("type").and_then(Value::as_str) != Some("STREAM") {
        return Some(None);
    }
    let named = state.get("stream")?.get("stream_descriptor")?;
    let text = |key| named.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Some(Descriptor {
        namespace: text("namespace"),
        name: text("name")?,
    }))
}

/// The keys of a STATE that the platform is to see in another way than the inner one wrote them.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are doubles in the protocol"
)]
fn outward(line: &[u8], sent: &Sent) -> Vec<(&'static str, String)> {
    let stats = edit::value(line, "destinationStats").map(serde_json::from_str);
    let mut stats = match stats {
        Some(Ok(Value::Object(stats))) => stats,
        _ => Map::new(),
    };
    let rejected = stats.get("rejectedRecordCount").and_then(Value::as_f64);
    let rejected = (rejected.unwrap_or(0.0).max(0.0) as u64).min(sent.left);
    let stored = sent.left - rejected;
    stats.insert("recordCount".to_owned(), json!(stored as f64));
    stats.insert(
        "rejectedRecordCount".to_owned(),
        json!(sent.received.saturating_sub(stored) as f64),
    );
    let source = match &sent.stats {
        Some(stats) => stats.clone(),
        None => json!({"recordCount": sent.received as f64}).to_string(),
    };
    vec![
        ("sourceStats", source),
        ("destinationStats", Value::Object(stats).to_string()),
        ("id", sent.id.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_what_the_platform_sent() {
        let sent = |received, left| Sent {
            id: "7".into(),
            scope: None,
            received,
            left,
            stats: Some("{\"recordCount\": 5.0}".into()),
            number: 1,
        };
        for (told, received, left, expected) in [
            ("", 5, 5, r#"{"recordCount":5.0,"rejectedRecordCount":0.0}"#),
            ("", 5, 3, r#"{"recordCount":3.0,"rejectedRecordCount":2.0}"#),
            (
                r#","destinationStats":{"recordCount":9.0,"rejectedRecordCount":1.0,"additionalStats":{"x":1.50}}"#,
                5,
                3,
                r#"{"recordCount":2.0,"rejectedRecordCount":3.0,"additionalStats":{"x":1.50}}"#,
            ),
            (
                r#","destinationStats":{"rejectedRecordCount":9.0}"#,
                5,
                3,
                r#"{"rejectedRecordCount":5.0,"recordCount":0.0}"#,
            ),
        ] {
            let line = format!(
                r#"{{"type":"STATE","state":{{"data":{{"a":1.10}},"sourceStats":{{"recordCount":3.0}}{told}}}}}"#
            );
            let keys = outward(line.as_bytes(), &sent(received, left));
            let line = edit::set(line.as_bytes(), &keys).expect("a STATE");
            let line = String::from_utf8(line).expect("text");
            let expected = format!(
                r#"{{"type":"STATE","state":{{"data":{{"a":1.10}},"sourceStats":{{"recordCount": 5.0}},"destinationStats":{expected},"id":7}}}}"#
            );
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn attempts_of_one_job_share_a_number() {
        assert_eq!(number(Some("812")), 812);
        assert!(number(Some("x")) > 1_700_000_000 && number(None) > 1_700_000_000);
    }
}
