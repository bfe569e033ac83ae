//! Sums of doubles without rounding, so that they do not depend on the order of their addends.
//!
//! Every addend is a whole number of 53 bits times a power of two; those of one power are added up as whole numbers.

/// A sum of doubles.
#[derive(Debug, Clone, Default)]
pub struct Exact {
    /// The power of the first part.
    first: i32,
    parts: Vec<i128>,
}

impl Exact {
    /// Adds a number so many times.
    #[inline]
    pub fn add(&mut self, value: f64, times: u64) {
        let bits = value.to_bits();
        let power = (bits >> 52 & 0x7FF) as i32;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, power) = match power {
            0 => (fraction, 1),
            0x7FF => return,
            _ => (fraction | 1 << 52, power),
        };
        let part = i128::from(mantissa) * i128::from(times);
        self.put(power, if value < 0.0 { -part } else { part });
    }

    #[inline]
    fn put(&mut self, power: i32, part: i128) {
        let at = power.wrapping_sub(self.first) as usize;
        match self.parts.get_mut(at) {
            Some(held) => *held = held.wrapping_add(part),
            None => self.stretch(power, part),
        }
    }

    #[cold]
    fn stretch(&mut self, power: i32, part: i128) {
        if self.parts.is_empty() {
            self.first = power;
        }
        let first = self.first.min(power);
        let last = (self.first + self.parts.len() as i32 - 1).max(power);
        let before = (self.first - first) as usize;
        self.parts.splice(..0, std::iter::repeat_n(0, before));
        self.parts.resize((last - first + 1) as usize, 0);
        self.first = first;
        self.parts[(power - first) as usize] += part;
    }

    /// Adds what another has.
    pub fn merge(&mut self, other: &Self) {
        for (power, part) in (other.first..).zip(&other.parts) {
            if *part != 0 {
                self.put(power, *part);
            }
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.parts.capacity() * size_of::<i128>()
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        self.parts.clear();
    }

    /// The sum as a double, within a rounding or two.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the sum is rounded here and nowhere else"
    )]
    pub fn value(&self) -> f64 {
        let mut parts = self.parts.clone();
        // What all parts of one power make in the next ones, so that great parts of both signs cancel out exactly.
        for at in 1..parts.len() {
            let carry = parts[at - 1] >> 1;
            parts[at - 1] -= carry << 1;
            parts[at] += carry;
        }
        let sized = parts.iter().enumerate().rev();
        let power = |at: usize| self.first + at as i32 - 1075;
        let sum: f64 = sized
            .map(|(at, part)| scaled(*part as f64, power(at)))
            .sum();
        sum.clamp(-f64::MAX, f64::MAX)
    }
}

/// A number times a power of two.
fn scaled(mut number: f64, mut power: i32) -> f64 {
    while power < -1000 {
        number *= 2_f64.powi(-1000);
        power += 1000;
    }
    while power > 1000 {
        number *= 2_f64.powi(1000);
        power -= 1000;
    }
    number * 2_f64.powi(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_in_any_order() {
        let values = [0.1, 1e300, -0.3, 5e-324, -1e300, 1e17, 1.0, -1e17, 0.2, 7.0];
        let sum = |values: &[f64]| {
            let mut sum = Exact::default();
            values.iter().for_each(|value| sum.add(*value, 1));
            sum
        };
        let forward = sum(&values);
        let mut backward = Exact::default();
        values
            .chunks(3)
            .rev()
            .for_each(|part| backward.merge(&sum(part)));
        assert_eq!(forward.value(), backward.value());
        assert!((forward.value() - 8.0).abs() < 1e-15, "{}", forward.value());
        let mut thrice = Exact::default();
        thrice.add(0.1, 3);
        assert_eq!(thrice.value(), sum(&[0.1, 0.1, 0.1]).value());
        assert_eq!(sum(&[]).value(), 0.0);
        assert_eq!(sum(&[f64::MAX, f64::MAX]).value(), f64::MAX);
        assert_eq!(sum(&[1e6; 1000]).value(), 1e9);
    }
}
