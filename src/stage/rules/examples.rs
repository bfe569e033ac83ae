//! A rule's own examples: rows it must pass and rows it must not.

use std::sync::Arc;

use arrow::array::PrimitiveArray;
use arrow::array::types::Decimal256Type;
use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, i256};
use serde_json::{Map, Value};

use super::{Reason, RuleInput, Rules, Verdicts};
use crate::schema::path::{Path, Segment};
use crate::stage::sql::WIDE_INTEGER;

/// What an example row is said to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Pass,
    Fail,
}

/// An example that does not do what it is said to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailure {
    /// Position in the list of its kind, from 0.
    pub index: usize,
    pub expected: Expected,
    /// What happened instead; names and codes only.
    pub reason: String,
}

/// Evaluates a rule on its examples. A missing key is NULL.
///
/// A rule that does not compile fails its first example with the problem as reason.
pub fn run_tests(
    rule: &RuleInput,
    pass: &[Map<String, Value>],
    fail: &[Map<String, Value>],
    resolve: &dyn Fn(&Path) -> Result<DataType, String>,
) -> Vec<TestFailure> {
    let mut input = rule.clone();
    // The examples of a rule that does not run yet are tested all the same.
    input.action = input.action.max(super::Action::Count);
    let rules = match Rules::compile(vec![input], resolve) {
        Ok(rules) => rules,
        Err(problems) => {
            let reason = problems
                .first()
                .map_or_else(String::new, |(_, problem)| problem.to_string());
            return vec![TestFailure {
                index: 0,
                expected: Expected::Pass,
                reason: format!("the rule does not compile: {reason}"),
            }];
        }
    };
    let mut failures = Vec::new();
    for (examples, expected) in [(pass, Expected::Pass), (fail, Expected::Fail)] {
        if examples.is_empty() {
            continue;
        }
        match judge(&rules, examples, resolve) {
            Ok(verdicts) => compare(&verdicts, expected, &mut failures),
            Err(reason) => failures.push(TestFailure {
                index: 0,
                expected,
                reason,
            }),
        }
    }
    failures
}

fn compare(verdicts: &Verdicts, expected: Expected, failures: &mut Vec<TestFailure>) {
    for index in 0..verdicts.judged() {
        let reason = match (expected, verdicts.reason(0, index)) {
            (Expected::Pass, None) | (Expected::Fail, Some(Reason::Violated)) => continue,
            (Expected::Pass, Some(reason)) => reason.code().to_owned(),
            (Expected::Fail, None) => "passed".to_owned(),
            // An example that fails for its form tests nothing about the rule's sense.
            (Expected::Fail, Some(reason)) => {
                format!("failed as `{}`, not by the rule itself", reason.code())
            }
        };
        failures.push(TestFailure {
            index,
            expected,
            reason,
        });
    }
}

fn judge(
    rules: &Rules,
    examples: &[Map<String, Value>],
    resolve: &dyn Fn(&Path) -> Result<DataType, String>,
) -> Result<Verdicts, String> {
    let mut columns = Vec::with_capacity(rules.columns().len());
    for path in rules.columns() {
        let values: Vec<&Value> = examples
            .iter()
            .map(|example| lookup(example, path))
            .collect();
        columns.push(column(&values, &resolve(path)?)?);
    }
    let verdicts = rules.evaluate(
        &|index| Arc::clone(&columns[index].0),
        &|index| columns.get(index).map(|(_, mismatched)| mismatched),
        examples.len(),
    );
    verdicts.map_err(|error| error.to_string())
}

/// The value a path names: inside objects, or under the whole path as one key.
fn lookup<'a>(example: &'a Map<String, Value>, path: &Path) -> &'a Value {
    let mut segments = path.segments().iter();
    let first = match segments.next() {
        Some(Segment::Key(name)) => example.get(name),
        _ => None,
    };
    let inside = segments.fold(first, |value, segment| match (value, segment) {
        (Some(Value::Object(object)), Segment::Key(name)) => object.get(name),
        _ => None,
    });
    inside
        .or_else(|| example.get(&path.to_string()))
        .unwrap_or(&Value::Null)
}

/// An array of the column's type, and the rows whose value is not of that type.
fn column(values: &[&Value], data_type: &DataType) -> Result<(ArrayRef, BooleanBuffer), String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let array: ArrayRef = match data_type {
        DataType::Boolean => Arc::new(
            values
                .iter()
                .map(|value| value.as_bool())
                .collect::<BooleanArray>(),
        ),
        DataType::Int64 | DataType::Decimal256(_, 0) => integers(values, data_type),
        DataType::Float64 => Arc::new(
            values
                .iter()
                .map(|value| value.as_f64())
                .collect::<Float64Array>(),
        ),
        DataType::Utf8View => Arc::new(
            values
                .iter()
                .map(|value| readable(value))
                .collect::<StringViewArray>(),
        ),
        // Dates and times are text in JSON; what is none becomes null.
        other => {
            let texts: ArrayRef = Arc::new(
                values
                    .iter()
                    .map(|value| text(value))
                    .collect::<StringViewArray>(),
            );
            cast(&texts, other)
                .map_err(|_| format!("examples cannot have a value of type {other}"))?
        }
    };
    let nulls = array.logical_nulls();
    let mismatched = BooleanBuffer::collect_bool(values.len(), |row| {
        !values[row].is_null() && nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    });
    Ok((array, mismatched))
}

/// Text as it is, and what has parts as the JSON text that an expression sees.
fn readable(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        _ => None,
    }
}

fn integers(values: &[&Value], data_type: &DataType) -> ArrayRef {
    let number = |value: &Value| match value {
        Value::Number(number) => i256::from_string(&number.to_string()),
        _ => None,
    };
    let wide: Vec<Option<i256>> = values.iter().map(|value| number(value)).collect();
    let narrow = |value: &i256| value.to_i128().and_then(|value| i64::try_from(value).ok());
    if data_type == &DataType::Int64 && wide.iter().flatten().all(|value| narrow(value).is_some()) {
        let narrow = wide.iter().map(|value| value.as_ref().and_then(narrow));
        return Arc::new(narrow.collect::<Int64Array>());
    }
    let wide: PrimitiveArray<Decimal256Type> = wide.into_iter().collect();
    Arc::new(wide.with_data_type(WIDE_INTEGER))
}
