//! The stage `classify`, as written.

use super::NAME_BYTES_MAX;
use super::column::{read_column_name, read_path};
use super::embed::{read_model, read_template};
use super::read::{Scope, bounded, read_name};
use crate::document::{Fields, Node, Problems, Value};
use crate::model::embedding::{Choice, Wanted};
use crate::stage::classify::spec::ClassifySpec;
use crate::stage::embed::template::Template;
use crate::stage::spec::StageSpec;

/// The most categories of one stage.
pub const CATEGORIES_MAX: usize = 200;
/// The most examples of one category.
pub const EXAMPLES_MAX: usize = 1_000;
/// The least similarity when none is given.
const THRESHOLD: f64 = 0.2;
/// What is called so when no other name is given.
const OTHER: &str = "other";

/// Names with their examples.
type Categories = Vec<(String, Vec<String>)>;

pub(super) fn read(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let file = scope.file;
    let Some(mut fields) = Fields::of(node, "the stage `classify`", file, problems) else {
        return Vec::new();
    };
    let text = fields.require("text", problems);
    let text = text.and_then(|node| read_text(node, file, problems));
    let into = fields.require("into", problems);
    let into = into.and_then(|node| read_column_name(node, file, problems));
    let score_into = fields.take("score_into");
    let score_into = optional(score_into, |node| read_column_name(node, file, problems));
    let categories = fields.require("categories", problems);
    let categories = categories.and_then(|node| read_categories(node, file, problems));
    let threshold = match fields.take("threshold") {
        None => Some(THRESHOLD),
        Some(node) => read_threshold(node, file, problems),
    };
    let other = match fields.take("other") {
        None => Some(OTHER),
        Some(node) => read_name(node, "the name of other texts", file, problems),
    };
    let model = match fields.take("model") {
        None => Some(Choice::Named("default".to_owned())),
        Some(node) => read_model(node, file, problems),
    };
    let cache = optional(fields.take("cache"), |node| {
        read_name(node, "the cache", file, problems).map(str::to_owned)
    });
    let before_masking = fields.boolean("before_masking", problems).unwrap_or(false);
    fields.finish(problems);
    let answer = into.zip(score_into).zip(other);
    let wanted = model
        .zip(cache)
        .map(|(model, cache)| Wanted { model, cache });
    match (text, categories, threshold, answer, wanted) {
        (Some(text), Some(categories), Some(threshold), Some(answer), Some(wanted)) => {
            let ((into, score_into), other) = answer;
            vec![StageSpec::Classify(Box::new(ClassifySpec {
                text,
                into,
                score_into,
                categories,
                threshold,
                other: other.to_owned(),
                wanted,
                before_masking,
            }))]
        }
        _ => Vec::new(),
    }
}

/// What may be left out: `None` only when it is there and wrong.
fn optional<T>(node: Option<&Node>, read: impl FnOnce(&Node) -> Option<T>) -> Option<Option<T>> {
    match node {
        None => Some(None),
        Some(node) => read(node).map(Some),
    }
}

/// A template, or the path of one column.
fn read_text(node: &Node, file: &str, problems: &mut Problems) -> Option<Template> {
    match &node.value {
        Value::Text(text) if !text.contains("{{") => {
            read_path(node, file, problems).map(Template::column)
        }
        _ => read_template(node, file, problems),
    }
}

fn read_threshold(node: &Node, file: &str, problems: &mut Problems) -> Option<f64> {
    let threshold = node.read_number(file, problems)?;
    if !(-1.0..=1.0).contains(&threshold) {
        let message = "`threshold` is a similarity and must lie between -1 and 1";
        problems.push_at(file, node.at, message);
        return None;
    }
    Some(threshold)
}

fn read_categories(node: &Node, file: &str, problems: &mut Problems) -> Option<Categories> {
    let entries = node.read_map(file, problems)?;
    if entries.len() < 2 {
        let message = "there are at least two categories";
        let hint = "write `categories: {name: [example, …], name: [example, …]}`";
        problems.push_hint(file, node.at, message, hint);
        return None;
    }
    if entries.len() > CATEGORIES_MAX {
        let message = format!("more than {CATEGORIES_MAX} categories");
        problems.push_at(file, node.at, message);
        return None;
    }
    let mut categories = Categories::with_capacity(entries.len());
    let mut sound = true;
    for (key, node) in entries {
        let what = "the name of a category";
        let name = bounded(&key.name, key.at, what, NAME_BYTES_MAX, file, problems);
        let examples = read_examples(&key.name, node, &categories, file, problems);
        let (Some(name), Some(examples)) = (name, examples) else {
            sound = false;
            continue;
        };
        let folded = |name: &str| name.trim().to_lowercase();
        let same = categories
            .iter()
            .find(|(known, _)| folded(known) == folded(name));
        if let Some((known, _)) = same {
            let message = format!("the categories `{known}` and `{name}` have one name");
            problems.push_at(file, key.at, message);
            sound = false;
        }
        categories.push((name.to_owned(), examples));
    }
    sound.then_some(categories)
}

/// The examples of a category; `before` are the categories above it.
fn read_examples(
    name: &str,
    node: &Node,
    before: &Categories,
    file: &str,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let none = match &node.value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        _ => false,
    };
    if none {
        let message = format!("the category `{name}` has no examples");
        problems.push_hint(
            file,
            node.at,
            message,
            "a few words or sentences are enough",
        );
        return None;
    }
    let texts = node.read_texts(file, problems)?;
    if texts.len() > EXAMPLES_MAX {
        let message = format!("more than {EXAMPLES_MAX} examples");
        problems.push_at(file, node.at, message);
        return None;
    }
    let wanted = match &node.value {
        Value::List(items) => items.len(),
        _ => 1,
    };
    let mut examples: Vec<String> = Vec::with_capacity(texts.len());
    for (text, at) in texts {
        let text = bounded(text, at, "the example", NAME_BYTES_MAX, file, problems)?;
        let other = before
            .iter()
            .find(|(_, known)| known.iter().any(|known| known == text));
        if let Some((other, _)) = other {
            let message = format!("the example stands under the category `{other}` already");
            problems.push_at(file, at, message);
            return None;
        }
        if examples.iter().any(|known| known == text) {
            problems.push_at(file, at, "the example stands twice");
            return None;
        }
        examples.push(text.to_owned());
    }
    (examples.len() == wanted).then_some(examples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::config::Config;

    fn read_one(classify: &str) -> (Option<ClassifySpec>, Vec<String>) {
        let text = format!("{{version: 1, streams: {{s: {{stages: [classify:\n{classify}\n]}}}}}}");
        let mut problems = Problems::new();
        let config = Config::parse("f", &text, &mut problems);
        problems.sort();
        let stage = config.and_then(|mut config| config.streams.pop()?.stages.pop());
        let spec = stage.and_then(|stage| match stage.value {
            StageSpec::Classify(spec) => Some(*spec),
            _ => None,
        });
        (spec, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_left_out_has_a_value() {
        let (spec, problems) = read_one("{text: a.b, into: c, categories: {x: y, z: [v, w]}}");
        assert_eq!(problems, Vec::<String>::new());
        let spec = spec.expect("a stage");
        assert_eq!(spec.text.to_string(), "{{a.b}}");
        assert_eq!((spec.threshold, spec.other.as_str()), (THRESHOLD, OTHER));
        assert_eq!((spec.score_into, spec.before_masking), (None, false));
        assert_eq!(spec.wanted.model, Choice::Named("default".to_owned()));
        let whole = "{text: '{{a}} {{b}}', into: c, score_into: d, categories: {x: y, z: w}, threshold: -1, \
            other: x, model: ./m, cache: ./v, before_masking: true}";
        let (spec, problems) = read_one(whole);
        assert_eq!(problems, Vec::<String>::new());
        let spec = spec.expect("a stage");
        assert_eq!((spec.threshold, spec.other.as_str()), (-1.0, "x"));
        assert_eq!(spec.wanted.cache.as_deref(), Some("./v"));
    }

    #[test]
    fn everything_wrong_is_told() {
        let many: String = (0..=CATEGORIES_MAX)
            .map(|at| format!("c{at}: e{at}, "))
            .collect();
        let many = format!("{{text: a, into: b, categories: {{{many}}}}}");
        for (source, expected) in [
            (
                "{}",
                &[
                    "f:2:1: the stage `classify` needs the key `categories`",
                    "f:2:1: the stage `classify` needs the key `into`",
                    "f:2:1: the stage `classify` needs the key `text`",
                ][..],
            ),
            (
                "{text: a b., into: c, categories: {x: y}, thresold: 1}",
                &[
                    "f:2:8: `a b.` is no path of a column: a path segment is empty",
                    "f:2:35: there are at least two categories; write `categories: {name: [example, …], name: [example, …]}`",
                    "f:2:43: unknown key `thresold`; did you mean `threshold`?",
                ],
            ),
            (
                "{text: a, into: b, categories: {x: , y: [], z: [v, v], ' ': w}, threshold: 1.01}",
                &[
                    "f:2:34: the category `x` has no examples; a few words or sentences are enough",
                    "f:2:41: the category `y` has no examples; a few words or sentences are enough",
                    "f:2:52: the example stands twice",
                    "f:2:56: the name of a category is empty",
                    "f:2:76: `threshold` is a similarity and must lie between -1 and 1",
                ],
            ),
            (
                "{text: a, into: b, categories: {x: v, X: w, y: [v, 2]}}",
                &[
                    "f:2:39: the categories `x` and `X` have one name",
                    "f:2:49: the example stands under the category `x` already",
                    "f:2:52: expected text, found an integer; quote it to make it text",
                ],
            ),
            (&many, &["f:2:32: more than 200 categories"]),
        ] {
            let (spec, problems) = read_one(source);
            assert_eq!(problems, expected, "{source}");
            assert_eq!(spec, None, "{source}");
        }
    }
}
