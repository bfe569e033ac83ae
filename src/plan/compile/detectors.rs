//! Compiled detectors, one per set of kinds, shared by the streams that look for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::detect::{Detector, Library};
use crate::document::nearest;
use crate::error::Result;
use crate::plan::SharedDetector;
use crate::stage::spec::Kinds;

/// Detectors by the kinds they look for.
#[derive(Debug, Default)]
pub(in crate::plan) struct Detectors(Mutex<BTreeMap<String, SharedDetector>>);

impl Detectors {
    /// The detector of these kinds.
    pub fn get(&self, kinds: &Kinds) -> Result<SharedDetector> {
        let name = format!("{kinds:?}");
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(detector) = known.get(&name) {
            return Ok(Arc::clone(detector));
        }
        let library = Library::builtin()?;
        let detector = Detector::compile(library, &|kind| wanted(kinds, kind))?;
        let detector = Arc::new(detector);
        known.insert(name, Arc::clone(&detector));
        Ok(detector)
    }

    /// Kinds that no recogniser finds, each with the nearest that one does.
    pub fn unknown(kinds: &Kinds) -> Result<Vec<(String, Option<String>)>> {
        let library = Library::builtin()?;
        let named = match kinds {
            Kinds::All => &[][..],
            Kinds::Only(named) | Kinds::Except(named) => named,
        };
        let known = |name: &&String| !library.kinds().any(|kind| kind == name.as_str());
        let unknown = named.iter().filter(known);
        Ok(unknown
            .map(|name| {
                (
                    name.clone(),
                    nearest(name, library.kinds()).map(str::to_owned),
                )
            })
            .collect())
    }
}

fn wanted(kinds: &Kinds, kind: &str) -> bool {
    match kinds {
        Kinds::All => true,
        Kinds::Only(named) => named.iter().any(|name| name == kind),
        Kinds::Except(named) => named.iter().all(|name| name != kind),
    }
}
