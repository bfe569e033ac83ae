//! Addresses of Bitcoin (Base58Check, Bech32, Bech32m) and Ethereum (EIP-55).

use sha2::{Digest, Sha256};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Base58Check of 21 bytes: the last four bytes repeat the head of a double SHA-256.
pub(super) fn btc_base58(text: &[u8]) -> bool {
    let mut bytes = [0_u8; 25];
    for char in text {
        let Some(value) = BASE58.iter().position(|known| known == char) else {
            return false;
        };
        let mut carry = u32::try_from(value).unwrap_or(0);
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let (payload, check) = bytes.split_at(21);
    let digest = Sha256::digest(Sha256::digest(payload));
    matches!(payload[0], 0 | 5) && digest.starts_with(check)
}

const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Bech32 (BIP 173, witness version 0) or Bech32m (BIP 350, later versions), in one case throughout.
pub(super) fn btc_bech32(text: &[u8]) -> bool {
    let mixed = text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase);
    let Some(data) = text.get(3..) else {
        return false;
    };
    if mixed || !text[..3].eq_ignore_ascii_case(b"bc1") || text.len() > 90 {
        return false;
    }
    // The human-readable part "bc", expanded: high bits, a zero, low bits.
    let mut state = [3, 3, 0, 2, 3].into_iter().fold(1, polymod);
    let mut version = None;
    for char in data {
        let lower = char.to_ascii_lowercase();
        let Some(value) = BECH32.iter().position(|known| *known == lower) else {
            return false;
        };
        let value = u32::try_from(value).unwrap_or(0);
        version.get_or_insert(value);
        state = polymod(state, value);
    }
    match version {
        Some(0) => state == 1,
        Some(1..=16) => state == 0x2bc8_30a3,
        _ => false,
    }
}

fn polymod(state: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let top = state >> 25;
    let next = ((state & 0x1ff_ffff) << 5) ^ value;
    GENERATOR
        .iter()
        .enumerate()
        .filter(|(bit, _)| (top >> bit) & 1 == 1)
        .fold(next, |state, (_, term)| state ^ term)
}

/// `0x` and forty hexadecimal digits; in mixed case the case must be that of EIP-55.
pub(super) fn ethereum(text: &[u8]) -> bool {
    let Some(hex) = text.get(2..).filter(|hex| hex.len() == 40) else {
        return false;
    };
    let upper = hex.iter().any(u8::is_ascii_uppercase);
    let lower = hex.iter().any(u8::is_ascii_lowercase);
    let zeros = hex.iter().all(|byte| *byte == b'0');
    if !(upper && lower) {
        return !zeros && hex.iter().all(u8::is_ascii_hexdigit);
    }
    let digest = keccak256(&hex.to_ascii_lowercase());
    hex.iter().enumerate().all(|(place, char)| {
        let byte = digest.get(place / 2).copied().unwrap_or(0);
        let nibble = if place % 2 == 0 { byte >> 4 } else { byte & 15 };
        char.is_ascii_digit() || char.is_ascii_uppercase() == (nibble >= 8)
    })
}

/// Keccak-256 as Ethereum uses it: the original padding, not that of SHA-3. Input up to 135 bytes.
fn keccak256(input: &[u8]) -> [u8; 32] {
    const RATE: usize = 136;
    let mut block = [0_u8; RATE];
    for (slot, byte) in block.iter_mut().zip(input.iter().take(RATE - 1)) {
        *slot = *byte;
    }
    let end = input.len().min(RATE - 1);
    block[end] ^= 0x01;
    block[RATE - 1] ^= 0x80;
    let mut state = [0_u64; 25];
    for (lane, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
        *lane = bytes
            .iter()
            .rev()
            .fold(0, |lane, byte| lane << 8 | u64::from(*byte));
    }
    permute(&mut state);
    let mut digest = [0_u8; 32];
    for (out, lane) in digest.chunks_exact_mut(8).zip(state) {
        out.copy_from_slice(&lane.to_le_bytes());
    }
    digest
}

/// The 24 rounds of Keccak-f\[1600\] (FIPS 202, section 3.2; the lanes lie at `x + 5 y`).
fn permute(state: &mut [u64; 25]) {
    let mut lfsr = 1_u8;
    for _ in 0..24 {
        // Theta.
        let mut parity = [0_u64; 5];
        for (at, lane) in state.iter().enumerate() {
            parity[at % 5] ^= lane;
        }
        for (at, lane) in state.iter_mut().enumerate() {
            *lane ^= parity[(at + 4) % 5] ^ parity[(at + 1) % 5].rotate_left(1);
        }
        // Rho and pi: one walk along the cycle of lanes.
        let (mut x, mut y, mut held) = (1, 0, state[1]);
        for step in 0..24_u32 {
            (x, y) = (y, (2 * x + 3 * y) % 5);
            let turn = (step + 1) * (step + 2) / 2 % 64;
            held = std::mem::replace(&mut state[x + 5 * y], held.rotate_left(turn));
        }
        // Chi.
        for row in state.chunks_exact_mut(5) {
            let old = [row[0], row[1], row[2], row[3], row[4]];
            for (at, lane) in row.iter_mut().enumerate() {
                *lane = old[at] ^ (!old[(at + 1) % 5] & old[(at + 2) % 5]);
            }
        }
        // Iota: round constants from a linear feedback shift register.
        for bit in 0..7_u32 {
            if lfsr & 1 == 1 {
                state[0] ^= 1 << ((1_u32 << bit) - 1);
            }
            lfsr = (lfsr << 1) ^ if lfsr & 0x80 == 0 { 0 } else { 0x71 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitcoin() {
        // The output of the genesis block, BIP 13's example, and the vectors of BIP 173 and BIP 350.
        for good in [
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
        ] {
            assert!(btc_base58(good.as_bytes()), "{good}");
        }
        assert!(!btc_base58(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"));
        for good in [
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ] {
            assert!(btc_bech32(good.as_bytes()), "{good}");
        }
        assert!(!btc_bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"));
        assert!(!btc_bech32(b"bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"));
    }

    #[test]
    fn ethereum_case() {
        // The test cases of EIP-55.
        for good in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xde709f2102306220921060314715629080e2fb77",
        ] {
            assert!(ethereum(good.as_bytes()), "{good}");
        }
        assert!(!ethereum(b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed"));
        assert!(!ethereum(b"0x0000000000000000000000000000000000000000"));
    }
}
