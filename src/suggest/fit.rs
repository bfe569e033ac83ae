//! Whether a rule makes sense for a stream: it can be planned over its columns, and does to its own tests what it should.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;

use super::types;
use crate::plan::rules::RuleSpec;
use crate::profile::form::StreamProfile;
use crate::schema::path::Path;
use crate::stage::rules::{Action, Rules, run_tests};

/// The columns of a stream with their types in expressions.
#[derive(Debug)]
pub struct Columns(BTreeMap<Path, DataType>);

impl Columns {
    /// Those of a profile.
    pub fn of(stream: &StreamProfile) -> Self {
        let columns = stream.columns.iter();
        let typed = columns
            .filter_map(|column| Some((column.path.parse().ok()?, types::of(column).evaluation())));
        Self(typed.collect())
    }

    /// Whether a rule passes. `now` is a timestamp as SQL reads it.
    pub fn fit(&self, rule: &RuleSpec, now: &str) -> bool {
        let Some(input) = rule.input(now, Action::Count) else {
            return false;
        };
        let resolve = |path: &Path| {
            let known = self.0.get(path).cloned();
            known.ok_or_else(|| format!("there is no column `{path}`"))
        };
        let (pass, fail) = (rule.tests.pass_rows(), rule.tests.fail_rows());
        Rules::compile(vec![input.clone()], &resolve).is_ok()
            && run_tests(&input, &pass, &fail, &resolve).is_empty()
    }
}
