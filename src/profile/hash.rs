//! Hashes of values: the same on every machine and in every version, for sketches are written down and merged.
//!
//! Short texts are folded by 64 by 64 bit multiplications; longer ones are left to XXH3.

use twox_hash::XxHash3_128;

const FIRST: u64 = 0x9E37_79B9_7F4A_7C15;
const SECOND: u64 = 0xD1B5_4A32_D192_ED03;
const THIRD: u64 = 0x8CB9_2BA7_2F3D_8DD7;

/// Longest text that is folded.
const SHORT_MAX: usize = 64;

/// The hash of a text of some kind; equal texts of different kinds differ.
#[inline]
pub fn hash(kind: u8, text: &[u8]) -> u64 {
    let length = text.len();
    let mut state = FIRST ^ u64::from(kind).wrapping_mul(SECOND);
    if length > SHORT_MAX {
        return fold(XxHash3_128::oneshot(text) as u64 ^ state, THIRD);
    }
    let mut rest = text;
    while let Some((block, behind)) = rest.split_first_chunk::<16>()
        && !behind.is_empty()
    {
        state = fold(eight(&block[..8]) ^ SECOND, eight(&block[8..]) ^ state);
        rest = behind;
    }
    let (low, high) = match rest.len() {
        9.. => (eight(&rest[..8]), eight(&rest[rest.len() - 8..])),
        4..=8 => (four(&rest[..4]), four(&rest[rest.len() - 4..])),
        1..=3 => {
            let middle = u64::from(rest[rest.len() / 2]);
            let last = u64::from(rest[rest.len() - 1]);
            (u64::from(rest[0]) << 16 | middle << 8 | last, 0)
        }
        0 => (0, 0),
    };
    fold(
        fold(low ^ SECOND, high ^ state) ^ THIRD,
        length as u64 ^ FIRST,
    )
}

/// The hash of several values in order.
#[inline]
pub fn join(hash: u64, next: u64) -> u64 {
    fold(hash ^ FIRST, next ^ THIRD)
}

/// The hash of a number.
#[inline]
pub fn of_number(number: u64) -> u64 {
    fold(fold(number ^ SECOND, FIRST) ^ THIRD, number ^ FIRST)
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

#[inline]
fn eight(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[inline]
fn four(bytes: &[u8]) -> u64 {
    let four = bytes.first_chunk();
    four.map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_spread_and_stay_what_they_are() {
        let mut seen: Vec<u64> = (0..20_000_u32)
            .flat_map(|number| {
                let text = format!("{number}");
                let long = format!("{number}-{}", "x".repeat(number as usize % 90));
                [
                    hash(0, text.as_bytes()),
                    hash(1, text.as_bytes()),
                    hash(0, long.as_bytes()),
                ]
            })
            .collect();
        // Every bit is set about half of the time.
        for bit in 0..64 {
            let set = seen.iter().filter(|hash| *hash >> bit & 1 == 1).count();
            assert!((29_000..31_000).contains(&set), "bit {bit}: {set}");
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 60_000, "no two are alike");
        assert_eq!(hash(0, b""), hash(0, b""));
        assert_ne!(hash(0, b"ab"), hash(0, b"ab\0"));
    }
}
