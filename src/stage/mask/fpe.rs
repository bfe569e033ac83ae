//! `fpe`: format-preserving encryption with FF1 and AES-256 (NIST SP 800-38G), an empty tweak.
//!
//! Of the alphabet's symbols every digit stays a digit and every letter a letter of its case; all other
//! characters stay as they are, so `+44 20 7946 0018` still looks like a phone number, and with `digits`
//! the letters of a value stay readable. The mapping is one to one.
//!
//! Texts of digits alone use FF1 with radix 10, texts of letters alone with radix 26. Where digits and
//! letters mix, the text is ranked among all texts of its shape and the rank is encrypted with radix 2,
//! again and again until it is the rank of such a text (cycle walking). Integers walk in the same way
//! past those with a leading zero, and those within 64 bits stay within them.
//!
//! Refused, never passed on: fewer than a million texts of the shape (SP 800-38G Rev. 1, 5), more than
//! 256 symbols, and letters (or digits) outside ASCII where the alphabet has those of ASCII.

mod numerals;

use aes::Aes256;
use fpe::ff1::{FF1, InvalidRadix};

use numerals::{Direction, Natural, permute};

use super::cipher::RevealError;
use super::keyed::{Key, subkey};
use super::operator::{Refusal, Scalar};
use crate::stage::spec::Alphabet;

/// The fewest texts a shape must have, as the standard demands.
const MIN_DOMAIN: u32 = 1_000_000;
/// The most symbols encrypted in one value; the work grows with the square.
const MAX_SYMBOLS: usize = 256;
/// Encryptions tried before a walk is given up. The worst walk leaves with one in 13, so a walk this
/// long happens by a chance of less than 2^-400.
const MAX_WALK: usize = 4096;

/// The operator `fpe`.
pub struct Fpe {
    alphabet: Alphabet,
    bits: FF1<Aes256>,
    digits: FF1<Aes256>,
    letters: FF1<Aes256>,
}

impl Fpe {
    /// Encrypts the symbols of `alphabet` under `key`.
    ///
    /// # Errors
    /// None for the radixes used here; the type is the library's.
    pub fn new(key: &Key, alphabet: Alphabet) -> Result<Self, InvalidRadix> {
        let key: Key = subkey(key, "midflight fpe v1");
        Ok(Self {
            alphabet,
            bits: FF1::new(&key, 2)?,
            digits: FF1::new(&key, 10)?,
            letters: FF1::new(&key, 26)?,
        })
    }

    /// Appends `text` with its symbols encrypted.
    ///
    /// # Errors
    /// [`Refusal`] as the module says. The empty text has one image, itself.
    pub fn text(&self, text: &str, out: &mut String) -> Result<(), Refusal> {
        self.map_text(text, Direction::Encrypt, out)
    }

    /// Appends an integer's `literal` with its digits encrypted, its sign and length kept.
    ///
    /// # Errors
    /// [`Refusal`] as the module says, and for numbers with a fraction or an exponent.
    pub fn number(&self, literal: &str, out: &mut String) -> Result<(), Refusal> {
        self.map_number(literal, Direction::Encrypt, out)
    }

    fn map_text(&self, text: &str, way: Direction, out: &mut String) -> Result<(), Refusal> {
        if text.is_empty() {
            return Ok(());
        }
        let mut symbols = Vec::with_capacity(text.len().min(MAX_SYMBOLS));
        for letter in text.chars() {
            if let Some(symbol) = self.symbol(letter)? {
                if symbols.len() == MAX_SYMBOLS {
                    return Err(Refusal::TooLong {
                        maximum: MAX_SYMBOLS,
                    });
                }
                symbols.push(symbol);
            }
        }
        self.map_symbols(&mut symbols, way)?;

        let mut mapped = symbols.iter();
        for letter in text.chars() {
            let symbol = match self.symbol(letter)? {
                Some(_) => mapped.next(),
                None => None,
            };
            out.push(symbol.map_or(letter, |symbol| symbol.write(letter)));
        }
        Ok(())
    }

    /// The symbol a character stands for; `None` for those that stay.
    fn symbol(&self, letter: char) -> Result<Option<Symbol>, Refusal> {
        let (digits, letters) = match self.alphabet {
            Alphabet::Digits => (true, false),
            Alphabet::Letters => (false, true),
            Alphabet::Alphanumeric => (true, true),
        };
        Ok(match letter {
            '0'..='9' if digits => Some(Symbol {
                value: letter as u8 - b'0',
                radix: 10,
            }),
            'a'..='z' if letters => Some(Symbol {
                value: letter as u8 - b'a',
                radix: 26,
            }),
            'A'..='Z' if letters => Some(Symbol {
                value: letter as u8 - b'A',
                radix: 26,
            }),
            _ if letter.is_ascii() => None,
            _ if (digits && letter.is_numeric()) || (letters && letter.is_alphabetic()) => {
                return Err(Refusal::OutOfAlphabet);
            }
            _ => None,
        })
    }

    fn map_symbols(&self, symbols: &mut [Symbol], way: Direction) -> Result<(), Refusal> {
        let has = |radix| symbols.iter().any(|symbol| symbol.radix == radix);
        let (ff1, radix, minimum) = match (has(10), has(26)) {
            (true, true) => return self.map_mixed(symbols, way),
            (false, true) => (&self.letters, 26, 5),
            _ => (&self.digits, 10, 6),
        };
        if symbols.len() < minimum {
            return Err(Refusal::TooShort { minimum });
        }
        let mut numerals: Vec<u8> = symbols.iter().map(|symbol| symbol.value).collect();
        permute(ff1, radix, &mut numerals, way)?;
        for (symbol, numeral) in symbols.iter_mut().zip(numerals) {
            symbol.value = numeral;
        }
        Ok(())
    }

    fn map_mixed(&self, symbols: &mut [Symbol], way: Direction) -> Result<(), Refusal> {
        let mut size = Natural::default();
        let mut rank = Natural::default();
        size.scale(1, 1);
        for symbol in symbols.iter() {
            size.scale(symbol.radix, 0);
            rank.scale(symbol.radix, symbol.value);
        }
        if size.is_below(&Natural::from_limb(MIN_DOMAIN)) {
            return Err(Refusal::TooShort { minimum: 6 });
        }
        // Below twice the size, so a walk takes two steps on average at most.
        let width = size.bits();
        let mut bits = rank.to_bits(width);
        for _ in 0..MAX_WALK {
            permute(&self.bits, 2, &mut bits, way)?;
            let mut rank = Natural::from_bits(&bits);
            if rank.is_below(&size) {
                for symbol in symbols.iter_mut().rev() {
                    symbol.value = rank.split_last(symbol.radix);
                }
                return Ok(());
            }
        }
        Err(Refusal::Unsettled)
    }

    fn map_number(&self, literal: &str, way: Direction, out: &mut String) -> Result<(), Refusal> {
        let (sign, digits) = match literal.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", literal),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::WrongType {
                expected: "an integer",
                found: "a number with a fraction or an exponent",
            });
        }
        if digits.len() < 6 {
            return Err(Refusal::TooShort { minimum: 6 });
        }
        if digits.len() > MAX_SYMBOLS {
            return Err(Refusal::TooLong {
                maximum: MAX_SYMBOLS,
            });
        }
        let mut numerals: Vec<u8> = digits.bytes().map(|byte| byte - b'0').collect();
        let fits = fits_64_bits(sign, &numerals);
        for _ in 0..MAX_WALK {
            permute(&self.digits, 10, &mut numerals, way)?;
            if numerals.first() != Some(&0) && fits_64_bits(sign, &numerals) == fits {
                out.push_str(sign);
                out.extend(numerals.iter().map(|numeral| char::from(b'0' + numeral)));
                return Ok(());
            }
        }
        Err(Refusal::Unsettled)
    }
}

/// The value that `fpe` turned into `value`, as text or as an integer's digits.
///
/// Nothing in such a value tells which key wrote it: a wrong key gives a wrong answer, not an error.
///
/// # Errors
/// [`RevealError::Refused`] when no value of this form can have been written.
pub fn reveal_fpe(key: &Key, alphabet: Alphabet, value: Scalar<'_>) -> Result<String, RevealError> {
    let fpe = Fpe::new(key, alphabet).map_err(|_| RevealError::Refused(Refusal::Cipher))?;
    let mut out = String::new();
    match value {
        Scalar::Text(text) => fpe.map_text(text, Direction::Decrypt, &mut out),
        Scalar::Number(literal) => fpe.map_number(literal, Direction::Decrypt, &mut out),
        Scalar::Bool(_) => Err(Refusal::WrongType {
            expected: "text or an integer",
            found: "a boolean",
        }),
    }
    .map_err(RevealError::Refused)?;
    Ok(out)
}

/// A digit or a letter: its place among those of its class.
#[derive(Clone, Copy)]
struct Symbol {
    value: u8,
    radix: u8,
}

impl Symbol {
    /// The character for the symbol where `letter` stood.
    fn write(self, letter: char) -> char {
        let zero = match letter {
            '0'..='9' => b'0',
            'A'..='Z' => b'A',
            _ => b'a',
        };
        char::from(zero + self.value)
    }
}

/// Whether a 64-bit signed integer holds the digits with this sign.
fn fits_64_bits(sign: &str, numerals: &[u8]) -> bool {
    const LIMIT: [u8; 19] = [9, 2, 2, 3, 3, 7, 2, 0, 3, 6, 8, 5, 4, 7, 7, 5, 8, 0, 8];
    match numerals.len() {
        19 if sign.is_empty() => *numerals < LIMIT[..],
        19 => *numerals <= LIMIT[..],
        length => length < 19,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: Key = [3; 32];

    fn encrypted(alphabet: Alphabet, value: Scalar<'_>) -> Result<String, Refusal> {
        let fpe = Fpe::new(&KEY, alphabet).unwrap();
        let mut out = String::new();
        match value {
            Scalar::Number(literal) => fpe.number(literal, &mut out)?,
            other => fpe.text(other.text(), &mut out)?,
        }
        Ok(out)
    }

    #[test]
    fn keeps_the_shape() {
        let class = |c: char| match c {
            '0'..='9' => '9',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            other => other,
        };
        for (alphabet, text) in [
            (Alphabet::Digits, "+44 (0)20 7946-0018 ext"),
            (Alphabet::Digits, "4111 1111 1111 1111"),
            (Alphabet::Letters, "O'Brien-Mc42 🦊"),
            (Alphabet::Alphanumeric, "GB82 WEST 1234 5698 7654 32"),
            (Alphabet::Alphanumeric, "aB3-xY9/7"),
        ] {
            let out = encrypted(alphabet, Scalar::Text(text)).unwrap();
            assert_ne!(out, text);
            assert!(out.chars().map(class).eq(text.chars().map(class)), "{out}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_hide() {
        let short = |minimum| Err(Refusal::TooShort { minimum });
        for (alphabet, text, result) in [
            (Alphabet::Digits, "12345", short(6)),
            (Alphabet::Digits, "Ann Lee", short(6)),
            (Alphabet::Letters, "anna", short(5)),
            (Alphabet::Alphanumeric, "ab123", short(6)),
            (Alphabet::Alphanumeric, "12345", short(6)),
            (
                Alphabet::Digits,
                "1234567\u{661}",
                Err(Refusal::OutOfAlphabet),
            ),
            (
                Alphabet::Letters,
                "M\u{fc}ller",
                Err(Refusal::OutOfAlphabet),
            ),
            (Alphabet::Digits, "", Ok(String::new())),
        ] {
            assert_eq!(encrypted(alphabet, Scalar::Text(text)), result, "{text:?}");
        }
        let long = "7".repeat(1_000_000);
        let too_long = Err(Refusal::TooLong {
            maximum: MAX_SYMBOLS,
        });
        assert_eq!(encrypted(Alphabet::Digits, Scalar::Text(&long)), too_long);
        assert_eq!(encrypted(Alphabet::Digits, Scalar::Number(&long)), too_long);
    }

    #[test]
    fn numbers_stay_integers() {
        for literal in [
            "100000",
            "-999999",
            "4111111111111111",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "9999999999999999999",
            "123456789012345678901234567890123456789012345678901234567890123456789012345678901",
        ] {
            let out = encrypted(Alphabet::Digits, Scalar::Number(literal)).unwrap();
            let digits = out.trim_start_matches('-');
            assert_eq!(out.len(), literal.len());
            assert_eq!(out.starts_with('-'), literal.starts_with('-'));
            assert!(!digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()));
            assert_eq!(
                out.parse::<i64>().is_ok(),
                literal.parse::<i64>().is_ok(),
                "{literal}"
            );
            let back = reveal_fpe(&KEY, Alphabet::Digits, Scalar::Number(&out));
            assert!(back.as_deref() == Ok(literal));
        }
        for literal in ["1.5", "-0.0", "1E-9", "1e20", "", "-"] {
            let out = encrypted(Alphabet::Digits, Scalar::Number(literal));
            assert!(matches!(out, Err(Refusal::WrongType { .. })), "{literal}");
        }
        let out = encrypted(Alphabet::Digits, Scalar::Number("-0"));
        assert_eq!(out, Err(Refusal::TooShort { minimum: 6 }));
    }

    #[test]
    fn six_digits_are_permuted() {
        let fpe = Fpe::new(&KEY, Alphabet::Digits).unwrap();
        let mut seen = std::collections::HashSet::new();
        for number in (100_000..1_000_000).step_by(97) {
            let mut out = String::new();
            fpe.number(&number.to_string(), &mut out).unwrap();
            assert!(seen.insert(out));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_text_comes_back(text in "[a-zA-Z0-9 -]{12,90}", which in 0_usize..3) {
            let alphabet = [Alphabet::Digits, Alphabet::Letters, Alphabet::Alphanumeric][which];
            if let Ok(masked) = encrypted(alphabet, Scalar::Text(&text)) {
                prop_assert!(reveal_fpe(&KEY, alphabet, Scalar::Text(&masked)).as_deref() == Ok(text.as_str()));
            }
        }

    }
}
