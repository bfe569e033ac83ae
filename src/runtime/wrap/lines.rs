//! The short life of a connector that is asked for one message: its lines are handed on, each as an answer to it says.

use std::io::{BufRead, BufReader, Read};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::child::Child;
use super::own::Own;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::catalog::MAX_BYTES;
use crate::runtime::connector::Ending;
use crate::runtime::outlet::Outlet;

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Pass,
    /// This line takes its place.
    Instead(String),
    Withhold,
}

/// What a line is, as far as it matters here.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Spec,
    Status,
    Catalog,
    Control,
    /// A TRACE ERROR, which says why there is no other message.
    Error,
    Said,
    #[default]
    Other,
}

/// How a connector ended, and what it told.
#[derive(Debug)]
pub struct Told {
    pub child: Child,
    pub ending: Ending,
    /// It said itself what went wrong.
    pub error: bool,
}

impl Told {
    /// The error that its end is. Where it said itself what went wrong, nothing is to be told once more.
    ///
    /// # Errors
    /// `Child`, unless it ended well.
    pub fn verdict(&self) -> Result<()> {
        self.child.verdict(self.ending)
    }
}

/// Runs a connector to its end, and writes its lines to `output` as `answer` says. A CONTROL has our key again.
///
/// # Errors
/// `Child` when it cannot be run; `Protocol` for a line without end; what `answer` says; what the output says.
pub fn run(
    command: Command,
    grace: Duration,
    own: Option<&Own>,
    output: &Outlet,
    mut answer: impl FnMut(Kind, &str) -> Result<Answer>,
) -> Result<Told> {
    let (child, stdout) = Child::start(command, grace, None)?;
    let mut lines = BufReader::new(std::fs::File::from(stdout));
    let mut error = false;
    let mut each = || -> Result<()> {
        while let Some(line) = next(&mut lines)? {
            let kind = kind(&line);
            error |= kind == Kind::Error;
            let restored = own.filter(|_| kind == Kind::Control);
            let restored = restored.and_then(|own| own.restore(&line));
            let line = match answer(kind, &line)? {
                Answer::Pass => restored.unwrap_or(line),
                Answer::Instead(line) => line,
                Answer::Withhold => continue,
            };
            output.say(format!("{line}\n").as_bytes())?;
        }
        Ok(())
    };
    let handed_on = each();
    // A connector that nobody listens to any more would wait for ever.
    drop(lines);
    match handed_on {
        Ok(()) => {
            let ending = child.wait()?;
            Ok(Told {
                child,
                ending,
                error,
            })
        }
        Err(error) => {
            child.stop()?;
            Err(error)
        }
    }
}

/// The next line without its newline; bytes that are no text are replaced.
fn next(lines: &mut impl BufRead) -> Result<Option<String>> {
    let mut line = Vec::new();
    let most = MAX_BYTES as u64;
    let read = lines.take(most + 1).read_until(b'\n', &mut line);
    let read = read.map_err(|error| {
        Error::new(ErrorKind::Input, "reading the connector's output failed").because(error)
    })?;
    if read == 0 {
        return Ok(None);
    }
    if read as u64 > most {
        let message = format!("a line of the connector is longer than {most} bytes");
        return Err(Error::new(ErrorKind::Protocol, message));
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// What a line is.
pub fn kind(line: &str) -> Kind {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow, rename = "type")]
        kind: std::borrow::Cow<'a, str>,
        trace: Option<Trace>,
    }
    #[derive(Deserialize)]
    struct Trace {
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    let Ok(line) = serde_json::from_str::<Line<'_>>(line) else {
        return Kind::Other;
    };
    let error = |trace: &Trace| trace.kind.as_deref() == Some("ERROR");
    match &*line.kind {
        "SPEC" => Kind::Spec,
        "CONNECTION_STATUS" => Kind::Status,
        "CATALOG" => Kind::Catalog,
        "CONTROL" => Kind::Control,
        "TRACE" if line.trace.as_ref().is_some_and(error) => Kind::Error,
        "TRACE" | "LOG" => Kind::Said,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        for (line, expected) in [
            (r#"{"type":"SPEC","spec":{}}"#, Kind::Spec),
            (
                r#"{"catalog":{"streams":[]},"type":"CATALOG"}"#,
                Kind::Catalog,
            ),
            (
                r#"{"type":"TRACE","trace":{"type":"ERROR","error":{}}}"#,
                Kind::Error,
            ),
            (
                r#"{"type":"TRACE","trace":{"type":"ESTIMATE"}}"#,
                Kind::Said,
            ),
            (r#"{"type":"CONTROL","control":{}}"#, Kind::Control),
            (r#"{"type":"CATALOG""#, Kind::Other),
            ("Traceback (most recent call last):", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(kind(line), expected, "{line}");
        }
    }
}
