//! The course of a sync: both connectors run, records go from one to the other, states come back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::states::{Kept, States};
use crate::error::{Error, ErrorKind, Result};
use crate::health::Origin;
use crate::plan::{Plan, Shown};
use crate::protocol::said::{self, Said};
use crate::protocol::state::Descriptor;
use crate::protocol::trace;
use crate::runtime::connector::{Connector, Ending, GRACE, Leash, asked_to_end};
use crate::runtime::delivery::{Back, Delivery, Handed, Heard, Stated, Statuses, Voice, echo};
use crate::runtime::health::Ear;
use crate::runtime::outlet::Outlet;
use crate::runtime::output::Writer;
use crate::runtime::pipe::{self, Goal, now_ms};
use crate::runtime::run::{self, Run};

/// How often is looked whether the source has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a source that ended within a line may take to end.
const TORN_WAIT: Duration = Duration::from_secs(2);

/// Two connectors that have been started.
pub(super) struct Course<'a> {
    pub(super) plan: &'a Plan,
    pub(super) source: Connector,
    pub(super) destination: Connector,
    pub(super) options: &'a run::Options,
}

/// What is left of a course.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) seconds: f64,
    pub(super) bytes: u64,
    /// Read, emitted, filtered, rejected; in all, and per stream with its chunks.
    pub(super) records: [u64; 4],
    pub(super) streams: BTreeMap<String, [u64; 5]>,
    pub(super) complete: Vec<Descriptor>,
    pub(super) source: Option<Ending>,
    pub(super) destination: Option<Ending>,
    pub(super) states: Counts,
}

/// What became of STATEs.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) handed_on: u64,
    pub(super) given_back: u64,
    /// Given back behind a later one of their stream.
    pub(super) late: u64,
    /// Given back though they had not been handed on.
    pub(super) unknown: u64,
    /// Not given back, with none behind them that was.
    pub(super) missing: u64,
}

/// What the destination's side tells when it has ended.
struct Returned {
    ending: Result<Ending>,
    heard: Result<()>,
    counts: Counts,
}

/// What both sides know.
#[derive(Debug, Default)]
struct Shared {
    /// The destination's input was ended by us.
    closed: AtomicBool,
    /// The destination ended before that.
    early: AtomicBool,
    /// What the source sent ended within a line.
    torn: Arc<AtomicBool>,
}

impl Course<'_> {
    /// Runs until both have ended.
    pub(super) fn run(mut self, states: States) -> (Outcome, Result<()>) {
        let (shared, handed, voice) = (Shared::default(), Handed::default(), Voice::people());
        let mut outcome = Outcome::default();
        let (Some(input), Some(output)) = (self.source.stdout(), self.destination.stdin()) else {
            let error = Error::new(ErrorKind::Internal, "a connector has no pipes");
            return (outcome, Err(error));
        };
        // Set once the source itself has ended, whatever of it lives on, and when the watch may end.
        let gone = Arc::new(AtomicBool::new(false));
        let streams = self.plan.sources().catalog.iter();
        let streams = streams
            .flat_map(|catalog| catalog.streams())
            .map(Descriptor::from);
        let heard = Heard::new(Stated::NotDenied, streams);
        let goal = Goal {
            output: Outlet::new(output),
            delivery: Some(
                Delivery::new(voice.clone(), Statuses::Withheld(heard)).remembering(&handed),
            ),
            kept: Some(Arc::clone(&states.count)),
            gone: Some(Arc::clone(&gone)),
            torn: Some(Arc::clone(&shared.torn)),
        };
        let start = Instant::now();
        let ended = std::thread::scope(|scope| {
            let run = Run::new(self.plan, "sync", self.options);
            let ear = run.ear().clone();
            for (connector, who) in [
                (&mut self.source, ("source", Origin::Source)),
                (&mut self.destination, ("destination", Origin::Destination)),
            ] {
                if let Some(stderr) = connector.stderr() {
                    let (voice, ear) = (&voice, ear.clone());
                    scope.spawn(move || echo::show(stderr, who, voice, &ear));
                }
            }
            let returned = Return {
                plan: self.plan,
                voice: &voice,
                handed: &handed,
                shared: &shared,
                ear,
                source: self.source.leash(),
            }
            .spawn(scope, self.destination, states);
            let (watched, watch) = (self.source.leash(), Arc::clone(&gone));
            scope.spawn(move || {
                while !watch.load(Ordering::Relaxed) && !watched.is_over() {
                    std::thread::sleep(LOOK_EVERY);
                }
                watch.store(true, Ordering::Relaxed);
            });
            let heard = run.ear().clone();
            let source = (&mut self.source, &heard);
            let outcome = &mut outcome;
            let ended = pipe::carry(self.plan, run, input, goal, |ended, writer| {
                conclude(ended, writer, source, returned, &shared, outcome)
            });
            gone.store(true, Ordering::Relaxed);
            // Where nothing could even begin, it is still there.
            ended.and(self.source.stop(GRACE).map(drop))
        });
        outcome.seconds = start.elapsed().as_secs_f64();
        outcome.states.handed_on = handed.count();
        outcome.states.missing = handed.missing();
        (outcome, ended)
    }
}

/// Ends both sides in order, once the records have.
fn conclude(
    ended: Result<()>,
    writer: &mut Writer<'_>,
    source: (&mut Connector, &Ear),
    returned: ScopedJoinHandle<'_, Returned>,
    shared: &Shared,
    outcome: &mut Outcome,
) -> Result<()> {
    let ended = source_ended(ended, source, shared, outcome);
    let ended = ended.and_then(|()| declare(writer, outcome));
    shared.closed.store(true, Ordering::SeqCst);
    writer.close();
    let Ok(returned) = returned.join() else {
        let message = "reading what the destination says failed";
        return Err(Error::new(ErrorKind::Internal, message));
    };
    outcome.states = returned.counts;
    outcome.destination = returned.ending.as_ref().ok().copied();
    tally(writer, outcome);
    destination_ended(ended, returned)
}

/// Waits for the source, or ends it, and says how things stand then.
fn source_ended(
    ended: Result<()>,
    (source, ear): (&mut Connector, &Ear),
    shared: &Shared,
    outcome: &mut Outcome,
) -> Result<()> {
    // A source that died in the middle of a line leaves half of one. Its death is what happened.
    let torn = shared.torn.load(Ordering::Relaxed)
        && matches!(&ended, Err(error) if error.kind() == ErrorKind::Protocol);
    let began = Instant::now();
    while torn && !source.leash().is_over() && began.elapsed() < TORN_WAIT {
        std::thread::sleep(LOOK_EVERY);
    }
    let ending = match &ended {
        Ok(()) => source.wait(),
        Err(_) => source.stop(GRACE),
    };
    source.clear();
    let verdict = ending.and_then(|ending| {
        outcome.source = Some(ending);
        ear.exit(Origin::Source, i32::from(ending.exit_code()));
        source.verdict(ending)
    });
    let gone = matches!(&ended, Err(error) if error.kind() == ErrorKind::Closed);
    match ended {
        Err(error) if torn => verdict.and(Err(error)),
        // A source that was stopped because of another failure is not the one that failed.
        Err(error) if !gone => Err(error),
        _ if gone || shared.early.load(Ordering::SeqCst) => Err(early()),
        _ if asked_to_end() => {
            let message = "a signal asked the sync to end";
            Err(Error::new(ErrorKind::Child, message)
                .hint("nothing is lost: the next run goes on from the state file"))
        }
        _ => verdict,
    }
}

/// Declares the streams complete that the source did not deny to be.
fn declare(writer: &mut Writer<'_>, outcome: &mut Outcome) -> Result<()> {
    let others = writer.complete(now_ms())?;
    for stream in &others {
        let message =
            format!("stream `{stream}` is not declared complete: the source said that it is not");
        writer.say(&trace::log("WARN", &message))?;
    }
    let all = writer.streams().into_iter();
    outcome.complete = all.filter(|stream| !others.contains(stream)).collect();
    Ok(())
}

/// What both sides' ends add up to: the first failure is told, not those that followed from it.
fn destination_ended(ended: Result<()>, returned: Returned) -> Result<()> {
    let destination = returned
        .ending
        .and_then(|ending| match ending.is_success() {
            true => Ok(()),
            false => {
                let message = format!("the destination {}", ending.sentence());
                Err(Error::new(ErrorKind::Child, message)
                    .hint("its own messages say why; what it had given back is kept"))
            }
        });
    let unkept = returned.heard.err();
    match ended {
        // The source was ended because its states could not be kept.
        Err(error) if error.kind() == ErrorKind::Child && unkept.is_some() => {
            unkept.map_or(Err(error), Err)
        }
        // How the destination ended says why nobody read.
        Err(error) if is_early(&error) || error.kind() == ErrorKind::Closed => {
            destination.and(Err(early()))
        }
        Err(error) => Err(error),
        Ok(()) => destination.and(unkept.map_or(Ok(()), Err)),
    }
}

const EARLY: &str = "the destination ended before its input did";

fn early() -> Error {
    Error::new(ErrorKind::Child, EARLY).hint("its own messages say why")
}

fn is_early(error: &Error) -> bool {
    error.message() == EARLY
}

fn tally(writer: &Writer<'_>, outcome: &mut Outcome) {
    let totals = &writer.account.totals;
    outcome.records = totals.sum();
    outcome.bytes = totals.bytes;
    for id in 0..writer.plan().streams() {
        if let Some(of) = totals.of(id) {
            let name = writer.plan().stream(id).descriptor.to_string();
            let counts = [of.read, of.emitted, of.filtered, of.rejected, of.chunks];
            outcome.streams.insert(name, counts);
        }
    }
}

/// The way back: what the destination says, and what that means.
struct Return<'s> {
    plan: &'s Plan,
    voice: &'s Voice,
    handed: &'s Handed,
    shared: &'s Shared,
    ear: Ear,
    source: Leash,
}

impl<'s> Return<'s> {
    fn spawn<'e>(
        self,
        scope: &'s Scope<'s, 'e>,
        mut destination: Connector,
        mut states: States,
    ) -> ScopedJoinHandle<'s, Returned> {
        scope.spawn(move || {
            let mut counts = Counts::default();
            let (stdout, leash) = (destination.stdout(), destination.leash());
            let heard = stdout.map_or(Ok(()), |stdout| {
                let over = || leash.is_over();
                echo::listen(stdout, self.plan.max_line_bytes(), over, |line| {
                    let heard = self.hear(line, &mut states, &mut counts);
                    if heard.is_err() {
                        // States that cannot be kept would all be lost.
                        self.source.end(GRACE);
                    }
                    heard
                })
            });
            let heard = heard.and(states.write());
            let ending = destination.wait();
            destination.clear();
            if let Ok(ending) = &ending {
                self.ear
                    .exit(Origin::Destination, i32::from(ending.exit_code()));
            }
            if !self.shared.closed.load(Ordering::SeqCst) {
                self.shared.early.store(true, Ordering::SeqCst);
                self.source.end(GRACE);
            }
            Returned {
                ending,
                heard,
                counts,
            }
        })
    }

    fn hear(&self, line: &[u8], states: &mut States, counts: &mut Counts) -> Result<()> {
        if line.is_empty() {
            return states.write_if_due();
        }
        match said::read(line) {
            Said::Nothing => self.state(line, states, counts),
            Said::Foreign => {
                let text = String::from_utf8_lossy(line);
                let shown = match self.plan.foreign() {
                    Shown::Text => format!(": {text}"),
                    Shown::Size => {
                        "; its text is withheld, set `foreign_lines: show` to see it".to_owned()
                    }
                };
                let text = format!(
                    "a line that is no message ({} bytes){}",
                    line.len(),
                    said::shown(&shown)
                );
                let level = "INFO".to_owned();
                self.voice.tell("destination", &Said::Text { level, text });
                Ok(())
            }
            said => {
                self.ear.line(Origin::Destination, line);
                self.voice.tell("destination", &said);
                Ok(())
            }
        }
    }

    fn state(&self, line: &[u8], states: &mut States, counts: &mut Counts) -> Result<()> {
        let Ok(mut message) = serde_json::from_slice::<Value>(line) else {
            return Ok(());
        };
        if message.get("type").and_then(Value::as_str) != Some("STATE") {
            return Ok(());
        }
        let state = message
            .get_mut("state")
            .map(Value::take)
            .unwrap_or_default();
        let id = state
            .get("id")
            .filter(|id| !id.is_null())
            .map(Value::to_string);
        let back = match Kept::read(state) {
            Some(kept) => (self.handed.back(id.as_deref(), &kept.stream), Some(kept)),
            None => (Back::Unknown, None),
        };
        match back {
            (Back::Newest(_), Some(kept)) => {
                counts.given_back += 1;
                states.keep(kept)
            }
            (Back::Late(_), _) => {
                counts.given_back += 1;
                counts.late += 1;
                Ok(())
            }
            _ => {
                counts.unknown += 1;
                if counts.unknown == 1 {
                    let text = "gives back a state that it was not given; such states are not kept";
                    let (level, text) = ("WARN".to_owned(), text.to_owned());
                    self.voice.tell("destination", &Said::Text { level, text });
                }
                Ok(())
            }
        }
    }
}
