//! Rules side by side over the same columns: which rows violate which, and which errors are noticed.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;

use super::inject::{Error, inject};
use crate::batch::Column;
use crate::error::Result;
use crate::schema::path::Path;
use crate::stage::rules::{Action, RuleInput, Rules};
use crate::stage::sql::SqlProblem;

/// One rule by itself.
#[derive(Debug)]
struct Judge {
    rules: Rules,
    /// Its columns among those of the bench.
    inputs: Vec<usize>,
}

/// Rules, and the columns that they read.
#[derive(Debug)]
pub struct Bench {
    judges: Vec<Judge>,
    columns: Vec<Path>,
}

/// What a rule noticed of the errors put into its columns.
#[derive(Debug, Clone, Default)]
pub struct Caught {
    /// Per error, the rows that had it and those of them that the rule fails for it.
    pub errors: BTreeMap<Error, (u64, u64)>,
    /// The rows it noticed, by the number of the experiment: one column with one error.
    pub rows: Vec<(usize, BooleanBuffer)>,
}

impl Caught {
    /// The share of an error's rows that was noticed; nothing where the rule's columns cannot have it.
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    pub fn rate(&self, error: Error) -> Option<f64> {
        let (had, noticed) = self.errors.get(&error)?;
        Some(*noticed as f64 / *had as f64)
    }
}

impl Bench {
    /// Compiles rules, whatever their status. `resolve` gives the type that a column has in evaluation.
    ///
    /// # Errors
    /// The problems of all rules, each with the rule's place.
    pub fn new(
        inputs: Vec<RuleInput>,
        resolve: &dyn Fn(&Path) -> Result<DataType, String>,
    ) -> Result<Self, Vec<(usize, SqlProblem)>> {
        let (mut judges, mut columns, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for (place, mut input) in inputs.into_iter().enumerate() {
            // A rule that does not run yet is tried all the same.
            input.action = input.action.max(Action::Count);
            match Rules::compile(vec![input], resolve) {
                Ok(rules) => {
                    let inputs = rules.columns().iter();
                    let inputs = inputs.map(|path| place_of(path, &mut columns)).collect();
                    judges.push(Judge { rules, inputs });
                }
                Err(found) => {
                    problems.extend(found.into_iter().map(|(_, problem)| (place, problem)))
                }
            }
        }
        match problems.is_empty() {
            true => Ok(Self { judges, columns }),
            false => Err(problems),
        }
    }

    /// The columns in the order in which they are asked for.
    pub fn columns(&self) -> &[Path] {
        &self.columns
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.judges.len()
    }

    /// The rows that violate each rule; nothing for a rule that all of them pass.
    ///
    /// # Errors
    /// Columns of other types or lengths than compiled for: a defect of the caller.
    pub fn judge(&self, columns: &[Column], rows: usize) -> Result<Vec<Option<BooleanBuffer>>> {
        let judges = self.judges.iter();
        judges
            .map(|judge| judge.violations(columns, None, rows))
            .collect()
    }

    /// Puts each error into each column, one at a time, and asks the rules that read it. Rows that a rule fails
    /// already tell nothing about it.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn catches(
        &self,
        columns: &[Column],
        rows: usize,
        rate: f64,
        seed: u64,
    ) -> Result<Vec<Caught>> {
        let before = self.judge(columns, rows)?;
        let mut caught = vec![Caught::default(); self.judges.len()];
        for (place, column) in columns.iter().enumerate() {
            for (kind, error) in Error::ALL.into_iter().enumerate() {
                let experiment = place * Error::ALL.len() + kind;
                let (values, changed) = inject(
                    error,
                    &column.values,
                    rate,
                    seed.wrapping_add(experiment as u64),
                );
                if changed.count_set_bits() == 0 {
                    continue;
                }
                for (rule, judge) in self.judges.iter().enumerate() {
                    if !judge.inputs.contains(&place) {
                        continue;
                    }
                    let open = match &before[rule] {
                        Some(before) => &changed & &!before,
                        None => changed.clone(),
                    };
                    let after = judge.violations(columns, Some((place, &values)), rows)?;
                    caught[rule].note(error, experiment, &open, after);
                }
            }
        }
        Ok(caught)
    }
}

impl Caught {
    fn note(
        &mut self,
        error: Error,
        experiment: usize,
        open: &BooleanBuffer,
        after: Option<BooleanBuffer>,
    ) {
        let had = open.count_set_bits() as u64;
        if had == 0 {
            return;
        }
        let noticed = after.map(|after| &after & open);
        let count = noticed
            .as_ref()
            .map_or(0, |rows| rows.count_set_bits() as u64);
        let (all, some) = self.errors.entry(error).or_default();
        *all += had;
        *some += count;
        if let Some(rows) = noticed.filter(|_| count > 0) {
            self.rows.push((experiment, rows));
        }
    }
}

impl Judge {
    /// `instead` takes the place of one of the columns.
    fn violations(
        &self,
        columns: &[Column],
        instead: Option<(usize, &ArrayRef)>,
        rows: usize,
    ) -> Result<Option<BooleanBuffer>> {
        let values = |input: usize| {
            let place = self.inputs[input];
            match instead {
                Some((other, values)) if other == place => ArrayRef::clone(values),
                _ => ArrayRef::clone(&columns[place].values),
            }
        };
        let mismatched = |input: usize| columns[self.inputs[input]].mismatched.as_ref();
        let verdicts = self.rules.evaluate(&values, &mismatched, rows)?;
        Ok(verdicts.violations(0).cloned())
    }
}

fn place_of(path: &Path, columns: &mut Vec<Path>) -> usize {
    let found = columns.iter().position(|known| known == path);
    found.unwrap_or_else(|| {
        columns.push(path.clone());
        columns.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringViewArray};

    use super::*;
    use crate::stage::rules::Severity;

    fn bench(rules: &[&str]) -> Bench {
        let inputs = rules.iter().enumerate().map(|(place, sql)| RuleInput {
            id: format!("r{place}"),
            sql: (*sql).to_owned(),
            columns: vec![],
            severity: Severity::Error,
            action: Action::Ignore,
            fingerprint: String::new(),
        });
        let resolve = |path: &Path| match path.to_string().as_str() {
            "age" => Ok(DataType::Int64),
            "state" => Ok(DataType::Utf8View),
            other => Err(format!("no column `{other}`")),
        };
        Bench::new(inputs.collect(), &resolve).expect("rules")
    }

    fn columns() -> Vec<Column> {
        let ages = Int64Array::from_iter_values((0..200).map(|n| n % 90));
        let states = (0..200).map(|n| Some(["new", "paid", "sent"][n % 3]));
        let plain = |values: ArrayRef| Column {
            values,
            mismatched: None,
        };
        vec![
            plain(Arc::new(ages)),
            plain(Arc::new(states.collect::<StringViewArray>())),
        ]
    }

    #[test]
    fn each_rule_is_told_what_it_noticed() {
        let bench = bench(&[
            "age BETWEEN 0 AND 120",
            "state IN ('new', 'paid', 'sent')",
            "age IS NOT NULL AND state IS NOT NULL",
            "age < 80",
        ]);
        let columns = columns();
        let violated = bench.judge(&columns, 200).expect("judged");
        let counts: Vec<_> = violated
            .iter()
            .map(|rows| rows.as_ref().map(BooleanBuffer::count_set_bits))
            .collect();
        assert_eq!(counts, [None, None, None, Some(20)]);
        let caught = bench.catches(&columns, 200, 1.0, 1).expect("tried");
        let rate = |rule: usize, error| caught[rule].rate(error);
        assert_eq!(rate(0, Error::Outlier), Some(1.0));
        assert!(rate(0, Error::WrongUnit).is_some_and(|rate| rate > 0.95));
        assert_eq!(rate(0, Error::Missing), Some(0.0));
        assert_eq!(rate(0, Error::Mojibake), None, "a number has no letters");
        assert_eq!(rate(1, Error::Mojibake), Some(1.0));
        assert_eq!(
            rate(1, Error::CategorySwap),
            Some(0.0),
            "nobody sees a swap"
        );
        assert_eq!(rate(2, Error::Missing), Some(1.0));
        assert_eq!(
            caught[3].errors[&Error::WrongUnit].0,
            180 - 3,
            "zero stays, and failing rows tell nothing"
        );
        let again = bench.catches(&columns, 200, 1.0, 1).expect("tried");
        assert_eq!(caught[0].errors, again[0].errors);
    }

    #[test]
    fn problems_name_their_rule() {
        let input = |sql: &str| RuleInput {
            id: "r".to_owned(),
            sql: sql.to_owned(),
            columns: vec![],
            severity: Severity::Error,
            action: Action::Count,
            fingerprint: String::new(),
        };
        let resolve = |_: &Path| Ok(DataType::Int64);
        let problems = Bench::new(vec![input("a > 1"), input("a +"), input("a")], &resolve);
        let problems = problems.map(|_| ()).expect_err("two are wrong");
        let places: Vec<_> = problems.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [1, 2]);
    }
}
