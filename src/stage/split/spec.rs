//! How a data set is divided, as configured.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use crate::schema::path::Path;

/// How a data set is divided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Split {
    pub by: SplitBy,
    /// The column added.
    pub into: String,
    /// The part of records whose key or time is null or missing; without one they are refused.
    pub missing: Option<String>,
}

/// What decides the part. Parts stand in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// A salted hash of the entity's key.
    Entity {
        key: Vec<Path>,
        fractions: Vec<(String, f64)>,
        salt: String,
    },
    /// A time: each part ends before its own moment, the rest is the last part.
    Time {
        column: Path,
        until: Vec<Ended>,
        rest: String,
    },
}

/// A part that ends before a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ended {
    pub name: String,
    #[serde(serialize_with = "rfc3339")]
    pub before: DateTime<Utc>,
}

fn rfc3339<S: Serializer>(moment: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&moment.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

impl Split {
    /// The names of all parts, that of records without a key last.
    pub fn parts(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match &self.by {
            SplitBy::Entity { fractions, .. } => {
                fractions.iter().map(|(name, _)| name.as_str()).collect()
            }
            SplitBy::Time { until, rest, .. } => {
                let ended = until.iter().map(|ended| ended.name.as_str());
                ended.chain([rest.as_str()]).collect()
            }
        };
        if let Some(missing) = &self.missing
            && !names.contains(&missing.as_str())
        {
            names.push(missing);
        }
        names
    }
}
