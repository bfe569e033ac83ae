//! What a column is, judged as a whole: here from its name, before any value is seen.

mod features;
mod name;

pub use name::{NameModel, Vote};
