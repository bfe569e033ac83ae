//! Where records go: [`lines`] splices protocol lines, [`reject`] keeps what may not pass.

pub mod lines;
pub mod names;
pub mod reject;
pub mod rows;
pub mod spec;
pub mod table;
