//! Runs that are killed at any moment: what is committed then, what was acknowledged, and what the next run makes of
//! it.
//!
//! `MIDFLIGHT_KILLS=300` kills more often than the few times of every day; `MIDFLIGHT_KILL_SEED` repeats a course.

pub mod chance;
pub mod course;
pub mod front;
pub mod look;
pub mod platform;
pub mod trial;

use std::collections::BTreeMap;

use midflight::runtime::bucket::Bucket;

use chance::{Chance, kills};
use trial::{Place, Trial};

/// A stage in a directory of its own.
struct Folder(tempfile::TempDir);

impl Place for Folder {
    fn url(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn open(&self, name: &str) -> Bucket {
        Bucket::open(&self.url(name), &BTreeMap::new()).expect("a place")
    }

    fn watched(&self, name: &str) -> Option<std::path::PathBuf> {
        Some(self.0.path().join(name))
    }
}

#[test]
fn kills_of_a_destination_lose_no_row_in_a_directory() {
    let mut chance = Chance::seeded("destination in a directory");
    let place = Folder(tempfile::tempdir().expect("a folder"));
    let mut trial = Trial::new(&place, &mut chance, 5_000);
    trial.destination(kills(20));
}

#[test]
fn kills_of_a_batch_lose_no_row_in_a_directory() {
    let mut chance = Chance::seeded("batch in a directory");
    let place = Folder(tempfile::tempdir().expect("a folder"));
    let mut trial = Trial::new(&place, &mut chance, 5_000);
    trial.batch(kills(10));
}
