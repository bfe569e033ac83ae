//! Where records go: [`lines`] splices protocol lines, [`reject`] keeps what may not pass.

pub mod lines;
pub mod reject;
