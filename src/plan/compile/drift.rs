//! Compiles what is done because a schema is not that of the last run, before a stream's own stages.

use super::{Compiler, START};
use crate::document::Problems;
use crate::plan::drifted::{Edit, Misfit};
use crate::schema::LogicalType;
use crate::schema::path::Path;
use crate::stage::discard::Discard;
use crate::stage::drifted::{Demand, Drifted, Otherwise};
use crate::stage::spec::{Operator, StageSpec};

impl Compiler<'_> {
    /// Compiles the edits of the stream.
    pub(super) fn drifted(&mut self, problems: &mut Problems) {
        let drifted = self.sources.drift.as_ref();
        let edits = drifted.and_then(|drifted| drifted.edits.get(self.descriptor));
        for edit in edits.into_iter().flatten() {
            self.edit(edit, problems);
        }
    }

    fn edit(&mut self, edit: &Edit, problems: &mut Problems) {
        match edit {
            Edit::Discard => self.push("drop the stream, which is new", Discard),
            Edit::Redact(path) => {
                let spec = StageSpec::Mask {
                    column: path.clone(),
                    with: Operator::Redact { placeholder: None },
                };
                self.stage(&spec, START, problems);
            }
            Edit::Remove(path) => {
                self.stage(&StageSpec::Drop(vec![path.clone()]), START, problems);
            }
            Edit::RejectWhereGiven(path) => {
                self.demand(path, Demand::Nothing, Otherwise::Refuse, problems);
                self.stage(&StageSpec::Drop(vec![path.clone()]), START, problems);
            }
            Edit::RejectWhereMissing(path) => {
                self.demand(path, Demand::Value, Otherwise::Refuse, problems);
            }
            Edit::Keep { path, ty, misfit } => {
                let otherwise = match misfit {
                    Misfit::Null => Otherwise::Null,
                    Misfit::Reject => Otherwise::Refuse,
                };
                self.demand(path, Demand::Fits(ty.clone()), otherwise, problems);
                self.restore(path, ty, problems);
            }
        }
    }

    fn demand(
        &mut self,
        path: &Path,
        demand: Demand,
        otherwise: Otherwise,
        problems: &mut Problems,
    ) {
        if otherwise == Otherwise::Refuse && self.sources.config.reject.is_none() {
            let message =
                format!("drift: rows with `{path}` are set aside, but there is no reject store");
            let hint = "add `reject: {to: DIR}` to the configuration".to_owned();
            return self.problem(START, message, Some(hint), problems);
        }
        let Some(column) = self.read("drift", path, START, problems) else {
            return;
        };
        let refusals = self.refusals;
        self.push(
            format!("drift {path}"),
            Drifted {
                column,
                demand,
                otherwise,
                refusals,
            },
        );
    }

    /// Declares the type that a column had.
    fn restore(&mut self, path: &Path, ty: &LogicalType, problems: &mut Problems) {
        let by = format!("drift {path}");
        if let Err(missing) = self.schema.rewrite(path, Some(ty.clone()), &by, false) {
            self.problem(START, format!("drift: {missing}"), None, problems);
        }
        self.book.change(path);
    }
}
