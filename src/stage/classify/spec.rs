//! What a `classify` stage is asked for.

use serde::Serialize;

use crate::model::embedding::Wanted;
use crate::stage::embed::template::Template;

/// A text, the categories it may belong to, and where the answer goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassifySpec {
    pub text: Template,
    /// The column added.
    pub into: String,
    /// A column for how near the nearest category is.
    pub score_into: Option<String>,
    /// Names with their examples, in the order of the configuration.
    pub categories: Vec<(String, Vec<String>)>,
    /// The least similarity; what is less near than that is `other`.
    pub threshold: f64,
    pub other: String,
    pub wanted: Wanted,
    /// A later stage may mask what is read here.
    pub before_masking: bool,
}
