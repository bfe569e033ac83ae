//! What a column's name alone says about its values.

use super::library::Library;
use super::words::spaced;

/// Last words that make a column one about personal data, not of it: `phone_verified`, `email_id`.
const VETO: &[&str] = &[
    "id",
    "ids",
    "uuid",
    "count",
    "total",
    "status",
    "verified",
    "confirmed",
    "enabled",
    "type",
    "kind",
    "label",
    "flag",
    "valid",
    "opt",
    "in",
    "out",
    "at",
    "on",
    "date",
    "hash",
    "length",
    "template",
    "sent",
    "opened",
    "bounced",
    "format",
    "provider",
    "source",
    "required",
    "preference",
    "frequency",
    "domain",
    "clicks",
    "subject",
];

/// First words of the same sort: `is_email_verified`, `has_phone`.
const VETO_FIRST: &[&str] = &[
    "is",
    "has",
    "can",
    "num",
    "no",
    "allow",
    "enable",
    "blacklist",
    "show",
    "use",
];

/// Words that say nothing by themselves; the words before them do.
const EMPTY: &[&str] = &[
    "number",
    "value",
    "text",
    "raw",
    "formatted",
    "string",
    "data",
    "no",
    "nr",
    "num",
    "body",
    "content",
    "field",
    "current",
    "primary",
    "main",
    "display",
    "original",
    "normalized",
];

/// What the name of a column says its values are, for placeholders: `email` is `EMAIL`, `home_phone`
/// is `PHONE`. The last key of the path decides; keys before it help when it says nothing, as `value`.
pub fn kind_of_name<'a>(library: &'a Library, path: &str) -> Option<&'a str> {
    let words = words(path);
    let (first, last) = (words.first()?, words.last()?);
    let rules = || {
        library
            .names
            .iter()
            .flat_map(|rule| rule.columns.iter().map(move |phrase| (rule, phrase)))
    };
    // The longest phrase that ends where the name ends, empty words aside.
    let meaning = words
        .iter()
        .rposition(|word| !EMPTY.contains(&word.as_str()))
        .map_or(0, |at| at + 1);
    let best = rules()
        .filter_map(|(rule, phrase)| {
            let wanted: Vec<String> = self::words(phrase);
            let ends = |words: &[String]| {
                words.ends_with(&wanted) || words.last() == Some(&wanted.concat())
            };
            let fits = ends(&words) || words.get(..meaning).is_some_and(ends);
            fits.then_some((wanted.len(), rule))
        })
        .max_by_key(|(len, _)| *len);
    let (len, rule) = best?;
    let vetoed = len == 1 && VETO.contains(&last.as_str())
        || VETO_FIRST.contains(&first.as_str()) && words.len() > 1;
    (!vetoed).then_some(rule.kind.as_str())
}

/// The words of a path's last key in lower case, as a tagger reads them: `address.streetName` is
/// `street name`.
pub fn leaf_words(path: &str) -> String {
    let path = path.replace("[]", "");
    let leaf = path.rsplit('.').next().unwrap_or_default();
    let words = spaced(leaf).to_lowercase();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether every word of the path says nothing by itself.
pub(super) fn says_nothing(path: &str) -> bool {
    words(path)
        .iter()
        .all(|word| EMPTY.contains(&word.as_str()) || word == "id")
}

/// The words of a name in lower case, plurals cut.
fn words(path: &str) -> Vec<String> {
    spaced(path)
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| {
            let lower = word.to_lowercase();
            match lower.strip_suffix('s') {
                Some(stem) if stem.len() >= 3 && !stem.ends_with('s') => stem.to_owned(),
                _ => lower,
            }
        })
        .collect()
}
