//! Puts rules to the test: on rows in the order of time, and on rows with errors put into them.
//!
//! [`Folds`] count violations per stretch of the input, [`wilson_upper`] says what they prove, [`inject()`] makes
//! errors, [`Bench`] runs rules over both, and [`cover()`] finds the fewest rules that catch what can be caught.
//! Works on arrays; knows nothing of where rows come from.

mod bench;
mod cover;
mod folds;
pub mod inject;
mod random;
mod verdict;
mod wilson;

pub use bench::{Bench, Caught};
pub use cover::{Candidate, Choice, cover};
pub use folds::{FOLDS_MAX, FOLDS_MIN, Fold, Folds};
pub use inject::{Error, inject};
pub use verdict::{Gate, Measured, Shortfall, percent};
pub use wilson::{rows_needed, wilson_lower, wilson_upper};
