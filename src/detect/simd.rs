//! The bytes of a text classified 64 at a time, a bit per byte: vectorised where the processor can,
//! and the same answer byte by byte elsewhere.

/// Bytes in a block: one bit each in a `u64`.
pub(super) const BLOCK: usize = 64;
/// Bytes a vector classifies at once.
const HALF: usize = BLOCK / 2;
/// A half and the bytes that complete a literal which begins at its end.
const SPAN: usize = HALF + Prefix::WIDTH - 1;

/// Where the anchors of one block are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// ASCII digits.
    pub(super) digit: u64,
    /// The sign `@`.
    pub(super) at: u64,
    /// Places where one of the literals may begin.
    pub(super) literal: u64,
}

impl Marks {
    /// Whether there is one.
    pub(super) fn any(self) -> bool {
        self.digit | self.at | self.literal != 0
    }
}

/// What numbers are built with: asked for only where there are digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// ASCII letters and digits.
    pub(super) alnum: u64,
    /// Full stops.
    pub(super) dot: u64,
    /// Colons.
    pub(super) colon: u64,
    /// Hyphens.
    pub(super) hyphen: u64,
}

/// The first bytes of the literals as sets of nibbles, eight groups of literals in the eight bits
/// (the fingerprints of the Teddy algorithm, from the Hyperscan project).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Prefix {
    low: [[u8; 16]; Self::WIDTH],
    high: [[u8; 16]; Self::WIDTH],
}

impl Prefix {
    /// How many bytes of a literal are looked at; shorter ones leave the last open.
    pub(super) const WIDTH: usize = 4;

    /// Adds a literal to the group that grows least by it.
    pub(super) fn add(&mut self, literal: &[u8]) {
        let best = (0..8_u8).min_by_key(|group| {
            let mut with = *self;
            with.join(literal, *group);
            with.weight(*group) - self.weight(*group)
        });
        self.join(literal, best.unwrap_or(0));
    }

    fn join(&mut self, literal: &[u8], group: u8) {
        let bit = 1 << group;
        for place in 0..Self::WIDTH {
            if let Some(byte) = literal.get(place) {
                self.low[place][usize::from(byte & 15)] |= bit;
                self.high[place][usize::from(byte >> 4)] |= bit;
            } else {
                self.low[place] = self.low[place].map(|groups| groups | bit);
                self.high[place] = self.high[place].map(|groups| groups | bit);
            }
        }
    }

    /// How many strings a group lets through.
    fn weight(&self, group: u8) -> u64 {
        let size = |nibbles: &[u8; 16]| nibbles.iter().map(|groups| u64::from(groups >> group & 1)).sum::<u64>();
        self.low.iter().chain(&self.high).map(size).product()
    }

    fn starts(&self, bytes: &[u8]) -> bool {
        let groups = bytes.iter().zip(self.low.iter().zip(&self.high)).fold(0xff, |groups, (byte, (low, high))| {
            groups & low[usize::from(byte & 15)] & high[usize::from(byte >> 4)]
        });
        groups != 0
    }
}

/// The marks of a text of at most 64 bytes; literals only when there is a prefix.
pub(super) fn short(text: &[u8], prefix: Option<&Prefix>) -> Marks {
    let mut marks = Marks::default();
    for from in [0, HALF] {
        let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) else {
            break;
        };
        let bits = half(&padded(rest), prefix);
        marks.digit |= u64::from(bits[0]) << from;
        marks.at |= u64::from(bits[1]) << from;
        marks.literal |= u64::from(bits[2]) << from;
    }
    marks
}

/// The marks of the block at `from`.
pub(super) fn block(text: &[u8], from: usize, prefix: &Prefix) -> Marks {
    let rest = text.get(from..).unwrap_or_default();
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << HALF;
    let low = half(&padded(rest), Some(prefix));
    let high = half(&padded(rest.get(HALF..).unwrap_or_default()), Some(prefix));
    Marks { digit: join(low[0], high[0]), at: join(low[1], high[1]), literal: join(low[2], high[2]) }
}

/// The marks of every block of a text.
pub(super) fn blocks(text: &[u8], prefix: &Prefix, marks: &mut Vec<Marks>) {
    marks.clear();
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all the function needs.
        unsafe { avx2::blocks(text, prefix, marks) };
    }
    for from in (marks.len() * BLOCK..text.len()).step_by(BLOCK) {
        marks.push(block(text, from, prefix));
    }
}

/// The shape of the block at `from`; nothing past the end.
pub(super) fn shape(text: &[u8], from: usize) -> Shape {
    let mut shape = Shape::default();
    for (place, byte) in text.iter().skip(from).take(BLOCK).enumerate() {
        let bit = 1_u64 << place;
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => shape.alnum |= bit,
            b'.' => shape.dot |= bit,
            b':' => shape.colon |= bit,
            b'-' => shape.hyphen |= bit,
            _ => {}
        }
    }
    shape
}

/// The first bytes of `rest`, zeros after its end.
fn padded(rest: &[u8]) -> [u8; SPAN] {
    if let Some(whole) = rest.first_chunk() {
        return *whole;
    }
    let mut bytes = [0; SPAN];
    for (slot, byte) in bytes.iter_mut().zip(rest) {
        *slot = *byte;
    }
    bytes
}

/// Digits, `@` and literals of a half.
fn half(bytes: &[u8; SPAN], prefix: Option<&Prefix>) -> [u32; 3] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all the function needs.
        return unsafe { avx2::half(bytes, prefix) };
    }
    portable(bytes, prefix)
}

/// The same, byte by byte.
fn portable(bytes: &[u8; SPAN], prefix: Option<&Prefix>) -> [u32; 3] {
    let mut bits = [0; 3];
    for (place, here) in bytes.windows(Prefix::WIDTH).enumerate() {
        let bit = 1 << place;
        match here.first() {
            Some(b'0'..=b'9') => bits[0] |= bit,
            Some(b'@') => bits[1] |= bit,
            _ => {}
        }
        if prefix.is_some_and(|prefix| prefix.starts(here)) {
            bits[2] |= bit;
        }
    }
    bits
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_sub_epi8,
    };

    use super::{BLOCK, HALF, Marks, Prefix, SPAN};

    /// The nibble sets of a prefix, low and high, in registers.
    type Tables = [(__m256i, __m256i); Prefix::WIDTH];

    /// The marks of every block that is whole and followed by the bytes its literals need.
    #[target_feature(enable = "avx2")]
    pub(super) fn blocks(text: &[u8], prefix: &Prefix, marks: &mut Vec<Marks>) {
        let tables = tables(prefix);
        let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << HALF;
        let mut rest = text;
        while let (Some(low), Some(high)) = (rest.first_chunk(), rest.get(HALF..).and_then(<[u8]>::first_chunk)) {
            let (digit, at) = (join(digits(low), digits(high)), join(signs(low), signs(high)));
            let literal = join(literals(low, &tables), literals(high, &tables));
            marks.push(Marks { digit, at, literal });
            rest = rest.get(BLOCK..).unwrap_or_default();
        }
    }

    /// Digits, `@` and literals of a half.
    #[target_feature(enable = "avx2")]
    pub(super) fn half(bytes: &[u8; SPAN], prefix: Option<&Prefix>) -> [u32; 3] {
        let literal = prefix.map_or(0, |prefix| literals(bytes, &tables(prefix)));
        [digits(bytes), signs(bytes), literal]
    }

    #[target_feature(enable = "avx2")]
    fn digits(bytes: &[u8; SPAN]) -> u32 {
        let offset = _mm256_sub_epi8(load::<0>(bytes), _mm256_set1_epi8(b'0'.cast_signed()));
        bits(_mm256_cmpeq_epi8(offset, _mm256_min_epu8(offset, _mm256_set1_epi8(9))))
    }

    #[target_feature(enable = "avx2")]
    fn signs(bytes: &[u8; SPAN]) -> u32 {
        bits(_mm256_cmpeq_epi8(load::<0>(bytes), _mm256_set1_epi8(b'@'.cast_signed())))
    }

    #[target_feature(enable = "avx2")]
    fn literals(bytes: &[u8; SPAN], tables: &Tables) -> u32 {
        let places = [load::<0>(bytes), load::<1>(bytes), load::<2>(bytes), load::<3>(bytes)];
        let mut groups = _mm256_set1_epi8(-1);
        for (bytes, (low, high)) in places.into_iter().zip(tables) {
            let nibble = _mm256_set1_epi8(15);
            let low = _mm256_shuffle_epi8(*low, _mm256_and_si256(bytes, nibble));
            let high = _mm256_shuffle_epi8(*high, _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble));
            groups = _mm256_and_si256(groups, _mm256_and_si256(low, high));
        }
        !bits(_mm256_cmpeq_epi8(groups, _mm256_setzero_si256()))
    }

    #[target_feature(enable = "avx2")]
    fn bits(mask: __m256i) -> u32 {
        _mm256_movemask_epi8(mask).cast_unsigned()
    }

    /// The 32 bytes from `FROM`.
    #[target_feature(enable = "avx2")]
    fn load<const FROM: usize>(bytes: &[u8; SPAN]) -> __m256i {
        const { assert!(FROM + HALF <= SPAN) };
        // SAFETY: 32 bytes from `FROM` lie inside the array; the load has no alignment to keep.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().add(FROM).cast()) }
    }

    #[target_feature(enable = "avx2")]
    fn tables(prefix: &Prefix) -> Tables {
        let place = |place: usize| (table(&prefix.low[place]), table(&prefix.high[place]));
        [place(0), place(1), place(2), place(3)]
    }

    #[target_feature(enable = "avx2")]
    fn table(nibbles: &[u8; 16]) -> __m256i {
        // SAFETY: `nibbles` is 16 readable bytes; the load has no alignment to keep.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(nibbles.as_ptr().cast()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic bytes of the sorts that matter.
    fn bytes(seed: &mut u64, len: usize) -> Vec<u8> {
        const SORTS: &[u8] = b"0189@.:-azAZeyJKI_/ghp\xc3\xff \0";
        let mut next = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(*seed >> 40).unwrap_or(0) % SORTS.len()
        };
        (0..len).map(|_| SORTS[next()]).collect()
    }

    #[test]
    fn vectors_and_bytes_agree() {
        let mut prefix = Prefix::default();
        for literal in ["eyJ", "AKIA", "-----BEGIN", "ghp_"] {
            prefix.add(literal.as_bytes());
        }
        let mut seed = 1;
        let mut marks = Vec::new();
        for len in 0..400 {
            let text = bytes(&mut seed, len);
            blocks(&text, &prefix, &mut marks);
            assert_eq!(marks.len(), len.div_ceil(BLOCK));
            for (at, marks) in marks.iter().enumerate() {
                assert_eq!(*marks, block(&text, at * BLOCK, &prefix), "{len}");
                let half = text.get(at * BLOCK..).unwrap_or_default();
                assert_eq!(portable(&padded(half), Some(&prefix)), super::half(&padded(half), Some(&prefix)));
            }
            if len <= BLOCK && len > 0 {
                assert_eq!(short(&text, Some(&prefix)), marks[0]);
                assert_eq!(short(&text, None).literal, 0);
            }
        }
    }

    #[test]
    fn every_literal_passes_its_own_prefix() {
        let literals = ["eyJ", "AKIA", "ASIA", "ghp_", "glpat-", "xoxb-", "sk_live_", "Bearer ", "SG."];
        let mut prefix = Prefix::default();
        for literal in literals {
            prefix.add(literal.as_bytes());
        }
        for literal in literals {
            assert!(prefix.starts(format!("{literal}~~~").get(..4).unwrap_or_default().as_bytes()), "{literal}");
        }
        assert!(!prefix.starts(b"word"));
    }
}
