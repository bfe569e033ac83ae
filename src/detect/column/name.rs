//! A column's kind from its name alone: a linear model over hashed pieces of stream, parents and name.
//!
//! The table is built into the program; `models/columns/README.md` says what it was trained on, how well it
//! does and how the file is laid out. It is whole numbers, added up before anything is rounded, so the same
//! name gives the same probabilities in every run.

use std::sync::OnceLock;

use super::features;
use crate::error::{Error, ErrorKind, Result};

/// The table that is built in.
const BUILTIN: &[u8] = include_bytes!("../../../models/columns/columns.bin");

/// The first bytes of a table: its name and the version of its layout and features.
const MAGIC: &[u8] = b"MFCOLS\x00\x01";

/// Most bits of a bucket's number, and most kinds: what a damaged file may ask for.
const BITS_MAX: u8 = 20;
const KINDS_MAX: u8 = 64;

/// What the names of columns say about their values.
#[derive(Debug)]
pub struct NameModel {
    kinds: Vec<String>,
    biases: Vec<f32>,
    scales: Vec<f32>,
    /// One row per bucket, one weight per kind.
    weights: Vec<u8>,
    bits: u8,
}

/// A kind, and how likely it is that a column of this name holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vote<'a> {
    /// As `EMAIL`; [`NameModel::NONE`] for a column without personal data of these kinds.
    pub kind: &'a str,
    /// From 0 to 1; those of all kinds add up to 1.
    pub probability: f32,
}

impl NameModel {
    /// The kind of a column that is none of the others.
    pub const NONE: &'static str = "NONE";

    /// The model built into the program, read once.
    ///
    /// # Errors
    ///
    /// A damaged table, which a test rules out.
    pub fn builtin() -> Result<&'static Self> {
        static MODEL: OnceLock<Option<NameModel>> = OnceLock::new();
        MODEL
            .get_or_init(|| Self::read(BUILTIN).ok())
            .as_ref()
            .ok_or_else(|| damaged("it cannot be read"))
    }

    /// Reads a table.
    ///
    /// # Errors
    ///
    /// Anything that is not a whole table with its checksum.
    pub fn read(file: &[u8]) -> Result<Self> {
        let (body, sum) = file
            .split_last_chunk()
            .ok_or_else(|| damaged("it is cut off"))?;
        if u64::from_le_bytes(*sum) != checksum(body) {
            return Err(damaged("its checksum is another"));
        }
        let rest = body
            .strip_prefix(MAGIC)
            .ok_or_else(|| damaged("it is of another version"))?;
        let mut reader = Reader { rest };
        let (bits, count) = (reader.byte()?, reader.byte()?);
        if bits > BITS_MAX || !(2..=KINDS_MAX).contains(&count) {
            return Err(damaged("its sizes are out of bounds"));
        }
        let kinds = (0..count)
            .map(|_| reader.text())
            .collect::<Result<Vec<_>>>()?;
        let biases = (0..count)
            .map(|_| reader.float())
            .collect::<Result<Vec<_>>>()?;
        let scales = (0..count)
            .map(|_| reader.float())
            .collect::<Result<Vec<_>>>()?;
        if kinds.first().is_none_or(|kind| kind != Self::NONE) {
            return Err(damaged("its first kind is not NONE"));
        }
        if reader.rest.len() != usize::from(count) << bits {
            return Err(damaged("its table has another length"));
        }
        let weights = reader.rest.to_vec();
        Ok(Self {
            kinds,
            biases,
            scales,
            weights,
            bits,
        })
    }

    /// Every kind with its probability, the likeliest first. `path` is as in `contacts.*.email` or
    /// `messages[].text`; without a stream's name the path is judged alone.
    pub fn kinds(&self, stream: &str, path: &str) -> Vec<Vote<'_>> {
        let hashes = features::hashes(stream, path);
        let width = self.kinds.len();
        let mut sums = vec![0_i64; width];
        for hash in &hashes {
            let bucket = (hash ^ hash >> self.bits) & ((1 << self.bits) - 1);
            let row = self.weights.chunks_exact(width).nth(bucket as usize);
            for (sum, weight) in sums.iter_mut().zip(row.unwrap_or_default()) {
                *sum += i64::from(weight.cast_signed());
            }
        }
        let root = (hashes.len() as f64).sqrt();
        let logit = |((sum, scale), bias): ((&i64, &f32), &f32)| {
            *sum as f64 / root * f64::from(*scale) + f64::from(*bias)
        };
        let logits = sums
            .iter()
            .zip(&self.scales)
            .zip(&self.biases)
            .map(logit)
            .collect();
        let mut votes: Vec<_> = self
            .kinds
            .iter()
            .zip(softmax(logits))
            .map(|(kind, probability)| Vote {
                kind,
                probability: probability as f32,
            })
            .collect();
        votes.sort_by(|one, other| other.probability.total_cmp(&one.probability));
        votes
    }
}

fn softmax(mut logits: Vec<f64>) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for logit in &mut logits {
        *logit = (*logit - most).exp();
    }
    let sum: f64 = logits.iter().sum();
    for logit in &mut logits {
        *logit /= sum;
    }
    logits
}

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

fn damaged(why: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("the model of column names is damaged: {why}"),
    )
}

/// The head of a table, field by field.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| damaged("it is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn text(&mut self) -> Result<String> {
        let length = usize::from(self.byte()?);
        let text = std::str::from_utf8(self.take(length)?);
        Ok(text.map_err(|_| damaged("a kind is not text"))?.to_owned())
    }

    fn float(&mut self) -> Result<f32> {
        let bytes = self.take(4)?.first_chunk().copied().unwrap_or_default();
        let float = f32::from_le_bytes(bytes);
        float
            .is_finite()
            .then_some(float)
            .ok_or_else(|| damaged("a number is not finite"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(stream: &str, path: &str) -> String {
        NameModel::builtin().unwrap().kinds(stream, path)[0]
            .kind
            .to_owned()
    }

    /// The trainer and the program see the same: `check.tsv` has columns and the trainer's probabilities.
    #[test]
    fn agrees_with_the_trainer() {
        let model = NameModel::builtin().unwrap();
        let check = include_str!("../../../models/columns/check.tsv");
        assert!(check.lines().count() > 200);
        for line in check.lines() {
            let mut cells = line.split('\t');
            let (stream, path) = (cells.next().unwrap(), cells.next().unwrap());
            let expected: Vec<f32> = cells.map(|cell| cell.parse().unwrap()).collect();
            assert_eq!(expected.len(), model.kinds.len());
            for vote in model.kinds(stream, path) {
                let at = model
                    .kinds
                    .iter()
                    .position(|kind| kind == vote.kind)
                    .unwrap();
                let off = (vote.probability - expected[at]).abs();
                assert!(
                    off < 1e-4,
                    "{stream}: {path}: {} is off by {off}",
                    vote.kind
                );
            }
        }
    }

    #[test]
    fn a_name_that_is_a_kind_and_one_that_is_about_it() {
        for (stream, path, expected) in [
            ("profile", "email", "EMAIL"),
            ("profile", "blackListEmail", "NONE"),
            ("profile", "postalAddress.line1", "STREET_ADDRESS"),
            ("profile", "postalAddress.addrQuality", "NONE"),
            ("contact", "emails.value", "EMAIL"),
            ("contact", "emails.label", "NONE"),
            ("contact", "phone_numbers.value", "PHONE"),
            ("contact", "phone_numbers.id", "NONE"),
            ("users", "is_email_verified", "NONE"),
            ("users", "phone_number_verified", "NONE"),
            ("users", "EmailAddress", "EMAIL"),
            ("users", "email_count", "NONE"),
            ("users", "dateOfBirth", "DATE_OF_BIRTH"),
            ("users", "user_id", "NONE"),
            ("users", "last_login_at", "NONE"),
            ("payments", "card_number", "CREDIT_CARD"),
            ("payments", "card_type", "NONE"),
            ("payments", "iban", "BANK_ACCOUNT"),
            ("users", "ssn", "GOVERNMENT_ID"),
            ("passports", "number", "GOVERNMENT_ID"),
            ("orders", "number", "NONE"),
            ("logs", "client_ip", "IP_ADDRESS"),
            ("", "username", "USERNAME"),
        ] {
            assert_eq!(best(stream, path), expected, "{stream}: {path}");
        }
    }

    #[test]
    fn whose_name_it_is_decides() {
        for (stream, path, expected) in [
            ("customers", "name", "PERSON"),
            ("products", "name", "NONE"),
            ("campaigns", "name", "NONE"),
            ("orders", "customer.name", "PERSON"),
            ("orders", "product.name", "NONE"),
            ("customers", "properties.name", "PERSON"),
            ("orders", "shipping_address.state", "STATE"),
            ("orders", "state", "NONE"),
            ("events", "event.name", "NONE"),
            ("", "first_name", "PERSON"),
        ] {
            assert_eq!(best(stream, path), expected, "{stream}: {path}");
        }
    }

    #[test]
    fn however_a_name_is_written() {
        for path in [
            "first_name",
            "firstName",
            "FirstName",
            "FIRST NAME",
            "firstname",
            "user.first-name",
            "rows[].first_name",
            "prénom",
            "pre\u{301}nom",
        ] {
            assert_eq!(best("", path), "PERSON", "{path}");
        }
        for path in ["contacts.*.email", "contacts[0].email", "e-mail", "邮箱"] {
            assert_eq!(best("", path), "EMAIL", "{path}");
        }
    }

    #[test]
    fn votes_are_probabilities_in_order() {
        let model = NameModel::builtin().unwrap();
        let long = "é[".repeat(10_000);
        for path in [
            "email",
            "",
            ".",
            "[]",
            "*",
            "0",
            "\u{301}",
            "İ",
            long.as_str(),
        ] {
            let votes = model.kinds(path, path);
            assert_eq!(votes.len(), model.kinds.len());
            let sum: f32 = votes.iter().map(|vote| vote.probability).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            assert!(votes.is_sorted_by(|one, other| one.probability >= other.probability));
            assert_eq!(votes, model.kinds(path, path));
        }
    }

    /// A table of two kinds and four buckets, without its checksum.
    fn small() -> Vec<u8> {
        let mut body = MAGIC.to_vec();
        body.extend(b"\x02\x02\x04NONE\x05EMAIL");
        for number in [0.0_f32, 0.5, 1.0, 2.0] {
            body.extend(number.to_le_bytes());
        }
        body.extend([1, 0xff, 2, 0xfe, 3, 0xfd, 4, 0xfc]);
        body
    }

    fn signed(mut body: Vec<u8>) -> Result<NameModel> {
        body.extend(checksum(&body).to_le_bytes());
        NameModel::read(&body)
    }

    #[test]
    fn a_damaged_table_is_an_error() {
        let mut whole = small();
        whole.extend(checksum(&whole).to_le_bytes());
        assert!(NameModel::read(&whole).is_ok());
        for length in 0..whole.len() {
            let error = NameModel::read(&whole[..length]).unwrap_err();
            assert!(error.message().contains("damaged"), "{length}");
        }
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 0x10;
            let error = NameModel::read(&other).unwrap_err();
            assert!(error.message().contains("checksum"), "{at}");
        }
    }

    /// A checksum does not make a table: what the head asks for is checked as well.
    #[test]
    fn a_table_with_a_checksum_is_checked_too() {
        let votes = signed(small()).unwrap().kinds("", "x").len();
        assert_eq!(votes, 2);
        // Version, bits, kinds, the length of a name, a letter of NONE, one of no text, an infinite bias.
        for (at, byte) in [
            (7, 2),
            (8, 1),
            (8, 3),
            (8, 255),
            (9, 0),
            (9, 1),
            (9, 3),
            (9, 255),
            (10, 3),
            (10, 255),
            (11, b'M'),
            (16, 0xff),
        ] {
            let mut other = small();
            other[at] = byte;
            assert!(signed(other).is_err(), "{byte} at {at}");
        }
        let mut other = small();
        other[21..25].copy_from_slice(&f32::INFINITY.to_le_bytes());
        assert!(signed(other).is_err());
        for length in 0..small().len() {
            assert!(signed(small()[..length].to_vec()).is_err(), "{length}");
        }
    }
}
