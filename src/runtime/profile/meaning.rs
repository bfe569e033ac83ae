//! What columns mean, told by their names and, where it can be had, by the default embedder.

use std::path::Path;
use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::model::embedding::{Choice, Wanted};
use crate::model::{Embedders, Embedding};
use crate::profile::form::Profile;
use crate::profile::semantic::Judge;
use crate::runtime::embeddings::Source;

/// The embedder that compares names.
const MODEL: &str = "default";

/// Puts meanings into a profile. Without models, or where they cannot be had, names that are on the list tell.
///
/// # Errors
/// What the embedder says once it has been opened.
pub fn tell(profile: &mut Profile, no_models: bool) -> Result<()> {
    let embedding = if no_models { None } else { opened()? };
    let judge = Judge::new(embedding.as_ref().map(|one| &*one.embedder))?;
    for stream in &mut profile.streams {
        for column in &mut stream.columns {
            column.semantic = judge.judge(column)?;
        }
    }
    Ok(())
}

/// The embedder, if it can run here.
fn opened() -> Result<Option<Arc<Embedding>>> {
    let wanted = Wanted {
        model: Choice::Named(MODEL.to_owned()),
        cache: None,
    };
    let embedders = Embedders::new(Source::new(Path::new("")));
    let found = embedders.get(&wanted).and_then(|embedding| {
        // Asked for nothing, it opens its model.
        embedding.embedder.embed(&[])?;
        Ok(embedding)
    });
    match found {
        Ok(embedding) => Ok(Some(embedding)),
        Err(error) if error.kind() == ErrorKind::Model => Ok(None),
        Err(error) => Err(error),
    }
}
