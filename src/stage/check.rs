//! Judges every row by the stream's rules and does what each rule may do.
//!
//! All failed rules of a row are counted, and all that may act are recorded: in the column [`ANNOTATION`]
//! of rows that pass on, among the reasons of rows that are set aside.

use std::sync::Arc;

use arrow::array::ArrayRef;
use serde_json::{Value, json};

use super::rules::{Action, Failure, Rules, Standing, Watch};
use super::{ColumnRef, Halt, Stage, arrays};
use crate::batch::{Batch, ColumnId, Current, Fate, Reason, Watched};
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
    /// Rules that may be demoted, where there are any.
    pub watch: Option<Arc<Watch>>,
}

/// What is known of demotions while a batch is judged.
struct Watching {
    standing: Standing,
    /// Per rule, its place among those watched.
    places: Vec<Option<usize>>,
    found: Watched,
}

impl Stage for Check {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let rows = batch.rows().len();
        let columns = arrays(batch, &self.columns);
        let values = |column: usize| ArrayRef::clone(&columns[column].values);
        let mismatched = |column: usize| columns[column].mismatched.as_ref();
        let verdicts = self.rules.evaluate(&values, &mismatched, rows);
        let verdicts = verdicts.map_err(|error| Halt { row: 0, error })?;
        let mut watching = self.watch.as_ref().map(|watch| self.watching(watch, batch));
        if !verdicts.is_clean() {
            for (row, failures) in verdicts.by_row() {
                if batch.rows()[row].fate != Fate::Filtered {
                    self.act(batch, row, &failures, watching.as_mut())?;
                }
            }
        }
        if let Some(watching) = watching {
            for (row, message) in watching.standing.messages {
                batch.say(row, message);
            }
            batch.watch(watching.found);
        }
        Ok(())
    }
}

impl Check {
    fn watching(&self, watch: &Watch, batch: &Batch) -> Watching {
        let standing = watch.standing(batch.chunk_number());
        let mut places = vec![None; self.rules.rules().len()];
        for (place, watched) in watch.rules().iter().enumerate() {
            if let Some(of_rule) = places.get_mut(watched.rule) {
                *of_rule = Some(place);
            }
        }
        let rows = batch.rows().iter().enumerate();
        let passed_over = rows.filter(|(_, row)| row.fate == Fate::Filtered);
        let found = Watched {
            version: standing.version,
            passed_over: passed_over.map(|(row, _)| row as u32).collect(),
            violations: Vec::new(),
        };
        Watching {
            standing,
            places,
            found,
        }
    }

    /// What a rule does about a row: what it may, unless it has been demoted.
    fn action(&self, row: usize, rule: usize, watching: Option<&mut Watching>) -> Action {
        let action = self.rules.rules()[rule].action;
        let Some(watching) = watching else {
            return action;
        };
        let Some(place) = watching.places.get(rule).copied().flatten() else {
            return action;
        };
        watching.found.violations.push((row as u32, place as u32));
        match watching.standing.is_demoted(place, row) {
            true => action.min(Action::Count),
            false => action,
        }
    }

    fn act(
        &self,
        batch: &mut Batch,
        row: usize,
        failures: &[Failure],
        mut watching: Option<&mut Watching>,
    ) -> Result<(), Halt> {
        let mut strongest = Action::Ignore;
        let mut annotated = Vec::new();
        for failure in failures {
            batch.tally().violate(self.first_rule + failure.rule, 1);
            let action = self.action(row, failure.rule, watching.as_deref_mut());
            strongest = strongest.max(action);
            if action >= Action::Annotate {
                annotated.push(*failure);
            }
            if action == Action::Fail {
                return Err(self.halt(row, failure));
            }
            if action == Action::Nullify {
                self.nullify(batch, row, failure.rule);
            }
        }
        match strongest {
            Action::Ignore | Action::Count | Action::Fail => {}
            Action::Annotate | Action::Nullify => self.annotate(batch, row, &annotated),
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
