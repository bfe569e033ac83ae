//! dqx: a YAML list of checks, each a function of dqx with its arguments, or an SQL expression.

mod export;
mod import;

pub(super) use export::export;
pub(super) use import::import;
