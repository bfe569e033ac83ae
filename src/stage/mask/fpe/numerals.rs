//! FF1 on numerals, and the arithmetic that it and the ranks of texts need.
//!
//! [`Halves`] is what FF1 works on when both halves of a text fit into 120 bits, which is every card,
//! phone and account number: no allocation per round. Longer texts use the library's own type.

use aes::cipher::BlockCipherEncrypt;
use fpe::ff1::{FF1, FlexibleNumeralString, NumeralString, Operations};

use crate::stage::mask::operator::Refusal;

/// Which way a permutation is applied.
#[derive(Clone, Copy)]
pub enum Direction {
    Encrypt,
    Decrypt,
}

/// One application of FF1 without a tweak to numerals of `radix`.
///
/// # Errors
/// [`Refusal::Cipher`] when the radix and the length are not FF1's; the caller has checked both.
pub fn permute<C: BlockCipherEncrypt + Clone>(
    ff1: &FF1<C>,
    radix: u32,
    numerals: &mut [u8],
    way: Direction,
) -> Result<(), Refusal> {
    permute_tweaked(ff1, radix, numerals, way, &[])
}

fn permute_tweaked<C: BlockCipherEncrypt + Clone>(
    ff1: &FF1<C>,
    radix: u32,
    numerals: &mut [u8],
    way: Direction,
    tweak: &[u8],
) -> Result<(), Refusal> {
    if let Some(halves) = Halves::new(radix, numerals) {
        let halves = match way {
            Direction::Encrypt => ff1.encrypt(tweak, &halves),
            Direction::Decrypt => ff1.decrypt(tweak, &halves),
        }
        .map_err(|_| Refusal::Cipher)?;
        halves.write(radix, numerals);
    } else {
        let long =
            FlexibleNumeralString::from(numerals.iter().map(|n| u16::from(*n)).collect::<Vec<_>>());
        let long = match way {
            Direction::Encrypt => ff1.encrypt(tweak, &long),
            Direction::Decrypt => ff1.decrypt(tweak, &long),
        }
        .map_err(|_| Refusal::Cipher)?;
        for (numeral, mapped) in numerals.iter_mut().zip(Vec::from(long)) {
            *numeral = u8::try_from(mapped).map_err(|_| Refusal::Cipher)?;
        }
    }
    Ok(())
}

/// A numeral string as its two halves, each a number below [`Halves::LIMIT`]: what FF1 works on, without
/// the allocations of arbitrary precision.
struct Halves {
    front: Half,
    back: Half,
}

/// One half: a number below `modulus`, the number of half strings of this length.
#[derive(Clone)]
struct Half {
    value: u128,
    modulus: u128,
    length: usize,
}

impl Halves {
    /// A byte can be shifted in below this without overflow.
    const LIMIT: u128 = 1 << 120;

    fn new(radix: u32, numerals: &[u8]) -> Option<Self> {
        let (front, back) = numerals.split_at(numerals.len() / 2);
        Some(Self {
            front: Half::new(radix, front)?,
            back: Half::new(radix, back)?,
        })
    }

    fn write(&self, radix: u32, numerals: &mut [u8]) {
        let (front, back) = numerals.split_at_mut(numerals.len() / 2);
        self.front.write(radix, front);
        self.back.write(radix, back);
    }
}

impl Half {
    fn new(radix: u32, numerals: &[u8]) -> Option<Self> {
        let radix = u128::from(radix);
        let modulus = radix.checked_pow(u32::try_from(numerals.len()).ok()?)?;
        (modulus <= Halves::LIMIT).then(|| Self {
            value: numerals
                .iter()
                .fold(0, |value, n| value * radix + u128::from(*n)),
            modulus,
            length: numerals.len(),
        })
    }

    fn write(&self, radix: u32, numerals: &mut [u8]) {
        let radix = u128::from(radix);
        let mut value = self.value;
        for numeral in numerals.iter_mut().rev() {
            *numeral = (value % radix) as u8;
            value /= radix;
        }
    }

    /// A big-endian number modulo this half's modulus.
    fn reduce(&self, bytes: impl Iterator<Item = u8>) -> u128 {
        // As many bytes at a time as fit above the remainder.
        let step = if self.modulus <= 1 << 64 { 8 } else { 1 };
        let (mut remainder, mut pending, mut count) = (0, 0, 0);
        for byte in bytes {
            pending = pending << 8 | u128::from(byte);
            count += 1;
            if count == step {
                remainder = (remainder << (8 * count) | pending) % self.modulus;
                (pending, count) = (0, 0);
            }
        }
        (remainder << (8 * count) | pending) % self.modulus
    }
}

impl NumeralString for Halves {
    type Ops = Half;

    fn is_valid(&self, _radix: u32) -> bool {
        [&self.front, &self.back]
            .iter()
            .all(|half| half.value < half.modulus)
    }

    fn numeral_count(&self) -> usize {
        self.front.length + self.back.length
    }

    fn split(&self) -> (Half, Half) {
        (self.front.clone(), self.back.clone())
    }

    fn concat(front: Half, back: Half) -> Self {
        Self { front, back }
    }
}

impl Operations for Half {
    type Bytes = Tail;

    fn numeral_count(&self) -> usize {
        self.length
    }

    fn to_be_bytes(&self, _radix: u32, length: usize) -> Tail {
        Tail {
            bytes: self.value.to_be_bytes(),
            length,
        }
    }

    fn add_mod_exp(mut self, other: impl Iterator<Item = u8>, _radix: u32, _m: usize) -> Self {
        self.value = (self.value + self.reduce(other)) % self.modulus;
        self
    }

    fn sub_mod_exp(mut self, other: impl Iterator<Item = u8>, _radix: u32, _m: usize) -> Self {
        self.value = (self.value + self.modulus - self.reduce(other)) % self.modulus;
        self
    }
}

/// The last `length` bytes of a number; a half never needs more than 15.
struct Tail {
    bytes: [u8; 16],
    length: usize,
}

impl AsRef<[u8]> for Tail {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[16_usize.saturating_sub(self.length)..]
    }
}

/// A natural number of any size, little-endian, without leading zeros: just enough to rank a text.
#[derive(Default)]
pub struct Natural(Vec<u32>);

impl Natural {
    /// A number of one limb.
    pub fn from_limb(limb: u32) -> Self {
        let mut number = Self(vec![limb]);
        number.trim();
        number
    }

    /// `self · factor + term`
    pub fn scale(&mut self, factor: u8, term: u8) {
        let mut carry = u64::from(term);
        for limb in &mut self.0 {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Divides by `divisor` and gives the remainder.
    pub fn split_last(&mut self, divisor: u8) -> u8 {
        let mut remainder = 0;
        for limb in self.0.iter_mut().rev() {
            let part = remainder << 32 | u64::from(*limb);
            *limb = (part / u64::from(divisor)) as u32;
            remainder = part % u64::from(divisor);
        }
        self.trim();
        remainder as u8
    }

    /// The position of the highest bit set, from 1; 0 for zero.
    pub fn bits(&self) -> usize {
        self.0
            .last()
            .map_or(0, |top| self.0.len() * 32 - top.leading_zeros() as usize)
    }

    /// `width` bits, the highest first.
    pub fn to_bits(&self, width: usize) -> Vec<u8> {
        let bit = |at: usize| {
            self.0
                .get(at / 32)
                .map_or(0, |limb| (limb >> (at % 32) & 1) as u8)
        };
        (0..width).rev().map(bit).collect()
    }

    /// From bits, the highest first.
    pub fn from_bits(bits: &[u8]) -> Self {
        let limb = |chunk: &[u8]| {
            chunk
                .iter()
                .fold(0, |limb, bit| limb << 1 | u32::from(*bit))
        };
        let mut number = Self(bits.rchunks(32).map(limb).collect());
        number.trim();
        number
    }

    /// Whether the number is less than another.
    pub fn is_below(&self, other: &Self) -> bool {
        let order = self.0.len().cmp(&other.0.len());
        order
            .then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
            .is_lt()
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes::{Aes128, Aes256};
    use proptest::prelude::*;

    /// Samples 1, 2, 3, 7, 8 and 9 published with SP 800-38G for FF1.
    #[test]
    fn agrees_with_the_published_samples() {
        const SHORT: &str = "2b7e151628aed2a6abf7158809cf4f3c";
        const LONG: &str = "2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94";
        for (key, radix, tweak, plain, cipher) in [
            (SHORT, 10, "", "0123456789", "2433477484"),
            (
                SHORT,
                10,
                "39383736353433323130",
                "0123456789",
                "6124200773",
            ),
            (
                SHORT,
                36,
                "3737373770717273373737",
                "0123456789abcdefghi",
                "a9tv40mll9kdu509eum",
            ),
            (LONG, 10, "", "0123456789", "6657667009"),
            (LONG, 10, "39383736353433323130", "0123456789", "1001623463"),
            (
                LONG,
                36,
                "3737373770717273373737",
                "0123456789abcdefghi",
                "xs8a0azh2avyalyzuwd",
            ),
        ] {
            let (key, tweak) = (hex::decode(key).unwrap(), hex::decode(tweak).unwrap());
            let numerals = |text: &str| -> Vec<u8> {
                text.chars()
                    .map(|c| c.to_digit(36).unwrap() as u8)
                    .collect()
            };
            let mut text = numerals(plain);
            let mut run = |way| {
                if key.len() == 16 {
                    let ff1 = FF1::<Aes128>::new(&key, radix).unwrap();
                    permute_tweaked(&ff1, radix, &mut text, way, &tweak).unwrap();
                } else {
                    let ff1 = FF1::<Aes256>::new(&key, radix).unwrap();
                    permute_tweaked(&ff1, radix, &mut text, way, &tweak).unwrap();
                }
                text.clone()
            };
            assert_eq!(run(Direction::Encrypt), numerals(cipher));
            assert_eq!(run(Direction::Decrypt), numerals(plain));
        }
    }

    #[test]
    fn both_numeral_strings_give_the_same() {
        for (radix, length) in [
            (2, 21),
            (2, 200),
            (10, 6),
            (10, 19),
            (10, 72),
            (26, 5),
            (26, 50),
        ] {
            let numerals: Vec<u8> = (0..length).map(|n| (n * 7 % radix) as u8).collect();
            let ff1 = FF1::<Aes256>::new(&[3; 32], radix).unwrap();
            let long = FlexibleNumeralString::from(
                numerals.iter().map(|n| u16::from(*n)).collect::<Vec<_>>(),
            );
            let expected = Vec::from(ff1.encrypt(&[], &long).unwrap());
            let mut short = numerals;
            assert!(Halves::new(radix, &short).is_some());
            permute(&ff1, radix, &mut short, Direction::Encrypt).unwrap();
            assert!(short.iter().map(|n| u16::from(*n)).eq(expected));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn ranks_are_natural_numbers(value: u64, factor in 1_u8.., term: u8) {
            let mut number = Natural::from_bits(&(0..64).rev().map(|at| (value >> at & 1) as u8).collect::<Vec<_>>());
            prop_assert_eq!(number.bits(), 64 - value.leading_zeros() as usize);
            number.scale(factor, term % factor);
            prop_assert_eq!(number.split_last(factor), term % factor);
            let back = number.to_bits(64).iter().fold(0, |all, bit| all << 1 | u64::from(*bit));
            prop_assert_eq!(back, value);
        }
    }
}
