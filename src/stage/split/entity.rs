//! The part of an entity: SHA-256 over the salt, a zero byte and the key's values as one JSON array; its
//! first 64 bits, most significant first, over 2^64 lie in one of the parts' ranges.
//!
//! The JSON is canonical: no blanks; strings escape quotes, backslashes and control characters and nothing
//! else; numbers are written by their value. `1`, `1.0` and `1e0` are one key; `"1"` is another, as a type is
//! part of a value.

use sha2::{Digest, Sha256};

use super::{Unfit, cell};
use crate::batch::{Batch, Current, RowId, write_string};
use crate::stage::ColumnRef;

/// Zeros that are written out around a number's digits; beyond, it keeps an exponent.
const ZEROS_MAX: i64 = 40;

/// Hashes keys to parts.
#[derive(Debug)]
pub struct Entity {
    columns: Vec<ColumnRef>,
    /// The hash behind the salt.
    salted: Sha256,
    /// Where each part's range ends.
    ends: Vec<u128>,
}

impl Entity {
    /// `fractions` sum to 1.
    pub fn new(columns: Vec<ColumnRef>, salt: &str, fractions: &[f64]) -> Self {
        Self {
            columns,
            salted: Sha256::new().chain_update(salt).chain_update([0]),
            ends: ends(fractions),
        }
    }

    /// The part of a row. `json` is memory to work in.
    pub(super) fn part(
        &self,
        batch: &Batch,
        row: RowId,
        json: &mut Vec<u8>,
    ) -> Result<usize, Unfit<'_>> {
        json.clear();
        for column in &self.columns {
            json.push(if json.is_empty() { b'[' } else { b',' });
            let cell = cell(batch, column, row)?;
            if !write_canonical(&batch.current(cell), json) {
                return Err(Unfit::Mismatch(column));
            }
        }
        json.push(b']');
        Ok(self.part_of(json))
    }

    fn part_of(&self, json: &[u8]) -> usize {
        let digest: [u8; 32] = self.salted.clone().chain_update(json).finalize().into();
        let first = digest[..8]
            .iter()
            .fold(0, |number, byte| number << 8 | u128::from(*byte));
        self.ends.iter().position(|&end| first < end).unwrap_or(0)
    }
}

/// Where the parts' ranges of 64 bits end. The last part that is not empty takes what rounding leaves over.
fn ends(fractions: &[f64]) -> Vec<u128> {
    const ALL: u128 = 1 << 64;
    let last = fractions.iter().rposition(|&fraction| fraction > 0.0);
    let mut sum = 0.0;
    let ends = fractions.iter().enumerate().map(|(part, fraction)| {
        sum += fraction;
        #[expect(clippy::cast_sign_loss, reason = "fractions are not negative")]
        let end = (sum * ALL as f64) as u128;
        if last.is_some_and(|last| part >= last) {
            ALL
        } else {
            end.min(ALL)
        }
    });
    ends.collect()
}

/// Appends a scalar as canonical JSON; false for anything else.
fn write_canonical(value: &Current<'_>, json: &mut Vec<u8>) -> bool {
    match value {
        Current::Text(text) => write_string(text, json),
        Current::Bool(value) => json.extend_from_slice(value.to_string().as_bytes()),
        Current::Number(literal) => write_number(literal, json),
        Current::Null | Current::Container(_) | Current::Broken => return false,
    }
    true
}

/// Appends a number so that equal numbers are equal text: the shortest decimal, without an exponent where
/// that takes few zeros.
fn write_number(literal: &str, json: &mut Vec<u8>) {
    let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    if digits.is_empty() {
        return json.push(b'0');
    }
    let trailing = (all.len() - all.trim_end_matches('0').len()) as i64;
    // Past 64 bits an exponent is as good as any other that large.
    let huge = if exponent.starts_with('-') {
        i64::MIN / 2
    } else {
        i64::MAX / 2
    };
    let exponent = exponent
        .parse()
        .unwrap_or(huge)
        .clamp(i64::MIN / 2, i64::MAX / 2);
    let exponent = exponent - fraction.len() as i64 + trailing;
    // Digits before the point.
    let before = digits.len() as i64 + exponent;
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    let text = if (0..=ZEROS_MAX).contains(&exponent) {
        format!("{sign}{digits}{}", zeros(exponent))
    } else if exponent < 0 && before > 0 {
        let (whole, fraction) = digits.split_at(usize::try_from(before).unwrap_or(0));
        format!("{sign}{whole}.{fraction}")
    } else if exponent < 0 && before >= -ZEROS_MAX {
        format!("{sign}0.{}{digits}", zeros(-before))
    } else {
        format!("{sign}{digits}e{exponent}")
    };
    json.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(salt: &str, fractions: &[f64]) -> Entity {
        Entity::new(Vec::new(), salt, fractions)
    }

    #[test]
    fn equal_numbers_are_one_key_and_types_keep_keys_apart() {
        for (literals, expected) in [
            (&["1", "1.0", "1e0", "10E-1", "0.1e+1"][..], "1"),
            (&["0", "-0", "0.00", "0e9"], "0"),
            (&["-120", "-1.2e2", "-120.000"], "-120"),
            (&["1.50", "15e-1", "0.15E1"], "1.5"),
            (&["0.05", "5e-2"], "0.05"),
            (&["10203.0405", "102030405e-4"], "10203.0405"),
            (&["1e40"], "10000000000000000000000000000000000000000"),
            (&["1e41", "10e40"], "1e41"),
            (&["1e-99"], "1e-99"),
            (
                &["123456789012345678901234567890123456789012345678901"],
                "123456789012345678901234567890123456789012345678901",
            ),
            (&["1e99999999999999999999"], "1e4611686018427387903"),
        ] {
            for literal in literals {
                let mut json = Vec::new();
                assert!(write_canonical(&Current::of(literal.as_bytes()), &mut json));
                assert_eq!(String::from_utf8_lossy(&json), expected, "{literal}");
            }
        }
        for (raw, expected) in [
            (r#""1""#, Some(r#""1""#)),
            (r#""\u00e9\/\n""#, Some("\"é/\\n\"")),
            ("true", Some("true")),
            ("null", None),
            ("[1]", None),
            ("1x", None),
        ] {
            let mut json = Vec::new();
            let written = write_canonical(&Current::of(raw.as_bytes()), &mut json);
            assert_eq!(
                written
                    .then(|| String::from_utf8_lossy(&json).into_owned())
                    .as_deref(),
                expected,
                "{raw}"
            );
        }
    }

    /// The hash is part of what users rely on: another program must be able to repeat it.
    #[test]
    fn the_hash_is_the_one_that_is_documented() {
        let halves = entity("2026-11", &[0.5, 0.5]);
        for (json, part) in [
            ("[1]", 1),
            ("[\"1\"]", 0),
            ("[\"a\",2.5]", 0),
            ("[\"é\\n\"]", 1),
        ] {
            assert_eq!(halves.part_of(json.as_bytes()), part, "{json}");
        }
    }

    #[test]
    fn ranges_cover_everything_and_empty_parts_get_nothing() {
        const ALL: u128 = 1 << 64;
        assert_eq!(ends(&[0.5, 0.25, 0.25]), [ALL / 2, ALL / 4 * 3, ALL]);
        assert_eq!(ends(&[0.0, 1.0, 0.0]), [0, ALL, ALL]);
        // Ten times 0.1 is a little less than 1.
        assert_eq!(ends(&[0.1; 10])[9], ALL);
        let all = entity("", &[0.0, 1.0, 0.0]);
        assert!((0..1000).all(|key| all.part_of(format!("[{key}]").as_bytes()) == 1));
    }

    /// Keys per part over many keys.
    fn counts(entity: &Entity, keys: impl Iterator<Item = String>) -> Vec<usize> {
        let mut counts = vec![0; entity.ends.len()];
        keys.for_each(|key| counts[entity.part_of(key.as_bytes())] += 1);
        counts
    }

    #[test]
    fn fractions_are_reached() {
        const KEYS: usize = 100_000;
        let fractions = [0.8, 0.1, 0.1];
        let numbers = |salt: &str| {
            counts(
                &entity(salt, &fractions),
                (0..KEYS).map(|key| format!("[{key}]")),
            )
        };
        let texts = |salt: &str| {
            counts(
                &entity(salt, &fractions),
                (0..KEYS).map(|key| format!("[\"cus_{key:08x}\",true]")),
            )
        };
        for counts in [numbers("a"), texts("b")] {
            for (count, fraction) in counts.iter().zip(fractions) {
                let (mean, deviation) = deviation(KEYS, fraction);
                assert!((*count as f64 - mean).abs() < 4.5 * deviation, "{counts:?}");
            }
        }
    }

    #[test]
    fn another_salt_deals_anew() {
        const KEYS: usize = 100_000;
        let fractions = [0.8, 0.1, 0.1];
        let (one, other) = (entity("2026-11", &fractions), entity("2026-12", &fractions));
        let same = (0..KEYS).filter(|key| {
            let key = format!("[{key}]");
            one.part_of(key.as_bytes()) == other.part_of(key.as_bytes())
        });
        // Two independent deals agree with the chance that both give the same part.
        let (mean, deviation) = deviation(KEYS, fractions.iter().map(|f| f * f).sum());
        assert!((same.count() as f64 - mean).abs() < 4.5 * deviation);
    }

    /// Mean and standard deviation of a count of hits.
    fn deviation(tries: usize, chance: f64) -> (f64, f64) {
        let mean = tries as f64 * chance;
        (mean, (mean * (1.0 - chance)).sqrt())
    }
}
