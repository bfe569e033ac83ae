//! Puts a record's text into the category that it is nearest to, or into none of them.
//!
//! A category stands where its name and examples stand: its vector is the mean of theirs. A text belongs to
//! the category whose vector points most nearly the same way. Like `embed`, the stage reads what the columns
//! hold when it runs, so behind a mask it reads the masked text.

pub mod spec;

use std::sync::{Arc, OnceLock};

use super::embed::{Part, TEXT_BYTES_MAX, gather};
use super::{Halt, Refusals, Refused, Stage};
use crate::batch::{Batch, ColumnId, RowId};
use crate::error::{Error, Result};
use crate::model::{Embedding, Vector};

/// Texts handed to the model at once.
const TEXTS_MAX: usize = 1_024;

/// A compiled `classify`.
#[derive(Debug)]
pub struct Classify {
    pub text: Vec<Part>,
    pub embedding: Arc<Embedding>,
    pub categories: Categories,
    /// The least similarity to the nearest category.
    pub threshold: f32,
    /// The answer for what is less near, as JSON text.
    pub other: Vec<u8>,
    pub into: Target,
    pub score: Option<Target>,
    /// The stream, for messages.
    pub stream: String,
    pub refusals: Refusals,
    /// Texts are counted and nothing else.
    pub observe: bool,
}

/// A column that is added.
#[derive(Debug)]
pub struct Target {
    pub column: ColumnId,
    pub name: String,
}

/// The categories, and where they stand once an embedder has been asked.
#[derive(Debug)]
pub struct Categories {
    /// Names as JSON text, each with the texts that say what it means.
    named: Vec<(Vec<u8>, Vec<String>)>,
    centres: OnceLock<Result<Vec<Vec<f32>>>>,
}

impl Categories {
    /// Categories by their names as JSON text.
    pub fn new(named: Vec<(Vec<u8>, Vec<String>)>) -> Self {
        Self {
            named,
            centres: OnceLock::new(),
        }
    }

    /// The vectors of all categories, made at the first call.
    fn centres(&self, embedding: &Embedding) -> Result<&[Vec<f32>]> {
        let made = self.centres.get_or_init(|| {
            let centre = |(_, texts): &(Vec<u8>, Vec<String>)| {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                Ok(centre(&embedding.embedder.embed(&texts)?))
            };
            self.named.iter().map(centre).collect()
        });
        made.as_ref().map(Vec::as_slice).map_err(Error::again)
    }
}

/// What a category's name says: `refund_request` is `refund request`.
pub fn words(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

/// The mean of some vectors' directions, of length 1.
fn centre(vectors: &[Vector]) -> Vec<f32> {
    let mut sum = vec![0.0; vectors.first().map_or(0, |vector| vector.len())];
    for vector in vectors {
        let direction = unit(vector);
        sum.iter_mut()
            .zip(direction)
            .for_each(|(sum, value)| *sum += value);
    }
    unit(&sum)
}

/// The vector with length 1. One without direction stays as it is, and is near to nothing.
fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let by = if length > 0.0 { length.recip() } else { 1.0 };
    vector.iter().map(|value| value * by).collect()
}

/// The nearest centre and how near it is, from -1 to 1; of several as near the first.
fn nearest(centres: &[Vec<f32>], vector: &[f32]) -> (usize, f32) {
    let direction = unit(vector);
    let similarity = |centre: &Vec<f32>| -> f32 {
        centre
            .iter()
            .zip(&direction)
            .map(|(one, other)| one * other)
            .sum()
    };
    let all = centres.iter().map(similarity).enumerate();
    all.fold((0, f32::NEG_INFINITY), |best, now| match now.1 > best.1 {
        true => now,
        false => best,
    })
}

impl Stage for Classify {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let mut texts = Vec::new();
        for (row, text) in gather::texts(&self.text, batch) {
            match text {
                Some(text) if text.len() > TEXT_BYTES_MAX => self.refuse(batch, row, text.len())?,
                Some(text) => texts.push((row, text)),
                None if self.observe => {}
                None => self.put(batch, row, b"null", None),
            }
        }
        batch.tally().embed(&self.into.name, texts.len() as u64, 0);
        if self.observe {
            return Ok(());
        }
        for some in texts.chunks(TEXTS_MAX) {
            self.classify(batch, some).map_err(|error| Halt {
                row: some.first().map_or(0, |(row, _)| *row),
                error,
            })?;
        }
        Ok(())
    }

    fn prepare(&self) -> Result<()> {
        self.categories.centres(&self.embedding).map(drop)
    }
}

impl Classify {
    fn classify(&self, batch: &mut Batch, texts: &[(RowId, String)]) -> Result<()> {
        let centres = self.categories.centres(&self.embedding)?;
        let only: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
        let vectors = self.embedding.embedder.embed(&only)?;
        batch
            .tally()
            .embed(&self.into.name, 0, vectors.len() as u64);
        for ((row, _), vector) in texts.iter().zip(&vectors) {
            let (category, score) = nearest(centres, vector);
            let name = match score >= self.threshold {
                true => &self.categories.named[category].0,
                false => &self.other,
            };
            self.put(batch, *row, name, Some(score));
        }
        Ok(())
    }

    fn put(&self, batch: &mut Batch, row: RowId, name: &[u8], score: Option<f32>) {
        batch.put(self.into.column, &self.into.name, row, name);
        if let Some(target) = &self.score {
            let score = score.map_or("null".to_owned(), |score| format!("{score:.4}"));
            batch.put(target.column, &target.name, row, score.as_bytes());
        }
    }

    fn refuse(&self, batch: &mut Batch, row: RowId, bytes: usize) -> Result<(), Halt> {
        let (stream, name) = (&self.stream, &self.into.name);
        let refused = Refused {
            row,
            stage: &format!("classify {name}"),
            code: "text_too_long",
            message: format!(
                "stream `{stream}`, classify `{name}`: a record has a text of {bytes} bytes, more than {TEXT_BYTES_MAX}"
            ),
        };
        self.refusals.refuse(batch, refused)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::model::encode::Tokens;
    use crate::model::{Embedder, Tokenize};

    fn shared(vectors: &[&[f32]]) -> Vec<Vector> {
        vectors.iter().map(|vector| (*vector).into()).collect()
    }

    #[test]
    fn a_centre_is_the_mean_of_directions() {
        let both = centre(&shared(&[&[3.0, 0.0], &[0.0, 0.5]]));
        let half = 0.5_f32.sqrt();
        assert!(
            both.iter().all(|value| (value - half).abs() < 1e-6),
            "{both:?}"
        );
        assert_eq!(centre(&shared(&[&[0.0, 0.0]])), [0.0, 0.0]);
        assert_eq!(centre(&shared(&[&[1.0, 0.0], &[-1.0, 0.0]])), [0.0, 0.0]);
    }

    #[test]
    fn the_nearest_is_found_and_the_first_of_equals() {
        let centres = [vec![1.0, 0.0], vec![0.0, 1.0], vec![0.0, 1.0]];
        for (vector, expected) in [
            ([2.0, 0.1], 0),
            ([0.1, 9.0], 1),
            ([1.0, 1.0], 0),
            ([-1.0, -2.0], 0),
        ] {
            assert_eq!(nearest(&centres, &vector).0, expected, "{vector:?}");
        }
        assert_eq!(nearest(&centres, &[5.0, 0.0]).1, 1.0);
        assert_eq!(nearest(&centres, &[0.0, 0.0]), (0, 0.0));
    }

    /// Points one way for every text, and counts how often it is asked.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Embedder for Counting {
        fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(texts.iter().map(|_| Vector::from([0.0, 2.0])).collect())
        }
    }

    impl Tokenize for Counting {
        fn tokens(&self, _: &str) -> Result<Tokens> {
            Ok(Tokens::default())
        }
    }

    #[test]
    fn categories_are_embedded_once() {
        let counting = Arc::new(Counting::default());
        let embedding = Embedding {
            name: "counting".to_owned(),
            version: "1".to_owned(),
            dimensions: 2,
            max_tokens: 8,
            embedder: counting.clone(),
            tokenizer: counting.clone(),
            counts: Arc::default(),
        };
        let category = |name: &str| (name.as_bytes().to_vec(), vec![name.to_owned()]);
        let categories = Categories::new(vec![category("a"), category("b")]);
        for _ in 0..3 {
            let centres = categories.centres(&embedding).expect("centres");
            assert_eq!(centres, [[0.0, 1.0], [0.0, 1.0]]);
        }
        assert_eq!(counting.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn names_are_read_as_words() {
        assert_eq!(words("refund_request-late"), "refund request late");
    }
}
