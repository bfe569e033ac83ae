//! Where records go: [`lines`] splices protocol lines, [`table`] makes columns of them, [`reject`] keeps what
//! may not pass.

pub mod lines;
pub mod reject;
pub mod table;
