//! Rules proposed from profiles. Never sees data, only what was counted about it.

pub mod llm;

use crate::error::Result;
use crate::plan::rules::RuleSpec;
use crate::profile::form::StreamProfile;

/// Proposes rules for a stream from its profile; all `status: proposed`, with `source`.
pub trait Suggest {
    /// The rules, in the order in which a person should read them.
    ///
    /// # Errors
    /// When nothing can be proposed, and why.
    fn suggest(&self, stream: &StreamProfile) -> Result<Vec<RuleSpec>>;
}
