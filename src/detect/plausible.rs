//! Whether a text can be of a kind at all: what a name or a tagger says of a value must fit its form.

use super::column::Shape;

/// Whether a text of this form can be of this kind.
pub fn plausible(kind: &str, text: &str, shape: Shape) -> bool {
    let Shape {
        letters,
        digits,
        bytes,
        words,
        ..
    } = shape;
    match kind {
        "PERSON" => letters >= 2 && digits == 0 && words <= 6,
        "CITY" => letters >= 2 && digits == 0 && words <= 6,
        "STATE" => letters >= 2 && digits == 0 && words <= 4,
        "ORGANIZATION" => letters >= 2,
        "STREET_ADDRESS" => letters >= 2 || digits >= 1,
        "POSTCODE" => digits >= 2 && (3..=12).contains(&bytes),
        "EMAIL" => text.contains('@') && letters >= 2,
        "PHONE" => (6..=17).contains(&digits) && letters <= 6,
        "CREDIT_CARD" => (12..=19).contains(&digits),
        "CARD_SECURITY_CODE" => (3..=4).contains(&digits) && letters == 0,
        "IBAN" => digits >= 8 && letters >= 2,
        "BANK_ACCOUNT" | "BANK_ROUTING" => digits >= 5,
        "DATE_OF_BIRTH" => digits >= 2 && bytes <= 32,
        // A handle may stand apart from its sign.
        "USERNAME" => letters >= 1 && (words == 1 || words == 2 && text.starts_with('@')),
        "IP_ADDRESS" => digits >= 1 && text.contains(['.', ':']) || text.contains("::"),
        "API_KEY" => words == 1 && bytes >= 8,
        _ => digits >= 4 && bytes <= 40,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_a_form() {
        for (kind, text, expected) in [
            ("PERSON", "Olivia", true),
            ("PERSON", "R2D2", false),
            ("EMAIL", "jane at home", false),
            ("PHONE", "call me", false),
            ("PHONE", "+49 30 1234567", true),
            ("POSTCODE", "SW1A 1AA", true),
            ("POSTCODE", "north", false),
            ("US_SSN", "123-45-6789", true),
            ("GOVERNMENT_ID", "yes", false),
            ("USERNAME", "jane doe", false),
        ] {
            assert_eq!(
                plausible(kind, text, Shape::of(text)),
                expected,
                "{kind} {text}"
            );
        }
    }
}
