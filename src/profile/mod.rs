//! What the values of streams are like, measured: one pass, bounded memory, mergeable.
//!
//! [`form`] is what is written and read again.

pub mod form;
pub mod semantic;
