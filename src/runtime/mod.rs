//! Where the engine runs: the only place that knows files and processes.

mod account;
mod address;
pub mod audit;
pub mod batch;
pub mod bucket;
pub mod catalogue;
mod connector;
mod delivery;
mod demotion;
pub mod destination;
mod drift;
pub mod embeddings;
mod environment;
mod generations;
pub mod health;
pub mod history;
mod http;
mod input;
mod kept;
mod lineage;
mod live;
pub mod llm;
mod load;
mod metrics;
pub mod models;
mod notes;
mod outlet;
mod output;
pub mod page;
pub mod pipe;
pub mod profile;
mod progress;
mod rejects;
pub mod run;
mod secret;
pub mod serve;
pub mod stage;
pub mod staged;
pub mod standalone;
pub mod suggest;
pub mod sync;
mod tables;
mod telemetry;
pub mod trial;
mod watched;
pub mod wrap;

use load::read_text;
pub use load::{Files, load};

/// So many threads; one per core when 0.
fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked,
    }
}
