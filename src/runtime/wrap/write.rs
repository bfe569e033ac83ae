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

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use super::{Failure, Wrap, own};
use crate::error::{Error, ErrorKind, Result};
use crate::health::Origin;
use crate::plan::Plan;
use crate::protocol::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode};
use crate::protocol::said::{self, Said};
use crate::protocol::state::{Descriptor, edit};
use crate::protocol::trace;
use crate::runtime::connector::Connector;
use crate::runtime::delivery::{Back, Delivery, Handed, Sent, Statuses, Voice, echo};
use crate::runtime::generations::{Ids, Turn, identify};
use crate::runtime::health::Ear;
use crate::runtime::load::load;
use crate::runtime::outlet::Outlet;
use crate::runtime::output::Writer;
use crate::runtime::pipe::{self, Goal, now_ms};
use crate::runtime::run::Run;

/// The words of the command, as it is put on record.
const COMMAND: &str = "wrap write";

/// Runs the inner destination on what comes in on stdin, and gives back what it gives back.
pub(super) fn run(wrap: &Wrap<'_>, config: &Path, catalog: &Path) -> Result<(), Failure> {
    let own = wrap.own(config)?;
    let name = catalog.display().to_string();
    let text = std::fs::read_to_string(catalog).map_err(|error| {
        Error::new(ErrorKind::Catalog, format!("{name} cannot be read")).because(error)
    })?;
    let catalog = ConfiguredCatalog::parse(&text, &name)?;
    let plan = load(&wrap.files(&own, Some(catalog.clone())))?;
    let (given, statuses) = inner_catalog(&plan, &catalog)?;
    let given = own::file(&given.to_string())?;
    let mut run = Run::new(&plan, COMMAND, &wrap.options.run);
    run.admit()?;
    plan.prepare()?;
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    let input =
        input.map_err(|error| Error::new(ErrorKind::Input, "stdin is not open").because(error))?;
    let files = [("--config", own.child()), ("--catalog", given.path())];
    let mut command = wrap.asked.command("write", &files);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let inner = Inner {
        plan: &plan,
        connector: Connector::start("the destination", &mut command)?,
        voice: Voice::platform(&wrap.output),
    };
    let written = inner.run(run, input, statuses);
    written.map_err(|error| Failure { error, told: true })
}

/// The catalog as the inner one is to see it, and who says which streams are complete.
fn inner_catalog(plan: &Plan, catalog: &ConfiguredCatalog) -> Result<(Value, Statuses)> {
    let mut given = match plan.observe() {
        true => catalog.to_json(),
        false => plan.rewritten_catalog()?,
    };
    let mut streams = catalog.streams().iter();
    if streams.any(|stream| stream.generation_id.is_some()) {
        return Ok((given, Statuses::Passed));
    }
    let number = number(std::env::var("WORKER_JOB_ID").ok().as_deref());
    let streams = catalog.streams().iter();
    let turns: Vec<_> = streams.map(|stream| turn(stream, number)).collect();
    identify(&mut given, &turns, |stream| plan.second(stream));
    let assume = plan.sources().config.assume_complete;
    let complete = turns
        .into_iter()
        .filter(|turn| assume || turn.ids.minimum == 0);
    let complete = complete.map(|turn| turn.stream).collect();
    Ok((given, Statuses::Assumed(complete)))
}

/// The inner destination, running.
struct Inner<'a> {
    plan: &'a Plan,
    connector: Connector,
    voice: Voice,
}

impl Inner<'_> {
    fn run(mut self, run: Run<'_>, input: OwnedFd, statuses: Statuses) -> Result<()> {
        let (Some(stdin), Some(stdout)) = (self.connector.stdin(), self.connector.stdout()) else {
            let message = "the destination has no pipes";
            return Err(Error::new(ErrorKind::Internal, message));
        };
        let (handed, gone) = (Handed::default(), Arc::new(AtomicBool::new(false)));
        let goal = Goal {
            delivery: Some(Delivery::new(self.voice.clone(), statuses).remembering(&handed)),
            gone: Some(Arc::clone(&gone)),
            ..Goal::of(Outlet::new(stdin))
        };
        let (plan, voice) = (self.plan, &self.voice);
        let connector = &mut self.connector;
        let (ear, leash) = (run.ear().clone(), connector.leash());
        std::thread::scope(|scope| {
            let (handed, gone, ear) = (&handed, &gone, &ear);
            let heard = scope.spawn(move || {
                let way = Way { handed, voice, ear };
                let over = || leash.is_over();
                let heard =
                    echo::listen(stdout, plan.max_line_bytes(), over, |line| way.back(line));
                gone.store(true, Ordering::Relaxed);
                heard
            });
            pipe::carry(plan, run, input, goal, |ended, writer| {
                // Asked before its input is closed: behind that it ends as it should.
                let early = gone.load(Ordering::Relaxed);
                let ended = ended.and_then(|()| match early {
                    true => Ok(()),
                    false => declare(writer),
                });
                writer.close();
                let heard = heard.join().unwrap_or_else(|_| {
                    let message = "reading what the destination says failed";
                    Err(Error::new(ErrorKind::Internal, message))
                });
                let closed = matches!(&ended, Err(error) if error.kind() == ErrorKind::Closed);
                let ending = connector.wait()?;
                ear.exit(Origin::Destination, i32::from(ending.exit_code()));
                if !closed {
                    ended?;
                }
                let verdict = connector.verdict(ending);
                verdict.map_err(|error| error.exiting(ending.exit_code()))?;
                if early || closed {
                    let message = "the destination ended before its input did";
                    return Err(
                        Error::new(ErrorKind::Child, message).hint("its own messages say why")
                    );
                }
                heard?;
                missing(handed, writer)
            })
        })
    }
}

/// Declares the streams complete that may be.
fn declare(writer: &mut Writer<'_>) -> Result<()> {
    match writer.complete(now_ms())?.is_empty() {
        true => Ok(()),
        false => writer.say(&trace::log("WARN", UNDECLARED)),
    }
}

/// Tells of states that the destination has kept for itself.
fn missing(handed: &Handed, writer: &mut Writer<'_>) -> Result<()> {
    match handed.missing() {
        0 => Ok(()),
        missing => {
            let message =
                format!("midflight: {missing} states were not given back by the destination");
            writer.say(&trace::log("WARN", &message))
        }
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

/// The way back to the platform.
struct Way<'a> {
    handed: &'a Handed,
    voice: &'a Voice,
    ear: &'a Ear,
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
            self.ear.line(Origin::Destination, line);
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
