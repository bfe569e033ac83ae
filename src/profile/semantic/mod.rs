//! What a column means: told by its name, or by a model that knows other names for the same, never against its values.
//!
//! The list of types is data (`rules/semantic/`). A name that ends with a phrase of a type is of that type. Other names
//! are compared as vectors, where an embedder is at hand. A type whose demands on values are broken is out.

pub mod list;

use super::form::{ColumnProfile, Measures, Semantic};
use crate::detect::leaf_words;
use crate::error::Result;
use crate::model::{Embedder, Vector};
use list::{Of, SemanticType, types};

/// The least cosine of a name and a phrase of a type that means the same.
pub const SIMILAR: f32 = 0.6;

/// The least cosine that counts more than the last word of a name.
const SURE: f64 = 0.75;

/// How sure a phrase makes, and a phrase of one word.
const BY_PHRASE: f64 = 0.95;
const BY_WORD: f64 = 0.85;

/// Tells types; phrases of the list have their vectors once.
#[derive(Debug)]
pub struct Judge<'a> {
    types: &'static [SemanticType],
    embedder: Option<&'a dyn Embedder>,
    /// A vector for each phrase, with its type.
    phrases: Vec<(usize, Vector)>,
}

impl<'a> Judge<'a> {
    /// One that asks this embedder for what no phrase tells.
    ///
    /// # Errors
    /// What the embedder says.
    pub fn new(embedder: Option<&'a dyn Embedder>) -> Result<Self> {
        let types = types()?;
        let mut phrases = Vec::new();
        if let Some(embedder) = embedder {
            let (of, texts): (Vec<usize>, Vec<&str>) = types
                .iter()
                .enumerate()
                .flat_map(|(at, of)| of.names.iter().map(move |name| (at, name.as_str())))
                .unzip();
            phrases = of.into_iter().zip(embedder.embed(&texts)?).collect();
        }
        Ok(Self {
            types,
            embedder,
            phrases,
        })
    }

    /// The type of a column, if it can be told.
    ///
    /// # Errors
    /// What the embedder says.
    pub fn judge(&self, column: &ColumnProfile) -> Result<Option<Semantic>> {
        // What personal data has been found to be counts more than a name.
        if let Some(of) = column
            .personal
            .iter()
            .find(|found| found.decided)
            .and_then(|found| self.of_kind(&found.kind))
        {
            return Ok(Some(told(of, BY_PHRASE, "values")));
        }
        let name = leaf_words(&column.path);
        let fits = |of: &SemanticType| fits(of, &column.total);
        let phrase = self
            .types
            .iter()
            .filter(|of| fits(of))
            .flat_map(|of| of.names.iter().map(move |phrase| (of, phrase)))
            .filter(|(_, phrase)| ends_with(&name, phrase))
            .max_by_key(|(_, phrase)| phrase.len());
        if let Some((of, phrase)) = phrase {
            if phrase.contains(' ') || *phrase == name {
                return Ok(Some(told(of, BY_PHRASE, "name")));
            }
            // The last word of several says less: a `town name` is a city's.
            let meant = self.by_model(&name, fits)?;
            let sure = meant.filter(|meant| meant.confidence >= SURE);
            return Ok(Some(sure.unwrap_or_else(|| told(of, BY_WORD, "name"))));
        }
        let by_values = self
            .types
            .iter()
            .find(|of| of.reads_as.is_some() && fits(of));
        if let Some(of) = by_values {
            return Ok(Some(told(of, BY_WORD, "values")));
        }
        self.by_model(&name, fits)
    }

    /// The type that a kind of personal data is.
    fn of_kind(&self, kind: &str) -> Option<&'static SemanticType> {
        let name = match kind {
            "EMAIL" => "email_address",
            "PHONE" => "phone_number",
            "PERSON" => "person_name",
            "URL" => "url",
            "IP_ADDRESS" => "ip_address",
            "STREET_ADDRESS" => "street",
            _ => return None,
        };
        self.types.iter().find(|of| of.name == name)
    }

    fn by_model(
        &self,
        name: &str,
        fits: impl Fn(&SemanticType) -> bool,
    ) -> Result<Option<Semantic>> {
        let Some(embedder) = self.embedder.filter(|_| !name.is_empty()) else {
            return Ok(None);
        };
        let vectors = embedder.embed(&[name])?;
        let Some(own) = vectors.first() else {
            return Ok(None);
        };
        let best = self
            .phrases
            .iter()
            .filter(|(of, _)| fits(&self.types[*of]))
            .map(|(of, vector)| (*of, cosine(own, vector)))
            .max_by(|one, other| one.1.total_cmp(&other.1));
        let near = best.filter(|(_, cosine)| *cosine >= SIMILAR);
        Ok(near.map(|(of, cosine)| told(&self.types[of], f64::from(cosine), "model")))
    }
}

/// The type of this name.
///
/// # Errors
/// `Internal` when the list that is built in is broken.
pub fn named(name: &str) -> Result<Option<&'static SemanticType>> {
    Ok(types()?.iter().find(|of| of.name == name))
}

fn told(of: &SemanticType, confidence: f64, by: &str) -> Semantic {
    Semantic {
        name: of.name.clone(),
        confidence: (confidence * 100.0).round() / 100.0,
        by: by.to_owned(),
    }
}

fn ends_with(name: &str, phrase: &str) -> bool {
    let whole = |before: &str| before.is_empty() || before.ends_with(' ');
    let singular = name.strip_suffix('s').unwrap_or(name);
    [name, singular]
        .into_iter()
        .any(|name| name.strip_suffix(phrase).is_some_and(whole))
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let length = (dot(one, one) * dot(other, other)).sqrt();
    if length > 0.0 {
        dot(one, other) / length
    } else {
        0.0
    }
}

/// Whether values allow a type: nothing that was measured speaks against it.
fn fits(of: &SemanticType, total: &Measures) -> bool {
    let count = |name: &str| total.types.get(name).copied().unwrap_or(0);
    let (text, number) = (count("string"), count("integer") + count("number"));
    let all: u64 = total.types.values().sum();
    if all == 0 {
        return false;
    }
    let reads = |names: &[&str]| {
        names
            .iter()
            .map(|name| total.reads_as.get(*name).unwrap_or(&0))
            .sum::<u64>()
    };
    let moments = reads(&["date", "timestamp", "timestamp_with_timezone"]);
    let right = match of.of {
        Of::Any => text + number == all,
        // Dates are text too, but not what a type of text means.
        Of::Text => text == all && moments * 2 < all,
        Of::Number => number == all,
        Of::Boolean => count("boolean") == all,
        Of::Moment => text == all && moments * 10 >= all * 9,
    };
    let limits = of.range.is_none_or(|(min, max)| {
        total
            .numbers
            .as_ref()
            .is_none_or(|seen| seen.min >= min && seen.max <= max)
    });
    let forms = of.form.as_ref().is_none_or(|form| {
        total
            .shapes
            .as_ref()
            .is_none_or(|shapes| shapes.keys().all(|shape| form.is_match(shape)))
    });
    let read = of
        .reads_as
        .as_deref()
        .is_none_or(|kind| text > 0 && reads(&[kind]) == text);
    right && limits && forms && read
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn column(
        path: &str,
        kind: &str,
        shape: Option<&str>,
        range: Option<(f64, f64)>,
    ) -> ColumnProfile {
        let numbers = range.map(|(min, max)| super::super::form::Numbers {
            count: 10,
            min,
            max,
            ..Default::default()
        });
        let total = Measures {
            present: 10,
            types: BTreeMap::from([(kind.to_owned(), 10)]),
            shapes: shape.map(|shape| BTreeMap::from([(shape.to_owned(), 10)])),
            numbers,
            ..Measures::default()
        };
        ColumnProfile {
            path: path.to_owned(),
            declared: None,
            total,
            slices: Vec::new(),
            distinct: 0,
            sketch: String::new(),
            sample: String::new(),
            singletons: None,
            conflicts: 0,
            order: None,
            personal: Vec::new(),
            semantic: None,
        }
    }

    fn told(column: &ColumnProfile) -> Option<(String, String)> {
        let judge = Judge::new(None).expect("a judge");
        let semantic = judge.judge(column).expect("a judgement")?;
        Some((semantic.name, semantic.by))
    }

    #[test]
    fn names_tell_unless_values_speak_against_it() {
        for (path, kind, shape, range, expected) in [
            (
                "home_latitude",
                "number",
                None,
                Some((-10.0, 50.0)),
                Some("latitude"),
            ),
            ("latitude", "number", None, Some((-10.0, 500.0)), None),
            (
                "customer.emailAddress",
                "string",
                Some("a+@a+.a+"),
                None,
                Some("email_address"),
            ),
            ("email", "string", Some("9+"), None, None),
            (
                "countryCode",
                "string",
                Some("A+"),
                None,
                Some("country_code"),
            ),
            (
                "order_total",
                "number",
                None,
                Some((0.0, 9e6)),
                Some("amount"),
            ),
            ("zqx", "string", Some("a+"), None, None),
        ] {
            let found = told(&column(path, kind, shape, range));
            assert_eq!(found.map(|(name, _)| name).as_deref(), expected, "{path}");
        }
    }
}
