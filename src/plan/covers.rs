//! Whose records a STATE covers, where streams have other names here than at the source.
//!
//! A platform that gives streams a namespace or a prefix changes records, catalogs and the STATEs of single streams,
//! but not the names inside GLOBAL states. Such a state lists streams that the catalog does not know. Since a GLOBAL
//! state covers all streams that came before it, it is then taken for one of all streams: which one a listed name
//! means cannot be told, and a count of nothing would release the state before its records.

use std::borrow::Cow;

use super::Plan;
use crate::protocol::state::Scope;

impl Plan {
    /// The scope of a STATE in the names of this plan's streams.
    pub fn covered<'a>(&self, scope: &'a Scope) -> Cow<'a, Scope> {
        let (Scope::Global(listed), Some(catalog)) = (scope, &self.sources.catalog) else {
            return Cow::Borrowed(scope);
        };
        let known = listed.iter().all(|stream| {
            catalog
                .find(stream.namespace.as_deref(), &stream.name)
                .is_some()
        });
        match known {
            true => Cow::Borrowed(scope),
            false => Cow::Owned(Scope::Global(Vec::new())),
        }
    }
}
