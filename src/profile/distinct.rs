//! How many different values there are, in bounded memory: a HyperLogLog, and a sample of hashes with their counts.
//!
//! The estimator is Ertl's (2017), which needs no tables. The sample holds the least hashes that were met, each with
//! how often it was met: of a value's hash it is decided once for all whether it belongs to the sample, so the counts
//! are exact, and the share of values that were seen once is that of all values.

/// Registers, as a power of two.
const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;
/// The greatest rank.
const RANK_MAX: usize = 64 - PRECISION as usize + 1;

/// The letters that sketches are written with: one for six bits.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A HyperLogLog.
#[derive(Clone, PartialEq, Eq)]
pub struct Sketch(Box<[u8; REGISTERS]>);

impl Default for Sketch {
    fn default() -> Self {
        Self(Box::new([0; REGISTERS]))
    }
}

impl std::fmt::Debug for Sketch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Sketch of about {}", self.estimate())
    }
}

impl Sketch {
    /// Adds a hash.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        let at = (hash >> (64 - PRECISION)) as usize;
        let rank = (hash << PRECISION | 1 << (PRECISION - 1)).leading_zeros() as u8 + 1;
        let register = &mut self.0[at];
        *register = (*register).max(rank);
    }

    /// Adds what another has met.
    pub fn merge(&mut self, other: &Self) {
        for (register, other) in self.0.iter_mut().zip(other.0.iter()) {
            *register = (*register).max(*other);
        }
    }

    /// About how many different hashes were added, within 1.6 % in two of three cases.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn estimate(&self) -> u64 {
        let mut counts = [0_u32; RANK_MAX + 1];
        self.0
            .iter()
            .for_each(|rank| counts[usize::from(*rank).min(RANK_MAX)] += 1);
        let registers = REGISTERS as f64;
        let mut z = registers * tau(1.0 - f64::from(counts[RANK_MAX]) / registers);
        for rank in (1..RANK_MAX).rev() {
            z = 0.5 * (z + f64::from(counts[rank]));
        }
        z += registers * sigma(f64::from(counts[0]) / registers);
        (registers * registers / (2.0 * std::f64::consts::LN_2 * z)).round() as u64
    }

    /// As text: a letter per register, or three per register that is not empty where these are fewer.
    pub fn written(&self) -> String {
        let letter = |six: usize| char::from(LETTERS[six & 63]);
        let filled = self.0.iter().filter(|rank| **rank > 0).count();
        if filled * 3 >= REGISTERS {
            let dense = self.0.iter().map(|rank| letter(usize::from(*rank)));
            return std::iter::once('d').chain(dense).collect();
        }
        let mut text = String::from("s");
        for (at, rank) in self.0.iter().enumerate().filter(|(_, rank)| **rank > 0) {
            text.extend([letter(at >> 6), letter(at), letter(usize::from(*rank))]);
        }
        text
    }

    /// Reads what was [written](Self::written); `None` when it is something else.
    pub fn read(text: &str) -> Option<Self> {
        let mut sketch = Self::default();
        let six = |letter: &u8| LETTERS.iter().position(|known| known == letter);
        match text.as_bytes() {
            [b'd', dense @ ..] if dense.len() == REGISTERS => {
                for (register, letter) in sketch.0.iter_mut().zip(dense) {
                    *register = six(letter).filter(|rank| *rank <= RANK_MAX)? as u8;
                }
            }
            [b's', sparse @ ..] if sparse.len() % 3 == 0 => {
                for entry in sparse.chunks_exact(3) {
                    let at = six(&entry[0])? << 6 | six(&entry[1])?;
                    sketch.0[at] = six(&entry[2]).filter(|rank| *rank <= RANK_MAX)? as u8;
                }
            }
            _ => return None,
        }
        Some(sketch)
    }
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

/// The least hashes met, in order, each with how often it was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    held: Vec<(u64, u64)>,
    most: usize,
}

impl Sample {
    /// A sample of at most so many hashes.
    pub fn of(most: usize) -> Self {
        Self {
            held: Vec::new(),
            most,
        }
    }

    /// Hashes above it are none of the sample.
    pub fn limit(&self) -> u64 {
        match self.held.last() {
            Some((hash, _)) if self.held.len() >= self.most => *hash,
            _ => u64::MAX,
        }
    }

    /// Adds hashes with their counts, in any order, repeated or not.
    pub fn add(&mut self, met: impl IntoIterator<Item = (u64, u64)>) {
        let limit = self.limit();
        self.held
            .extend(met.into_iter().filter(|(hash, _)| *hash <= limit));
        self.held.sort_unstable();
        self.held.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        self.held.truncate(self.most);
    }

    /// Of about `distinct` values, how many were met once.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn singletons(&self, distinct: u64) -> u64 {
        let once = self.held.iter().filter(|(_, count)| *count == 1).count();
        match self.held.len() {
            0 => 0,
            held => (distinct as f64 * (once as f64 / held as f64)).round() as u64,
        }
    }

    /// The hashes and their counts.
    pub fn held(&self) -> &[(u64, u64)] {
        &self.held
    }

    /// As text: hashes in hexadecimal, with `*` and the count where a value was met more than once.
    pub fn written(&self) -> String {
        let entries = self.held.iter().map(|(hash, count)| match count {
            1 => format!("{hash:016x}"),
            _ => format!("{hash:016x}*{count}"),
        });
        entries.collect::<Vec<_>>().join(" ")
    }

    /// Reads what was [written](Self::written); `None` when it is something else.
    pub fn read(text: &str, most: usize) -> Option<Self> {
        let entries = text.split_ascii_whitespace().map(|entry| {
            let (hash, count) = entry.split_once('*').unwrap_or((entry, "1"));
            Some((u64::from_str_radix(hash, 16).ok()?, count.parse().ok()?))
        });
        let mut sample = Self::of(most);
        sample.add(entries.collect::<Option<Vec<_>>>()?);
        Some(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::{hash, of_number};
    use super::*;

    #[test]
    fn estimates_are_near_whatever_the_number() {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.estimate(), 0);
        let mut added = 0_u32;
        for wanted in [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] {
            while added < wanted {
                sketch.add(hash(0, added.to_string().as_bytes()));
                added += 1;
            }
            let off = (sketch.estimate() as f64 / f64::from(wanted) - 1.0).abs();
            assert!(off < 0.05, "{wanted}: {}", sketch.estimate());
            let again = Sketch::read(&sketch.written()).expect("a sketch");
            assert!(again == sketch, "{wanted}");
        }
        for text in ["", "x", "dAA", "sA", "sAA_", "d\u{e9}"] {
            assert!(Sketch::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_sample_counts_its_values_however_they_come() {
        // Even numbers come twice.
        let met: Vec<u64> = (0..20_000)
            .chain((0..20_000).filter(|n| n % 2 == 0))
            .map(of_number)
            .collect();
        let mut whole = Sample::of(256);
        whole.add(met.iter().map(|hash| (*hash, 1)));
        for parts in [1, 3, 17] {
            let mut merged = Sample::of(256);
            for part in met.chunks(met.len() / parts).rev() {
                let mut sample = Sample::of(256);
                sample.add(part.iter().map(|hash| (*hash, 1)));
                let sample = Sample::read(&sample.written(), 256).expect("a sample");
                merged.add(sample.held().iter().copied());
            }
            assert_eq!(merged, whole, "{parts} parts");
        }
        let once = whole.singletons(20_000);
        assert!((8_000..12_000).contains(&once), "{once}");
    }
}
