//! Where the engine runs: the only place that knows files and processes.

mod account;
pub mod bucket;
pub mod destination;
pub mod embeddings;
mod input;
mod load;
pub mod models;
mod output;
pub mod pipe;
mod progress;
mod rejects;
pub mod stage;
mod tables;
pub mod staged;

pub use load::{Files, load};
