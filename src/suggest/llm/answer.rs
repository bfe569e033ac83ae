//! From the text of an answer to rules: everything is checked, by running it, before anyone sees it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::payload::Payload;
use super::refusal::{Code, Refusal};
use super::schema;
use crate::document::{Problems, nearest};
use crate::plan::rules::{RuleFile, RuleSpec};
use crate::schema::LogicalType;
use crate::schema::path::{Path, Segment};
use crate::stage::rules::{Action, Expected, Rules, run_tests};

/// What an answer came to.
#[derive(Debug, Default)]
pub struct Judged {
    pub rules: Vec<RuleSpec>,
    pub refusals: Vec<Refusal>,
}

/// What rules are judged with.
pub(super) struct Judge<'a> {
    pub payload: &'a Payload,
    pub output: &'a Value,
    /// What becomes the rules' `source`.
    pub source: &'a Value,
    /// The moment that `not_in_future` compares with, in RFC 3339.
    pub now: &'a str,
}

impl Judge<'_> {
    /// Judges an answer. `known` are the fingerprints of rules that are there already.
    pub fn answer(&self, text: &str, cut_off: bool, known: &[String]) -> Judged {
        let whole = |code, told: &str| Judged {
            rules: Vec::new(),
            refusals: vec![Refusal::whole(code, told)],
        };
        let Some(answer) = object(text) else {
            return match cut_off {
                true => whole(Code::CutOff, "the answer was cut off; give fewer rules"),
                false => whole(Code::NotJson, "the answer is not one JSON object"),
            };
        };
        let problems = schema::problems(self.output, &answer);
        if !problems.is_empty() {
            let refusals = problems.into_iter();
            return Judged {
                rules: Vec::new(),
                refusals: refusals
                    .map(|told| Refusal::whole(Code::Schema, told))
                    .collect(),
            };
        }
        let mut judged = Judged::default();
        let mut fingerprints = known.to_vec();
        for proposed in answer["rules"].as_array().into_iter().flatten() {
            let id = proposed["id"].as_str().unwrap_or_default();
            match self.rule(id, proposed) {
                Err((code, told)) => judged.refuse(id, code, told),
                Ok(rule) if fingerprints.contains(&rule.fingerprint()) => {
                    judged.refuse(
                        id,
                        Code::Duplicate,
                        "the same rule is there already".to_owned(),
                    );
                }
                Ok(rule) if judged.rules.iter().any(|other| other.id == rule.id) => {
                    judged.refuse(id, Code::Duplicate, "the id is taken".to_owned());
                }
                Ok(rule) => {
                    fingerprints.push(rule.fingerprint());
                    judged.rules.push(rule);
                }
            }
        }
        judged
    }

    fn rule(&self, id: &str, proposed: &Value) -> Result<RuleSpec, (Code, String)> {
        let columns = self.columns(proposed)?;
        let tests = self.tests(proposed, &columns)?;
        let mut entries = json!({
            "id": id,
            "columns": proposed["columns"],
            "severity": proposed["severity"],
            "on_fail": proposed["on_fail"],
            "status": "proposed",
            "description": proposed["description"],
            "source": self.source,
            "tests": tests,
        });
        if !proposed["dimension"].is_null() {
            entries["dimension"] = proposed["dimension"].clone();
        }
        match (&proposed["expr"], &proposed["check"]) {
            (Value::String(sql), Value::Null) => entries["expr"] = json!(sql),
            (Value::Null, Value::Object(check)) => entries["check"] = shorthand(check),
            _ => return Err((Code::Form, "give either `expr` or `check`".to_owned())),
        }
        // JSON is YAML, so the reader of rule files reads it, with all that it refuses.
        let text = json!({"version": 1, "stream": "*", "rules": [entries]}).to_string();
        let mut problems = Problems::new();
        let file = RuleFile::parse("answer", &text, &mut problems);
        if !problems.is_empty() {
            let told: Vec<_> = problems
                .iter()
                .map(|problem| problem.message.clone())
                .collect();
            return Err((Code::Form, told.join("; ")));
        }
        let rule = file.and_then(|mut file| file.rules.pop());
        let rule = rule.ok_or_else(|| (Code::Form, "it is no rule".to_owned()))?;
        self.run(&rule, &tests)?;
        Ok(rule)
    }

    /// The rule's columns, all of which must have been named to the model.
    fn columns(&self, proposed: &Value) -> Result<Vec<Path>, (Code, String)> {
        let names = proposed["columns"].as_array().into_iter().flatten();
        names
            .filter_map(Value::as_str)
            .map(|name| self.column(name))
            .collect()
    }

    fn column(&self, name: &str) -> Result<Path, (Code, String)> {
        let path = name.parse::<Path>().ok();
        let known = self.payload.columns();
        path.filter(|path| known.contains_key(path)).ok_or_else(|| {
            let names: Vec<_> = known.keys().map(ToString::to_string).collect();
            let near = nearest(name, names.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?"));
            (
                Code::UnknownColumn,
                format!("there is no column `{name}`{}", near.unwrap_or_default()),
            )
        })
    }

    /// Tests as rows: `{"pass": [{"age": 1}], "fail": […]}`.
    fn tests(&self, proposed: &Value, columns: &[Path]) -> Result<Value, (Code, String)> {
        let mut tests = Map::new();
        for kind in ["pass", "fail"] {
            let mut rows = Vec::new();
            for cells in proposed["tests"][kind].as_array().into_iter().flatten() {
                let mut row = Map::new();
                for cell in cells.as_array().into_iter().flatten() {
                    let path = self.column(cell["column"].as_str().unwrap_or_default())?;
                    if !columns.contains(&path) {
                        return Err((
                            Code::Form,
                            format!("a test names `{path}`, which the rule's `columns` lack"),
                        ));
                    }
                    put(&mut row, path.segments(), cell["value"].clone());
                }
                rows.push(Value::from(row));
            }
            if rows.is_empty() {
                return Err((Code::Untested, format!("there is no test under `{kind}`")));
            }
            tests.insert(kind.to_owned(), Value::from(rows));
        }
        Ok(Value::from(tests))
    }

    /// Plans the rule and runs its own tests.
    fn run(&self, rule: &RuleSpec, tests: &Value) -> Result<(), (Code, String)> {
        let resolve = |path: &Path| self.resolve(path);
        let input = rule.input(self.now, Action::Count);
        let input =
            input.ok_or_else(|| (Code::Form, "one row alone cannot answer it".to_owned()))?;
        let compiled = Rules::compile(vec![input.clone()], &resolve).map_err(|problems| {
            let told = problems.iter().map(|(_, problem)| problem.to_string());
            (Code::Sql, told.collect::<Vec<_>>().join("; "))
        })?;
        if let Some(other) = compiled
            .columns()
            .iter()
            .find(|path| !rule.columns.contains(path))
        {
            return Err((
                Code::Form,
                format!("the expression reads `{other}`, which `columns` lacks"),
            ));
        }
        let rows = |kind: &str| -> Vec<Map<String, Value>> {
            let rows = tests[kind].as_array().into_iter().flatten();
            rows.filter_map(|row| row.as_object().cloned()).collect()
        };
        let failures = run_tests(&input, &rows("pass"), &rows("fail"), &resolve);
        match failures.first() {
            None => Ok(()),
            Some(failure) => {
                let kind = match failure.expected {
                    Expected::Pass => "pass",
                    Expected::Fail => "fail",
                };
                let number = failure.index + 1;
                Err((
                    Code::TestFails,
                    format!(
                        "its own test {number} of `{kind}` fails: {}",
                        failure.reason
                    ),
                ))
            }
        }
    }

    /// The type of a column in expressions. Only what the model was told of is there.
    fn resolve(&self, path: &Path) -> Result<arrow::datatypes::DataType, String> {
        let known: &BTreeMap<Path, LogicalType> = self.payload.columns();
        match known.get(path) {
            Some(ty) => Ok(ty.evaluation()),
            None => Err(format!("there is no column `{path}`")),
        }
    }
}

impl Judged {
    fn refuse(&mut self, id: &str, code: Code, told: String) {
        self.refusals.push(Refusal {
            rule: Some(id.to_owned()),
            code,
            told,
        });
    }

    /// How often each code was given.
    pub fn codes(&self) -> BTreeMap<&'static str, u64> {
        let mut codes = BTreeMap::new();
        for refusal in &self.refusals {
            *codes.entry(refusal.code.as_str()).or_default() += 1;
        }
        codes
    }
}

/// The object in a text: models that are not held to a form put words, fences or their thoughts around it.
fn object(text: &str) -> Option<Value> {
    let text = text.rsplit_once("</think>").map_or(text, |(_, rest)| rest);
    let (start, end) = (text.find('{')?, text.rfind('}')?);
    let value: Value = serde_json::from_str(text.get(start..=end)?).ok()?;
    value.is_object().then_some(value)
}

/// A check of an answer as rule files write it.
fn shorthand(check: &Map<String, Value>) -> Value {
    let given = |name: &str| check.get(name).filter(|value| !value.is_null()).cloned();
    let name = check
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let bounds = || {
        let bounds = ["min", "max"].into_iter();
        let bounds = bounds.filter_map(|bound| Some((bound.to_owned(), given(bound)?)));
        Value::from(bounds.collect::<Map<_, _>>())
    };
    let settings = match name {
        "range" | "length" => bounds(),
        "in_set" => given("values").unwrap_or_default(),
        "regex" => given("pattern").unwrap_or_default(),
        "type" => given("type").unwrap_or_default(),
        _ => Value::Null,
    };
    match settings {
        Value::Null => json!(name),
        settings => json!({name: settings}),
    }
}

/// Puts a value at a path of keys.
fn put(row: &mut Map<String, Value>, path: &[Segment], value: Value) {
    let [Segment::Key(name), rest @ ..] = path else {
        return;
    };
    if rest.is_empty() {
        row.insert(name.clone(), value);
        return;
    }
    let inner = row.entry(name.clone()).or_insert_with(|| json!({}));
    if let Some(inner) = inner.as_object_mut() {
        put(inner, rest, value);
    }
}
