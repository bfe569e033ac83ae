//! What a server does to objects: the plan, and a commit of its own for each.

use super::{Outcome, Process, Staged};
use crate::error::Result;
use crate::runtime::batch::{Ended, Single};

impl Process for Single {
    fn process(&self, object: &Staged) -> Result<Outcome> {
        Ok(match Self::process(self, &object.url)? {
            Ended::Committed { rows } => Outcome::Done { rows },
            Ended::Before => Outcome::Already,
            Ended::Gone => Outcome::Skipped("there is no such object any more"),
        })
    }
}
