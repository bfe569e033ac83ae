//! Finds ONNX Runtime's library.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// The release that is fetched.
pub const RELEASE: &str = "1.31.1";

#[cfg(target_os = "macos")]
const LIBRARY: &str = "libonnxruntime.dylib";
#[cfg(not(target_os = "macos"))]
const LIBRARY: &str = "libonnxruntime.so";

/// The library: what `ORT_DYLIB_PATH` names, beside the program, or in the cache.
///
/// # Errors
/// `Model` with the places where it was looked for.
pub fn find() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let named = PathBuf::from(named);
        if named.is_file() {
            return Ok(named);
        }
        let message = format!("ORT_DYLIB_PATH names {}, which is no file", named.display());
        return Err(
            Error::new(ErrorKind::Model, message).hint("unset it, or name ONNX Runtime's library")
        );
    }
    let program = std::env::current_exe().ok();
    let beside = program
        .as_deref()
        .and_then(Path::parent)
        .map(|folder| folder.join(LIBRARY));
    let cached = super::cache()?
        .join(format!("onnxruntime-{RELEASE}"))
        .join(LIBRARY);
    let places: Vec<PathBuf> = beside.into_iter().chain([cached]).collect();
    if let Some(found) = places.iter().find(|place| place.is_file()) {
        return Ok(found.clone());
    }
    let places: Vec<_> = places
        .iter()
        .map(|place| place.display().to_string())
        .collect();
    let message = format!(
        "ONNX Runtime is missing; it was looked for at {}",
        places.join(" and ")
    );
    Err(Error::new(ErrorKind::Model, message)
        .hint("run `midflight models pull onnxruntime`, or set ORT_DYLIB_PATH to its library, or set `tagger: none` to work without names"))
}
