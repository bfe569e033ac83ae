//! What an address or a telephone number must satisfy beyond its shape.

use super::{Digits, date, network, uniform};

/// The limits of RFC 5321, section 4.5.3.1, and no empty label anywhere.
pub(super) fn email(text: &[u8]) -> bool {
    let mut halves = text.rsplitn(2, |byte| *byte == b'@');
    let (Some(domain), Some(local)) = (halves.next(), halves.next()) else {
        return false;
    };
    let labels = |text: &[u8], limit: usize| {
        text.split(|byte| *byte == b'.')
            .all(|label| (1..=limit).contains(&label.len()))
    };
    let hyphens = |label: &[u8]| label.starts_with(b"-") || label.ends_with(b"-");
    local.len() <= 64
        && domain.len() <= 255
        && labels(local, 64)
        && labels(domain, 63)
        && !domain.split(|byte| *byte == b'.').any(hyphens)
        && !picture(domain)
}

/// `icon@2x.png`: a file name, not an address.
fn picture(domain: &[u8]) -> bool {
    let scale = domain.first().is_some_and(u8::is_ascii_digit) && domain.get(1) == Some(&b'x');
    let suffixes: [&[u8]; 6] = [b".png", b".jpg", b".jpeg", b".gif", b".webp", b".svg"];
    scale && suffixes.iter().any(|suffix| domain.ends_with(suffix))
}

/// Two-digit country codes of ITU-T E.164; every other code outside zones 1 and 7 has three digits.
const TWO_DIGIT_CODES: &[u8] = &[
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56,
    57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];

/// A number after `+` or `00`: a country code in use and as many digits as E.164 allows.
pub(super) fn phone_international(text: &[u8]) -> bool {
    let Some(all) = Digits::of(text) else {
        return false;
    };
    let digits = match all.as_slice() {
        [0, 0, rest @ ..] if text.first() != Some(&b'+') => rest,
        digits => digits,
    };
    let (Some(first), Some(second)) = (digits.first(), digits.get(1)) else {
        return false;
    };
    let len = digits.len();
    if uniform(digits.get(3..).unwrap_or_default()) {
        return false;
    }
    match first {
        0 => false,
        1 => len == 11 && digits.get(1).is_some_and(|area| *area >= 2),
        7 => len == 11,
        _ if TWO_DIGIT_CODES.contains(&(first * 10 + second)) => (9..=15).contains(&len),
        2..=6 | 8 | 9 => (9..=15).contains(&len) && !matches!((first, second), (2, 8) | (8, 3 | 9)),
        _ => false,
    }
}

/// The North American plan: area code and exchange both begin with 2 to 9.
pub(super) fn phone_nanp(text: &[u8]) -> bool {
    let Some(all) = Digits::of(text) else {
        return false;
    };
    let digits = match all.as_slice() {
        [1, rest @ ..] => rest,
        digits => digits,
    };
    matches!(digits, [2..=9, _, _, 2..=9, ..]) && digits.len() >= 10 && !uniform(digits)
}

/// A national number: 7 to 13 digits that are not one digit repeated, nor a date, nor an IPv4
/// address.
pub(super) fn phone_national(text: &[u8]) -> bool {
    let Some(digits) = Digits::of(text) else {
        return false;
    };
    let digits = digits.as_slice();
    (7..=13).contains(&digits.len())
        && !calendar(text)
        && !network::ipv4(text)
        && !uniform(digits.get(1..).unwrap_or_default())
}

/// `2024-01-31` and `31.01.2024`: three numbers, one of them a year.
fn calendar(text: &[u8]) -> bool {
    let year = |part: &[u8]| matches!(part, [b'1', b'9', _, _] | [b'2', b'0', _, _]);
    let parts = || text.split(|byte| b"-/.".contains(byte));
    parts().count() == 3 && parts().any(year) && date::birth_date(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in [
            "a@b.co",
            "first.last+tag@sub.example.org",
            "o'hara@example.com",
        ] {
            assert!(email(good.as_bytes()), "{good}");
        }
        for bad in [
            "a..b@example.com",
            ".a@example.com",
            "a@-example.com",
            "a@example..com",
            "icon@2x.png",
            "@",
            "",
        ] {
            assert!(!email(bad.as_bytes()), "{bad}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        assert!(!email(long.as_bytes()));
    }

    #[test]
    fn telephone_numbers() {
        // Ofcom's and NANPA's numbers for drama; ITU-T E.164 for the codes.
        for good in [
            "+44 20 7946 0958",
            "+1 (212) 555-0123",
            "0049 30 1234567",
            "+33 1 99 00 12 34",
            "+852 2123 4567",
        ] {
            assert!(phone_international(good.as_bytes()), "{good}");
        }
        for bad in [
            "+0 20 7946 0958",
            "+1 112 555 0123",
            "+289 1234 5678",
            "+44 123",
            "+1 000",
        ] {
            assert!(!phone_international(bad.as_bytes()), "{bad}");
        }
        assert!(phone_nanp(b"(212) 555-0123") && phone_nanp(b"1-212-555-0123"));
        assert!(
            !phone_nanp(b"112-555-0123")
                && !phone_nanp(b"212-055-0123")
                && !phone_nanp(b"2222222222")
        );
        assert!(phone_national(b"020 7946 0958") && !phone_national(b"0000000000"));
        assert!(!phone_national(b"2024-01-31") && !phone_national(b"31.01.2024"));
        assert!(!phone_national(b"7.214.114.175"));
    }
}
