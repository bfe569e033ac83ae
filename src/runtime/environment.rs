//! The environment as it was when the run began, for what is configured by it alone.

use std::collections::BTreeMap;

/// Variables by their names. Those that are no text are left out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// Values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// That of this process.
    pub fn current() -> Self {
        let texts = std::env::vars_os().filter_map(|(name, value)| {
            let pair = (name.into_string().ok()?, value.into_string().ok()?);
            Some(pair)
        });
        Self(texts.collect())
    }

    /// A variable; `None` where it is not set, or blank.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = self.0.get(name)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Whether a variable says `true`.
    pub fn says(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Variables whose names begin with this.
    pub fn beginning<'a>(&'a self, with: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.0.iter();
        all.filter_map(move |(name, value)| Some((name.strip_prefix(with)?, value.as_str())))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(owned.into_iter().collect())
    }
}
