//! `partial`: keeps a few characters and fills the rest.
//!
//! What is kept is what the configuration says or, where it says nothing, what suits the kind. A value
//! is never left as it was: when everything would be kept, everything is filled. At most
//! [`MAX_FILL`] fill characters are written, so a longer value no longer shows its length.

use crate::stage::spec::Operator;

/// The most fill characters written for one run.
pub const MAX_FILL: usize = 32;
/// The longest domain name (RFC 1035, 2.3.4).
const MAX_DOMAIN: usize = 253;

/// The operator `partial`.
#[derive(Debug, Clone, Copy)]
pub struct Partial {
    keep: Option<Keep>,
    fill: char,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Keep {
    first: usize,
    last: usize,
    domain: bool,
}

impl Partial {
    /// The operator for [`Operator::Partial`]; others keep nothing.
    pub fn new(spec: &Operator) -> Self {
        let Operator::Partial {
            keep_first,
            keep_last,
            keep_domain,
            fill,
        } = spec
        else {
            return Self {
                keep: Some(Keep {
                    first: 0,
                    last: 0,
                    domain: false,
                }),
                fill: '*',
            };
        };
        let given = keep_first.is_some() || keep_last.is_some() || keep_domain.is_some();
        Self {
            keep: given.then(|| Keep {
                first: keep_first.unwrap_or(0),
                last: keep_last.unwrap_or(0),
                domain: keep_domain.unwrap_or(false),
            }),
            fill: fill.unwrap_or('*'),
        }
    }

    /// Appends `text` with the rest filled.
    pub fn apply(self, text: &str, kind: Option<&str>, out: &mut String) {
        let keep = self.keep.unwrap_or_else(|| Keep::suiting(kind));
        let (local, domain) = if keep.domain {
            split_domain(text)
        } else {
            (text, "")
        };
        let length = local.chars().count();
        let limit = match self.keep {
            Some(_) => length.saturating_sub(1),
            // A default shows half at most, and nothing of what only should have been an address.
            None if keep.domain && domain.is_empty() => 0,
            None if keep.domain => length.saturating_sub(1),
            None => length / 2,
        };
        let (first, last) = match keep.first.checked_add(keep.last) {
            Some(kept) if kept <= limit => (keep.first, keep.last),
            _ => (0, 0),
        };
        out.extend(local.chars().take(first));
        let filled = (length - first - last).min(MAX_FILL);
        out.extend(std::iter::repeat_n(self.fill, filled));
        out.extend(local.chars().skip(length - last));
        out.push_str(domain);
    }
}

impl Keep {
    /// What is usual for a kind of personal data; nothing for the others.
    fn suiting(kind: Option<&str>) -> Self {
        let (first, last, domain) = match kind.unwrap_or_default() {
            "EMAIL" | "EMAIL_ADDRESS" => (1, 0, true),
            "CREDIT_CARD" | "CARD" | "IBAN" | "IBAN_CODE" | "BANK" | "BANK_ACCOUNT" | "GOV_ID"
            | "NATIONAL_ID" | "ID" | "SSN" | "US_SSN" | "PASSPORT" | "DRIVERS_LICENSE"
            | "TAX_ID" | "MEDICAL_ID" | "UUID" => (0, 4, false),
            "PHONE" | "PHONE_NUMBER" => (0, 2, false),
            _ => (0, 0, false),
        };
        Self {
            first,
            last,
            domain,
        }
    }
}

/// The part before the last `@` and the rest from there, when there is something before it and what
/// follows is spelled like a domain name. Otherwise all of it and nothing.
fn split_domain(text: &str) -> (&str, &str) {
    let is_domain = |domain: &str| {
        (1..=MAX_DOMAIN).contains(&domain.len())
            && domain
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
    };
    match text.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && is_domain(domain) => {
            text.split_at(local.len())
        }
        _ => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(
        first: Option<usize>,
        last: Option<usize>,
        domain: Option<bool>,
        fill: Option<char>,
    ) -> Partial {
        Partial::new(&Operator::Partial {
            keep_first: first,
            keep_last: last,
            keep_domain: domain,
            fill,
        })
    }

    fn masked(partial: Partial, text: &str, kind: Option<&str>) -> String {
        let mut out = String::new();
        partial.apply(text, kind, &mut out);
        out
    }

    #[test]
    fn defaults_suit_the_kind() {
        for (kind, text, out) in [
            (Some("EMAIL"), "ann@example.com", "a**@example.com"),
            (Some("EMAIL"), "a@example.com", "*@example.com"),
            (Some("EMAIL"), "\"x@y\"@example.com", "\"****@example.com"),
            (Some("EMAIL"), "@example.com", "************"),
            (Some("EMAIL"), "ann@x.com is Ann", "****************"),
            (Some("CREDIT_CARD"), "4111111111111111", "************1111"),
            (Some("IBAN"), "1234567", "*******"),
            (Some("PHONE"), "+44 20 7946", "*********46"),
            (Some("PHONE"), "123", "***"),
            (Some("NAME"), "Ann Lee", "*******"),
            (None, "Ann", "***"),
            (None, "", ""),
            (None, "🦊é", "**"),
        ] {
            assert_eq!(
                masked(spec(None, None, None, None), text, kind),
                out,
                "{text}"
            );
        }
    }

    #[test]
    fn options_replace_the_defaults() {
        for (partial, text, out) in [
            (spec(Some(1), Some(1), None, None), "Maria", "M***a"),
            (spec(Some(2), None, None, Some('·')), "🦊éx", "🦊é·"),
            (spec(Some(3), Some(2), None, None), "Maria", "*****"),
            (
                spec(Some(usize::MAX), Some(1), None, None),
                "Maria",
                "*****",
            ),
            (
                spec(None, None, Some(true), None),
                "ann@example.com",
                "***@example.com",
            ),
            (spec(None, None, Some(true), None), "Maria", "*****"),
            (
                spec(None, Some(0), None, None),
                "ann@example.com",
                "***************",
            ),
            (spec(None, None, None, Some('#')), "Ann", "###"),
        ] {
            assert_eq!(
                masked(partial, text, Some("EMAIL").filter(|_| text.contains('@'))),
                out
            );
        }
    }

    #[test]
    fn the_fill_does_not_show_a_long_length() {
        let long = "é".repeat(1_000_000);
        let out = masked(spec(Some(1), None, None, None), &long, None);
        assert_eq!(out, format!("é{}", "*".repeat(MAX_FILL)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn something_is_always_filled(text in "[^\u{2588}]{1,20}", first in 0_usize..12, last in 0_usize..12, domain: bool) {
            let out = masked(spec(Some(first), Some(last), Some(domain), Some('\u{2588}')), &text, None);
            let filled = out.contains('\u{2588}');
            prop_assert!(filled);
        }
    }
}
