//! Classes of failures: what a message, an exit code or an error of our own says about why a run failed.
//!
//! What messages look like is data in `rules/failures/`, one file for each class, described in its README.

mod class;
mod library;
mod read;

pub use class::Class;
pub use library::{Advice, Library};

use super::heard::Origin;
use crate::error::{Error, ErrorKind};

/// What was found in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    pub class: Class,
    /// The id of the signature; empty where none matched.
    pub signature: &'static str,
    pub confidence: f32,
}

/// Whether a line of the protocol may tell an error, a warning or a limit; false for most lines.
pub fn may_tell(line: &[u8]) -> bool {
    use memchr::memmem::find;
    ["\"ERROR\"", "\"WARN\"", "\"FATAL\"", "RATE_LIMITED"]
        .iter()
        .any(|word| find(line, word.as_bytes()).is_some())
}

/// What the type of a failure says, where its text says nothing.
pub(super) fn by_failure_type(kind: Option<&str>) -> Finding {
    let class = match kind {
        Some("config_error") => Class::Configuration,
        Some("transient_error") => Class::Outage,
        _ => Class::Unknown,
    };
    Finding {
        class,
        signature: "",
        confidence: 0.3,
    }
}

/// What an error of midflight's own says.
pub(super) fn of_error(error: &Error) -> Finding {
    let class = match error.kind() {
        ErrorKind::Usage | ErrorKind::Config | ErrorKind::Catalog | ErrorKind::Model => {
            Class::Configuration
        }
        ErrorKind::Drift => Class::Schema,
        ErrorKind::Policy | ErrorKind::Protocol | ErrorKind::Limit => Class::SourceData,
        ErrorKind::Closed => Class::Destination,
        ErrorKind::Superseded => Class::Conflict,
        ErrorKind::Internal => Class::Internal,
        // What a disk, a bucket or a child says stands in the message.
        ErrorKind::Input | ErrorKind::Output | ErrorKind::Child => {
            let found = Library::builtin().and_then(|library| {
                let exit = exit_code(&error.to_string()).and_then(|code| library.exit(code));
                exit.or_else(|| library.classify(error.to_string().as_bytes()))
            });
            if let Some(found) = found {
                return found;
            }
            match error.kind() {
                ErrorKind::Output => Class::Destination,
                _ => Class::Unknown,
            }
        }
    };
    Finding {
        class,
        signature: "",
        confidence: 0.5,
    }
}

/// Whose end a `Child` error speaks of.
pub(super) fn role(error: &Error) -> Origin {
    match error.message().contains("destination") {
        true => Origin::Destination,
        false => Origin::Source,
    }
}

/// The exit code in the sentence about a connector's end; signals as a shell tells them.
fn exit_code(sentence: &str) -> Option<i32> {
    let number = |behind: &str| -> Option<i32> {
        let (_, rest) = sentence.split_once(behind)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    number("by signal ")
        .map(|signal| signal + 128)
        .or_else(|| number("exit code "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_our_own_have_a_class() {
        let of = |kind, message: &str| of_error(&Error::new(kind, message)).class;
        assert_eq!(of(ErrorKind::Config, "x"), Class::Configuration);
        assert_eq!(
            of(
                ErrorKind::Output,
                "out: No space left on device (os error 28)"
            ),
            Class::Disk
        );
        assert_eq!(
            of(ErrorKind::Output, "out cannot be written"),
            Class::Destination
        );
        assert_eq!(
            of(ErrorKind::Child, "the source was ended by signal 9"),
            Class::Memory
        );
        assert_eq!(
            of(ErrorKind::Child, "the source ended with exit code 1"),
            Class::Unknown
        );
        assert_eq!(exit_code("the source ended with exit code 137"), Some(137));
    }
}
