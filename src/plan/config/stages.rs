//! The list of stages of one stream, as written, to stage specifications.

use super::column::{read_column_name, read_path, read_paths};
use super::read::{Scope, bounded, read_sql};
use super::{NAME_BYTES_MAX, STAGES_MAX, Spanned, StreamConfig, classify, embed, operator, split};
use crate::document::{Fields, Key, Node, Position, Problems, Value, listed, nearest};
use crate::schema::path::{Path, Segment};
use crate::stage::spec::{CastFailure, CastType, Kinds, Pin, StageSpec};

/// Everything a stage can be called, with how its settings are read.
const STAGES: &[(&str, Reader)] = &[
    ("filter", filter),
    ("check", check),
    ("rename", rename),
    ("drop", drop_columns),
    ("cast", cast),
    ("derive", derive),
    ("mask", mask),
    ("detect", detect),
    ("embed", embed::read),
    ("classify", classify::read),
    ("split", split::read),
];

/// The target types of `cast`, and of the rule shorthand `type`.
pub(in crate::plan) const TYPES: &[(&str, CastType)] = &[
    ("string", CastType::String),
    ("integer", CastType::Integer),
    ("number", CastType::Number),
    ("boolean", CastType::Boolean),
    ("date", CastType::Date),
    ("timestamp_with_timezone", CastType::TimestampWithTimezone),
    (
        "timestamp_without_timezone",
        CastType::TimestampWithoutTimezone,
    ),
];

type Reader = fn(&Node, &Scope<'_>, &mut Problems) -> Vec<StageSpec>;

/// Reads a list of stages; those that are wrong are left out.
pub(super) fn read(
    node: &Node,
    scope: &Scope<'_>,
    problems: &mut Problems,
) -> Vec<Spanned<StageSpec>> {
    let mut stages = Vec::new();
    for item in node.read_list(scope.file, problems).unwrap_or_default() {
        for value in read_stage(item, scope, problems) {
            stages.push(Spanned { value, at: item.at });
        }
        if stages.len() > STAGES_MAX {
            let message = format!("more than {STAGES_MAX} stages in one stream");
            problems.push_at(scope.file, item.at, message);
            stages.truncate(STAGES_MAX);
            break;
        }
    }
    stages
}

/// Reports a `check` without rules to check, and a second one.
pub(super) fn refuse_odd_checks(stream: &StreamConfig, file: &str, problems: &mut Problems) {
    let mut checks = stream
        .stages
        .iter()
        .filter(|stage| stage.value == StageSpec::Check);
    if let Some(first) = checks.next()
        && stream.rules.is_none()
    {
        let message = "`check` has no rules to check";
        let hint = "name a rule file with the stream's `rules:`";
        problems.push_hint(file, first.at, message, hint);
    }
    for again in checks {
        problems.push_at(file, again.at, "`check` stands twice in this stream");
    }
}

fn read_stage(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let nothing = Node {
        value: Value::Null,
        at: node.at,
    };
    let (name, at, settings) = match &node.value {
        Value::Text(name) => (name, node.at, &nothing),
        Value::Map(entries) => match entries.as_slice() {
            [(key, settings)] => (&key.name, key.at, settings),
            entries => {
                refuse_several_keys(node, entries, scope, problems);
                return Vec::new();
            }
        },
        _ => {
            node.mismatch("a stage", scope.file, problems);
            return Vec::new();
        }
    };
    match STAGES.iter().find(|(known, _)| known == name) {
        Some((_, read)) => read(settings, scope, problems),
        None => {
            refuse_unknown(name, at, scope, problems);
            Vec::new()
        }
    }
}

fn refuse_unknown(name: &str, at: Position, scope: &Scope<'_>, problems: &mut Problems) {
    let names = STAGES.iter().map(|(name, _)| *name);
    let hint = match nearest(name, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the stages are {}", listed(&names.collect::<Vec<_>>())),
    };
    problems.push_hint(scope.file, at, format!("unknown stage `{name}`"), hint);
}

/// `- mask:` with its settings at the same depth is the usual slip.
fn refuse_several_keys(
    node: &Node,
    entries: &[(Key, Node)],
    scope: &Scope<'_>,
    problems: &mut Problems,
) {
    let message = "a stage is one key with its settings below it";
    match entries.first() {
        Some((key, settings)) if settings.value == Value::Null => {
            let hint = format!("indent the settings under `{}`", key.name);
            problems.push_hint(scope.file, node.at, message, hint);
        }
        _ => problems.push_hint(
            scope.file,
            node.at,
            message,
            "begin every stage with `- ` on a line of its own",
        ),
    }
}

fn filter(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let sql = read_sql(node, scope.file, problems);
    sql.map(StageSpec::Filter).into_iter().collect()
}

fn check(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    if node.value != Value::Null
        && let Some(fields) = Fields::of(node, "the stage `check`", scope.file, problems)
    {
        fields.finish(problems);
    }
    vec![StageSpec::Check]
}

fn rename(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let Some(mut fields) = Fields::of(node, "the stage `rename`", scope.file, problems) else {
        return Vec::new();
    };
    let from = fields.require("from", problems).and_then(|node| {
        let from = read_path(node, scope.file, problems)?;
        if from.leaf().is_none() {
            let message = format!("`{from}` must end in a name to be renamed");
            problems.push_at(scope.file, node.at, message);
            return None;
        }
        Some(from)
    });
    let to = fields
        .require("to", problems)
        .and_then(|node| read_column_name(node, scope.file, problems));
    fields.finish(problems);
    from.zip(to)
        .map(|(from, to)| StageSpec::Rename { from, to })
        .into_iter()
        .collect()
}

fn drop_columns(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let paths = read_paths(node, scope.file, problems);
    paths.map(StageSpec::Drop).into_iter().collect()
}

fn cast(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    const FAILURES: &[(&str, CastFailure)] = &[
        ("null", CastFailure::Null),
        ("reject", CastFailure::Reject),
        ("fail", CastFailure::Fail),
    ];
    let file = scope.file;
    let Some(mut fields) = Fields::of(node, "the stage `cast`", file, problems) else {
        return Vec::new();
    };
    let column = fields
        .require("column", problems)
        .and_then(|node| read_path(node, file, problems));
    let to = fields
        .require("to", problems)
        .and_then(|node| node.read_choice(TYPES, file, problems));
    let on_error = match fields.take("on_error") {
        None => Some(CastFailure::Reject),
        // Unquoted, the word is YAML's own null.
        Some(node) if node.value == Value::Null => Some(CastFailure::Null),
        Some(node) => node.read_choice(FAILURES, file, problems),
    };
    fields.finish(problems);
    match (column, to, on_error) {
        (Some(column), Some(to), Some(on_error)) => vec![StageSpec::Cast {
            column,
            to,
            on_error,
        }],
        _ => Vec::new(),
    }
}

fn derive(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let Some(mut fields) = Fields::of(node, "the stage `derive`", scope.file, problems) else {
        return Vec::new();
    };
    let column = fields
        .require("column", problems)
        .and_then(|node| read_column_name(node, scope.file, problems));
    let sql = fields
        .require("sql", problems)
        .and_then(|node| read_sql(node, scope.file, problems));
    fields.finish(problems);
    column
        .zip(sql)
        .map(|(column, sql)| StageSpec::Derive { column, sql })
        .into_iter()
        .collect()
}

fn mask(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let file = scope.file;
    let Some(mut fields) = Fields::of(node, "the stage `mask`", file, problems) else {
        return Vec::new();
    };
    let columns = match (fields.take("column"), fields.take("columns")) {
        (Some(node), None) => read_path(node, file, problems).map(|path| vec![path]),
        (None, Some(node)) => read_paths(node, file, problems),
        (None, None) => {
            let at = fields.at();
            problems.push_at(file, at, "the stage `mask` needs the key `column`");
            None
        }
        (Some(_), Some(node)) => {
            let message = "`column` and `columns` exclude each other";
            problems.push_at(file, node.at, message);
            None
        }
    };
    let Some(with) = operator::read(fields, scope, problems) else {
        return Vec::new();
    };
    columns
        .unwrap_or_default()
        .into_iter()
        .map(|column| StageSpec::Mask {
            column,
            with: with.clone(),
        })
        .collect()
}

fn detect(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let file = scope.file;
    let Some(mut fields) = Fields::of(node, "the stage `detect`", file, problems) else {
        return Vec::new();
    };
    let columns = fields.require("columns", problems);
    let columns = columns.and_then(|node| match &node.value {
        Value::Text(word) if word == "all" => Path::new(vec![Segment::Any]).map(|all| vec![all]),
        _ => read_paths(node, file, problems),
    });
    let kinds = read_kinds(&mut fields, problems);
    let pin = read_pins(&mut fields, problems);
    let with = operator::read(fields, scope, problems);
    match (columns, kinds, with) {
        (Some(columns), Some(kinds), Some(with)) => vec![StageSpec::Detect {
            columns,
            kinds,
            with,
            pin,
        }],
        _ => Vec::new(),
    }
}

/// `pin: {name: PERSON, notes: text, status: clean}`
fn read_pins(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<(Path, Pin)> {
    let file = fields.file();
    let Some(entries) = fields
        .take("pin")
        .and_then(|node| node.read_map(file, problems))
    else {
        return Vec::new();
    };
    let mut pins = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        let name = Node {
            value: Value::Text(key.name.clone()),
            at: key.at,
        };
        let path = read_path(&name, file, problems);
        let pin = match node.read_text(file, problems) {
            Some("text") => Some(Pin::Text),
            Some("clean") => Some(Pin::Clean),
            Some(kind) => Some(Pin::Kind(kind.to_owned())),
            None => None,
        };
        pins.extend(path.zip(pin));
    }
    pins
}

/// `kinds`, all when left out, less those of `except`.
fn read_kinds(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Kinds> {
    let file = fields.file();
    let only = match fields.take("kinds") {
        None => None,
        Some(node) if node.value == Value::Text("all".to_owned()) => None,
        Some(node) => Some(read_kind_names(node, file, problems)?),
    };
    let Some(node) = fields.take("except") else {
        return Some(only.map_or(Kinds::All, Kinds::Only));
    };
    let except = read_kind_names(node, file, problems)?;
    if only.is_some() {
        let message = "`except` takes kinds away from all, and `kinds` names some already";
        problems.push_hint(file, node.at, message, "leave one of the two out");
        return None;
    }
    Some(Kinds::Except(except))
}

fn read_kind_names(node: &Node, file: &str, problems: &mut Problems) -> Option<Vec<String>> {
    let names = node.read_texts(file, problems)?;
    let mut kinds = Vec::with_capacity(names.len());
    for (name, at) in names {
        let name = bounded(name, at, "the kind", NAME_BYTES_MAX, file, problems)?;
        if kinds.iter().any(|known| known == name) {
            problems.push_at(file, at, format!("the kind `{name}` stands twice"));
        } else {
            kinds.push(name.to_owned());
        }
    }
    Some(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::embedding::{Choice, Wanted};
    use crate::plan::config::Config;
    use crate::stage::embed::cut::Size;
    use crate::stage::spec::{EmbedInto, EmbedSpec, Operator};

    /// The stages of one stream, written in flow style, and the problems by column.
    fn read_line(stages: &str) -> (Vec<StageSpec>, Vec<String>) {
        let text = format!(
            "{{version: 1,\nkeys: {{main: {{env: KEY}}}},\nstreams: {{s: {{rules: r.yaml, stages:\n{stages}\n}}}}}}"
        );
        let mut problems = Problems::new();
        let config = Config::parse("f", &text, &mut problems);
        problems.sort();
        let specs = config
            .and_then(|mut config| config.streams.pop())
            .map(|stream| stream.stages.into_iter().map(|stage| stage.value).collect())
            .unwrap_or_default();
        let told = problems.iter().map(ToString::to_string).collect();
        (specs, told)
    }

    fn path(text: &str) -> Path {
        text.parse().expect(text)
    }

    /// An `embed` of two columns by the built-in model.
    fn embed(into: EmbedInto, chunk: Option<Size>) -> StageSpec {
        StageSpec::Embed(Box::new(EmbedSpec {
            text: "{{a.b}} {{c}}".parse().expect("a template"),
            into,
            chunk,
            wanted: Wanted {
                model: Choice::Named("default".to_owned()),
                cache: None,
            },
            before_masking: false,
        }))
    }

    #[test]
    fn every_form_of_every_stage_is_read() {
        let redact = || Operator::Redact { placeholder: None };
        for (source, expected) in [
            (
                "[filter: \"a <> 'X'\"]",
                StageSpec::Filter("a <> 'X'".to_owned()),
            ),
            ("[check]", StageSpec::Check),
            ("[check: ]", StageSpec::Check),
            ("[check: {}]", StageSpec::Check),
            (
                "[embed: {text: '{{a.b}} {{c}}', into: v}]",
                embed(EmbedInto::Vector("v".to_owned()), None),
            ),
            (
                "[embed: {text: '{{a.b}} {{c}}', into: v, model: default, output: chunks, chunk: {tokens: 50}}]",
                embed(
                    EmbedInto::Chunks("v".to_owned()),
                    Some(Size {
                        tokens: 50,
                        overlap: 5,
                    }),
                ),
            ),
            (
                "[embed: {text: '{{a.b}} {{c}}', output: stream}]",
                embed(EmbedInto::Stream, None),
            ),
            (
                "[rename: {from: a.b, to: c}]",
                StageSpec::Rename {
                    from: path("a.b"),
                    to: "c".to_owned(),
                },
            ),
            (
                "[rename: {from: a, to: '\"b.c\"'}]",
                StageSpec::Rename {
                    from: path("a"),
                    to: "b.c".to_owned(),
                },
            ),
            ("[drop: a]", StageSpec::Drop(vec![path("a")])),
            (
                "[drop: [a, 'b[].c']]",
                StageSpec::Drop(vec![path("a"), path("b[].c")]),
            ),
            (
                "[cast: {column: a, to: integer}]",
                StageSpec::Cast {
                    column: path("a"),
                    to: CastType::Integer,
                    on_error: CastFailure::Reject,
                },
            ),
            (
                "[cast: {column: a, to: date, on_error: null}]",
                StageSpec::Cast {
                    column: path("a"),
                    to: CastType::Date,
                    on_error: CastFailure::Null,
                },
            ),
            (
                "[cast: {column: a, to: date, on_error: 'null'}]",
                StageSpec::Cast {
                    column: path("a"),
                    to: CastType::Date,
                    on_error: CastFailure::Null,
                },
            ),
            (
                "[derive: {column: y, sql: a + 1}]",
                StageSpec::Derive {
                    column: "y".to_owned(),
                    sql: "a + 1".to_owned(),
                },
            ),
            (
                "[mask: {column: a.b, with: redact}]",
                StageSpec::Mask {
                    column: path("a.b"),
                    with: redact(),
                },
            ),
            (
                "[detect: {columns: all, with: redact}]",
                StageSpec::Detect {
                    columns: vec![path("*")],
                    kinds: Kinds::All,
                    with: redact(),
                    pin: Vec::new(),
                },
            ),
            (
                "[detect: {columns: [all], kinds: all, with: redact}]",
                StageSpec::Detect {
                    columns: vec![path("all")],
                    kinds: Kinds::All,
                    with: redact(),
                    pin: Vec::new(),
                },
            ),
            (
                "[detect: {columns: a, kinds: [EMAIL, IBAN], with: redact}]",
                StageSpec::Detect {
                    columns: vec![path("a")],
                    kinds: Kinds::Only(vec!["EMAIL".to_owned(), "IBAN".to_owned()]),
                    with: redact(),
                    pin: Vec::new(),
                },
            ),
            (
                "[detect: {columns: a, kinds: all, except: [URL], with: redact}]",
                StageSpec::Detect {
                    columns: vec![path("a")],
                    kinds: Kinds::Except(vec!["URL".to_owned()]),
                    with: redact(),
                    pin: Vec::new(),
                },
            ),
        ] {
            assert_eq!(read_line(source), (vec![expected], vec![]), "{source}");
        }
    }

    #[test]
    fn columns_of_a_mask_become_one_stage_each() {
        let (stages, problems) = read_line("[mask: {columns: [a, b], with: hash}]");
        assert_eq!(problems, Vec::<String>::new());
        let masked: Vec<_> = stages
            .iter()
            .map(|stage| match stage {
                StageSpec::Mask {
                    column,
                    with: Operator::Hash { key, .. },
                } => (column.to_string(), key.as_str()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(masked, [("a".to_owned(), "main"), ("b".to_owned(), "main")]);
    }

    #[test]
    fn wrong_stages_are_told_with_the_way_out() {
        let long = format!("[filter: {}]", "a".repeat(super::super::SQL_BYTES_MAX + 1));
        for (source, expected) in [
            ("filter", &["f:4:1: expected a list, found text"][..]),
            ("[1]", &["f:4:2: expected a stage, found an integer"]),
            (
                "[fliter: x]",
                &["f:4:2: unknown stage `fliter`; did you mean `filter`?"],
            ),
            (
                "[anonymise: x]",
                &[
                    "f:4:2: unknown stage `anonymise`; the stages are `filter`, `check`, `rename`, `drop`, `cast`, `derive`, `mask`, `detect`, `embed`, `classify` and `split`",
                ],
            ),
            (
                "[embed: {into: v}]",
                &["f:4:9: the stage `embed` needs the key `text`"],
            ),
            (
                "[clasify: {}]",
                &["f:4:2: unknown stage `clasify`; did you mean `classify`?"],
            ),
            (
                "[{mask: , column: a, with: redact}]",
                &[
                    "f:4:2: a stage is one key with its settings below it; indent the settings under `mask`",
                ],
            ),
            (
                "[{drop: a, filter: b}]",
                &[
                    "f:4:2: a stage is one key with its settings below it; begin every stage with `- ` on a line of its own",
                ],
            ),
            ("[filter]", &["f:4:2: expected text, found nothing"]),
            ("[filter: [a]]", &["f:4:10: expected text, found a list"]),
            ("[filter: ' ']", &["f:4:10: the SQL expression is empty"]),
            (
                &long,
                &["f:4:10: the SQL expression is longer than 10000 bytes"],
            ),
            (
                "[check: {rules: x}]",
                &["f:4:10: unknown key `rules`; the stage `check` takes no keys"],
            ),
            (
                "[check, check]",
                &["f:4:9: `check` stands twice in this stream"],
            ),
            (
                "[rename: {a: b}]",
                &[
                    "f:4:10: the stage `rename` needs the key `from`",
                    "f:4:10: the stage `rename` needs the key `to`",
                    "f:4:11: unknown key `a`; the keys of the stage `rename` are `from` and `to`",
                ],
            ),
            (
                "[rename: {from: 'a[]', to: x.y}]",
                &[
                    "f:4:17: `a[]` must end in a name to be renamed",
                    "f:4:28: `x.y` is a path, and a single name is wanted; a name with dots stands in double quotes, as '\"a.b\"'",
                ],
            ),
            ("[drop: []]", &["f:4:8: the list is empty"]),
            (
                "[drop: [a, a..b, a]]",
                &[
                    "f:4:12: `a..b` is no path of a column: a path segment is empty",
                    "f:4:18: the column `a` stands twice",
                ],
            ),
            (
                "[drop: {column: a}]",
                &["f:4:8: expected text or a list of text, found a map"],
            ),
            (
                "[cast: {column: a, to: int, on_error: ignore}]",
                &[
                    "f:4:24: unknown word `int`; valid are `string`, `integer`, `number`, `boolean`, `date`, `timestamp_with_timezone` and `timestamp_without_timezone`",
                    "f:4:39: unknown word `ignore`; valid are `null`, `reject` and `fail`",
                ],
            ),
            (
                "[derive: {colum: a, sql: 1}]",
                &[
                    "f:4:10: the stage `derive` needs the key `column`",
                    "f:4:11: unknown key `colum`; did you mean `column`?",
                    "f:4:26: expected text, found an integer; quote it to make it text",
                ],
            ),
            (
                "[mask: {with: redact}]",
                &["f:4:8: the stage `mask` needs the key `column`"],
            ),
            (
                "[mask: {column: a, columns: [b], with: redact}]",
                &["f:4:29: `column` and `columns` exclude each other"],
            ),
            (
                "[detect: {kinds: [], with: redact}]",
                &[
                    "f:4:10: the stage `detect` needs the key `columns`",
                    "f:4:18: the list is empty",
                ],
            ),
            (
                "[detect: {columns: a, kinds: [URL, URL], except: IP, with: redact}]",
                &[
                    "f:4:36: the kind `URL` stands twice",
                    "f:4:50: `except` takes kinds away from all, and `kinds` names some already; leave one of the two out",
                ],
            ),
        ] {
            assert_eq!(read_line(source).1, expected, "{source}");
        }
    }

    #[test]
    fn stages_are_counted_after_columns_are_spread() {
        let names: Vec<_> = (0..=STAGES_MAX).map(|i| format!("c{i}")).collect();
        let most = format!(
            "[mask: {{columns: [{}], with: redact}}]",
            names[1..].join(", ")
        );
        assert_eq!(read_line(&most).1, Vec::<String>::new());
        let past = format!("[mask: {{columns: [{}], with: redact}}]", names.join(", "));
        let (stages, problems) = read_line(&past);
        assert_eq!(problems, ["f:4:2: more than 200 stages in one stream"]);
        assert_eq!(stages.len(), STAGES_MAX);
    }
}
