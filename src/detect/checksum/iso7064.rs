//! ISO 7064 check systems: MOD 97-10, MOD 11-2 and the hybrid MOD 11,10; and the Verhoeff scheme.

/// MOD 97-10 over digits and letters (A is 10, Z is 35); `None` when another byte appears.
pub(super) fn mod97(text: impl IntoIterator<Item = u8>) -> Option<u32> {
    let mut rest = 0_u32;
    for byte in text {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(byte - b'A') + 10,
            _ => return None,
        } % 97;
    }
    Some(rest)
}

/// MOD 11-2: the check value (0 to 10, where 10 is written X) of the digits before it.
pub(super) fn mod11_2(digits: &[u8]) -> u8 {
    let rest = digits
        .iter()
        .fold(0_u32, |rest, digit| (rest + u32::from(*digit)) * 2 % 11);
    u8::try_from((12 - rest) % 11).unwrap_or(u8::MAX)
}

/// MOD 11,10: whether the last digit checks the others.
pub(super) fn mod11_10(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else {
        return false;
    };
    let product = body.iter().fold(10_u32, |product, digit| {
        let sum = (product + u32::from(*digit)) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(*check)
}

/// Verhoeff's dihedral check: multiplication in the group of order ten.
const PRODUCT: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// Verhoeff's permutation; place `p` uses it `p mod 8` times.
const PERMUTE: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Whether the last digit checks the others by Verhoeff's scheme.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let mut state = 0_u8;
    for (place, digit) in digits.iter().rev().enumerate() {
        let mut value = *digit;
        for _ in 0..place % 8 {
            value = PERMUTE.get(usize::from(value)).copied().unwrap_or(0);
        }
        state = PRODUCT
            .get(usize::from(state))
            .and_then(|row| row.get(usize::from(value)))
            .copied()
            .unwrap_or(u8::MAX);
    }
    state == 0 && !digits.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_examples() {
        // ISO 7064:2003, annex: 0794 takes the check value 0 in MOD 11-2 and 5 in MOD 11,10.
        assert_eq!(mod11_2(&[0, 7, 9, 4]), 0);
        assert!(mod11_10(&[0, 7, 9, 4, 5]));
        assert!(!mod11_10(&[0, 7, 9, 4, 4]));
        // ISO 7064:2003: 794 takes 44 in MOD 97-10.
        assert_eq!(mod97(*b"79444"), Some(1));
        assert_eq!(mod97(*b"79445"), Some(2));
        assert_eq!(mod97(*b"7-4"), None);
        // Verhoeff 1969: 236 takes the check digit 3.
        assert!(verhoeff(&[2, 3, 6, 3]));
        assert!(!verhoeff(&[2, 3, 6, 4]));
        assert!(!verhoeff(&[3, 2, 6, 3]));
    }
}
