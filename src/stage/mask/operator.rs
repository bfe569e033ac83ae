//! The masking operators on one value: [`Compiled::compile`] checks that one fits its column, and
//! [`Compiled::apply`] writes what replaces a value or refuses it. Nothing else happens here: no state,
//! no clock, no chance, so equal input under equal keys gives equal output.
//!
//! | operator | of a value it leaves | reversible | equal values stay equal | different values stay different | type |
//! |---|---|---|---|---|---|
//! | `redact` | its kind | no | yes | no | text |
//! | `partial` | the kept characters, its length up to 32 | no | yes | no | text |
//! | `hash` | nothing | no | yes, numbers and texts alike | yes; not with `normalize` | text |
//! | `token` | its length and type | with the key | yes | yes | text |
//! | `fpe` | its shape | with the key | yes | yes | kept |
//! | `pseudonym` | its kind | no | yes, whatever case or spacing | no, see `pseudonym` | text |
//! | `shift_date` | its time of day | no | per subject | without `subject` | kept |
//! | `generalize` | range, month, year, beginning, network | no | yes | no | text |
//! | `encrypt` | its length and type | with the key | yes | yes | text |
//! | `nullify` | that it was not null | no | yes | no | kept |
//!
//! Only `shift_date` without `subject` keeps an order. Whatever is kept can be counted: who knows how
//! often each value occurs learns from any operator under which equal values stay equal. The empty text
//! stays empty under `partial`, `fpe`, `pseudonym` and `generalize` to a prefix: it has nothing to hide.

mod value;

use std::fmt;

pub use value::{ColumnType, Masked, Refusal, Scalar, ScalarType};

use super::cipher::{Encrypt, Token};
pub use super::cipher::{RevealError, reveal, reveal_typed};
use super::dates::Shift;
use super::fpe::Fpe;
pub use super::fpe::reveal_fpe;
use super::generalize::Generalizer;
use super::keyed::{Hash, Key};
use super::partial::Partial;
use super::pseudonym::Pseudonym;
use crate::stage::spec::{Alphabet, Generalize, Operator};

/// An operator ready to be applied, from any thread.
pub struct Compiled {
    action: Action,
    kind: Option<String>,
}

enum Action {
    Redact { placeholder: Option<String> },
    Partial(Partial),
    Hash(Box<Hash>),
    Token(Box<Token>),
    Fpe(Box<Fpe>),
    Pseudonym(Box<Pseudonym>),
    ShiftDate(Box<Shift>),
    Generalize(Generalizer),
    Encrypt(Box<Encrypt>),
    Nullify,
}

impl Compiled {
    /// Prepares an operator for the values of a column. `key` is the one that `spec` names, if it names
    /// one; `kind` is what the column is known to hold, as `EMAIL`.
    ///
    /// # Errors
    /// A sentence for the configuration's author: the operator does not fit the column, an option is
    /// out of range, or the key is missing.
    pub fn compile(
        spec: &Operator,
        key: Option<&Key>,
        kind: Option<&str>,
        column: ColumnType,
    ) -> Result<Self, String> {
        check_column(spec, column)?;
        let key = || key.ok_or_else(|| format!("{} needs a key", name(spec)));
        let action = match spec {
            Operator::Redact { placeholder } => Action::Redact {
                placeholder: placeholder.clone(),
            },
            Operator::Partial { .. } => Action::Partial(Partial::new(spec)),
            Operator::Hash {
                prefix, normalize, ..
            } => Action::Hash(Box::new(Hash::new(key()?, prefix.as_deref(), *normalize))),
            Operator::Token { .. } => Action::Token(Box::new(Token::new(key()?))),
            Operator::Fpe { alphabet, .. } => {
                let fpe = Fpe::new(key()?, *alphabet).map_err(|error| error.to_string())?;
                Action::Fpe(Box::new(fpe))
            }
            Operator::Pseudonym { kind, .. } => {
                Action::Pseudonym(Box::new(Pseudonym::new(key()?, kind.as_deref())?))
            }
            Operator::ShiftDate { days, .. } => {
                Action::ShiftDate(Box::new(Shift::new(key()?, *days)?))
            }
            Operator::Generalize(way) => Action::Generalize(Generalizer::new(way, column)?),
            Operator::Encrypt { .. } => Action::Encrypt(Box::new(Encrypt::new(key()?))),
            Operator::Nullify => Action::Nullify,
        };
        Ok(Self {
            action,
            kind: kind.map(str::to_owned),
        })
    }

    /// Replaces `value`; `out` is emptied first and holds the replacement after. `kind` is that of a
    /// finding inside a text and goes before the column's. `subject` is the value of the column that
    /// `shift_date` names, in the same row.
    ///
    /// # Errors
    /// [`Refusal`] when the operator cannot hide this value; `out` is empty then.
    pub fn apply(
        &self,
        value: Scalar<'_>,
        kind: Option<&str>,
        subject: Option<&str>,
        out: &mut String,
    ) -> Result<Masked, Refusal> {
        out.clear();
        let kind = kind.or(self.kind.as_deref());
        let masked = self.replace(value, kind, subject, out);
        if masked.is_err() {
            out.clear();
        }
        masked
    }

    fn replace(
        &self,
        value: Scalar<'_>,
        kind: Option<&str>,
        subject: Option<&str>,
        out: &mut String,
    ) -> Result<Masked, Refusal> {
        match &self.action {
            Action::Redact { placeholder } => match placeholder {
                Some(placeholder) => out.push_str(placeholder),
                None => out.extend(["<", kind.unwrap_or("REDACTED"), ">"]),
            },
            Action::Partial(partial) => partial.apply(value.text(), kind, out),
            Action::Hash(hash) => hash.apply(value.text(), out),
            Action::Token(token) => token.apply(value, out)?,
            Action::Fpe(fpe) => match value {
                Scalar::Text(text) => fpe.text(text, out)?,
                Scalar::Number(literal) => {
                    fpe.number(literal, out)?;
                    return Ok(Masked::Number);
                }
                Scalar::Bool(_) => return Err(value.is_not("text or an integer")),
            },
            Action::Pseudonym(pseudonym) => pseudonym.apply(value.text(), kind, out)?,
            Action::ShiftDate(shift) => match value {
                Scalar::Text(text) => shift.apply(text, subject, out)?,
                _ => return Err(value.is_not("a date or a timestamp")),
            },
            Action::Generalize(generalizer) => generalizer.apply(value, out)?,
            Action::Encrypt(encrypt) => encrypt.apply(value, out)?,
            Action::Nullify => return Ok(Masked::Null),
        }
        Ok(Masked::Text)
    }

    /// Whether different values always have different replacements, as a primary key needs.
    ///
    /// `hash` is counted: two values share one by a chance of about 2^-256.
    pub fn keeps_unique(spec: &Operator) -> bool {
        match spec {
            Operator::Hash { normalize, .. } => !normalize,
            Operator::Token { .. } | Operator::Fpe { .. } | Operator::Encrypt { .. } => true,
            Operator::ShiftDate { subject, .. } => subject.is_none(),
            Operator::Redact { .. }
            | Operator::Partial { .. }
            | Operator::Pseudonym { .. }
            | Operator::Generalize(_)
            | Operator::Nullify => false,
        }
    }

    /// Whether greater values always have greater replacements, as a cursor needs.
    pub fn keeps_order(spec: &Operator) -> bool {
        matches!(spec, Operator::ShiftDate { subject: None, .. })
    }

    /// The type of the replacements for values of type `input`.
    pub fn output_type(spec: &Operator, input: ColumnType) -> ColumnType {
        match spec {
            Operator::Fpe { .. } | Operator::ShiftDate { .. } | Operator::Nullify => input,
            Operator::Redact { .. }
            | Operator::Partial { .. }
            | Operator::Hash { .. }
            | Operator::Token { .. }
            | Operator::Pseudonym { .. }
            | Operator::Generalize(_)
            | Operator::Encrypt { .. } => ColumnType::Text,
        }
    }
}

/// Names the operator's state without showing it.
impl fmt::Debug for Compiled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Compiled")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Where an operator cannot work on any value of the column, the configuration is wrong.
fn check_column(spec: &Operator, column: ColumnType) -> Result<(), String> {
    use ColumnType::{Date, Integer, Number, Other, Text, Timestamp};
    let (fits, needs) = match spec {
        Operator::Fpe { alphabet, .. } => (
            matches!(column, Text | Other) || (column == Integer && *alphabet == Alphabet::Digits),
            "text, or integers with the alphabet `digits`",
        ),
        Operator::Pseudonym { .. } => (
            matches!(column, Text | Integer | Number | Other),
            "text or numbers",
        ),
        Operator::ShiftDate { .. } | Operator::Generalize(Generalize::Month | Generalize::Year) => {
            (
                matches!(column, Text | Date | Timestamp { .. } | Other),
                "dates or timestamps",
            )
        }
        Operator::Generalize(Generalize::Range { .. }) => {
            (matches!(column, Text | Integer | Number | Other), "numbers")
        }
        Operator::Generalize(Generalize::Prefix { .. }) => {
            (matches!(column, Text | Integer | Other), "text or integers")
        }
        Operator::Generalize(Generalize::Network { .. }) => {
            (matches!(column, Text | Other), "IP addresses")
        }
        Operator::Redact { .. }
        | Operator::Partial { .. }
        | Operator::Hash { .. }
        | Operator::Token { .. }
        | Operator::Encrypt { .. }
        | Operator::Nullify => (true, "any values"),
    };
    if fits {
        Ok(())
    } else {
        Err(format!(
            "{} needs {needs}, and the column holds {}",
            name(spec),
            column.describe()
        ))
    }
}

/// The operator's name in the configuration.
fn name(spec: &Operator) -> &'static str {
    match spec {
        Operator::Redact { .. } => "redact",
        Operator::Partial { .. } => "partial",
        Operator::Hash { .. } => "hash",
        Operator::Token { .. } => "token",
        Operator::Fpe { .. } => "fpe",
        Operator::Pseudonym { .. } => "pseudonym",
        Operator::ShiftDate { .. } => "shift_date",
        Operator::Generalize(_) => "generalize",
        Operator::Encrypt { .. } => "encrypt",
        Operator::Nullify => "nullify",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::path::Path;
    use proptest::prelude::*;

    const KEY: Key = [9; 32];
    const COLUMNS: [ColumnType; 9] = [
        ColumnType::Text,
        ColumnType::Integer,
        ColumnType::Number,
        ColumnType::Boolean,
        ColumnType::Date,
        ColumnType::Timestamp { zone: true },
        ColumnType::Timestamp { zone: false },
        ColumnType::Time,
        ColumnType::Other,
    ];

    fn key() -> String {
        "pseudonyms".to_owned()
    }

    fn hash(normalize: bool) -> Operator {
        Operator::Hash {
            key: key(),
            prefix: None,
            normalize,
        }
    }

    fn shift(subject: Option<Path>) -> Operator {
        Operator::ShiftDate {
            key: key(),
            days: 30,
            subject,
        }
    }

    fn fpe(alphabet: Alphabet) -> Operator {
        Operator::Fpe {
            key: key(),
            alphabet,
        }
    }

    fn all() -> Vec<Operator> {
        vec![
            Operator::Redact { placeholder: None },
            Operator::Partial {
                keep_first: None,
                keep_last: None,
                keep_domain: None,
                fill: None,
            },
            hash(false),
            hash(true),
            Operator::Token { key: key() },
            fpe(Alphabet::Digits),
            fpe(Alphabet::Letters),
            fpe(Alphabet::Alphanumeric),
            Operator::Pseudonym {
                key: key(),
                kind: None,
            },
            shift(None),
            shift(Some(Path::key("id"))),
            Operator::Generalize(Generalize::Range { width: 10 }),
            Operator::Generalize(Generalize::Month),
            Operator::Generalize(Generalize::Year),
            Operator::Generalize(Generalize::Prefix { characters: 3 }),
            Operator::Generalize(Generalize::Network {
                ipv4_bits: 24,
                ipv6_bits: 48,
            }),
            Operator::Encrypt { key: key() },
            Operator::Nullify,
        ]
    }

    fn run(
        spec: &Operator,
        column: ColumnType,
        value: Scalar<'_>,
    ) -> (Result<Masked, Refusal>, String) {
        let mut out = "left over".to_owned();
        let compiled = Compiled::compile(spec, Some(&KEY), Some("EMAIL"), column).unwrap();
        (compiled.apply(value, None, Some("42"), &mut out), out)
    }

    #[test]
    fn is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Compiled>();
    }

    /// The expected values come from another implementation, written from these docs and the standards
    /// with Python's `hmac` and `cryptography`. Where one changes, every value masked before changes.
    #[test]
    fn masked_values_are_the_same_in_every_version() {
        let email = Scalar::Text("ann@example.com");
        let token = Operator::Token { key: key() };
        for (spec, value, masked) in [
            (
                hash(false),
                email,
                "f70895941970bcf1806291f1aa2a5fa0b1cdd330d4ee026987dd405e1b71f172",
            ),
            (
                token.clone(),
                email,
                "tok_AXSlHHAdlMWT-WXkwiImzc92WMU2OhITu-AvCONHiJkG",
            ),
            (
                token,
                Scalar::Number("-0.0"),
                "tok_AW743fZpccrJPt7zKihjffds97dC2g",
            ),
            (
                Operator::Encrypt { key: key() },
                email,
                "enc_AXQzEgr0uClg2PnnB8lF0N-s_9gc9SYpO3k11Flq_8nih9i8kHzswA_iR0bj",
            ),
            (
                fpe(Alphabet::Digits),
                Scalar::Text("4111 1111 1111 1111"),
                "1703 3591 3084 3529",
            ),
            (fpe(Alphabet::Letters), Scalar::Text("Mariner"), "Tdmnjxr"),
            (
                fpe(Alphabet::Alphanumeric),
                Scalar::Text("ab12-CD34"),
                "dc46-NJ85",
            ),
            (
                fpe(Alphabet::Alphanumeric),
                Scalar::Text("GB82 WEST 1234 5698 7654 32"),
                "JD24 RTHN 9841 3877 1844 61",
            ),
            (
                shift(Some(Path::key("id"))),
                Scalar::Text("2024-05-01T10:00:00.10+02:00"),
                "2024-04-21T10:00:00.10+02:00",
            ),
        ] {
            let (result, out) = run(&spec, ColumnType::Other, value);
            assert_eq!(result, Ok(Masked::Text));
            assert_eq!(out, masked, "{}", name(&spec));
        }
    }

    #[test]
    fn redact_names_the_kind() {
        let plain = Operator::Redact { placeholder: None };
        let own = Operator::Redact {
            placeholder: Some("[gone]".to_owned()),
        };
        for (spec, column, finding, masked) in [
            (&plain, None, None, "<REDACTED>"),
            (&plain, Some("EMAIL"), None, "<EMAIL>"),
            (&plain, Some("EMAIL"), Some("PHONE"), "<PHONE>"),
            (&own, Some("EMAIL"), Some("PHONE"), "[gone]"),
        ] {
            let compiled = Compiled::compile(spec, None, column, ColumnType::Text).unwrap();
            let mut out = String::new();
            assert_eq!(
                compiled.apply(Scalar::Bool(true), finding, None, &mut out),
                Ok(Masked::Text)
            );
            assert_eq!(out, masked);
        }
    }

    #[test]
    fn numbers_and_texts_of_one_spelling_have_one_hash() {
        let (_, text) = run(&hash(false), ColumnType::Text, Scalar::Text("42"));
        let (_, number) = run(&hash(false), ColumnType::Integer, Scalar::Number("42"));
        assert_eq!(text, number);
    }

    #[test]
    fn operators_fit_some_columns() {
        let fits = |spec: &Operator| -> String {
            COLUMNS
                .iter()
                .zip("tinbdzwcO".chars())
                .filter(|(column, _)| Compiled::compile(spec, Some(&KEY), None, **column).is_ok())
                .map(|(_, letter)| letter)
                .collect()
        };
        let expected = [
            "tinbdzwcO",
            "tinbdzwcO",
            "tinbdzwcO",
            "tinbdzwcO",
            "tinbdzwcO",
            "tiO",
            "tO",
            "tO",
            "tinO",
            "tdzwO",
            "tdzwO",
            "tinO",
            "tdzwO",
            "tdzwO",
            "tiO",
            "tO",
            "tinbdzwcO",
            "tinbdzwcO",
        ];
        let all = all();
        assert_eq!(all.len(), expected.len());
        for (spec, expected) in all.iter().zip(expected) {
            assert_eq!(fits(spec), expected, "{}", name(spec));
        }
        let error = Compiled::compile(&shift(None), Some(&KEY), None, ColumnType::Integer);
        assert_eq!(
            error.unwrap_err(),
            "shift_date needs dates or timestamps, and the column holds integers"
        );
    }

    #[test]
    fn keyed_operators_need_a_key() {
        let needs =
            |spec: &Operator| Compiled::compile(spec, None, None, ColumnType::Other).is_err();
        let keyed = ["hash", "token", "fpe", "pseudonym", "shift_date", "encrypt"];
        for spec in all() {
            assert_eq!(
                needs(&spec),
                keyed.contains(&name(&spec)),
                "{}",
                name(&spec)
            );
        }
    }

    #[test]
    fn what_a_key_or_a_cursor_may_have() {
        let names = |keeps: fn(&Operator) -> bool| -> Vec<_> {
            all().iter().filter(|spec| keeps(spec)).map(name).collect()
        };
        assert_eq!(
            names(Compiled::keeps_unique),
            [
                "hash",
                "token",
                "fpe",
                "fpe",
                "fpe",
                "shift_date",
                "encrypt"
            ]
        );
        assert_eq!(names(Compiled::keeps_order), ["shift_date"]);
    }

    #[test]
    fn the_output_has_the_type_announced() {
        for (spec, column, value, masked) in [
            (
                fpe(Alphabet::Digits),
                ColumnType::Integer,
                Scalar::Number("1234567"),
                Masked::Number,
            ),
            (
                fpe(Alphabet::Digits),
                ColumnType::Text,
                Scalar::Text("1234567"),
                Masked::Text,
            ),
            (
                shift(None),
                ColumnType::Date,
                Scalar::Text("2024-05-01"),
                Masked::Text,
            ),
            (
                hash(false),
                ColumnType::Number,
                Scalar::Number("1E-9"),
                Masked::Text,
            ),
            (
                Operator::Nullify,
                ColumnType::Integer,
                Scalar::Number("1"),
                Masked::Null,
            ),
        ] {
            assert_eq!(run(&spec, column, value).0, Ok(masked));
            let kept = Compiled::output_type(&spec, column) == column;
            assert_eq!(kept, name(&spec) != "hash");
        }
    }

    #[test]
    fn every_type_is_masked_or_refused() {
        let long = "a1 é🦊 ".repeat(100_000);
        let values = [
            Scalar::Text(""),
            Scalar::Text("🦊"),
            Scalar::Text(&long),
            Scalar::Number("-0.0"),
            Scalar::Number("1E-9"),
            Scalar::Number("-12345678"),
            Scalar::Bool(true),
        ];
        for spec in all() {
            for value in values {
                let (result, out) = run(&spec, ColumnType::Other, value);
                if result.is_ok() {
                    assert!(out.is_empty() || out != value.text(), "{}", name(&spec));
                } else {
                    assert_eq!(out, "", "{}", name(&spec));
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_value_leaves_as_it_came(text in "[ -~éß🦊]{8,40}|[0-9]{8,20}|20[0-9]{2}-0[1-9]-[12][0-9]") {
            for spec in all() {
                let (first, out) = run(&spec, ColumnType::Other, Scalar::Text(&text));
                prop_assert!(first.is_err() || out != text, "{}", name(&spec));
                let (second, again) = run(&spec, ColumnType::Other, Scalar::Text(&text));
                prop_assert!(first == second && out == again, "{}", name(&spec));
                if let Err(refusal) = first {
                    prop_assert!(!refusal.to_string().contains(&text));
                }
            }
        }
    }
}
