//! The history of runs, what is told from it, and how good that is.

mod failures;
mod history;
mod simulated;
mod webhook;
