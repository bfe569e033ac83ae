//! `generalize`: ranges for numbers, months and years for dates, beginnings of texts, networks for addresses.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::Datelike;

use super::dates;
use super::operator::{ColumnType, Refusal, Scalar};
use crate::stage::spec::Generalize;

/// The most `*` written for what `prefix` leaves out.
const MAX_FILL: usize = 32;

/// The operator `generalize`.
#[derive(Debug, Clone, Copy)]
pub struct Generalizer {
    way: Way,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Range { width: i128, column: ColumnType },
    Month,
    Year,
    Prefix { characters: usize },
    Network { ipv4_bits: u8, ipv6_bits: u8 },
}

impl Generalizer {
    /// Checks the options; the column decides how a range is written.
    ///
    /// # Errors
    /// A sentence when an option would leave values as they are, or makes no sense.
    pub fn new(spec: &Generalize, column: ColumnType) -> Result<Self, String> {
        let way = match *spec {
            Generalize::Range { width: 0 } => {
                return Err("generalize needs a `width` of at least 1".to_owned());
            }
            Generalize::Range { width: 1 } if column == ColumnType::Integer => {
                return Err(
                    "generalize with `width: 1` would show every integer; use 2 or more".to_owned(),
                );
            }
            Generalize::Range { width } => Way::Range {
                width: i128::from(width),
                column,
            },
            Generalize::Month => Way::Month,
            Generalize::Year => Way::Year,
            Generalize::Prefix { characters } => Way::Prefix { characters },
            Generalize::Network {
                ipv4_bits,
                ipv6_bits,
            } => {
                if ipv4_bits >= 32 || ipv6_bits >= 128 {
                    return Err(format!(
                        "generalize to a network of /{ipv4_bits} and /{ipv6_bits} would show whole addresses; \
                         use fewer than 32 bits for IPv4 and fewer than 128 for IPv6"
                    ));
                }
                Way::Network {
                    ipv4_bits,
                    ipv6_bits,
                }
            }
        };
        Ok(Self { way })
    }

    /// Appends the coarser value.
    ///
    /// # Errors
    /// [`Refusal`] when the value is not what the way needs: a number, a date, an address.
    pub fn apply(self, value: Scalar<'_>, out: &mut String) -> Result<(), Refusal> {
        match (self.way, value) {
            (Way::Range { width, column }, Scalar::Number(text) | Scalar::Text(text)) => {
                range(text, width, column, out)
            }
            (Way::Month, Scalar::Text(text)) => {
                let date = dates::read(text)?.date;
                append(out, format_args!("{:04}-{:02}", date.year(), date.month()));
                Ok(())
            }
            (Way::Year, Scalar::Text(text)) => {
                append(out, format_args!("{:04}", dates::read(text)?.date.year()));
                Ok(())
            }
            (Way::Prefix { characters }, Scalar::Number(text) | Scalar::Text(text)) => {
                prefix(text, characters, out);
                Ok(())
            }
            (
                Way::Network {
                    ipv4_bits,
                    ipv6_bits,
                },
                Scalar::Text(text),
            ) => network(text, ipv4_bits, ipv6_bits, out),
            (way, value) => Err(Refusal::WrongType {
                expected: match way {
                    Way::Range { .. } => "a number",
                    Way::Month | Way::Year => "a date or a timestamp",
                    Way::Prefix { .. } => "text or a number",
                    Way::Network { .. } => "an IP address",
                },
                found: value.scalar_type().describe(),
            }),
        }
    }
}

/// An integer column has `30-39`, a number column `30..40`, and others what the value's spelling asks for.
fn range(text: &str, width: i128, column: ColumnType, out: &mut String) -> Result<(), Refusal> {
    let Floor {
        value,
        exact,
        plain,
    } = floor(text.trim())?;
    let low = value
        .div_euclid(width)
        .checked_mul(width)
        .ok_or(Refusal::OutOfRange)?;
    let high = low.checked_add(width).ok_or(Refusal::OutOfRange)?;
    let inclusive = match column {
        ColumnType::Integer => exact,
        ColumnType::Number => false,
        _ => plain,
    };
    if inclusive {
        append(out, format_args!("{low}-{}", high - 1));
    } else {
        append(out, format_args!("{low}..{high}"));
    }
    Ok(())
}

/// The greatest integer not above a number.
struct Floor {
    value: i128,
    /// The number is that integer.
    exact: bool,
    /// The number is spelled as an integer.
    plain: bool,
}

/// Exact for every decimal spelling: the digits are cut at the point, no binary fraction comes in.
fn floor(text: &str) -> Result<Floor, Refusal> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let shift = exponent.map_or(Ok(0), read_exponent)?;
    if !is_number(whole) || !fraction.is_none_or(is_number) {
        return Err(Refusal::NotANumber);
    }

    // The point stands behind this many of the digits, before or after them if need be.
    let point = shift.saturating_add(i64::try_from(whole.len()).unwrap_or(i64::MAX));
    let digits = whole.bytes().chain(fraction.unwrap_or_default().bytes());
    let (mut value, mut exact, mut count) = (0_i128, true, 0_i64);
    for digit in digits {
        if count < point {
            value = push_digit(value, digit)?;
        } else {
            exact &= digit == b'0';
        }
        count += 1;
    }
    while value != 0 && count < point {
        value = push_digit(value, b'0')?;
        count += 1;
    }
    if negative {
        value = -value - i128::from(!exact);
    }
    Ok(Floor {
        value,
        exact,
        plain: fraction.is_none() && exponent.is_none(),
    })
}

/// An exponent of any length; far beyond what matters all are alike.
fn read_exponent(text: &str) -> Result<i64, Refusal> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Refusal::NotANumber);
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX / 2);
    Ok(if text.starts_with('-') { -size } else { size })
}

fn push_digit(value: i128, digit: u8) -> Result<i128, Refusal> {
    value
        .checked_mul(10)
        .and_then(|value| value.checked_add(i128::from(digit - b'0')))
        .ok_or(Refusal::OutOfRange)
}

/// A text no longer than the prefix is filled, since it would be shown whole.
fn prefix(text: &str, characters: usize, out: &mut String) {
    let length = text.chars().count();
    let kept = if characters < length { characters } else { 0 };
    out.extend(text.chars().take(kept));
    out.extend(std::iter::repeat_n('*', (length - kept).min(MAX_FILL)));
}

/// An IPv4 address written as an IPv6 one counts as IPv4.
fn network(text: &str, ipv4_bits: u8, ipv6_bits: u8, out: &mut String) -> Result<(), Refusal> {
    let address: IpAddr = text.trim().parse().map_err(|_| Refusal::NotAnAddress)?;
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(ipv4_bits.into()).unwrap_or(0);
            let network = Ipv4Addr::from_bits(address.to_bits() & !host);
            append(out, format_args!("{network}/{ipv4_bits}"));
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(ipv6_bits.into()).unwrap_or(0);
            let network = Ipv6Addr::from_bits(address.to_bits() & !host);
            append(out, format_args!("{network}/{ipv6_bits}"));
        }
    }
    Ok(())
}

fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coarse(spec: Generalize, column: ColumnType, value: Scalar<'_>) -> Result<String, Refusal> {
        let mut out = String::new();
        Generalizer::new(&spec, column)
            .unwrap()
            .apply(value, &mut out)
            .map(|()| out)
    }

    fn ten(column: ColumnType, literal: &str) -> Result<String, Refusal> {
        coarse(
            Generalize::Range { width: 10 },
            column,
            Scalar::Number(literal),
        )
    }

    #[test]
    fn ranges_of_integers() {
        for (literal, out) in [
            ("0", "0-9"),
            ("-0", "0-9"),
            ("39", "30-39"),
            ("-1", "-10--1"),
            ("-10", "-10--1"),
            ("-11", "-20--11"),
            ("34.0", "30-39"),
            ("1e2", "100-109"),
            ("34.5", "30..40"),
            (
                "18446744073709551616",
                "18446744073709551610-18446744073709551619",
            ),
        ] {
            assert_eq!(
                ten(ColumnType::Integer, literal).as_deref(),
                Ok(out),
                "{literal}"
            );
        }
    }

    #[test]
    fn ranges_of_decimals() {
        for (literal, out) in [
            ("-0.0", "0..10"),
            ("1E-9", "0..10"),
            ("-1E-9", "-10..0"),
            ("-10.0", "-10..0"),
            ("-10.01", "-20..-10"),
            ("39.99999999999999999999999999", "30..40"),
            ("0.0034e4", "30..40"),
            ("3.4e+1", "30..40"),
            ("0e999999999999999999999", "0..10"),
            ("5e-999999999999999999999", "0..10"),
            ("34", "30..40"),
        ] {
            assert_eq!(
                ten(ColumnType::Number, literal).as_deref(),
                Ok(out),
                "{literal}"
            );
        }
    }

    #[test]
    fn ranges_of_texts() {
        let text = |text| {
            coarse(
                Generalize::Range { width: 5 },
                ColumnType::Text,
                Scalar::Text(text),
            )
        };
        assert_eq!(text(" +007 ").as_deref(), Ok("5-9"));
        assert_eq!(text("7.0").as_deref(), Ok("5..10"));
        for other in [
            "", "-", "Ann", "1,000", "1.", ".5", "1e", "0x10", "NaN", "--1", "٣",
        ] {
            assert_eq!(text(other), Err(Refusal::NotANumber), "{other}");
        }
        let long = "9".repeat(1_000_000);
        for other in [
            "1e39",
            long.as_str(),
            "170141183460469231731687303715884105727",
            "1e9999999999999",
        ] {
            assert_eq!(text(other), Err(Refusal::OutOfRange));
        }
    }

    #[test]
    fn dates_texts_and_networks() {
        let network = Generalize::Network {
            ipv4_bits: 24,
            ipv6_bits: 48,
        };
        let all = Generalize::Network {
            ipv4_bits: 0,
            ipv6_bits: 0,
        };
        let three = Generalize::Prefix { characters: 3 };
        for (spec, text, out) in [
            (Generalize::Month, "2024-05-31T10:00:00Z", Ok("2024-05")),
            (Generalize::Year, "0987-05-31", Ok("0987")),
            (Generalize::Year, "2024-02-30", Err(Refusal::NotADate)),
            (three.clone(), "SW1A 1AA", Ok("SW1*****")),
            (three.clone(), "SW1", Ok("***")),
            (three.clone(), "", Ok("")),
            (three, "é🦊ßx", Ok("é🦊ß*")),
            (network.clone(), "192.0.2.77", Ok("192.0.2.0/24")),
            (network.clone(), " 2001:db8:1:2::3 ", Ok("2001:db8:1::/48")),
            (network.clone(), "::ffff:192.0.2.77", Ok("192.0.2.0/24")),
            (all.clone(), "192.0.2.77", Ok("0.0.0.0/0")),
            (all, "2001:db8::1", Ok("::/0")),
            (network.clone(), "192.0.2.77:80", Err(Refusal::NotAnAddress)),
            (network, "192.0.2.256", Err(Refusal::NotAnAddress)),
        ] {
            let found = coarse(spec, ColumnType::Text, Scalar::Text(text));
            assert_eq!(found, out.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn other_types_are_refused() {
        for (spec, value) in [
            (Generalize::Range { width: 10 }, Scalar::Bool(true)),
            (Generalize::Month, Scalar::Number("20240501")),
            (
                Generalize::Network {
                    ipv4_bits: 8,
                    ipv6_bits: 8,
                },
                Scalar::Number("1"),
            ),
            (Generalize::Prefix { characters: 1 }, Scalar::Bool(true)),
        ] {
            let found = coarse(spec, ColumnType::Other, value);
            assert!(matches!(found, Err(Refusal::WrongType { .. })));
        }
    }

    #[test]
    fn options_that_hide_nothing_are_errors() {
        for spec in [
            Generalize::Range { width: 0 },
            Generalize::Range { width: 1 },
            Generalize::Network {
                ipv4_bits: 32,
                ipv6_bits: 48,
            },
            Generalize::Network {
                ipv4_bits: 24,
                ipv6_bits: 128,
            },
        ] {
            assert!(Generalizer::new(&spec, ColumnType::Integer).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_range_holds_its_number(value: i64, places in 0_u32..30) {
            let text = format!("{value}e-{places}");
            let found = floor(&text).unwrap();
            let scale = 10_i128.pow(places);
            prop_assert_eq!(found.value, i128::from(value).div_euclid(scale));
            prop_assert_eq!(found.exact, i128::from(value).rem_euclid(scale) == 0);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eE ]{0,20}|.{0,8}") {
            let _ = coarse(Generalize::Range { width: 3 }, ColumnType::Text, Scalar::Text(&text));
        }
    }
}
