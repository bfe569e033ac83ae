//! Where the engine runs: the only place that knows files and processes.

pub mod bucket;
pub mod embeddings;
mod input;
mod load;
pub mod models;
mod output;
pub mod pipe;
mod progress;
mod rejects;
pub mod serve;

pub use load::{Files, load};
