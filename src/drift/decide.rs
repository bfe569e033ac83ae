//! What is done about each change, and the edits of a plan that do it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change::{Change, Kind};
use crate::plan::config::{Answer, Class, DriftPolicy};
use crate::plan::drifted::{Edit, Misfit};
use crate::protocol::state::Descriptor;
use crate::schema::path::Path;

/// A change and what is done about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub change: Change,
    /// About the change itself.
    pub change_answer: Answer,
    /// About what looks personal in it.
    pub personal_answer: Option<Answer>,
}

impl Decision {
    /// The stricter of both.
    pub fn answer(&self) -> Answer {
        let personal = self.personal_answer.unwrap_or(Answer::Evolve);
        self.change_answer.max(personal)
    }

    /// The decision for programs.
    pub fn to_json(&self) -> Value {
        let mut json = self.change.to_json();
        json["answer"] = Value::from(self.answer().word());
        json
    }

    /// Whether no record may be read.
    pub fn stops(&self) -> bool {
        self.answer() >= Answer::Hold
    }
}

/// Decides about changes by the policy of their streams. What no value of a record carries cannot be discarded, and
/// keys must not become null: there, `discard_value` and `discard_row` hold.
pub fn decide(changes: Vec<Change>, policy: &dyn Fn(&Descriptor) -> DriftPolicy) -> Vec<Decision> {
    let decided = changes.into_iter().map(|change| {
        let policy = policy(&change.stream);
        let asked = match change.class {
            Class::Governance => policy.safe,
            class => policy.answer(class),
        };
        Decision {
            change_answer: possible(&change, asked),
            personal_answer: (!change.personal.is_empty()).then_some(policy.personal),
            change,
        }
    });
    decided.collect()
}

fn possible(change: &Change, asked: Answer) -> Answer {
    let value = asked == Answer::DiscardValue;
    if !value && asked != Answer::DiscardRow {
        return asked;
    }
    // Rows that have none of a value are told by it alone; inside an array there is one per element.
    let elements = change.path.as_ref().is_some_and(|path| !path.is_scalar());
    let carried = match change.kind {
        Kind::StreamAdded => true,
        Kind::ColumnAdded | Kind::ColumnRenamed { .. } => !change.key,
        Kind::Widened | Kind::Narrowed | Kind::FamilyChanged => !(value && change.key),
        Kind::BecameNullable => !value && !elements,
        Kind::BecameRequired { .. }
        | Kind::StreamRemoved
        | Kind::ColumnRemoved
        | Kind::KeyChanged { .. }
        | Kind::CursorChanged { .. } => false,
    };
    if carried { asked } else { Answer::Hold }
}

/// What a plan does about the changes that do not stop it.
pub fn edits(decisions: &[Decision]) -> BTreeMap<Descriptor, Vec<Edit>> {
    let mut edits: BTreeMap<Descriptor, Vec<Edit>> = BTreeMap::new();
    for decision in decisions.iter().filter(|decision| !decision.stops()) {
        let done = of_one(decision);
        if !done.is_empty() {
            let stream = decision.change.stream.clone();
            edits.entry(stream).or_default().extend(done);
        }
    }
    edits
}

fn of_one(decision: &Decision) -> Vec<Edit> {
    let change = &decision.change;
    let discard = match decision.change_answer {
        Answer::DiscardValue => Misfit::Null,
        Answer::DiscardRow => Misfit::Reject,
        _ => return personal(decision),
    };
    let Some(path) = &change.path else {
        return vec![Edit::Discard];
    };
    match (&change.kind, &change.before, discard) {
        (Kind::ColumnAdded | Kind::ColumnRenamed { .. }, _, Misfit::Null) => {
            vec![Edit::Remove(path.clone())]
        }
        (Kind::ColumnAdded | Kind::ColumnRenamed { .. }, _, Misfit::Reject) => {
            vec![Edit::RejectWhereGiven(path.clone())]
        }
        (Kind::BecameNullable, ..) => vec![Edit::RejectWhereMissing(path.clone())],
        (_, Some(ty), misfit) => vec![Edit::Keep {
            path: path.clone(),
            ty: ty.clone(),
            misfit,
        }],
        (_, None, _) => Vec::new(),
    }
}

fn personal(decision: &Decision) -> Vec<Edit> {
    let make: fn(Path) -> Edit = match decision.personal_answer {
        Some(Answer::Mask) => Edit::Redact,
        Some(Answer::DiscardValue) => Edit::Remove,
        _ => return Vec::new(),
    };
    let places = decision.change.personal.iter();
    places
        .map(|found| {
            // Elements of an array have no key of their own: a list is left out as a whole.
            let removes = decision.personal_answer == Some(Answer::DiscardValue);
            match (removes, found.path.leaf()) {
                (true, None) => make(holder(&found.path)),
                _ => make(found.path.clone()),
            }
        })
        .collect()
}

/// The nearest place above that ends in a key.
fn holder(path: &Path) -> Path {
    let mut segments = path.segments().to_vec();
    while let Some(path) = Path::new(segments.clone()) {
        if path.leaf().is_some() {
            return path;
        }
        segments.pop();
    }
    path.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::LogicalType;

    fn change(kind: Kind, path: &str, class: Class, key: bool) -> Change {
        Change {
            stream: Descriptor {
                namespace: None,
                name: "s".to_owned(),
            },
            kind,
            path: path.parse().ok(),
            before: Some(LogicalType::Integer),
            now: Some(LogicalType::Number),
            class,
            breaks_airbyte: false,
            key,
            personal: Vec::new(),
        }
    }

    fn answer(change: Change, asked: Answer) -> Answer {
        let mut policy = DriftPolicy::default();
        policy.set_all(asked);
        decide(vec![change], &|_| policy)[0].answer()
    }

    #[test]
    fn what_cannot_be_discarded_is_held() {
        use Answer::{DiscardRow as Row, DiscardValue as Value, Hold};
        let nullable = || change(Kind::BecameNullable, "a", Class::Safe, false);
        let retyped = |key| change(Kind::Widened, "a", Class::Safe, key);
        let required = Kind::BecameRequired { missing: None };
        for (change, asked, expected) in [
            (nullable(), Value, Hold),
            (nullable(), Row, Row),
            (
                change(Kind::BecameNullable, "a[].b", Class::Safe, false),
                Row,
                Hold,
            ),
            (retyped(false), Value, Value),
            (retyped(true), Value, Hold),
            (retyped(true), Row, Row),
            (change(required, "a", Class::Breaking, false), Row, Hold),
            (
                change(Kind::ColumnRemoved, "a", Class::Risky, false),
                Value,
                Hold,
            ),
            (
                change(Kind::StreamRemoved, "", Class::Risky, false),
                Row,
                Hold,
            ),
            (
                change(Kind::ColumnAdded, "a", Class::Safe, true),
                Value,
                Hold,
            ),
            (
                change(Kind::StreamAdded, "", Class::Safe, false),
                Value,
                Value,
            ),
            (
                change(Kind::ColumnRemoved, "a", Class::Risky, false),
                Answer::Evolve,
                Answer::Evolve,
            ),
        ] {
            let told = format!("{change:?} {asked:?}");
            assert_eq!(answer(change, asked), expected, "{told}");
        }
    }
}
