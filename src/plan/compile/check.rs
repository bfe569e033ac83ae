//! Compiles a stream's rule file and runs the rules' own tests.

use std::sync::Arc;

use super::{Compiler, START};
use crate::document::{Problem, Problems};
use crate::plan::config::StreamConfig;
use crate::plan::rules::{OnFail, RuleFile, RuleSpec, Status, effective_action};
use crate::schema::path::Path;
use crate::schema::{Field, LogicalType};
use crate::stage::check::{ANNOTATION, Check};
use crate::stage::rules::{Action, RuleInput, Rules, Watch, Watched, run_tests};

impl Compiler<'_> {
    /// Compiles the rule file that a stream names. One that could not be read has its problems already.
    pub(super) fn check(&mut self, listed: &StreamConfig, problems: &mut Problems) {
        let Some(named) = &listed.rules else {
            return;
        };
        let sources = self.sources;
        let Some(file) = sources.rules.get(&named.value) else {
            return;
        };
        let name = named.value.display().to_string();
        if !file
            .stream
            .matches(self.descriptor.namespace.as_deref(), &self.descriptor.name)
        {
            let message = format!("rules: `{name}` is written for `{}`", file.stream.as_str());
            self.problem(named.at, message, None, problems);
        }
        if !self.schema.is_known() && self.sources.later {
            return;
        }
        if !self.schema.is_known() {
            let message = "rules: the types of the columns are not known".to_owned();
            let hint = "give the configured catalog with --catalog".to_owned();
            return self.problem(named.at, message, Some(hint), problems);
        }
        let inputs = self.inputs(&name, file, problems);
        self.run_own_tests(&name, file, &inputs, problems);
        match Rules::compile(inputs, &|path| self.sql_type(path)) {
            Ok(rules) => {
                let watch = self.watch(file, &rules);
                self.push_check(rules, watch, problems);
            }
            Err(found) => {
                for (id, problem) in found {
                    let message = format!(
                        "{} (at {}:{} of the expression)",
                        problem.message, problem.line, problem.column
                    );
                    self.rule_problem(&name, file, &id, message, problem.hint, problems);
                }
            }
        }
        if let Some(limit) = file.limits.max_quarantine_fraction {
            self.max_rejected = Some(self.max_rejected.map_or(limit, |other| other.min(limit)));
        }
    }

    fn inputs(&self, name: &str, file: &RuleFile, problems: &mut Problems) -> Vec<RuleInput> {
        let mut inputs = Vec::new();
        // A rule may have been retired because its column is gone.
        let runs = |rule: &&RuleSpec| rule.status != Status::Retired;
        for rule in file.rules.iter().filter(runs) {
            let action = effective_action(file.phase, rule.standing().0, rule.on_fail);
            let Some(input) = rule.input(&self.sources.now, action) else {
                let message = "`unique_in_batch` would depend on how the input is cut into batches"
                    .to_owned();
                let hint = Some("check uniqueness in the warehouse, where all rows are".to_owned());
                self.rule_problem(name, file, &rule.id, message, hint, problems);
                continue;
            };
            if action == Action::Quarantine && self.sources.config.reject.is_none() {
                let message = "it sets records aside, but there is no reject store".to_owned();
                let hint = Some("add `reject: {to: DIR}` to the configuration".to_owned());
                self.rule_problem(name, file, &rule.id, message, hint, problems);
            }
            let key = rule.columns.iter().find(|path| self.is_key_or_cursor(path));
            if let Some(key) = key.filter(|_| action == Action::Nullify) {
                let message =
                    format!("`{key}` is a primary key or cursor and must not become null");
                let hint = Some("use `on_fail: quarantine` or `fail`".to_owned());
                self.rule_problem(name, file, &rule.id, message, hint, problems);
            }
            inputs.push(input);
        }
        inputs
    }

    fn run_own_tests(
        &self,
        name: &str,
        file: &RuleFile,
        inputs: &[RuleInput],
        problems: &mut Problems,
    ) {
        for input in inputs {
            let Some(rule) = file.rules.iter().find(|rule| rule.id == input.id) else {
                continue;
            };
            let (pass, fail) = (rule.tests.pass_rows(), rule.tests.fail_rows());
            for failure in run_tests(input, &pass, &fail, &|path| self.sql_type(path)) {
                let message = format!(
                    "its own test {} of `{}` fails: {}",
                    failure.index + 1,
                    match failure.expected {
                        crate::stage::rules::Expected::Pass => "pass",
                        crate::stage::rules::Expected::Fail => "fail",
                    },
                    failure.reason
                );
                self.rule_problem(name, file, &rule.id, message, None, problems);
            }
        }
    }

    /// The rules that may be demoted: those that take something away from rows, and have evidence of how seldom they
    /// should. A rule without evidence was approved by a person's word, and `on_fail: fail` asks for a stop.
    fn watch(&self, file: &RuleFile, rules: &Rules) -> Option<Arc<Watch>> {
        let least = file.limits.demote_above.filter(|_| !self.sources.observe)?;
        let takes = |action| matches!(action, Action::Nullify | Action::Quarantine | Action::Drop);
        let watched = rules
            .rules()
            .iter()
            .enumerate()
            .filter(|(_, rule)| takes(rule.action));
        let watched = watched.filter_map(|(place, rule)| {
            let spec = file.rules.iter().find(|spec| spec.id == rule.id)?;
            // Who asked for a stop did not ask to let records pass.
            if spec.on_fail == OnFail::Fail {
                return None;
            }
            Some(Watched {
                rule: place,
                id: rule.id.clone(),
                fingerprint: rule.fingerprint.clone(),
                bound: least.max(spec.valid_evidence()?.fpr_upper95),
            })
        });
        let watched: Vec<_> = watched.collect();
        (!watched.is_empty()).then(|| Arc::new(Watch::new(watched)))
    }

    fn push_check(&mut self, rules: Rules, watch: Option<Arc<Watch>>, problems: &mut Problems) {
        let paths = rules.columns().to_vec();
        let columns: Vec<_> = paths
            .iter()
            .filter_map(|path| self.read("rules", path, START, problems))
            .collect();
        if columns.len() != paths.len() {
            return;
        }
        self.schema.sift(&paths, "check");
        let nulled = rules.rules().iter().map(|rule| match rule.action {
            Action::Nullify => rule
                .columns
                .iter()
                .map(|path| (self.book.column(path), path.to_string()))
                .collect(),
            _ => Vec::new(),
        });
        let nulled: Vec<Vec<_>> = nulled.collect();
        for rule in rules
            .rules()
            .iter()
            .filter(|rule| rule.action == Action::Nullify)
        {
            for path in &rule.columns {
                self.book.change(path);
            }
        }
        let annotates = |action| matches!(action, Action::Annotate | Action::Nullify);
        let mut annotation = None;
        if rules.rules().iter().any(|rule| annotates(rule.action)) {
            let inputs: Vec<Path> = paths.clone();
            if let Err(exists) = self
                .schema
                .add(ANNOTATION, annotation_type(), &inputs, "check")
            {
                self.problem(
                    START,
                    format!("rules: {exists}, and annotations go there"),
                    None,
                    problems,
                );
            }
            annotation = Some(self.book.column(&Path::key(ANNOTATION)));
        }
        let first_rule = self.rules.len();
        self.rules
            .extend(rules.rules().iter().map(|rule| rule.id.clone()));
        let name = format!("check {} rules", rules.rules().len());
        let stream = self.descriptor.to_string();
        self.watch = watch.clone();
        self.push(
            name,
            Check {
                stream,
                rules,
                columns,
                nulled,
                annotation,
                first_rule,
                watch,
            },
        );
    }

    fn rule_problem(
        &self,
        name: &str,
        file: &RuleFile,
        id: &str,
        message: String,
        hint: Option<String>,
        problems: &mut Problems,
    ) {
        let rule: Option<&RuleSpec> = file.rules.iter().find(|rule| rule.id == id);
        problems.push(Problem {
            file: name.to_owned(),
            at: rule.map(|rule| rule.at),
            message: format!("rule `{id}` on stream `{}`: {message}", self.descriptor),
            hint,
        });
    }
}

/// The type of the column of annotations.
fn annotation_type() -> LogicalType {
    let fields = ["rule", "fingerprint", "severity", "reason"].map(|name| Field {
        name: name.to_owned(),
        ty: LogicalType::String,
        required: false,
    });
    LogicalType::Array(Some(Box::new(LogicalType::Object(fields.to_vec()))))
}
