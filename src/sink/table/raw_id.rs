//! Names of rows.

use twox_hash::XxHash3_128;

/// The id of the record whose line, without its newline, stands at byte `offset` of a run's input: XXH3-128 of
/// the line with the offset as its seed, written as a UUID of version 8.
///
/// The same input gives the same ids; equal lines at two places have two.
pub fn raw_id(line: &[u8], offset: u64) -> [u8; 36] {
    let mut bytes = XxHash3_128::oneshot_with_seed(offset, line).to_be_bytes();
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut text = [b'-'; 36];
    let places = (0..36).filter(|at| !matches!(at, 8 | 13 | 18 | 23));
    for (nibble, at) in places.enumerate() {
        let value = bytes[nibble / 2] >> (4 * (1 - nibble % 2)) & 15;
        text[at] = b"0123456789abcdef"[usize::from(value)];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_repeatable_and_shaped_as_uuids() {
        let id = raw_id(b"{}", 7);
        assert_eq!(id, raw_id(b"{}", 7));
        assert_ne!(id, raw_id(b"{}", 8));
        assert_ne!(id, raw_id(b"{ }", 7));
        let text = std::str::from_utf8(&id).expect("ASCII");
        let lengths: Vec<_> = text.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()));
        assert_eq!(&text[14..15], "8");
        assert!("89ab".contains(&text[19..20]));
        // A published vector of XXH3-128: the empty input under seed 0.
        let empty = "99aa06d3-0147-88d8-a001-c324468d497f";
        assert_eq!(std::str::from_utf8(&raw_id(b"", 0)), Ok(empty));
    }
}
