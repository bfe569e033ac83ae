//! What the values of a column's sample showed.

use super::shape::Shape;

/// Distinct values whose hashes are kept; a column with more is no list of choices.
const CHOICES_MAX: usize = 48;

/// A value is prose from this many words on.
const PROSE_WORDS: usize = 8;

/// Counts over the values of a column.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Texts seen that say something.
    pub values: u32,
    /// Kind, then how many values were of it as a whole: by a recogniser, and by the tagger.
    pub whole: Vec<(u16, [u32; 2])>,
    /// Values in which anything was found.
    pub touched: u32,
    /// Values of many words.
    pub prose: u32,
    pub words: u64,
    /// Classes of shapes seen, a bit each.
    shapes: u64,
    /// Hashes of distinct values, until there are too many.
    choices: Vec<u64>,
    overflowed: bool,
}

/// What one value showed.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Kind that most of the value is, and whether the tagger alone says so.
    pub whole: Option<(u16, bool)>,
    /// Something was found in it.
    pub touched: bool,
}

impl Evidence {
    /// Adds a value that says something.
    pub fn add(&mut self, text: &str, shape: Shape, seen: Seen) {
        self.values += 1;
        self.words += shape.words as u64;
        self.prose += u32::from(shape.words >= PROSE_WORDS);
        self.touched += u32::from(seen.touched);
        self.shapes |= 1 << shape.class();
        if let Some((kind, tagged)) = seen.whole {
            let at = self.whole.iter().position(|(known, _)| *known == kind);
            let at = at.unwrap_or_else(|| {
                self.whole.push((kind, [0, 0]));
                self.whole.len() - 1
            });
            self.whole[at].1[usize::from(tagged)] += 1;
        }
        self.choose(text);
    }

    fn choose(&mut self, text: &str) {
        let hash = hash(text);
        if self.overflowed || self.choices.contains(&hash) {
            return;
        }
        if self.choices.len() == CHOICES_MAX {
            self.overflowed = true;
            self.choices = Vec::new();
        } else {
            self.choices.push(hash);
        }
    }

    /// Values that were of a kind as a whole.
    pub fn hits(&self, kind: u16) -> u32 {
        let found = self.whole.iter().find(|(known, _)| *known == kind);
        found.map_or(0, |(_, [recognised, tagged])| recognised + tagged)
    }

    /// Values come from a short list.
    pub fn is_choice(&self) -> bool {
        !self.overflowed && self.choices.len() as u32 * 3 <= self.values
    }

    /// The value is, or looks, like those of the sample.
    pub fn fits(&self, text: &str, shape: Shape) -> bool {
        match self.is_choice() {
            true => self.choices.contains(&hash(text)),
            false => self.shapes >> shape.class() & 1 == 1,
        }
    }
}

/// FNV-1a: the same in every run, for the sample must say the same in every run.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Seen = Seen {
        whole: None,
        touched: false,
    };

    #[test]
    fn a_value_fits_a_list_of_choices_or_the_shapes_seen() {
        let mut choices = Evidence::default();
        let mut names = Evidence::default();
        for number in 0..100 {
            let choice = ["open", "closed", "on hold"][number % 3];
            choices.add(choice, Shape::of(choice), NOTHING);
            let letter = char::from(b'a' + (number % 26) as u8);
            let name = format!("Product A{}", letter.to_string().repeat(1 + number / 26));
            names.add(&name, Shape::of(&name), NOTHING);
        }
        assert!(choices.is_choice() && !names.is_choice());
        assert!(choices.fits("open", Shape::of("open")));
        assert!(!choices.fits("Olivia", Shape::of("Olivia")));
        assert!(names.fits("Blue Chair", Shape::of("Blue Chair")));
        assert!(!names.fits("call me back at once", Shape::of("call me back at once")));
    }
}
