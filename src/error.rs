//! The one error type: what kind of failure, where and what, and the error that caused it.
//!
//! [`ErrorKind`] is the whole policy: one table gives the exit code, the failure type Airbyte is told
//! and whether running again can help. Messages carry names, types, counts and offsets, never values.

use std::error::Error as StdError;
use std::fmt;

/// Shorthand used by every module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure with its kind, a sentence for the operator, a hint and its cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    exit_code: Option<u8>,
}

/// Every way a command can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line is wrong.
    Usage,
    /// The configuration, a rule file or a recogniser pack is wrong.
    Config,
    /// The catalog is wrong or does not fit the configuration.
    Catalog,
    /// A model, or the library that runs it, is missing, damaged, or does not fit.
    Model,
    /// A masking or detection step cannot be applied to what arrived.
    Policy,
    /// The input breaks the protocol: cut-off JSON, invalid UTF-8, a line past its limit.
    Protocol,
    /// A rule with `on_fail: fail`, or a limit, stopped the run.
    Limit,
    /// A schema has changed, and a person must look at it before anything goes on.
    Drift,
    /// Reading failed.
    Input,
    /// Writing failed.
    Output,
    /// The reader of our output went away.
    Closed,
    /// Another run has taken over what this one was writing.
    Superseded,
    /// A connector that runs beside us failed.
    Child,
    /// A defect of this program.
    Internal,
}

/// What the outside is told about a kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The process exit code.
    pub exit_code: u8,
    /// The `failure_type` of the TRACE ERROR.
    pub failure_type: &'static str,
    /// Whether the same run may succeed when it is started again.
    pub retry: bool,
}

impl ErrorKind {
    /// The table of outcomes.
    pub fn outcome(self) -> Outcome {
        let (exit_code, failure_type, retry) = match self {
            Self::Usage | Self::Config | Self::Catalog | Self::Model => (2, "config_error", false),
            Self::Policy => (1, "config_error", false),
            Self::Protocol | Self::Internal => (1, "system_error", false),
            Self::Superseded => (1, "system_error", false),
            Self::Limit => (3, "system_error", false),
            Self::Drift => (3, "config_error", false),
            Self::Input | Self::Output | Self::Closed => (1, "transient_error", true),
            // Whether trying again helps is the connector's to say.
            Self::Child => (4, "system_error", true),
        };
        Outcome {
            exit_code,
            failure_type,
            retry,
        }
    }
}

impl ErrorKind {
    /// The word of what is told to others.
    pub fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Catalog => "catalog",
            Self::Model => "model",
            Self::Policy => "policy",
            Self::Protocol => "protocol",
            Self::Limit => "limit",
            Self::Drift => "drift",
            Self::Input => "input",
            Self::Output => "output",
            Self::Closed => "closed",
            Self::Superseded => "superseded",
            Self::Child => "child",
            Self::Internal => "internal",
        }
    }
}

impl Error {
    /// An error of this kind; `message` says where and what.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            source: None,
            exit_code: None,
        }
    }

    /// Gives the exit code of a connector in the place of that of the kind.
    #[must_use]
    pub fn exiting(mut self, code: u8) -> Self {
        self.exit_code = Some(code);
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error once more. The cause stays with the original, its text is part of the message.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            kind: self.kind,
            message: self.to_string(),
            hint: self.hint.clone(),
            source: None,
            exit_code: self.exit_code,
        }
    }

    /// The same error, saying which line of the input it speaks of. The cause stays with the original.
    #[must_use]
    pub fn at_line(&self, line: u64) -> Self {
        Self {
            message: format!("line {line}: {self}"),
            ..self.again()
        }
    }

    /// The same error, saying where it happened. The cause stays with the original.
    #[must_use]
    pub fn within(&self, place: &str) -> Self {
        Self {
            message: format!("{place}: {self}"),
            ..self.again()
        }
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The process exit code.
    pub fn exit_code(&self) -> u8 {
        self.exit_code.unwrap_or(self.kind.outcome().exit_code)
    }

    /// The sentence without its cause and hint.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the operator can do, when there is something.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(out, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
