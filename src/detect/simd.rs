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
        let size = |nibbles: &[u8; 16]| {
            nibbles
                .iter()
                .map(|groups| u64::from(groups >> group & 1))
                .sum::<u64>()
        };
        self.low.iter().chain(&self.high).map(size).product()
    }

    fn starts(&self, bytes: &[u8]) -> bool {
        let groups = bytes.iter().zip(self.low.iter().zip(&self.high)).fold(
            0xff,
            |groups, (byte, (low, high))| {
                groups & low[usize::from(byte & 15)] & high[usize::from(byte >> 4)]
            },
        );
        groups != 0
    }
}

/// The marks of a text of at most 64 bytes; literals only when there is a prefix.
pub(super) fn short(text: &[u8], prefix: Option<&Prefix>) -> Marks {
    if prefix.is_none() && text.len() <= 16 {
        return tiny(text);
    }
    let mut marks = Marks::default();
    let mut add = |bits: [u32; 3], digits_from: usize, literals_from: usize| {
        marks.digit |= u64::from(bits[0]) << digits_from;
        marks.at |= u64::from(bits[1]) << digits_from;
        marks.literal |= u64::from(bits[2]) << literals_from;
    };
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            // Read where they lie: a copy would cost more than both vectors. The end overlaps.
            let rest = text.len() - SPAN;
            add(half::<0>(first, prefix), 0, 0);
            add(
                half::<{ SPAN - HALF }>(last, prefix),
                rest + SPAN - HALF,
                rest,
            );
        }
        _ => {
            let mut bytes = [0; SPAN + HALF];
            bytes[..text.len()].copy_from_slice(text);
            if let Some(first) = bytes.first_chunk() {
                add(half::<0>(first, prefix), 0, 0);
            }
            if let Some(last) = bytes.last_chunk().filter(|_| text.len() > HALF) {
                add(half::<0>(last, prefix), HALF, HALF);
            }
        }
    }
    marks
}

/// Digits and `@` of at most 16 bytes, in two general registers.
fn tiny(text: &[u8]) -> Marks {
    let len = text.len();
    let (low, high) = match (text.first_chunk(), text.last_chunk()) {
        // Bytes read twice are written twice, to the same place.
        (Some(first), Some(last)) => {
            let all = u128::from(u64::from_le_bytes(*first))
                | u128::from(u64::from_le_bytes(*last)) << (8 * (len - 8));
            let [low, high] = [all, all >> 64]
                .map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0));
            (low, high)
        }
        _ => match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) => {
                let last = u64::from(u32::from_le_bytes(*last)) << (8 * (len - 4));
                (u64::from(u32::from_le_bytes(*first)) | last, 0)
            }
            _ => (
                text.iter()
                    .rev()
                    .fold(0, |all, byte| all << 8 | u64::from(*byte)),
                0,
            ),
        },
    };
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Sums of seven bits and a constant below 128 cannot carry into the next byte.
    let below = |bytes: u64, limit: u64| {
        !(((bytes & (EACH * 0x7f)) + EACH * (0x80 - limit)) | bytes) & (EACH * 0x80)
    };
    // The top bits of eight bytes, gathered into one.
    let gather = |tops: u64| (tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    let both = |mark: &dyn Fn(u64) -> u64| gather(mark(low)) | gather(mark(high)) << 8;
    Marks {
        digit: both(&|bytes| below(bytes ^ (EACH * u64::from(b'0')), 10)),
        at: both(&|bytes| below(bytes ^ (EACH * u64::from(b'@')), 1)),
        literal: 0,
    }
}

/// The marks of the block at `from`.
pub(super) fn block(text: &[u8], from: usize, prefix: &Prefix) -> Marks {
    let rest = text.get(from..).unwrap_or_default();
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << HALF;
    let low = half::<0>(&padded(rest), Some(prefix));
    let high = half::<0>(&padded(rest.get(HALF..).unwrap_or_default()), Some(prefix));
    Marks {
        digit: join(low[0], high[0]),
        at: join(low[1], high[1]),
        literal: join(low[2], high[2]),
    }
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
    let mut copy = [0; BLOCK];
    let Some(bytes) = whole(text, from, &mut copy) else {
        return Shape::default();
    };
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all the function needs.
        return unsafe { avx2::shape(bytes) };
    }
    portable_shape(bytes)
}

/// The ASCII letters and the bytes of other scripts in the block at `from`; nothing past the end.
pub(super) fn letters(text: &[u8], from: usize) -> u64 {
    let mut copy = [0; BLOCK];
    let Some(bytes) = whole(text, from, &mut copy) else {
        return 0;
    };
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all the function needs.
        return unsafe { avx2::letters(bytes) };
    }
    portable_letters(bytes)
}

/// The block at `from`, in place or, near the end of the text, copied and filled up with zeros.
fn whole<'a>(text: &'a [u8], from: usize, copy: &'a mut [u8; BLOCK]) -> Option<&'a [u8; BLOCK]> {
    let rest = text.get(from..).filter(|rest| !rest.is_empty())?;
    Some(rest.first_chunk().unwrap_or_else(|| {
        copy[..rest.len()].copy_from_slice(rest);
        copy
    }))
}

fn portable_letters(bytes: &[u8; BLOCK]) -> u64 {
    let letter = |byte: &u8| u64::from(byte.is_ascii_alphabetic() || *byte >= 0x80);
    bytes
        .iter()
        .rev()
        .fold(0, |all, byte| all << 1 | letter(byte))
}

fn portable_shape(bytes: &[u8; BLOCK]) -> Shape {
    let mut shape = Shape::default();
    for (place, byte) in bytes.iter().enumerate() {
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
    bytes[..rest.len()].copy_from_slice(rest);
    bytes
}

/// Digits and `@` of the 32 bytes from `FROM`, literals of the first 32.
fn half<const FROM: usize>(bytes: &[u8; SPAN], prefix: Option<&Prefix>) -> [u32; 3] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all the function needs.
        return unsafe { avx2::half::<FROM>(bytes, prefix) };
    }
    portable::<FROM>(bytes, prefix)
}

/// The same, byte by byte.
fn portable<const FROM: usize>(bytes: &[u8; SPAN], prefix: Option<&Prefix>) -> [u32; 3] {
    let mut bits = [0; 3];
    for (place, byte) in bytes.iter().skip(FROM).take(HALF).enumerate() {
        match byte {
            b'0'..=b'9' => bits[0] |= 1 << place,
            b'@' => bits[1] |= 1 << place,
            _ => {}
        }
    }
    for (place, here) in bytes.windows(Prefix::WIDTH).enumerate() {
        let bit = 1 << place;
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
        _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
        _mm256_sub_epi8,
    };

    use super::{BLOCK, HALF, Marks, Prefix, SPAN, Shape};

    /// The nibble sets of a prefix, low and high, in registers.
    type Tables = [(__m256i, __m256i); Prefix::WIDTH];

    /// The marks of every block that is whole and followed by the bytes its literals need.
    #[target_feature(enable = "avx2")]
    pub(super) fn blocks(text: &[u8], prefix: &Prefix, marks: &mut Vec<Marks>) {
        let tables = tables(prefix);
        let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << HALF;
        let mut rest = text;
        while let (Some(low), Some(high)) = (
            rest.first_chunk(),
            rest.get(HALF..).and_then(<[u8]>::first_chunk),
        ) {
            let (digit, at) = (
                join(digits::<0>(low), digits::<0>(high)),
                join(signs::<0>(low), signs::<0>(high)),
            );
            let literal = join(literals(low, &tables), literals(high, &tables));
            marks.push(Marks { digit, at, literal });
            rest = rest.get(BLOCK..).unwrap_or_default();
        }
    }

    /// Digits and `@` of the 32 bytes from `FROM`, literals of the first 32.
    #[target_feature(enable = "avx2")]
    pub(super) fn half<const FROM: usize>(bytes: &[u8; SPAN], prefix: Option<&Prefix>) -> [u32; 3] {
        let literal = prefix.map_or(0, |prefix| literals(bytes, &tables(prefix)));
        [digits::<FROM>(bytes), signs::<FROM>(bytes), literal]
    }

    #[target_feature(enable = "avx2")]
    fn digits<const FROM: usize>(bytes: &[u8; SPAN]) -> u32 {
        within(load::<FROM>(bytes), b'0', 9)
    }

    /// Which bytes lie from `first` to `first + span`.
    #[target_feature(enable = "avx2")]
    fn within(bytes: __m256i, first: u8, span: u8) -> u32 {
        let offset = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first.cast_signed()));
        bits(_mm256_cmpeq_epi8(
            offset,
            _mm256_min_epu8(offset, _mm256_set1_epi8(span.cast_signed())),
        ))
    }

    #[target_feature(enable = "avx2")]
    fn equal(bytes: __m256i, byte: u8) -> u32 {
        bits(_mm256_cmpeq_epi8(
            bytes,
            _mm256_set1_epi8(byte.cast_signed()),
        ))
    }

    /// The shape of a block.
    #[target_feature(enable = "avx2")]
    pub(super) fn shape(bytes: &[u8; BLOCK]) -> Shape {
        let mut shape = Shape::default();
        for (from, half) in [(0, half_of::<0>(bytes)), (HALF, half_of::<HALF>(bytes))] {
            shape.alnum |= u64::from(ascii_letters(half) | within(half, b'0', 9)) << from;
            shape.dot |= u64::from(equal(half, b'.')) << from;
            shape.colon |= u64::from(equal(half, b':')) << from;
            shape.hyphen |= u64::from(equal(half, b'-')) << from;
        }
        shape
    }

    /// The letters of a block; the top bit of a byte tells another script.
    #[target_feature(enable = "avx2")]
    pub(super) fn letters(bytes: &[u8; BLOCK]) -> u64 {
        let (low, high) = (half_of::<0>(bytes), half_of::<HALF>(bytes));
        let low = ascii_letters(low) | bits(low);
        let high = ascii_letters(high) | bits(high);
        u64::from(low) | u64::from(high) << HALF
    }

    #[target_feature(enable = "avx2")]
    fn ascii_letters(half: __m256i) -> u32 {
        within(_mm256_or_si256(half, _mm256_set1_epi8(0x20)), b'a', 25)
    }

    /// The 32 bytes from `FROM`.
    #[target_feature(enable = "avx2")]
    fn half_of<const FROM: usize>(bytes: &[u8; BLOCK]) -> __m256i {
        const { assert!(FROM + HALF <= BLOCK) };
        // SAFETY: 32 bytes from `FROM` lie inside the array; the load has no alignment to keep.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().add(FROM).cast()) }
    }

    #[target_feature(enable = "avx2")]
    fn signs<const FROM: usize>(bytes: &[u8; SPAN]) -> u32 {
        equal(load::<FROM>(bytes), b'@')
    }

    #[target_feature(enable = "avx2")]
    fn literals(bytes: &[u8; SPAN], tables: &Tables) -> u32 {
        let places = [
            load::<0>(bytes),
            load::<1>(bytes),
            load::<2>(bytes),
            load::<3>(bytes),
        ];
        let mut groups = _mm256_set1_epi8(-1);
        for (bytes, (low, high)) in places.into_iter().zip(tables) {
            let nibble = _mm256_set1_epi8(15);
            let low = _mm256_shuffle_epi8(*low, _mm256_and_si256(bytes, nibble));
            let high = _mm256_shuffle_epi8(
                *high,
                _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble),
            );
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
        const SORTS: &[u8] = b"/0189:?@A`.-azAZ[{eyJKI_ghp\xc3\xff \0";
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
                let half = padded(half);
                assert_eq!(
                    portable::<0>(&half, Some(&prefix)),
                    super::half::<0>(&half, Some(&prefix))
                );
                assert_eq!(
                    portable::<3>(&half, Some(&prefix)),
                    super::half::<3>(&half, Some(&prefix))
                );
            }
            if len <= BLOCK && len > 0 {
                let (with, without) = (short(&text, Some(&prefix)), short(&text, None));
                assert_eq!(
                    (with.digit, with.at),
                    (marks[0].digit, marks[0].at),
                    "{len}"
                );
                assert_eq!(
                    (without.digit, without.at, without.literal),
                    (with.digit, with.at, 0),
                    "{len}"
                );
                // A literal in the last three bytes has no room for what must follow it.
                let room = (1_u64 << len.saturating_sub(3)) - 1;
                assert_eq!(with.literal & room, marks[0].literal & room, "{len}");
            }
            if let Some(block) = text.first_chunk() {
                assert_eq!(portable_shape(block), shape(&text, 0));
                assert_eq!(portable_letters(block), letters(&text, 0));
            }
        }
    }

    #[test]
    fn every_literal_passes_its_own_prefix() {
        let literals = [
            "eyJ", "AKIA", "ASIA", "ghp_", "glpat-", "xoxb-", "sk_live_", "Bearer ", "SG.",
        ];
        let mut prefix = Prefix::default();
        for literal in literals {
            prefix.add(literal.as_bytes());
        }
        for literal in literals {
            assert!(
                prefix.starts(
                    format!("{literal}~~~")
                        .get(..4)
                        .unwrap_or_default()
                        .as_bytes()
                ),
                "{literal}"
            );
        }
        assert!(!prefix.starts(b"word"));
    }
}
