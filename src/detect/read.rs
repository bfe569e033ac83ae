//! Reads one entry of a recogniser file, and tells everything that is wrong with it.

use regex_automata::util::syntax;

use super::checksum::{self, Check};
use super::library::{Anchors, Context, Edges, Example, Extends, NameRule, Recogniser};
use crate::document::{self, Fields, Node, Position, Problems};

pub(super) fn list<'a>(
    fields: &mut Fields<'a>,
    name: &'static str,
    problems: &mut Problems,
) -> &'a [Node] {
    let file = fields.file();
    fields
        .take(name)
        .and_then(|node| node.read_list(file, problems))
        .unwrap_or_default()
}

pub(super) fn texts(
    fields: &mut Fields<'_>,
    name: &'static str,
    problems: &mut Problems,
) -> Vec<String> {
    fields
        .texts(name, problems)
        .unwrap_or_default()
        .into_iter()
        .map(|(text, _)| text.to_owned())
        .collect()
}

pub(super) fn read_name(node: &Node, file: &str, problems: &mut Problems) -> Option<NameRule> {
    let mut fields = Fields::of(node, "a name rule", file, problems)?;
    let kind = fields.require_text("kind", problems).map(str::to_owned);
    let columns = texts(&mut fields, "columns", problems);
    fields.finish(problems);
    Some(NameRule {
        kind: kind?,
        columns,
    })
}

pub(super) fn read_recogniser(
    node: &Node,
    file: &str,
    problems: &mut Problems,
) -> Option<Recogniser> {
    let mut fields = Fields::of(node, "a recogniser", file, problems)?;
    let at = fields.at();
    let id = fields.require_text("id", problems).map(str::to_owned);
    let kind = fields.require_text("kind", problems).map(str::to_owned);
    fields.require_text("about", problems);
    fields.text("source", problems);
    let patterns = read_patterns(&mut fields, problems);
    let check = read_check(&mut fields, problems);
    let confidence = fields.number("confidence", problems).unwrap_or(0.0);
    let edges = [
        ("word", Edges::Word),
        ("token", Edges::Token),
        ("dots", Edges::Dots),
        ("any", Edges::Any),
    ];
    let edges = fields
        .choice("edges", &edges, problems)
        .unwrap_or(Edges::Word);
    let extends = [("token", Extends::Token), ("pem", Extends::Pem)];
    let extends = fields
        .choice("extends", &extends, problems)
        .unwrap_or(Extends::No);
    let anchors = read_anchors(&mut fields, problems);
    let whole = fields.boolean("whole", problems).unwrap_or(false);
    let lenient = fields.boolean("lenient", problems).unwrap_or(false);
    let trims = fields.boolean("trims", problems).unwrap_or(false);
    let context = fields
        .take("context")
        .and_then(|node| read_context(node, file, problems));
    let finds = read_examples(&mut fields, "finds", problems);
    let ignores = read_examples(&mut fields, "ignores", problems);
    fields.finish(problems);

    let mut complain = |wrong: bool, message: &str| {
        if wrong {
            problems.push_at(file, at, message);
        }
    };
    complain(
        !(0.0..=1.0).contains(&confidence) || confidence == 0.0,
        "`confidence` must lie above 0 and up to 1",
    );
    complain(
        patterns.is_empty() != whole,
        "a recogniser has either `patterns` or `whole: true`",
    );
    complain(
        finds.is_empty() || ignores.is_empty(),
        "a recogniser needs `finds` and `ignores`",
    );
    Some(Recogniser {
        id: id?,
        kind: kind?,
        patterns,
        check,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a value from 0 to 1, written with two digits"
        )]
        confidence: confidence as f32,
        edges,
        extends,
        anchors,
        whole,
        lenient,
        trims,
        context: context.unwrap_or_default(),
        finds,
        ignores,
    })
}

/// Patterns are ASCII unless they say otherwise: `\d`, `\w` and `\b` know no other script.
pub(super) fn pattern_syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(true)
}

fn read_patterns(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let file = fields.file();
    let patterns = fields.texts("patterns", problems).unwrap_or_default();
    let mut kept = Vec::with_capacity(patterns.len());
    for (pattern, at) in patterns {
        match syntax::parse_with(pattern, &pattern_syntax()) {
            Ok(parsed) if parsed.properties().minimum_len() == Some(0) => {
                problems.push_at(file, at, "the pattern matches nothing at all")
            }
            Ok(_) => kept.push(pattern.to_owned()),
            Err(error) => {
                problems.push_at(file, at, format!("the pattern cannot be read: {error}"))
            }
        }
    }
    kept
}

fn read_check(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Check> {
    let file = fields.file();
    let node = fields.take("check")?;
    let name = node.read_text(file, problems)?;
    let found = checksum::named(name);
    if found.is_none() {
        unknown(file, node.at, name, problems);
    }
    found
}

fn unknown(file: &str, at: Position, name: &str, problems: &mut Problems) {
    let hint = document::nearest(name, checksum::names()).map_or_else(
        || "remove it".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    problems.push_hint(file, at, format!("unknown check `{name}`"), hint);
}

fn read_anchors(fields: &mut Fields<'_>, problems: &mut Problems) -> Anchors {
    let file = fields.file();
    let at = fields.at();
    let literals = texts(fields, "anchors", problems);
    if literals.is_empty() {
        return Anchors::Digits;
    }
    if literals == ["@"] {
        return Anchors::At;
    }
    if literals.iter().any(|literal| literal.len() < 3) {
        problems.push_at(
            file,
            at,
            "an anchor is `@` alone or literals of three bytes and more",
        );
    }
    Anchors::Literals(literals)
}

fn read_context(node: &Node, file: &str, problems: &mut Problems) -> Option<Context> {
    let mut fields = Fields::of(node, "the context of a recogniser", file, problems)?;
    let context = Context {
        required: fields.boolean("required", problems).unwrap_or(false),
        words: texts(&mut fields, "words", problems),
        columns: texts(&mut fields, "columns", problems),
        against: texts(&mut fields, "against", problems),
    };
    fields.finish(problems);
    if context.required && context.words.is_empty() && context.columns.is_empty() {
        problems.push_at(
            file,
            node.at,
            "a required context needs `words` or `columns`",
        );
    }
    Some(context)
}

fn read_examples(
    fields: &mut Fields<'_>,
    name: &'static str,
    problems: &mut Problems,
) -> Vec<Example> {
    /// A column name that says nothing.
    const PLAIN: &str = "body";
    let file = fields.file();
    let mut examples = Vec::new();
    for node in list(fields, name, problems) {
        if let document::Value::Text(text) = &node.value {
            let (text, column) = (text.clone(), PLAIN.to_owned());
            examples.push(Example {
                text,
                column,
                part: None,
            });
            continue;
        }
        let Some(mut entry) = Fields::of(node, "an example", file, problems) else {
            continue;
        };
        let text = entry.require_text("text", problems).map(str::to_owned);
        let column = entry.text("column", problems).unwrap_or(PLAIN).to_owned();
        let part = entry.text("as", problems).map(str::to_owned);
        entry.finish(problems);
        examples.extend(text.map(|text| Example { text, column, part }));
    }
    examples
}
