//! Compiled detectors, one per set of kinds, shared by the streams that look for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::detect::column::Turns;
use crate::detect::{Detector, Library, UNASKED, kind_of_label};
use crate::document::nearest;
use crate::error::Result;
use crate::plan::SharedDetector;
use crate::stage::spec::Kinds;

/// Detectors by the kinds they look for.
#[derive(Debug, Default)]
pub(in crate::plan) struct Detectors {
    compiled: Mutex<BTreeMap<String, SharedDetector>>,
    /// What the tagger can find.
    labels: Vec<String>,
    /// In which order chunks learn what columns hold.
    pub turns: Arc<Turns>,
}

impl Detectors {
    /// Detectors that take these labels of a tagger in.
    pub fn new(labels: Vec<String>) -> Self {
        Self {
            compiled: Mutex::default(),
            labels,
            turns: Arc::default(),
        }
    }

    /// The detector of these kinds.
    pub fn get(&self, kinds: &Kinds) -> Result<SharedDetector> {
        let name = format!("{kinds:?}");
        let mut known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(detector) = known.get(&name) {
            return Ok(Arc::clone(detector));
        }
        let library = Library::builtin()?;
        let detector = Detector::compile(library, &self.labels, &|kind| wanted(kinds, kind))?;
        let detector = Arc::new(detector);
        known.insert(name, Arc::clone(&detector));
        Ok(detector)
    }

    /// Kinds that no recogniser finds, each with the nearest that one does.
    pub fn unknown(&self, kinds: &Kinds) -> Result<Vec<(String, Option<String>)>> {
        let library = Library::builtin()?;
        let named = match kinds {
            Kinds::All => &[][..],
            Kinds::Only(named) | Kinds::Except(named) => named,
        };
        let all = || {
            let labels = self.labels.iter().map(|label| kind_of_label(label));
            library.kinds().chain(labels)
        };
        let known = |name: &&String| !all().any(|kind| kind == name.as_str());
        let unknown = named.iter().filter(known);
        Ok(unknown
            .map(|name| (name.clone(), nearest(name, all()).map(str::to_owned)))
            .collect())
    }
}

fn wanted(kinds: &Kinds, kind: &str) -> bool {
    match kinds {
        Kinds::All => !UNASKED.contains(&kind),
        Kinds::Only(named) => named.iter().any(|name| name == kind),
        Kinds::Except(named) => !UNASKED.contains(&kind) && named.iter().all(|name| name != kind),
    }
}
