//! A source that runs another source, and a destination that runs another destination.

mod members;
pub mod own;
pub mod write;
