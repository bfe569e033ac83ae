//! What a store's failure means, in one line: its own errors quote whole answers, several times.

use crate::error::{Error, ErrorKind};

/// The error of an object or prefix that could not be `done`, as `read` or `written`.
pub fn failed(kind: ErrorKind, place: &str, done: &str, error: &object_store::Error) -> Error {
    let failure = Error::new(kind, format!("{place} cannot be {done}")).because(reason(error));
    match error {
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => {
            failure.hint("look at the credentials: whether they are of this place, and still valid")
        }
        _ => failure,
    }
}

/// Why a store failed.
pub fn reason(error: &object_store::Error) -> String {
    match error {
        object_store::Error::NotFound { .. } => "there is no such bucket".to_owned(),
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => {
            "the credentials do not allow it".to_owned()
        }
        object_store::Error::Precondition { .. } => "it has changed since it was listed".to_owned(),
        other => {
            let mut cause: &dyn std::error::Error = other;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            let text = cause.to_string();
            text.lines().next().unwrap_or_default().to_owned()
        }
    }
}
