//! What a column holds: a decision by vote over its name and its first values, frozen for the run.
//!
//! The first [`RECORDS`] records of a stream are the sample. They are learned from in the order of the
//! input, whichever worker reads them (`turns`), and a record is judged by what the records before it
//! taught, to the last of [`CHECKPOINTS`]; so what leaves does not depend on how the input was cut. Until a
//! column is decided every value is searched and tagged by itself: nothing leaks while we learn.
//!
//! Once decided, a personal column is masked whole and a clean one costs no inference. A value that fits
//! nothing the sample of a clean column held is searched like an undecided one.

mod course;
mod decision;
mod evidence;
mod features;
mod known;
mod name;
mod shape;
mod turns;

pub use course::{Course, Learner};
pub use decision::{Decision, Verdict};
pub use evidence::{Evidence, Seen};
pub use known::{Knowledge, Known, Pins, Place};
pub use name::{NameModel, Vote};
pub use shape::Shape;
pub use turns::{Turn, Turns};

/// Records of a stream that are learned from.
pub const RECORDS: u64 = 256;

/// After how many records of the stream its columns are judged.
pub const CHECKPOINTS: [u64; 6] = [8, 16, 32, 64, 128, RECORDS];

/// Columns of a stream that are learned about; the values of others are searched one by one.
pub const COLUMNS_MAX: usize = 4096;
