//! Reads the stage `split`, by entity or by time; everything wrong with it is told at once.

use super::NAME_BYTES_MAX;
use super::column::{read_column_name, read_path, read_paths};
use super::read::{Scope, bounded, read_name};
use crate::document::{Fields, Key, Node, Problems};
use crate::schema::path::Path;
use crate::stage::spec::{Split, SplitBy, StageSpec};
use crate::stage::split::{instant, spec::Ended};

/// Most parts of one split.
pub const PARTS_MAX: usize = 100;

/// How far the fractions may be from 1.
const TOLERANCE: f64 = 1e-9;

/// The keys of each way to split, beside those of both.
const BY_ENTITY: [&str; 2] = ["fractions", "salt"];
const BY_TIME: [&str; 2] = ["until", "rest"];

pub(super) fn read(node: &Node, scope: &Scope<'_>, problems: &mut Problems) -> Vec<StageSpec> {
    let file = scope.file;
    let Some(mut fields) = Fields::of(node, "the stage `split`", file, problems) else {
        return Vec::new();
    };
    let (entity, time) = (fields.take("by"), fields.take("by_time"));
    let into = fields.require("into", problems);
    let into = into.and_then(|node| read_column_name(node, file, problems));
    let by = match (entity, time) {
        (Some(node), None) => read_entity(node, &mut fields, problems),
        (None, Some(node)) => read_time(node, &mut fields, problems),
        (Some(_), Some(node)) => {
            problems.push_at(file, node.at, "`by` and `by_time` exclude each other");
            know(&mut fields);
            None
        }
        (None, None) => {
            let message = "the stage `split` needs the key `by` or `by_time`";
            problems.push_at(file, fields.at(), message);
            know(&mut fields);
            None
        }
    };
    let missing = fields.take("missing");
    let named = missing.map(|node| read_name(node, "the name of a part", file, problems));
    fields.finish_with(problems, |name| {
        let belongs = match name {
            name if BY_ENTITY.contains(&name) => "by",
            name if BY_TIME.contains(&name) => "by_time",
            _ => return None,
        };
        Some(format!(
            "`{name}` belongs to a split with the key `{belongs}`"
        ))
    });
    let missing = match named {
        None => Some(None),
        Some(name) => name.map(|name| Some(name.to_owned())),
    };
    match (by, into, missing) {
        (Some(by), Some(into), Some(missing)) => {
            vec![StageSpec::Split(Split { by, into, missing })]
        }
        _ => Vec::new(),
    }
}

/// Asks for the keys of both ways, so that none is called unknown where the way itself is not known.
fn know(fields: &mut Fields<'_>) {
    for name in BY_ENTITY.into_iter().chain(BY_TIME) {
        fields.take(name);
    }
}

fn read_entity(node: &Node, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<SplitBy> {
    let file = fields.file();
    let key = read_paths(node, file, problems);
    let single = key.as_ref().is_none_or(|key| {
        let several = key.iter().find(|path| !path.is_scalar());
        several.is_none_or(|path| refuse_several(path, node, file, problems))
    });
    let fractions = fields.require("fractions", problems);
    let fractions = fractions.and_then(|node| read_fractions(node, file, problems));
    let salt = fields.require("salt", problems);
    let salt = salt.and_then(|node| read_name(node, "the salt", file, problems));
    match (key, fractions, salt) {
        (Some(key), Some(fractions), Some(salt)) if single => Some(SplitBy::Entity {
            key,
            fractions,
            salt: salt.to_owned(),
        }),
        _ => None,
    }
}

/// Reports a path that may stand for several values of a record.
fn refuse_several(path: &Path, node: &Node, file: &str, problems: &mut Problems) -> bool {
    let message = format!("`{path}` may stand for several values of a record");
    let hint = "a record is split by one value, of a column or of a key inside objects";
    problems.push_hint(file, node.at, message, hint);
    false
}

fn read_fractions(node: &Node, file: &str, problems: &mut Problems) -> Option<Vec<(String, f64)>> {
    let (entries, named) = read_parts(node, 2, file, problems)?;
    let mut fractions = Vec::with_capacity(entries.len());
    for (Key { name, .. }, value) in entries {
        match value.read_number(file, problems) {
            Some(fraction) if fraction < 0.0 => {
                let message = format!("the fraction of `{name}` is negative");
                problems.push_at(file, value.at, message);
            }
            Some(fraction) => fractions.push((name.clone(), fraction)),
            None => {}
        }
    }
    if !named || fractions.len() < entries.len() {
        return None;
    }
    let sum: f64 = fractions.iter().map(|(_, fraction)| fraction).sum();
    if (sum - 1.0).abs() > TOLERANCE {
        let sum = format!("{sum:.10}");
        let sum = sum.trim_end_matches('0').trim_end_matches('.');
        let message = format!("the fractions sum to {sum}, and must sum to 1");
        problems.push_at(file, node.at, message);
        return None;
    }
    Some(fractions)
}

/// The entries of a map of parts, at least `least`, and whether every name is one.
fn read_parts<'a>(
    node: &'a Node,
    least: usize,
    file: &str,
    problems: &mut Problems,
) -> Option<(&'a [(Key, Node)], bool)> {
    let entries = node.read_map(file, problems)?;
    if entries.len() < least {
        problems.push_at(file, node.at, "a split has at least two parts");
        return None;
    }
    if entries.len() > PARTS_MAX {
        let message = format!("more than {PARTS_MAX} parts");
        problems.push_at(file, node.at, message);
        return None;
    }
    let what = "the name of a part";
    let wrong = entries.iter().filter(|(key, _)| {
        bounded(&key.name, key.at, what, NAME_BYTES_MAX, file, problems).is_none()
    });
    let named = wrong.count() == 0;
    Some((entries, named))
}

fn read_time(node: &Node, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<SplitBy> {
    let file = fields.file();
    let column = read_path(node, file, problems);
    let single = column
        .as_ref()
        .is_none_or(|path| path.is_scalar() || refuse_several(path, node, file, problems));
    let until = fields.require("until", problems);
    let until = until.and_then(|node| read_until(node, file, problems));
    let place = fields.require("rest", problems);
    let rest = place.and_then(|node| read_name(node, "the name of a part", file, problems));
    if let (Some(node), Some(rest), Some(until)) = (place, rest, &until)
        && until.iter().any(|ended| ended.name == rest)
    {
        let message = format!("the part `{rest}` stands under `until` already");
        problems.push_hint(file, node.at, message, "the rest is a part of its own");
        return None;
    }
    match (column, until, rest) {
        (Some(column), Some(until), Some(rest)) if single => Some(SplitBy::Time {
            column,
            until,
            rest: rest.to_owned(),
        }),
        _ => None,
    }
}

fn read_until(node: &Node, file: &str, problems: &mut Problems) -> Option<Vec<Ended>> {
    let (entries, named) = read_parts(node, 1, file, problems)?;
    let mut until: Vec<Ended> = Vec::with_capacity(entries.len());
    let mut ordered = true;
    for (Key { name, .. }, value) in entries {
        let Some(text) = value.read_text(file, problems) else {
            continue;
        };
        let Some(before) = instant(text) else {
            let message = format!("`{text}` is no date or timestamp");
            let hint = "write it as 2026-01-31 or 2026-01-31T12:00:00+01:00";
            problems.push_hint(file, value.at, message, hint);
            continue;
        };
        if let Some(last) = until.last().filter(|last| last.before >= before) {
            let message = format!("`{name}` does not end after `{}`", last.name);
            let hint = "parts stand in the order of time";
            problems.push_hint(file, value.at, message, hint);
            ordered = false;
        }
        let name = name.clone();
        until.push(Ended { name, before });
    }
    (named && ordered && until.len() == entries.len()).then_some(until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::config::Config;

    fn read_one(split: &str) -> (Option<Split>, Vec<String>) {
        let text = format!("{{version: 1, streams: {{s: {{stages: [split:\n{split}\n]}}}}}}");
        let mut problems = Problems::new();
        let config = Config::parse("f", &text, &mut problems);
        problems.sort();
        let stage = config.and_then(|mut config| config.streams.pop()?.stages.pop());
        let split = stage.and_then(|stage| match stage.value {
            StageSpec::Split(split) => Some(split),
            _ => None,
        });
        (split, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn both_ways_are_read() {
        let entity =
            "{by: [a, b.c], into: part, fractions: {x: 1, y: 0, z: 0.0}, salt: s, missing: x}";
        let (split, problems) = read_one(entity);
        assert_eq!(problems, Vec::<String>::new());
        let split = split.expect("a split");
        assert_eq!(split.parts(), ["x", "y", "z"]);
        assert_eq!(split.missing.as_deref(), Some("x"));
        let time = "{by_time: a.at, into: part, until: {old: 2026-01-01, now: '2026-07-01T00:00:00+02:00'}, rest: new, missing: none}";
        let (split, problems) = read_one(time);
        assert_eq!(problems, Vec::<String>::new());
        let split = split.expect("a split");
        assert_eq!(split.parts(), ["old", "now", "new", "none"]);
        let SplitBy::Time { until, .. } = split.by else {
            panic!("by time");
        };
        assert_eq!(until[1].before.to_rfc3339(), "2026-06-30T22:00:00+00:00");
    }

    #[test]
    fn everything_wrong_is_told() {
        let many: String = (0..=PARTS_MAX)
            .map(|part| format!("p{part}: 0, "))
            .collect();
        let many = format!("{{by: a, into: p, salt: s, fractions: {{{many}}}}}");
        for (source, expected) in [
            (
                "{}",
                &[
                    "f:2:1: the stage `split` needs the key `by` or `by_time`",
                    "f:2:1: the stage `split` needs the key `into`",
                ][..],
            ),
            (
                "{by: a, by_time: b, into: p, until: {}, salt: s}",
                &["f:2:18: `by` and `by_time` exclude each other"],
            ),
            (
                "{by: a, into: p.q, fraction: {x: 1}, sald: s}",
                &[
                    "f:2:1: the stage `split` needs the key `fractions`",
                    "f:2:1: the stage `split` needs the key `salt`",
                    "f:2:15: `p.q` is a path, and a single name is wanted; a name with dots stands in double quotes, as '\"a.b\"'",
                    "f:2:20: unknown key `fraction`; did you mean `fractions`?",
                    "f:2:38: unknown key `sald`; did you mean `salt`?",
                ],
            ),
            (
                "{by: 'a[].b', into: p, fractions: {x: 0.8, y: 0.1}, salt: ' ', rest: y}",
                &[
                    "f:2:6: `a[].b` may stand for several values of a record; a record is split by one value, of a column or of a key inside objects",
                    "f:2:35: the fractions sum to 0.9, and must sum to 1",
                    "f:2:59: the salt is empty",
                    "f:2:64: `rest` belongs to a split with the key `by_time`",
                ],
            ),
            (
                "{by: a, into: p, fractions: {x: 1}, salt: 7}",
                &[
                    "f:2:29: a split has at least two parts",
                    "f:2:43: expected text, found an integer; quote it to make it text",
                ],
            ),
            (
                "{by: a, into: p, fractions: {x: 1.5, y: -0.5, ' ': 0, z: a}, salt: s, missing: ''}",
                &[
                    "f:2:41: the fraction of `y` is negative",
                    "f:2:47: the name of a part is empty",
                    "f:2:58: expected a number, found text",
                    "f:2:80: the name of a part is empty",
                ],
            ),
            (
                "{by: a, into: p, fractions: {x: 0.3333333, y: 0.6666666}, salt: s}",
                &["f:2:29: the fractions sum to 0.9999999, and must sum to 1"],
            ),
            (&many, &["f:2:38: more than 100 parts"]),
            (
                "{by_time: 'a.*', into: p, until: {x: 2026-01-01, y: soon, z: 2025-01-01}, rest: r, salt: s}",
                &[
                    "f:2:11: `a.*` may stand for several values of a record; a record is split by one value, of a column or of a key inside objects",
                    "f:2:53: `soon` is no date or timestamp; write it as 2026-01-31 or 2026-01-31T12:00:00+01:00",
                    "f:2:62: `z` does not end after `x`; parts stand in the order of time",
                    "f:2:84: `salt` belongs to a split with the key `by`",
                ],
            ),
            (
                "{by_time: a, into: p, until: {x: 2026-01-01}, rest: x}",
                &[
                    "f:2:53: the part `x` stands under `until` already; the rest is a part of its own",
                ],
            ),
            (
                "{by_time: a, into: p, until: {}}",
                &[
                    "f:2:1: the stage `split` needs the key `rest`",
                    "f:2:30: a split has at least two parts",
                ],
            ),
        ] {
            let (split, problems) = read_one(source);
            assert_eq!(problems, expected, "{source}");
            assert_eq!(split, None, "{source}");
        }
    }

    #[test]
    fn fractions_need_not_be_exact_in_binary() {
        let (split, problems) =
            read_one("{by: a, into: p, fractions: {x: 0.7, y: 0.1, z: 0.2}, salt: s}");
        assert_eq!((split.is_some(), problems.len()), (true, 0));
    }
}
