//! Rule files as plain data: what each rule demands, how far it has come, and the evidence for it.
//!
//! A file is read strictly, with every problem at once. Whether columns exist and expressions can be
//! planned is found out when the plan is compiled.

mod edit;
mod effect;
mod evidence;
mod fingerprint;
mod form;
mod read;
pub mod write;

use serde::Serialize;
use serde_json::{Map, Value};

pub use effect::{OnFail, Phase, Status, effective_action};
pub use evidence::Evidence;
pub use form::{Literal, RuleForm, SET_VALUES_MAX, identifier};

use crate::document::{self, Fields, Node, Position, Problems};
use crate::plan::config::{StreamPattern, read_pattern, read_version};
use crate::schema::path::Path;
use crate::stage::rules::{Action, RuleInput, Severity};

/// The most rules of one file.
pub const RULES_MAX: usize = 1_000;
/// The most passing, and the most failing, tests of one rule.
pub const TESTS_MAX: usize = 100;
/// The most columns of one rule.
pub const RULE_COLUMNS_MAX: usize = 100;

/// A whole rule file.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleFile {
    /// The version of the format; 1.
    pub version: u32,
    /// The streams it is written for.
    pub stream: StreamPattern,
    /// The ceiling for every rule.
    pub phase: Phase,
    /// The rules in the order of the file.
    pub rules: Vec<RuleSpec>,
    /// Guards over all rules together.
    pub limits: Limits,
}

/// Guards of a rule file.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// The fraction of rows in quarantine above which the stream stops, from 0 to 1.
    pub max_quarantine_fraction: Option<f64>,
    /// The rate of violations, from 0 to 1, above which a rule with evidence loses its standing for the rest of a run;
    /// never below what its evidence allows. Without it no rule does.
    pub demote_above: Option<f64>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSpec {
    /// Its name, unique in the file.
    pub id: String,
    /// What it demands.
    pub form: RuleForm,
    /// The columns it speaks of; keys only.
    pub columns: Vec<Path>,
    /// How bad a violation is.
    pub severity: Severity,
    /// What it asks for when a row fails.
    pub on_fail: OnFail,
    /// How far it has come, as written; see [`RuleSpec::standing`].
    pub status: Status,
    /// The dimension of quality it measures.
    pub dimension: Option<Dimension>,
    /// What it is for.
    pub description: Option<String>,
    /// Who or what wrote it, as data.
    pub source: Option<Node>,
    /// What was measured about it, as data.
    pub evidence: Option<Node>,
    /// Who approved it.
    pub approved: Option<Approval>,
    /// Rows it must pass and fail.
    pub tests: RuleTests,
    /// Where it begins.
    pub at: Position,
}

/// The seven dimensions of the Open Data Contract Standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    Accuracy,
    Completeness,
    Conformity,
    Consistency,
    Coverage,
    Timeliness,
    Uniqueness,
}

/// A person's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When, as written.
    pub at: String,
    /// Why, as written.
    pub note: Option<String>,
    /// The fingerprint of the rule that was approved, as lower-case hex.
    pub fingerprint: Option<String>,
}

/// Rows, as maps of column to value, that a rule must pass and fail.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleTests {
    /// Rows that pass.
    pub pass: Vec<Node>,
    /// Rows that fail.
    pub fail: Vec<Node>,
}

impl RuleFile {
    /// Reads the text of a rule file; `file` is its name in messages. `None` when it is no map or
    /// names no stream; otherwise what could be understood, which counts only if `problems` stays
    /// empty.
    pub fn parse(file: &str, text: &str, problems: &mut Problems) -> Option<Self> {
        let node = document::parse(file, text, problems)?;
        let mut fields = Fields::of(&node, "the rule file", file, problems)?;
        let version = read_version(&mut fields, problems);
        let stream = fields.require("stream", problems).and_then(|node| {
            let text = node.read_text(file, problems)?;
            read_pattern(text, node.at, file, problems)
        });
        let phase = fields
            .choice("phase", read::PHASES, problems)
            .unwrap_or_default();
        let rules = fields
            .require("rules", problems)
            .map(|node| read::read_rules(node, file, problems))
            .unwrap_or_default();
        let limits = fields
            .take("limits")
            .and_then(|node| read::read_limits(node, file, problems))
            .unwrap_or_default();
        fields.finish(problems);
        Some(Self {
            version,
            stream: stream?,
            phase,
            rules,
            limits,
        })
    }
}

impl RuleTests {
    /// The rows that pass, as JSON.
    pub fn pass_rows(&self) -> Vec<Map<String, Value>> {
        rows(&self.pass)
    }

    /// The rows that fail, as JSON.
    pub fn fail_rows(&self) -> Vec<Map<String, Value>> {
        rows(&self.fail)
    }
}

fn rows(nodes: &[Node]) -> Vec<Map<String, Value>> {
    let row = |node: &Node| match node.to_json() {
        Value::Object(row) => row,
        _ => Map::new(),
    };
    nodes.iter().map(row).collect()
}

impl RuleSpec {
    /// The rule as one SQL expression over its columns, true or NULL for a row that passes. `None`
    /// for `unique_in_batch` and `not_in_future`, which a row alone cannot answer.
    pub fn to_sql(&self) -> Option<String> {
        self.form.to_sql(&self.columns, None)
    }

    /// As [`RuleSpec::to_sql`], with the time that `not_in_future` compares with, in RFC 3339.
    pub fn to_sql_at(&self, now: &str) -> Option<String> {
        self.form.to_sql(&self.columns, Some(now))
    }

    /// The rule as it is compiled, for this action. `None` where [`RuleSpec::to_sql_at`] gives none.
    pub fn input(&self, now: &str, action: Action) -> Option<RuleInput> {
        Some(RuleInput {
            id: self.id.clone(),
            sql: self.to_sql_at(now)?,
            columns: self.columns.clone(),
            severity: self.severity,
            action,
            fingerprint: self.fingerprint(),
        })
    }

    /// SHA-256, as lower-case hex, of what the rule tests and does: its expression without needless
    /// whitespace, its columns, `on_fail` and `severity`.
    pub fn fingerprint(&self) -> String {
        fingerprint::of(self)
    }

    /// The status that counts. An approval given for another fingerprint makes a rule proposed
    /// again, and the note says so.
    pub fn standing(&self) -> (Status, Option<String>) {
        let recorded = self.approved.as_ref().and_then(|a| a.fingerprint.as_ref());
        let current = self.fingerprint();
        match recorded {
            Some(recorded)
                if *recorded != current
                    && matches!(self.status, Status::Approved | Status::Enforced) =>
            {
                let note = format!(
                    "the rule `{}` was changed after its approval (approved {}, now {}) and counts as proposed until it is approved again",
                    self.id,
                    recorded.get(..12).unwrap_or(recorded),
                    current.get(..12).unwrap_or(&current),
                );
                (Status::Proposed, Some(note))
            }
            _ => (self.status, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<RuleFile>, Vec<String>) {
        let mut problems = Problems::new();
        let rules = RuleFile::parse("r.yaml", text, &mut problems);
        problems.sort();
        (rules, problems.iter().map(ToString::to_string).collect())
    }

    /// A file of one rule with these keys, which begin on line 4, column 5.
    fn rule(keys: &str) -> (Option<RuleSpec>, Vec<String>) {
        let text = format!(
            "version: 1\nstream: s\nrules:\n  - {}\n",
            keys.replace('\n', "\n    ")
        );
        let (file, problems) = read(&text);
        (file.and_then(|mut file| file.rules.pop()), problems)
    }

    #[test]
    fn the_whole_file_is_read() {
        let (file, problems) = read(
            r#"
version: 1
stream: crm.users
phase: assisted
rules:
  - id: users_age_range
    expr: age BETWEEN 0 AND 120
    columns: [age]
    severity: warning
    on_fail: quarantine
    status: approved
    dimension: conformity
    description: Age in whole years.
    source: {kind: llm, prompt: rule-suggest@3, profile: sha256:9c1f}
    evidence: {window: 2026-09-01/2026-09-14, rows: 60000, fpr_upper95: 0.000147}
    approved: {by: a.martin, at: 2026-09-15, note: "confirmed"}
    tests:
      pass: [{age: 0}, {age: null}]
      fail: [{age: -1}]
  - {id: email, check: not_null, columns: email, on_fail: annotate}
limits:
  max_quarantine_fraction: 0.05
"#,
        );
        assert_eq!(problems, Vec::<String>::new());
        let file = file.expect("a rule file");
        assert_eq!(
            (file.version, file.stream.as_str(), file.phase),
            (1, "crm.users", Phase::Assisted)
        );
        assert_eq!(file.limits.max_quarantine_fraction, Some(0.05));
        let [age, email] = file.rules.as_slice() else {
            panic!("two rules")
        };
        assert_eq!(age.id, "users_age_range");
        assert_eq!(age.to_sql().as_deref(), Some("age BETWEEN 0 AND 120"));
        assert_eq!(
            (age.severity, age.on_fail, age.status),
            (Severity::Warning, OnFail::Quarantine, Status::Approved)
        );
        assert_eq!(age.dimension, Some(Dimension::Conformity));
        assert_eq!((age.tests.pass.len(), age.tests.fail.len()), (2, 1));
        assert_eq!(age.at, Position { line: 6, column: 5 });
        let approval = age.approved.as_ref().expect("an approval");
        assert_eq!(
            (approval.by.as_str(), approval.at.as_str()),
            ("a.martin", "2026-09-15")
        );
        assert!(age.source.is_some() && age.evidence.is_some());
        assert_eq!(
            (email.severity, email.status),
            (Severity::Error, Status::Proposed)
        );
        assert_eq!(email.form, RuleForm::NotNull);
        assert!(email.tests.pass.is_empty());
    }

    #[test]
    fn wrong_files_are_told_with_the_way_out() {
        for (text, expected) in [
            ("[]", &["r.yaml:1:1: expected a map, found a list"][..]),
            (
                "{}",
                &[
                    "r.yaml:1:1: the rule file needs the key `rules`",
                    "r.yaml:1:1: the rule file needs the key `stream`",
                    "r.yaml:1:1: the rule file needs the key `version`",
                ],
            ),
            (
                "{version: 1, stream: s, phase: live, rules: {}}",
                &[
                    "r.yaml:1:32: unknown word `live`; valid are `monitor`, `assisted` and `enforced`",
                    "r.yaml:1:45: expected a list, found a map",
                ],
            ),
            (
                "{version: 1, stream: s, rules: [x], limit: {}}",
                &[
                    "r.yaml:1:33: expected a map, found text",
                    "r.yaml:1:37: unknown key `limit`; did you mean `limits`?",
                ],
            ),
            (
                "{version: 1, stream: '', rules: [], limits: {max_quarantine_fraction: -1}}",
                &[
                    "r.yaml:1:22: a stream's name is empty",
                    "r.yaml:1:71: `max_quarantine_fraction` must lie between 0 and 1",
                ],
            ),
        ] {
            assert_eq!(read(text).1, expected, "{text}");
        }
    }

    #[test]
    fn wrong_rules_are_told_with_the_way_out() {
        for (keys, expected) in [
            (
                "id: a",
                &[
                    "r.yaml:4:5: the rule needs the key `columns`",
                    "r.yaml:4:5: the rule needs the key `expr` or `check`",
                    "r.yaml:4:5: the rule needs the key `on_fail`",
                ][..],
            ),
            (
                "id: a b\nexpr: x\ncolumns: x\non_fail: drop",
                &["r.yaml:4:9: an id is 1 to 100 letters, digits, `_`, `-` and `.`"],
            ),
            (
                "id: a\nexpr: x\ncheck: not_null\ncolumns: x\non_fail: drop",
                &["r.yaml:6:12: `expr` and `check` exclude each other"],
            ),
            (
                "id: a\ncheck: not_null\ncolumns: ['x[].y', '*']\non_fail: drop",
                &[
                    "r.yaml:6:14: `*` names several values, and a rule sees one of each column",
                    "r.yaml:6:14: `x[].y` names several values, and a rule sees one of each column",
                ],
            ),
            (
                "id: a\nexpr: x\ncolumns: x\non_fail: quarentine\nseverity: fatal\nstatus: aproved\ndimension: validity",
                &[
                    "r.yaml:7:14: unknown word `quarentine`; did you mean `quarantine`?",
                    "r.yaml:8:15: unknown word `fatal`; valid are `error`, `warning` and `info`",
                    "r.yaml:9:13: unknown word `aproved`; did you mean `approved`?",
                    "r.yaml:10:16: unknown word `validity`; valid are `accuracy`, `completeness`, `conformity`, `consistency`, `coverage`, `timeliness` and `uniqueness`",
                ],
            ),
            (
                "id: a\nexpr: x\ncolumns: x\non_fail: drop\nonfail: drop",
                &["r.yaml:8:5: unknown key `onfail`; did you mean `on_fail`?"],
            ),
            (
                "id: a\nexpr: x\ncolumns: age\non_fail: drop\napproved: {by: ann, fingerprint: abc}\ntests: {pass: [{agee: 1}, 3], fails: []}",
                &[
                    "r.yaml:8:15: `approved` needs the key `at`",
                    "r.yaml:8:38: a fingerprint is 64 hex digits",
                    "r.yaml:9:21: the test names `agee`, no column of the rule; did you mean `age`?",
                    "r.yaml:9:31: expected a map, found an integer",
                    "r.yaml:9:35: unknown key `fails`; did you mean `fail`?",
                ],
            ),
        ] {
            assert_eq!(rule(keys).1, expected, "{keys}");
        }
    }

    #[test]
    fn ids_are_unique() {
        let (_, problems) = read(
            "version: 1\nstream: s\nrules:\n\
             - {id: a, check: not_null, columns: x, on_fail: drop}\n\
             - {id: b, check: not_null, columns: x, on_fail: drop}\n\
             - {id: a, check: not_null, columns: y, on_fail: drop}\n",
        );
        assert_eq!(
            problems,
            ["r.yaml:6:8: the id `a` is taken by the rule on line 4"]
        );
    }

    const BASE: &str =
        "id: a\nexpr: x > 1 AND y = 'a  b'\ncolumns: [x, y]\non_fail: drop\nseverity: error";

    fn fingerprint(keys: &str) -> String {
        let (rule, problems) = rule(keys);
        assert_eq!(problems, Vec::<String>::new(), "{keys}");
        rule.expect("a rule").fingerprint()
    }

    #[test]
    fn the_fingerprint_names_what_a_rule_does() {
        let base = fingerprint(BASE);
        // printf '%s' '{"columns":["x","y"],"expr":"x > 1 AND y = '"'a  b'"'","on_fail":"drop","severity":"error"}' | sha256sum
        assert_eq!(
            base,
            "91d7039499fe19cedea81dc1c3b4c71ef1ef694b9e67e6291093be995f4bf75a"
        );
        for (from, to) in [
            ("id: a", "id: other"),
            ("> 1", ">   1"),
            ("[x, y]", "[y, x]"),
            ("severity: error", "status: enforced\ndescription: d"),
        ] {
            assert_eq!(fingerprint(&BASE.replace(from, to)), base, "{to}");
        }
        for (from, to) in [
            ("> 1", "> 2"),
            ("'a  b'", "'a b'"),
            ("[x, y]", "[x, y, z]"),
            ("drop", "fail"),
            ("severity: error", "severity: info"),
        ] {
            assert_ne!(fingerprint(&BASE.replace(from, to)), base, "{to}");
        }
        let unique = "id: a\ncheck: unique_in_batch\ncolumns: x\non_fail: drop";
        assert_ne!(
            fingerprint(unique),
            fingerprint(&unique.replace("unique_in_batch", "not_in_future"))
        );
    }

    #[test]
    fn an_approval_holds_for_the_rule_approved() {
        let current = fingerprint(BASE);
        let changed = fingerprint(&BASE.replace("> 1", "> 2"));
        let standing = |status: &str, approved: &str| {
            let (rule, problems) = rule(&format!("{BASE}\nstatus: {status}{approved}"));
            assert_eq!(problems, Vec::<String>::new());
            rule.expect("a rule").standing()
        };
        let approved =
            |print: &str| format!("\napproved: {{by: ann, at: today, fingerprint: \"{print}\"}}");
        assert_eq!(standing("enforced", ""), (Status::Enforced, None));
        assert_eq!(
            standing("approved", "\napproved: {by: ann, at: today}"),
            (Status::Approved, None)
        );
        assert_eq!(
            standing("approved", &approved(&current)),
            (Status::Approved, None)
        );
        let marked = format!("sha256:{}", current.to_uppercase());
        assert_eq!(
            standing("enforced", &approved(&marked)),
            (Status::Enforced, None)
        );
        assert_eq!(
            standing("retired", &approved(&changed)),
            (Status::Retired, None)
        );
        let (status, note) = standing("enforced", &approved(&changed));
        assert_eq!(status, Status::Proposed);
        let expected = format!(
            "the rule `a` was changed after its approval (approved {}, now {}) and counts as proposed until it is approved again",
            &changed[..12],
            &current[..12]
        );
        assert_eq!(note, Some(expected));
    }
}
