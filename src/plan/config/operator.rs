//! The masking operator of a stage with its options.
//!
//! An option that belongs to another operator is told as such: an operator that ignored it would
//! mask otherwise than the person who wrote it believes.

use super::NAME_BYTES_MAX;
use super::column::read_path;
use super::read::{Scope, bounded};
use crate::document::{Fields, Node, Problems, Value, listed, nearest};
use crate::stage::spec::{Alphabet, Generalize, Operator};

/// The most characters an option may keep.
const KEPT_CHARACTERS_MAX: i64 = 1_000;
/// The furthest a date may be moved, a century.
const SHIFT_DAYS_MAX: i64 = 36_525;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Redact,
    Partial,
    Hash,
    Token,
    Fpe,
    Pseudonym,
    ShiftDate,
    Generalize,
    Encrypt,
    Nullify,
}

/// Every operator with the options it takes.
const OPERATORS: &[(&str, Word, &[&str])] = &[
    ("redact", Word::Redact, &["placeholder"]),
    (
        "partial",
        Word::Partial,
        &["keep_first", "keep_last", "keep_domain", "fill"],
    ),
    ("hash", Word::Hash, &["key", "prefix", "normalize"]),
    ("token", Word::Token, &["key"]),
    ("fpe", Word::Fpe, &["key", "alphabet"]),
    ("pseudonym", Word::Pseudonym, &["key", "kind"]),
    ("shift_date", Word::ShiftDate, &["key", "days", "subject"]),
    (
        "generalize",
        Word::Generalize,
        &["range", "to", "prefix", "network"],
    ),
    ("encrypt", Word::Encrypt, &["key"]),
    ("nullify", Word::Nullify, &[]),
];

/// Reads `with` and the options, and ends the reading of the stage's fields.
pub(super) fn read(
    mut fields: Fields<'_>,
    scope: &Scope<'_>,
    problems: &mut Problems,
) -> Option<Operator> {
    let words: Vec<_> = OPERATORS
        .iter()
        .map(|(name, word, _)| (*name, *word))
        .collect();
    let word = fields
        .require("with", problems)
        .and_then(|node| node.read_choice(&words, scope.file, problems));
    let Some(word) = word else {
        // Whose options the others are is unknown, so only what nobody takes is wrong.
        for (_, _, options) in OPERATORS {
            for option in *options {
                fields.take(option);
            }
        }
        fields.finish(problems);
        return None;
    };
    let operator = read_options(word, &mut fields, scope, problems);
    let name = OPERATORS
        .iter()
        .find(|(_, known, _)| *known == word)
        .map_or("", |(name, _, _)| *name);
    fields.finish_with(problems, |option| {
        let owners: Vec<_> = OPERATORS
            .iter()
            .filter(|(_, _, options)| options.contains(&option))
            .map(|(owner, _, _)| *owner)
            .collect();
        (!owners.is_empty())
            .then(|| format!("`{option}` belongs to {}, not to `{name}`", listed(&owners)))
    });
    operator
}

fn read_options(
    word: Word,
    fields: &mut Fields<'_>,
    scope: &Scope<'_>,
    problems: &mut Problems,
) -> Option<Operator> {
    match word {
        Word::Redact => Some(Operator::Redact {
            placeholder: text(fields, "placeholder", problems),
        }),
        Word::Partial => Some(Operator::Partial {
            keep_first: count(fields, "keep_first", problems),
            keep_last: count(fields, "keep_last", problems),
            keep_domain: fields.boolean("keep_domain", problems),
            fill: fill(fields, problems),
        }),
        Word::Hash => {
            let key = key("hash", fields, scope, problems);
            let prefix = text(fields, "prefix", problems);
            let normalize = fields.boolean("normalize", problems).unwrap_or(false);
            Some(Operator::Hash {
                key: key?,
                prefix,
                normalize,
            })
        }
        Word::Token => key("token", fields, scope, problems).map(|key| Operator::Token { key }),
        Word::Fpe => {
            const ALPHABETS: &[(&str, Alphabet)] = &[
                ("digits", Alphabet::Digits),
                ("letters", Alphabet::Letters),
                ("alphanumeric", Alphabet::Alphanumeric),
            ];
            let key = key("fpe", fields, scope, problems);
            let alphabet = fields.choice("alphabet", ALPHABETS, problems);
            Some(Operator::Fpe {
                key: key?,
                alphabet: alphabet.unwrap_or(Alphabet::Digits),
            })
        }
        Word::Pseudonym => {
            let key = key("pseudonym", fields, scope, problems);
            let kind = text(fields, "kind", problems);
            Some(Operator::Pseudonym { key: key?, kind })
        }
        Word::ShiftDate => shift_date(fields, scope, problems),
        Word::Generalize => generalize(fields, problems).map(Operator::Generalize),
        Word::Encrypt => {
            key("encrypt", fields, scope, problems).map(|key| Operator::Encrypt { key })
        }
        Word::Nullify => Some(Operator::Nullify),
    }
}

/// The declared key that `key` names, or the only one there is.
fn key(
    operator: &str,
    fields: &mut Fields<'_>,
    scope: &Scope<'_>,
    problems: &mut Problems,
) -> Option<String> {
    const DECLARE: &str = "declare one, as `keys: {main: {env: MIDFLIGHT_KEY}}`";
    let at = fields.at();
    let Some(node) = fields.take("key") else {
        return match scope.keys.as_slice() {
            [only] => Some((*only).to_owned()),
            [] => {
                let message = format!("`{operator}` needs a key, and none is declared");
                problems.push_hint(scope.file, at, message, DECLARE);
                None
            }
            several => {
                let message = format!("`{operator}` needs a key, and several are declared");
                let hint = format!("say which with `key:`; there are {}", listed(several));
                problems.push_hint(scope.file, at, message, hint);
                None
            }
        };
    };
    let name = node.read_text(scope.file, problems)?;
    if scope.keys.contains(&name) {
        return Some(name.to_owned());
    }
    let hint = match nearest(name, scope.keys.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if scope.keys.is_empty() => DECLARE.to_owned(),
        None => format!("there are {}", listed(&scope.keys)),
    };
    // The text is not repeated: it may be a key itself, put in the wrong place.
    let message = "`key` names no declared key";
    problems.push_hint(scope.file, node.at, message, hint);
    None
}

fn shift_date(
    fields: &mut Fields<'_>,
    scope: &Scope<'_>,
    problems: &mut Problems,
) -> Option<Operator> {
    let key = key("shift_date", fields, scope, problems);
    let days = fields
        .integer_within("days", 1..=SHIFT_DAYS_MAX, problems)
        .and_then(|days| u32::try_from(days).ok());
    let subject = fields.take("subject").and_then(|node| {
        let subject = read_path(node, scope.file, problems)?;
        if !subject.is_scalar() {
            let message = format!("`{subject}` names several values, and a subject is one");
            problems.push_at(scope.file, node.at, message);
        }
        Some(subject)
    });
    Some(Operator::ShiftDate {
        key: key?,
        days: days.unwrap_or(365),
        subject,
    })
}

fn generalize(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Generalize> {
    const PERIODS: &[(&str, Generalize)] =
        &[("month", Generalize::Month), ("year", Generalize::Year)];
    let (file, at) = (fields.file(), fields.at());
    let mut ways = Vec::new();
    let mut named = 0;
    for name in ["range", "to", "prefix", "network"] {
        let Some(node) = fields.take(name) else {
            continue;
        };
        named += 1;
        ways.extend(match name {
            "range" => {
                positive(node, name, file, problems).map(|width| Generalize::Range { width })
            }
            "to" => {
                let words: Vec<_> = PERIODS.iter().map(|(word, way)| (*word, way)).collect();
                node.read_choice(&words, file, problems).cloned()
            }
            "prefix" => positive(node, name, file, problems)
                .and_then(|characters| usize::try_from(characters).ok())
                .map(|characters| Generalize::Prefix { characters }),
            _ => network(node, file, problems),
        });
    }
    if named != 1 {
        let message = format!("`generalize` takes one of its options, found {named}");
        let hint = "write `range`, `to`, `prefix` or `network`";
        problems.push_hint(file, at, message, hint);
        return None;
    }
    ways.pop()
}

fn network(node: &Node, file: &str, problems: &mut Problems) -> Option<Generalize> {
    let mut bits = Fields::of(node, "`network`", file, problems)?;
    let ipv4 = bits.integer_within("ipv4", 0..=32, problems).unwrap_or(24);
    let ipv6 = bits.integer_within("ipv6", 0..=128, problems).unwrap_or(48);
    bits.finish(problems);
    Some(Generalize::Network {
        ipv4_bits: u8::try_from(ipv4).ok()?,
        ipv6_bits: u8::try_from(ipv6).ok()?,
    })
}

fn positive(node: &Node, name: &str, file: &str, problems: &mut Problems) -> Option<u64> {
    let number = node.read_integer(file, problems)?;
    let positive = u64::try_from(number).ok().filter(|number| *number > 0);
    if positive.is_none() {
        problems.push_at(file, node.at, format!("`{name}` must be at least 1"));
    }
    positive
}

fn count(fields: &mut Fields<'_>, name: &'static str, problems: &mut Problems) -> Option<usize> {
    let number = fields.integer_within(name, 0..=KEPT_CHARACTERS_MAX, problems)?;
    usize::try_from(number).ok()
}

fn text(fields: &mut Fields<'_>, name: &'static str, problems: &mut Problems) -> Option<String> {
    let file = fields.file();
    let node = fields.take(name)?;
    let text = node.read_text(file, problems)?;
    let what = format!("`{name}`");
    bounded(text, node.at, &what, NAME_BYTES_MAX, file, problems).map(str::to_owned)
}

fn fill(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<char> {
    let file = fields.file();
    let node = fields.take("fill")?;
    let mut characters = match &node.value {
        Value::Text(text) => text.chars(),
        _ => {
            node.mismatch("text", file, problems);
            return None;
        }
    };
    match (characters.next(), characters.next()) {
        (Some(fill), None) => Some(fill),
        _ => {
            problems.push_at(file, node.at, "`fill` must be one character");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::config::Config;
    use crate::stage::spec::StageSpec;

    fn read_with(keys: &str, options: &str) -> (Option<Operator>, Vec<String>) {
        let text = format!(
            "{{version: 1,\nkeys: {keys},\nstreams: {{s: {{stages: [mask: {{column: c, with:\n{options}\n}}]}}}}}}"
        );
        let mut problems = Problems::new();
        let config = Config::parse("f", &text, &mut problems).expect("a map");
        problems.sort();
        let stage = config
            .streams
            .first()
            .and_then(|stream| stream.stages.first());
        let operator = stage.map(|stage| match &stage.value {
            StageSpec::Mask { with, .. } => with.clone(),
            other => panic!("{other:?}"),
        });
        (operator, problems.iter().map(ToString::to_string).collect())
    }

    const ONE: &str = "{main: {env: A}}";
    const TWO: &str = "{main: {env: A}, spare: {file: b}}";

    #[test]
    fn every_operator_reads_its_options() {
        let key = || "main".to_owned();
        let partial = |keep_first, keep_last, keep_domain, fill| Operator::Partial {
            keep_first,
            keep_last,
            keep_domain,
            fill,
        };
        for (options, expected) in [
            ("redact", Operator::Redact { placeholder: None }),
            (
                "redact, placeholder: '[gone]'",
                Operator::Redact {
                    placeholder: Some("[gone]".to_owned()),
                },
            ),
            ("partial", partial(None, None, None, None)),
            (
                "partial, keep_first: 1, keep_last: 0, keep_domain: true, fill: '•'",
                partial(Some(1), Some(0), Some(true), Some('•')),
            ),
            (
                "hash",
                Operator::Hash {
                    key: key(),
                    prefix: None,
                    normalize: false,
                },
            ),
            (
                "hash, key: main, prefix: u_, normalize: true",
                Operator::Hash {
                    key: key(),
                    prefix: Some("u_".to_owned()),
                    normalize: true,
                },
            ),
            ("token", Operator::Token { key: key() }),
            (
                "fpe",
                Operator::Fpe {
                    key: key(),
                    alphabet: Alphabet::Digits,
                },
            ),
            (
                "fpe, alphabet: alphanumeric",
                Operator::Fpe {
                    key: key(),
                    alphabet: Alphabet::Alphanumeric,
                },
            ),
            (
                "pseudonym, kind: NAME",
                Operator::Pseudonym {
                    key: key(),
                    kind: Some("NAME".to_owned()),
                },
            ),
            (
                "shift_date",
                Operator::ShiftDate {
                    key: key(),
                    days: 365,
                    subject: None,
                },
            ),
            (
                "shift_date, days: 30, subject: user.id",
                Operator::ShiftDate {
                    key: key(),
                    days: 30,
                    subject: "user.id".parse().ok(),
                },
            ),
            (
                "generalize, range: 10",
                Operator::Generalize(Generalize::Range { width: 10 }),
            ),
            (
                "generalize, to: year",
                Operator::Generalize(Generalize::Year),
            ),
            (
                "generalize, prefix: 3",
                Operator::Generalize(Generalize::Prefix { characters: 3 }),
            ),
            (
                "generalize, network: {}",
                Operator::Generalize(Generalize::Network {
                    ipv4_bits: 24,
                    ipv6_bits: 48,
                }),
            ),
            (
                "generalize, network: {ipv4: 16, ipv6: 32}",
                Operator::Generalize(Generalize::Network {
                    ipv4_bits: 16,
                    ipv6_bits: 32,
                }),
            ),
            ("encrypt", Operator::Encrypt { key: key() }),
            ("nullify", Operator::Nullify),
        ] {
            assert_eq!(
                read_with(ONE, options),
                (Some(expected), vec![]),
                "{options}"
            );
        }
    }

    #[test]
    fn wrong_operators_and_options_are_told() {
        for (keys, options, expected) in [
            (
                ONE,
                "hsah",
                &["f:4:1: unknown word `hsah`; did you mean `hash`?"][..],
            ),
            (
                ONE,
                "hsah, prefix: u",
                &["f:4:1: unknown word `hsah`; did you mean `hash`?"],
            ),
            (
                ONE,
                "sha256",
                &[
                    "f:4:1: unknown word `sha256`; valid are `redact`, `partial`, `hash`, `token`, `fpe`, `pseudonym`, `shift_date`, `generalize`, `encrypt` and `nullify`",
                ],
            ),
            (
                ONE,
                "hash, keep_first: 2",
                &["f:4:7: `keep_first` belongs to `partial`, not to `hash`"],
            ),
            (
                ONE,
                "redact, key: main",
                &[
                    "f:4:9: `key` belongs to `hash`, `token`, `fpe`, `pseudonym`, `shift_date` and `encrypt`, not to `redact`",
                ],
            ),
            (
                ONE,
                "token, prefix: a",
                &["f:4:8: `prefix` belongs to `hash` and `generalize`, not to `token`"],
            ),
            (
                ONE,
                "partial, keep_frist: 2",
                &["f:4:10: unknown key `keep_frist`; did you mean `keep_first`?"],
            ),
            (
                ONE,
                "partial, keep_last: -1, fill: ab",
                &[
                    "f:4:21: `keep_last` must lie between 0 and 1000",
                    "f:4:31: `fill` must be one character",
                ],
            ),
            (
                ONE,
                "partial, fill: 0",
                &["f:4:16: expected text, found an integer; quote it to make it text"],
            ),
            (
                ONE,
                "hash, key: mian",
                &["f:4:12: `key` names no declared key; did you mean `main`?"],
            ),
            (
                TWO,
                "hash, key: c2VjcmV0",
                &["f:4:12: `key` names no declared key; there are `main` and `spare`"],
            ),
            (
                TWO,
                "encrypt",
                &[
                    "f:3:30: `encrypt` needs a key, and several are declared; say which with `key:`; there are `main` and `spare`",
                ],
            ),
            (
                "{}",
                "fpe",
                &[
                    "f:3:30: `fpe` needs a key, and none is declared; declare one, as `keys: {main: {env: MIDFLIGHT_KEY}}`",
                ],
            ),
            (
                ONE,
                "fpe, alphabet: hex",
                &["f:4:16: unknown word `hex`; valid are `digits`, `letters` and `alphanumeric`"],
            ),
            (
                ONE,
                "shift_date, days: 0, subject: 'a[]'",
                &[
                    "f:4:19: `days` must lie between 1 and 36525",
                    "f:4:31: `a[]` names several values, and a subject is one",
                ],
            ),
            (
                ONE,
                "generalize",
                &[
                    "f:3:30: `generalize` takes one of its options, found 0; write `range`, `to`, `prefix` or `network`",
                ],
            ),
            (
                ONE,
                "generalize, range: 5, to: month",
                &[
                    "f:3:30: `generalize` takes one of its options, found 2; write `range`, `to`, `prefix` or `network`",
                ],
            ),
            (
                ONE,
                "generalize, range: 0",
                &["f:4:20: `range` must be at least 1"],
            ),
            (
                ONE,
                "generalize, to: day",
                &["f:4:17: unknown word `day`; valid are `month` and `year`"],
            ),
            (
                ONE,
                "generalize, network: {ipv4: 33, ip6: 1}",
                &[
                    "f:4:29: `ipv4` must lie between 0 and 32",
                    "f:4:33: unknown key `ip6`; did you mean `ipv6`?",
                ],
            ),
        ] {
            assert_eq!(read_with(keys, options).1, expected, "{options}");
        }
    }
}
