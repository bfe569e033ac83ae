//! Where records go: [`lines`] splices protocol lines, [`rows`] gathers records for tables, [`table`] makes columns
//! of them, [`names`] names their parts, [`reject`] keeps what may not pass. [`spec`] is what was asked for.

pub mod feature;
pub mod lines;
pub mod names;
pub mod reject;
pub mod rows;
pub mod spec;
pub mod table;
