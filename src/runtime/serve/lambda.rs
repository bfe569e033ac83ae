//! The same inside AWS Lambda: invocations come from its runtime API, one after another.
//!
//! A queue is told which of its messages failed; for every other sender a failure fails the invocation, which Lambda
//! repeats. No object is begun that cannot be finished, and an invocation is answered before its time is over.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::{Value, json};

use super::answer::{Standing, failures, summary};
use super::event::{self, Event, Message};
use super::pool::{Pool, Ticket};
use super::{Log, Process, Settings, Staged};
use crate::error::{Error, ErrorKind, Result};

/// The variables that Lambda sets. Without them there is nothing to speak to.
const VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Less time than any invocation is given: tools that imitate Lambda say so where they set no limit.
const NO_LIMIT: Duration = Duration::from_millis(200);

/// The part of an invocation's time that is kept for its answer, at most.
const ANSWERING: u32 = 20;

/// Whether this process was started by Lambda.
pub fn inside() -> bool {
    std::env::var_os(VARIABLES[0]).is_some()
}

struct Function {
    pool: Pool,
    margin: Duration,
    log: Log,
}

/// When an invocation must have begun its objects, and when it must be answered.
#[derive(Debug, Clone, Copy)]
struct Limits {
    begin: Instant,
    answer: Instant,
}

/// Answers invocations until Lambda has none left. Blocks.
///
/// # Errors
/// `Config` when the environment is not that of a function, `Input` when its runtime API cannot be reached.
pub fn run(settings: &Settings, process: Arc<dyn Process>, log: Log) -> Result<()> {
    for name in VARIABLES {
        if std::env::var(name).is_err() {
            let message = format!("the environment variable `{name}` is not set");
            return Err(Error::new(ErrorKind::Config, message).hint("Lambda sets it"));
        }
    }
    let function = Arc::new(Function {
        pool: Pool::start(process, settings.guard()?, settings.size())?,
        margin: settings.margin,
        log,
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "the runtime does not start").because(error)
        })?;
    let handler = service_fn(move |invoked: LambdaEvent<Value>| {
        let function = Arc::clone(&function);
        async move { function.answer(invoked).await }
    });
    let ended = runtime.block_on(Runtime::new(handler).run());
    ended.map_err(|error| {
        Error::new(ErrorKind::Input, "Lambda's runtime API cannot be reached").because(error)
    })
}

impl Function {
    async fn answer(&self, invoked: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
        let limits = limits(invoked.context.deadline(), self.margin);
        match event::messages(&invoked.payload) {
            Some(messages) => Ok(self.queue(messages, limits).await),
            None => self.event(&invoked.payload, limits).await,
        }
    }

    /// An event that fails as a whole.
    async fn event(&self, payload: &Value, limits: Option<Limits>) -> Result<Value, Diagnostic> {
        let tickets = match event::of(payload) {
            Ok(event) => self.ask(event, limits).map_err(|error| diagnostic(&error)),
            Err(error) => Err(diagnostic(&error)),
        };
        let mut tickets = match tickets {
            Ok(Asked::Objects(tickets)) => tickets,
            Ok(Asked::Nothing(reason)) => return Ok(json!({"objects": [], "ignored": reason})),
            Err(failed) => {
                self.log.warn(&failed.error_message);
                return Err(failed);
            }
        };
        wait(&mut tickets, limits).await;
        let failures = failures(&tickets);
        failures.iter().for_each(|failure| self.log.warn(failure));
        let (standing, body) = summary(&tickets);
        let error_type = match standing {
            Standing::Done => return Ok(body),
            Standing::Poison => "midflight.Poison",
            Standing::Again => "midflight.Again",
            Standing::Unfinished => "midflight.Unfinished",
        };
        Err(Diagnostic {
            error_type: error_type.to_owned(),
            error_message: failures.join("\n"),
        })
    }

    /// The messages of a queue: those that failed are delivered again, and end as dead letters.
    async fn queue(&self, messages: Vec<Message>, limits: Option<Limits>) -> Value {
        let mut asked: Vec<(String, Option<Vec<Ticket>>)> = Vec::new();
        let mut held = false;
        for Message { id, ordered, event } in messages {
            // Behind a failure, the order of a queue that has one holds everything back.
            let mut tickets = None;
            if !held {
                match event.and_then(|event| self.ask(event, limits)) {
                    Ok(Asked::Nothing(_)) => continue,
                    Ok(Asked::Objects(objects)) => tickets = Some(objects),
                    Err(error) => self.log.warn(&format!("message {id}: {error}")),
                }
            }
            if ordered {
                held = match &mut tickets {
                    Some(tickets) => {
                        wait(tickets, limits).await;
                        summary(tickets).0 != Standing::Done
                    }
                    None => true,
                };
            }
            asked.push((id, tickets));
        }
        let mut failed = Vec::new();
        for (id, tickets) in asked {
            let mut tickets = tickets.unwrap_or_default();
            let refused = tickets.is_empty();
            wait(&mut tickets, limits).await;
            for failure in failures(&tickets) {
                self.log.warn(&format!("message {id}: {failure}"));
            }
            if refused || summary(&tickets).0 != Standing::Done {
                failed.push(json!({"itemIdentifier": id}));
            }
        }
        json!({ "batchItemFailures": failed })
    }

    fn ask(&self, event: Event, limits: Option<Limits>) -> Result<Asked> {
        let objects: Vec<Staged> = match event {
            Event::Objects(objects) => objects,
            Event::Ignored(reason) => return Ok(Asked::Nothing(reason)),
            Event::Validation(_) | Event::Confirmation { .. } => {
                return Ok(Asked::Nothing("a handshake of another way to deliver"));
            }
        };
        let asked = self
            .pool
            .ask_all(&objects, limits.map(|limits| limits.begin));
        asked
            .map(Asked::Objects)
            .map_err(|_| Error::new(ErrorKind::Closed, "the function is stopping"))
    }
}

/// What an event leads to.
enum Asked {
    Objects(Vec<Ticket>),
    Nothing(&'static str),
}

/// Waits for all objects, or until the invocation must be answered.
async fn wait(tickets: &mut [Ticket], limits: Option<Limits>) {
    let all = async {
        for ticket in tickets {
            ticket.wait().await;
        }
    };
    match limits {
        Some(limits) => {
            // What is not there by then is unfinished.
            let _ = tokio::time::timeout_at(limits.answer.into(), all).await;
        }
        None => all.await,
    }
}

/// The limits of an invocation; none where its deadline is over before it begins.
fn limits(deadline: SystemTime, margin: Duration) -> Option<Limits> {
    let left = deadline.duration_since(SystemTime::now()).ok();
    let left = left.filter(|left| *left > NO_LIMIT)?;
    let now = Instant::now();
    // A function with a short limit must still be able to begin.
    let begin = left.saturating_sub(margin.min(left / 2));
    let answer = left.saturating_sub((left / ANSWERING).min(Duration::from_secs(2)));
    Some(Limits {
        begin: now.checked_add(begin)?,
        answer: now.checked_add(answer)?,
    })
}

fn diagnostic(error: &Error) -> Diagnostic {
    let kind = match error.kind().outcome().retry {
        true => "midflight.Again",
        false => "midflight.Poison",
    };
    Diagnostic {
        error_type: kind.to_owned(),
        error_message: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_is_over_is_none() {
        let margin = Duration::from_secs(10);
        let now = SystemTime::now();
        assert!(limits(SystemTime::UNIX_EPOCH, margin).is_none());
        assert!(limits(now, margin).is_none());
        assert!(limits(now + NO_LIMIT / 2, margin).is_none());
    }

    #[test]
    fn there_is_time_to_begin_and_time_to_answer() {
        let margin = Duration::from_secs(10);
        for seconds in [1, 15, 900] {
            let left = Duration::from_secs(seconds);
            let start = Instant::now();
            let limits = limits(SystemTime::now() + left, margin).expect("limits");
            let (begin, answer) = (limits.begin - start, limits.answer - start);
            assert!(begin >= left / 2 - left / 10, "{seconds} {begin:?}");
            assert!(begin < answer && answer < left, "{seconds} {answer:?}");
        }
    }
}
