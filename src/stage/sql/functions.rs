//! The functions an expression may call, and what the SQL planner has to know to plan it.
//!
//! Allowed is what gives the same answer for the same row, every time and on every machine: nothing that
//! reads a clock, draws a number, looks at more than one row or builds values without a bound.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, TableReference, plan_err};
use datafusion_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion_expr::{
    AggregateUDF, HigherOrderUDF, ScalarUDF, TableSource, Volatility, WindowUDF,
};
use datafusion_sql::sqlparser::ast;

/// What is known about a function's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lookup {
    Allowed,
    Refused {
        because: &'static str,
        hint: Option<&'static str>,
    },
    /// No such function; the allowed one with the nearest name.
    Unknown(Option<String>),
}

const OUTSIDE_ROW: &str = "takes its value from outside the row, and the same input must give the same output on every run";
const MANY_ROWS: &str = "looks at several rows, and an expression sees one row at a time";
const NESTED: &str = "builds or describes a nested value, and an expression works on text, numbers, dates and booleans";
const UNBOUNDED: &str = "can make a short text arbitrarily long";

/// Names people reach for that are not scalar functions of one row.
const AGGREGATES: &[&str] = &[
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "dense_rank",
    "first_value",
    "grouping",
    "lag",
    "last_value",
    "lead",
    "max",
    "mean",
    "median",
    "min",
    "nth_value",
    "ntile",
    "percent_rank",
    "percentile_cont",
    "rank",
    "row_number",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var",
    "var_pop",
    "var_samp",
];

/// Names whose value is not the row's: some are no functions of the engine but keywords of the parser.
const OUTSIDE: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "getdate",
    "input_file_name",
    "file_row_index",
    "localtime",
    "localtimestamp",
    "now",
    "rand",
    "random",
    "session_user",
    "sysdate",
    "today",
    "user",
    "uuid",
    "version",
];

/// Deterministic functions that do not fit values of one row and one plain type.
const STRUCTURED: &[&str] = &[
    "arrow_cast",
    "arrow_field",
    "arrow_metadata",
    "arrow_try_cast",
    "arrow_typeof",
    "cast_to_type",
    "get_field",
    "map",
    "make_map",
    "make_array",
    "named_struct",
    "regexp_match",
    "row",
    "struct",
    "try_cast_to_type",
    "union_extract",
    "union_tag",
    "with_metadata",
];

/// The registry: every allowed function under its name and its aliases, in lower case.
#[derive(Debug)]
pub(super) struct Functions {
    allowed: BTreeMap<String, Arc<ScalarUDF>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
    types: Arc<dyn TypePlanner>,
    options: ConfigOptions,
}

impl Functions {
    /// The one registry of the process; it is built on first use and never changes.
    pub(super) fn get() -> &'static Self {
        static REGISTRY: OnceLock<Functions> = OnceLock::new();
        REGISTRY.get_or_init(Self::new)
    }

    fn new() -> Self {
        let mut allowed = BTreeMap::new();
        for function in datafusion_functions::all_default_functions() {
            if function.signature().volatility != Volatility::Immutable {
                continue;
            }
            for name in std::iter::once(function.name())
                .chain(function.aliases().iter().map(String::as_str))
            {
                let name = name.to_ascii_lowercase();
                if refusal(&name).is_none() {
                    allowed.insert(name, Arc::clone(&function));
                }
            }
        }
        Self {
            allowed,
            planners: vec![
                Arc::new(datafusion_functions::core::planner::CoreFunctionPlanner::default()),
                Arc::new(datafusion_functions::datetime::planner::DatetimeFunctionPlanner),
                Arc::new(datafusion_functions::unicode::planner::UnicodeFunctionPlanner),
            ],
            types: Arc::new(Microseconds),
            options: ConfigOptions::default(),
        }
    }

    /// Whether a function may be called; `name` in lower case.
    pub(super) fn look_up(&self, name: &str) -> Lookup {
        if self.allowed.contains_key(name) {
            return Lookup::Allowed;
        }
        if let Some((because, hint)) = refusal(name) {
            return Lookup::Refused { because, hint };
        }
        let nearest = self
            .allowed
            .keys()
            .map(|known| (strsim::damerau_levenshtein(known, name), known))
            .min()
            .filter(|(distance, known)| {
                *distance <= 3 && distance * 2 < known.len().max(name.len())
            });
        Lookup::Unknown(nearest.map(|(_, known)| known.clone()))
    }

    /// The names that may be called, in order.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.allowed.keys().map(String::as_str)
    }
}

/// Why a function of this name is never allowed, and what to use instead.
fn refusal(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    if OUTSIDE.contains(&name) {
        let hint = "compare with a column of the record, such as the time it was extracted";
        Some((OUTSIDE_ROW, Some(hint)))
    } else if AGGREGATES.contains(&name) {
        let hint = match name {
            "max" => Some("the largest of several columns is `greatest(a, b)`"),
            "min" => Some("the smallest of several columns is `least(a, b)`"),
            _ => None,
        };
        Some((MANY_ROWS, hint))
    } else if STRUCTURED.contains(&name) {
        let hint = match name {
            "regexp_match" => Some(
                "test with `~` or `regexp_like`, extract with `regexp_replace` or `regexp_substr`",
            ),
            "arrow_cast" | "arrow_try_cast" => Some("use CAST or TRY_CAST"),
            _ => None,
        };
        Some((NESTED, hint))
    } else if name == "repeat" {
        Some((UNBOUNDED, Some("write the text out")))
    } else {
        None
    }
}

impl ContextProvider for Functions {
    fn get_table_source(&self, _name: TableReference) -> Result<Arc<dyn TableSource>> {
        plan_err!("an expression has no tables")
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::clone(&self.types))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.allowed.get(name).cloned()
    }

    fn get_higher_order_meta(&self, _name: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, _name: &str) -> Option<Arc<AggregateUDF>> {
        None
    }

    fn get_window_meta(&self, _name: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        self.allowed.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Makes the time types of SQL those of the columns. DataFusion's own choice, nanoseconds, ends in the year
/// 2262, and data is full of `9999-12-31`.
#[derive(Debug)]
struct Microseconds;

impl TypePlanner for Microseconds {
    fn plan_type_field(&self, sql: &ast::DataType) -> Result<Option<FieldRef>> {
        use ast::TimezoneInfo::{None as Plain, Tz, WithTimeZone, WithoutTimeZone};
        let data_type = match sql {
            ast::DataType::Timestamp(None, Plain | WithoutTimeZone)
            | ast::DataType::Datetime(None) => DataType::Timestamp(TimeUnit::Microsecond, None),
            ast::DataType::Timestamp(None, Tz | WithTimeZone) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
            }
            ast::DataType::Time(None, Plain | WithoutTimeZone) => {
                DataType::Time64(TimeUnit::Microsecond)
            }
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_allowed_refused_or_unknown() {
        let functions = Functions::get();
        for name in [
            "abs",
            "upper",
            "lower",
            "trim",
            "btrim",
            "length",
            "char_length",
            "substr",
            "concat",
            "coalesce",
            "nullif",
            "greatest",
            "least",
            "date_trunc",
            "date_part",
            "to_timestamp",
            "to_date",
            "regexp_like",
            "regexp_replace",
            "strpos",
            "split_part",
            "round",
            "power",
            "starts_with",
        ] {
            assert_eq!(functions.look_up(name), Lookup::Allowed, "{name}");
        }
        for name in [
            "now",
            "random",
            "uuid",
            "count",
            "row_number",
            "struct",
            "repeat",
            "current_date",
        ] {
            assert!(
                matches!(functions.look_up(name), Lookup::Refused { .. }),
                "{name}"
            );
        }
        assert_eq!(
            functions.look_up("uper"),
            Lookup::Unknown(Some("upper".to_owned()))
        );
        assert_eq!(functions.look_up("zzzzzzzz"), Lookup::Unknown(None));
    }

    #[test]
    fn every_allowed_function_gives_the_same_answer_every_time() {
        for name in Functions::get().names() {
            let function = Functions::get().get_function_meta(name).expect(name);
            assert_eq!(
                function.signature().volatility,
                Volatility::Immutable,
                "{name}"
            );
        }
    }
}
