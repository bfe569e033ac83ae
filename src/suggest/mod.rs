//! Proposes rules for a stream from what was measured about it; nobody has to trust them blindly.
//!
//! What is proposed is `proposed`: rules count until they have passed their gates and a person has approved them.
//! [`Embedded`] reads statistics and needs no network. Another suggester sees less, and may know more.

pub mod embedded;
mod fit;
pub mod llm;
mod types;

pub use embedded::Embedded;

use crate::error::Result;
use crate::plan::rules::RuleSpec;
use crate::profile::form::StreamProfile;

/// Proposes rules.
pub trait Suggest {
    /// Rules for a stream, all of them `proposed`, each with its `source`.
    ///
    /// # Errors
    /// When no rules could be had at all, as from an endpoint that cannot be reached.
    fn suggest(&self, stream: &StreamProfile) -> Result<Vec<RuleSpec>>;
}
