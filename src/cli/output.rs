//! The only printer. Results go to stdout; what goes wrong goes to stderr, with what to do about it.
#![expect(clippy::print_stderr, reason = "this is the file that prints")]

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::panic::Location;
use std::process::ExitCode;

use crate::error::{Error, ErrorKind, Result};

/// Prints a result.
///
/// # Errors
/// `Closed` when nobody reads it, `Output` when it cannot be written.
pub(super) fn result(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    write!(out, "{text}{newline}")
        .and_then(|()| out.flush())
        .map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::BrokenPipe => ErrorKind::Closed,
                _ => ErrorKind::Output,
            };
            Error::new(kind, "the result cannot be written").because(error)
        })
}

/// Columns as wide as their widest word; the last one ends where it ends.
pub(super) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| {
        let words = rows.iter().map(|row| row[column].chars().count());
        words.max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (word, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{word:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// Prints what a person should know though nothing failed.
pub(super) fn note(text: &str) {
    eprintln!("note: {text}");
}

/// Prints help or what is wrong with the arguments.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // A closed terminal cannot be told.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Prints an error and gives its exit code. A reader that went away is told only on stderr.
pub(super) fn failure(error: &Error) -> ExitCode {
    let (bold, plain) = match colours() {
        true => ("\u{1b}[1;31m", "\u{1b}[0m"),
        false => ("", ""),
    };
    eprintln!("{bold}error:{plain} {error}");
    if let Some(advice) = error.advice() {
        eprintln!("{bold}hint:{plain} {advice}");
    }
    ExitCode::from(error.exit_code())
}

/// Prints where a defect showed.
pub(super) fn panicked(place: Option<&Location<'_>>) {
    match place {
        Some(place) => eprintln!("midflight: a defect showed at {place}"),
        None => eprintln!("midflight: a defect showed"),
    }
}

fn colours() -> bool {
    let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    std::io::stderr().is_terminal() && unset("NO_COLOR")
}
