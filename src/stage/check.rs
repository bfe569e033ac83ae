//! Judges every row by the stream's rules and does what each rule may do.
//!
//! All failed rules of a row are counted, and all that may act are recorded: in the column [`ANNOTATION`]
//! of rows that pass on, among the reasons of rows that are set aside.

use arrow::array::ArrayRef;
use serde_json::{Value, json};

use super::rules::{Action, Failure, Rules};
use super::{ColumnRef, Halt, Stage, arrays};
use crate::batch::{Batch, ColumnId, Current, Fate, Reason};
use crate::error::{Error, ErrorKind};

/// The column that names the rules a row failed.
pub const ANNOTATION: &str = "_dq";

/// A compiled `check`.
#[derive(Debug)]
pub struct Check {
    pub stream: String,
    pub rules: Rules,
    /// The columns in the order of [`Rules::columns`].
    pub columns: Vec<ColumnRef>,
    /// The columns each rule may null.
    pub nulled: Vec<Vec<(ColumnId, String)>>,
    /// The column of annotations, when some rule may write there.
    pub annotation: Option<ColumnId>,
    /// Number of the first rule in the stream's counts.
    pub first_rule: usize,
}

impl Stage for Check {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let rows = batch.rows().len();
        let columns = arrays(batch, &self.columns);
        let values = |column: usize| ArrayRef::clone(&columns[column].values);
        let mismatched = |column: usize| columns[column].mismatched.as_ref();
        let verdicts = self.rules.evaluate(&values, &mismatched, rows);
        let verdicts = verdicts.map_err(|error| Halt { row: 0, error })?;
        if verdicts.is_clean() {
            return Ok(());
        }
        for (row, failures) in verdicts.by_row() {
            if batch.rows()[row].fate != Fate::Filtered {
                self.act(batch, row, &failures)?;
            }
        }
        Ok(())
    }
}

impl Check {
    fn act(&self, batch: &mut Batch, row: usize, failures: &[Failure]) -> Result<(), Halt> {
        let mut strongest = Action::Ignore;
        for failure in failures {
            batch.tally().violate(self.first_rule + failure.rule, 1);
            let rule = &self.rules.rules()[failure.rule];
            strongest = strongest.max(rule.action);
            if rule.action == Action::Fail {
                return Err(self.halt(row, failure));
            }
            if rule.action == Action::Nullify {
                self.nullify(batch, row, failure.rule);
            }
        }
        match strongest {
            Action::Ignore | Action::Count | Action::Fail => {}
            Action::Annotate | Action::Nullify => self.annotate(batch, row, failures),
            Action::Drop => batch.drop_row(row),
            Action::Quarantine => {
                for failure in failures {
                    let rule = &self.rules.rules()[failure.rule];
                    batch.reject(Reason {
                        row,
                        rule: rule.id.clone(),
                        fingerprint: Some(rule.fingerprint.clone()),
                        severity: rule.severity.as_str(),
                        code: failure.reason.code(),
                    });
                }
            }
        }
        Ok(())
    }

    fn halt(&self, row: usize, failure: &Failure) -> Halt {
        let rule = &self.rules.rules()[failure.rule];
        let message = format!(
            "stream `{}`: a record fails the rule `{}` ({})",
            self.stream,
            rule.id,
            failure.reason.code()
        );
        Halt {
            row,
            error: Error::new(ErrorKind::Limit, message).hint("the rule says `on_fail: fail`"),
        }
    }

    fn nullify(&self, batch: &mut Batch, row: usize, rule: usize) {
        for (column, name) in self.nulled.get(rule).into_iter().flatten() {
            let cells = batch.column(*column);
            let from =
                cells.partition_point(|&cell| (batch.cell(cell as usize).row as usize) < row);
            let mine = |cell: &&u32| batch.cell(**cell as usize).row as usize == row;
            let mine: Vec<u32> = cells[from..].iter().take_while(mine).copied().collect();
            let mut changed = false;
            for cell in mine {
                if batch.current(cell as usize) != Current::Null {
                    batch.replace(cell as usize, b"null");
                    changed = true;
                }
            }
            if changed {
                batch.nulled(row, name);
            }
        }
    }

    fn annotate(&self, batch: &mut Batch, row: usize, failures: &[Failure]) {
        let Some(column) = self.annotation else {
            return;
        };
        let entries: Vec<Value> = failures
            .iter()
            .map(|failure| (&self.rules.rules()[failure.rule], failure.reason))
            .filter(|(rule, _)| rule.action >= Action::Annotate)
            .map(|(rule, reason)| {
                json!({
                    "rule": rule.id,
                    "fingerprint": rule.fingerprint,
                    "severity": rule.severity.as_str(),
                    "reason": reason.code(),
                })
            })
            .collect();
        batch.put(
            column,
            ANNOTATION,
            row,
            Value::from(entries).to_string().as_bytes(),
        );
    }
}
