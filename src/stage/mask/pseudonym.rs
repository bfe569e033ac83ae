//! `pseudonym`: the same plausible replacement for the same value, wherever it appears.
//!
//! A value is stripped of what its spellings differ in (case, blanks; for phones everything but digits),
//! hashed under the key, and the hash chooses from word lists and reserved ranges, so that nothing
//! points at a real person: domains of RFC 2606, addresses of RFC 5737 and RFC 3849, telephone numbers
//! that regulators set aside for fiction. A full name is replaced name by name, so a column of given
//! names and one of surnames agree with it. No value is replaced by itself.
//!
//! Different values can share a replacement. With `n` different values of a kind and `N` replacements
//! about `n² / 2N` pairs do:
//!
//! | kind | N | kind | N |
//! |---|---|---|---|
//! | given name | 404 | street address | 2·10^6 |
//! | surname | 583 | city | 480 |
//! | full name | 2·10^5 | company | 2·10^4 |
//! | email | 7·10^11 | username | 10^9 |
//! | phone | 5·10^3 to 8·10^4 by country | any other | 10^9 |
//! | IP address | 762 (IPv4), 2^96 (IPv6) | UUID | 2^122 |
//!
//! The lists are part of the format: a changed list changes the pseudonyms.

mod lists;

use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use lists::{Draw, LISTS};

use super::keyed::{Key, Prf, fold};
use super::operator::Refusal;

/// Draws after which a replacement that equals its value is given up; a list has hundreds of entries.
const MAX_ATTEMPTS: u8 = 32;

/// The kinds that can be configured, besides their synonyms.
const KINDS: &str = "NAME, GIVEN_NAME, SURNAME, EMAIL, PHONE, STREET_ADDRESS, CITY, COMPANY, USERNAME, IP_ADDRESS, UUID";

/// The operator `pseudonym`.
pub struct Pseudonym {
    prf: Prf,
    shape: Option<Shape>,
}

/// What a replacement looks like. The numbers are hashed with the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Shape {
    Words = 0,
    Given = 1,
    Surname = 2,
    Person = 3,
    Email = 4,
    Phone = 5,
    Street = 6,
    City = 7,
    Company = 8,
    Username = 9,
    Address = 10,
    Uuid = 11,
}

impl Pseudonym {
    /// Pseudonyms under `key`, of `kind` if the configuration names one.
    ///
    /// # Errors
    /// A sentence with the kinds there are, when `kind` is none of them.
    pub fn new(key: &Key, kind: Option<&str>) -> Result<Self, String> {
        let shape = match kind {
            Some(kind) => Some(
                Shape::of(kind)
                    .ok_or_else(|| format!("pseudonym has no kind `{kind}`; there are {KINDS}"))?,
            ),
            None => None,
        };
        Ok(Self {
            prf: Prf::new(key, "midflight pseudonym v1"),
            shape,
        })
    }

    /// Appends the replacement of `text`: of the configured kind, else of `kind`, else some words.
    /// Blank text becomes empty.
    ///
    /// # Errors
    /// [`Refusal::Unsettled`] by a chance that a key would have to be searched for.
    pub fn apply(&self, text: &str, kind: Option<&str>, out: &mut String) -> Result<(), Refusal> {
        let shape = self
            .shape
            .or_else(|| Shape::of(kind?))
            .unwrap_or(Shape::Words);
        let value = shape.normal(text);
        if value.is_empty() {
            return Ok(());
        }
        if shape == Shape::Person {
            return self.person(&value, out);
        }
        self.one(shape, &value, text, out)
    }

    /// First name for first name and last for last; those between are dropped.
    fn person(&self, value: &str, out: &mut String) -> Result<(), Refusal> {
        let (first, last) = match (value.split_once(' '), value.rsplit_once(' ')) {
            (Some((first, _)), Some((_, last))) => (first, last),
            _ => return self.one(Shape::Given, value, value, out),
        };
        if let Some(surname) = first.strip_suffix(',') {
            self.one(Shape::Surname, surname, surname, out)?;
            out.push_str(", ");
            return self.one(Shape::Given, last, last, out);
        }
        self.one(Shape::Given, first, first, out)?;
        out.push(' ');
        self.one(Shape::Surname, last, last, out)
    }

    fn one(&self, shape: Shape, value: &str, text: &str, out: &mut String) -> Result<(), Refusal> {
        let start = out.len();
        for attempt in 0..MAX_ATTEMPTS {
            let digest = self
                .prf
                .digest_parts(&[&[shape as u8, attempt], value.as_bytes()]);
            shape.write(digest, text, out);
            if out
                .get(start..)
                .is_some_and(|written| shape.normal(written) != value)
            {
                return Ok(());
            }
            out.truncate(start);
        }
        Err(Refusal::Unsettled)
    }
}

impl Shape {
    fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "NAME" | "PERSON" | "FULL_NAME" | "PERSON_NAME" => Self::Person,
            "GIVEN_NAME" | "FIRST_NAME" | "PERSON_GIVEN" => Self::Given,
            "SURNAME" | "LAST_NAME" | "FAMILY_NAME" | "PERSON_SURNAME" => Self::Surname,
            "EMAIL" | "EMAIL_ADDRESS" => Self::Email,
            "PHONE" | "PHONE_NUMBER" => Self::Phone,
            "STREET_ADDRESS" | "STREET" | "ADDRESS" => Self::Street,
            "CITY" => Self::City,
            "COMPANY" | "ORG" | "ORGANIZATION" => Self::Company,
            "USERNAME" | "USER_NAME" => Self::Username,
            "IP_ADDRESS" | "IP" | "IPV4" | "IPV6" => Self::Address,
            "UUID" => Self::Uuid,
            _ => return None,
        })
    }

    /// What all spellings of a value have in common.
    fn normal(self, text: &str) -> String {
        let mut folded = String::with_capacity(text.len());
        if self == Self::Phone {
            folded.extend(text.chars().filter(char::is_ascii_digit));
            if !folded.is_empty() {
                let national = folded.strip_prefix("00").unwrap_or(&folded);
                return national.to_owned();
            }
        }
        fold(text, &mut folded);
        let mut words = folded.split_whitespace();
        let mut normal = words.next().unwrap_or_default().to_owned();
        for word in words {
            normal.push(' ');
            normal.push_str(word);
        }
        normal
    }

    fn write(self, digest: [u8; 32], text: &str, out: &mut String) {
        let lists = &*LISTS;
        let mut draw = Draw::new(digest);
        match self {
            Self::Given | Self::Person => out.push_str(draw.from(&lists.given_names)),
            Self::Surname => out.push_str(draw.from(&lists.surnames)),
            Self::City => out.push_str(draw.from(&lists.cities)),
            Self::Company => {
                let (name, sector) = (draw.from(&lists.companies), draw.from(&lists.sectors));
                out.extend([name, " ", sector]);
            }
            Self::Street => {
                let number = 1 + draw.below(400);
                let (name, way) = (draw.from(&lists.streets), draw.from(&lists.ways));
                append(out, format_args!("{number} {name} {way}"));
            }
            Self::Email => {
                let (given, surname) = (draw.from(&lists.given_names), draw.from(&lists.surnames));
                out.push_str(&format!("{given}.{surname}.").to_ascii_lowercase());
                draw.letters(4, out);
                out.extend(["@example.", draw.from(&["com", "net", "org"])]);
            }
            Self::Username => {
                out.extend([draw.from(&lists.words), "_", draw.from(&lists.words)]);
                append(out, format_args!("{:04}", draw.below(10_000)));
            }
            Self::Words => {
                out.extend([draw.from(&lists.words), " ", draw.from(&lists.words)]);
                append(out, format_args!(" {:04}", draw.below(10_000)));
            }
            Self::Phone => lists.phone(&mut draw, text, out),
            Self::Address => address(&mut draw, text, out),
            Self::Uuid => uuid(digest, out),
        }
    }
}

/// An address of the blocks set aside for documentation, of the version that `text` has.
fn address(draw: &mut Draw, text: &str, out: &mut String) {
    if matches!(text.trim().parse(), Ok(IpAddr::V6(_))) {
        let [_, b, c, d] = [0; 4].map(|_: u32| u128::from(draw.next()));
        let address = Ipv6Addr::from_bits(0x2001_0db8 << 96 | b << 64 | c << 32 | d);
        append(out, format_args!("{address}"));
    } else {
        let network = draw.from(&["192.0.2", "198.51.100", "203.0.113"]);
        append(out, format_args!("{network}.{}", 1 + draw.below(254)));
    }
}

/// A UUID with the marks of a random one (RFC 9562, 5.4).
fn uuid(digest: [u8; 32], out: &mut String) {
    let [a, b, ..] = digest.as_chunks::<8>().0 else {
        return;
    };
    let (a, b) = (u64::from_be_bytes(*a), u64::from_be_bytes(*b));
    let version = 0x4000 | (a & 0x0fff);
    let variant = 0x8000 | (b >> 48 & 0x3fff);
    let (low, high) = (a >> 32, a >> 16 & 0xffff);
    append(
        out,
        format_args!(
            "{low:08x}-{high:04x}-{version:04x}-{variant:04x}-{:012x}",
            b & 0xffff_ffff_ffff
        ),
    );
}

fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const KINDS: [&str; 12] = [
        "NAME",
        "GIVEN_NAME",
        "SURNAME",
        "EMAIL",
        "PHONE",
        "STREET_ADDRESS",
        "CITY",
        "COMPANY",
        "USERNAME",
        "IP_ADDRESS",
        "UUID",
        "OTHER",
    ];

    fn named(key: u8, kind: &str, text: &str) -> String {
        let mut out = String::new();
        let pseudonym = Pseudonym::new(&[key; 32], None).unwrap();
        pseudonym.apply(text, Some(kind), &mut out).unwrap();
        out
    }

    #[test]
    fn spellings_of_one_value_share_a_pseudonym() {
        for (kind, one, other) in [
            ("NAME", "Ann Lee", " ANN  lee"),
            ("EMAIL", "Ann@Example.com", "ann@example.com"),
            ("PHONE", "+44 20 7946 0018", "+44 (20) 7946-0018"),
            ("CITY", "New  York", "new york"),
        ] {
            assert_eq!(named(1, kind, one), named(1, kind, other), "{kind}");
            assert_ne!(named(1, kind, one), named(2, kind, one), "{kind}");
        }
        let digits =
            |text: String| -> String { text.chars().filter(char::is_ascii_digit).collect() };
        assert_eq!(
            digits(named(1, "PHONE", "+442079460018")),
            digits(named(1, "PHONE", "0044 2079460018"))
        );
    }

    #[test]
    fn names_agree_across_columns() {
        let (given, surname) = (named(1, "GIVEN_NAME", "Ann"), named(1, "SURNAME", "Lee"));
        for (text, out) in [
            ("Ann Lee", format!("{given} {surname}")),
            ("Ann B. Lee", format!("{given} {surname}")),
            ("Lee, Ann", format!("{surname}, {given}")),
            ("Ann", given.clone()),
        ] {
            assert_eq!(named(1, "NAME", text), out);
        }
    }

    #[test]
    fn replacements_are_reserved_for_the_purpose() {
        for n in 0..200 {
            let email = named(1, "EMAIL", &format!("user{n}@mail.test"));
            let (local, domain) = email.split_once('@').unwrap();
            assert!(["example.com", "example.net", "example.org"].contains(&domain));
            assert!(
                local
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.')
            );

            let address: std::net::Ipv4Addr = named(1, "IP_ADDRESS", &format!("10.0.0.{n}"))
                .parse()
                .unwrap();
            assert!(address.is_documentation());
            let address: Ipv6Addr = named(1, "IP_ADDRESS", &format!("fe80::{n}"))
                .parse()
                .unwrap();
            assert_eq!(address.segments()[..2], [0x2001, 0xdb8]);

            let phone = named(1, "PHONE", &format!("(415) 867-{n:04}"));
            assert!(phone.contains(") 555-01"), "{phone}");
            let phone = named(1, "PHONE", &format!("+44 20 7123 {n:04}"));
            assert!(phone.starts_with("+44 ") && phone.len() >= 15, "{phone}");

            let uuid = named(1, "UUID", &format!("{n}"));
            assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
            assert!("89ab".contains(&uuid[19..20]));
        }
    }

    #[test]
    fn no_name_stands_for_itself() {
        for (kind, list) in [
            ("GIVEN_NAME", &LISTS.given_names),
            ("SURNAME", &LISTS.surnames),
            ("CITY", &LISTS.cities),
        ] {
            let itself = |key: u8| {
                list.iter()
                    .filter(|name| named(key, kind, name) == **name)
                    .count()
            };
            assert_eq!((0..8).map(itself).sum::<usize>(), 0);
        }
    }

    #[test]
    fn emails_hardly_collide() {
        let distinct: HashSet<_> = (0..20_000)
            .map(|n| named(1, "EMAIL", &format!("u{n}@mail.test")))
            .collect();
        assert_eq!(distinct.len(), 20_000);
    }

    #[test]
    fn a_configured_kind_goes_first_and_must_exist() {
        let pseudonym = Pseudonym::new(&[1; 32], Some("CITY")).unwrap();
        let mut out = String::new();
        pseudonym.apply("Ann", Some("EMAIL"), &mut out).unwrap();
        assert_eq!(out, named(1, "CITY", "Ann"));
        assert!(
            Pseudonym::new(&[1; 32], Some("EMAL"))
                .err()
                .unwrap()
                .contains("EMAIL")
        );
        assert!(
            super::KINDS
                .split(", ")
                .all(|kind| Shape::of(kind).is_some())
        );
    }

    #[test]
    fn blank_text_becomes_empty() {
        for kind in KINDS {
            assert_eq!(named(1, kind, " \t"), "");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_text_has_another(text in "\\PC{1,30}", key: u8) {
            for kind in KINDS {
                let out = named(key, kind, &text);
                prop_assert!(out != text || text.trim().is_empty());
                prop_assert_eq!(named(key, kind, &text), out);
            }
        }
    }
}
