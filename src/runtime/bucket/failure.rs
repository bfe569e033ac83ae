//! What a store's failure means, in one line: its own errors quote whole answers, several times.

use std::error::Error as StdError;
use std::io;

use crate::error::{Error, ErrorKind};

/// Codes of stores for credentials that were right once, or elsewhere. They come with the status 400 as well as 403.
const CREDENTIALS: [&str; 8] = [
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "RequestTimeTooSkewed",
    "AuthenticationFailed",
    "AccessDenied",
];

/// What to do about a store that does not answer.
const LATER: &str = "run it again when the store answers; what was committed stays";

/// The error of an object or prefix that could not be `done`, as `read` or `written`.
pub fn failed(kind: ErrorKind, place: &str, done: &str, error: &object_store::Error) -> Error {
    let message = format!("{place} cannot be {done}");
    if let Some(cause) = io_of(error) {
        return of_system(kind, &message, cause.kind(), cause.to_string());
    }
    let failure = Error::new(kind, message).because(reason(error));
    match error {
        _ if is_denied(error) => {
            failure.hint("look at the credentials: whether they are of this place, and still valid")
        }
        object_store::Error::NotFound { .. } | object_store::Error::Precondition { .. } => failure,
        object_store::Error::Generic { .. } if !is_refused(error) => failure.hint(LATER),
        _ => failure,
    }
}

/// The error of a file that could not be written.
pub fn of_file(message: &str, error: &io::Error) -> Error {
    of_system(ErrorKind::Output, message, error.kind(), error.to_string())
}

fn of_system(kind: ErrorKind, message: &str, what: io::ErrorKind, reason: String) -> Error {
    let failure = Error::new(kind, message).because(reason);
    match what {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            failure.hint("make room and run it again; what was committed stays")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            failure.hint("look at who may read and write there")
        }
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::TimedOut => failure.hint(LATER),
        _ => failure,
    }
}

/// Whether the same request would fail the same way, without having done anything.
pub fn is_final(error: &object_store::Error) -> bool {
    is_denied(error) || is_refused(error) || matches!(error, object_store::Error::NotFound { .. })
}

/// Whether the store said, as often as it was asked, that it has no time.
pub fn is_busy(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Generic { .. }) && status(error).is_some()
}

fn is_denied(error: &object_store::Error) -> bool {
    matches!(
        error,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }
    ) || code(error).is_some_and(|code| CREDENTIALS.contains(&code.as_str()))
}

/// Whether the answer was a 4xx that is not told apart otherwise.
fn is_refused(error: &object_store::Error) -> bool {
    let refused = |status: String| status.starts_with('4') && !status.starts_with("429");
    matches!(error, object_store::Error::Generic { .. }) && status(error).is_some_and(refused)
}

/// Why a store failed.
pub fn reason(error: &object_store::Error) -> String {
    let code = || code(error).map_or(String::new(), |code| format!(" ({code})"));
    match error {
        object_store::Error::NotFound { .. } => "there is no such bucket".to_owned(),
        _ if is_denied(error) => format!("the credentials do not allow it{}", code()),
        object_store::Error::Precondition { .. } => "it has changed since it was listed".to_owned(),
        other => match status(other) {
            Some(status) => format!("the store answered {status}{}", code()),
            None => {
                let text = deepest(other).to_string();
                text.lines().next().unwrap_or_default().to_owned()
            }
        },
    }
}

fn deepest(error: &object_store::Error) -> &(dyn StdError + 'static) {
    let mut cause: &(dyn StdError + 'static) = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

/// The first error of the system among the causes.
fn io_of(error: &object_store::Error) -> Option<&io::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(at) = cause {
        if let Some(found) = at.downcast_ref::<io::Error>()
            && found.raw_os_error().is_some()
        {
            return Some(found);
        }
        cause = at.source();
    }
    None
}

/// The status of the store's last answer, as `503 Service Unavailable`. The client tells it as text alone.
fn status(error: &object_store::Error) -> Option<String> {
    let text = deepest(error).to_string();
    let rest = text.split_once("non-2xx status code: ")?.1;
    rest.split_once(':').map(|(status, _)| status.to_owned())
}

/// The code in the store's answer, if it is a plain word: sentences quote keys.
fn code(error: &object_store::Error) -> Option<String> {
    let text = deepest(error).to_string();
    let rest = text.split_once("<Code>")?.1;
    let (code, _) = rest.split_once("</Code>")?;
    let plain = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| code.to_owned())
}
