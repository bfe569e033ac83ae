//! Some lines of an input, spread over all of it, though its length is not known before its end.

/// The most lines kept.
const LINES_MAX: usize = 10_000;
/// The most bytes of lines kept.
const BYTES_MAX: usize = 64 << 20;

/// Every so-manieth line; once there are too many, every second of them is let go.
#[derive(Debug)]
pub(super) struct Sample {
    every: u64,
    seen: u64,
    bytes: usize,
    lines: Vec<Box<[u8]>>,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            every: 1,
            seen: 0,
            bytes: 0,
            lines: Vec::new(),
        }
    }
}

impl Sample {
    /// Looks at the next line, without its newline.
    pub fn add(&mut self, line: &[u8]) {
        let wanted = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if !wanted {
            return;
        }
        self.lines.push(line.into());
        self.bytes += line.len();
        while self.lines.len() > LINES_MAX || (self.bytes > BYTES_MAX && self.lines.len() > 1) {
            let mut place = 0;
            self.lines.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.bytes = self.lines.iter().map(|line| line.len()).sum();
            self.every = self.every.saturating_mul(2);
        }
    }

    /// The lines, each with its newline.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.bytes + self.lines.len());
        for line in &self.lines {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_spread_over_all_of_the_input() {
        let mut sample = Sample::default();
        for number in 0..100_000_u32 {
            sample.add(number.to_string().as_bytes());
        }
        let text = String::from_utf8(sample.text()).expect("digits");
        let lines: Vec<u32> = text
            .lines()
            .map(|line| line.parse().expect("a number"))
            .collect();
        assert!((LINES_MAX / 2..=LINES_MAX).contains(&lines.len()));
        assert!(lines.iter().all(|line| line % 16 == 0));
        assert_eq!((lines[0], lines[lines.len() - 1] >= 99_984), (0, true));
    }

    #[test]
    fn long_lines_are_fewer() {
        let mut sample = Sample::default();
        let line = vec![b'x'; 1 << 20];
        (0..200).for_each(|_| sample.add(&line));
        assert!(sample.bytes <= BYTES_MAX && !sample.lines.is_empty());
    }
}
