//! The embedder: texts as vectors, near one another where texts mean the same.
//!
//! A text longer than the model's window is read in windows that overlap; its vector is the mean of theirs,
//! each weighing as many tokens as it has, and as long as theirs are.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::Tokenize;
use super::batching::batches;
use super::encode::{Encoder, Tokens, windows};
use super::manifest::{Manifest, Pooling, Task};
use super::network::{Answer, Network};
use crate::error::{Error, ErrorKind, Result};

/// A text's vector. Shared, because equal texts have one.
pub type Vector = Arc<[f32]>;

/// Makes vectors of texts.
pub trait Embedder: fmt::Debug + Send + Sync {
    /// The vector of every text, all of one length. It depends on the text alone. Asked for none, it makes
    /// sure that it could give some.
    ///
    /// # Errors
    /// `Model` when the model cannot be opened or reached, `Policy` when a text could not be read; there is
    /// no vector for any of them then.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>>;
}

/// An embedder that runs an ONNX model.
#[derive(Debug)]
pub struct OnnxEmbedder {
    network: Network,
    encoder: Encoder,
    dimensions: usize,
    pooling: Pooling,
    normalize: bool,
    max_tokens: usize,
    overlap: usize,
    independent: bool,
}

impl OnnxEmbedder {
    /// Puts an embedder together and runs it once, so that one that cannot work is refused.
    ///
    /// # Errors
    /// `Model` when the manifest and the model do not fit each other.
    pub fn new(manifest: &Manifest, network: Network, encoder: Encoder) -> Result<Self> {
        let unfit = |what: String| {
            Error::new(
                ErrorKind::Model,
                format!("model `{}` {what}", manifest.name),
            )
            .hint("run `midflight models verify`")
        };
        if manifest.task != Task::Embed {
            return Err(unfit("makes no vectors".to_owned()));
        }
        let embedder = Self {
            network,
            encoder,
            dimensions: manifest.dimensions,
            pooling: manifest.pooling,
            normalize: manifest.normalize,
            max_tokens: manifest.max_tokens,
            overlap: manifest.overlap_tokens,
            independent: manifest.independent,
        };
        embedder
            .embed(&["a"])
            .map_err(|error| unfit(format!("does not work: {error}")))?;
        Ok(embedder)
    }

    /// The windows of the texts: which text, which of its tokens.
    fn cut(&self, read: &[Tokens]) -> Vec<(usize, Range<usize>)> {
        let room = self.max_tokens.saturating_sub(self.encoder.around()).max(8);
        let overlap = self.overlap.min(room / 2);
        let mut cuts = Vec::with_capacity(read.len());
        for (at, tokens) in read.iter().enumerate() {
            let windows = windows(tokens.len(), room, overlap);
            if windows.is_empty() {
                // A text without tokens is still a text: the model reads what stands around it.
                cuts.push((at, 0..0));
            }
            cuts.extend(windows.into_iter().map(|window| (at, window)));
        }
        cuts
    }

    /// Adds the vectors of a batch of windows to those of their texts.
    fn note(
        &self,
        answer: Answer<'_>,
        chosen: &[(usize, Range<usize>)],
        length: usize,
        sums: &mut [Sum],
    ) -> Result<()> {
        let dimensions = self.dimensions;
        let (rows, long, wide) = (chosen.len() as i64, length as i64, dimensions as i64);
        let fits = match self.pooling {
            Pooling::None => answer.shape == [rows, wide],
            Pooling::Mean | Pooling::First => answer.shape == [rows, long, wide],
        };
        if !fits {
            return Err(self
                .network
                .failed("gives vectors of another form than its manifest says"));
        }
        for (values, (at, window)) in answer
            .values
            .chunks_exact(answer.values.len() / chosen.len())
            .zip(chosen)
        {
            let mut vector = pooled(values, dimensions, self.pooling);
            if self.normalize {
                scale(&mut vector, 1.0);
            }
            sums[*at].add(vector, window.len());
        }
        Ok(())
    }
}

impl Embedder for OnnxEmbedder {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>> {
        let read: Vec<Tokens> = texts
            .iter()
            .map(|text| self.encoder.tokens(text))
            .collect::<Result<_>>()?;
        let cuts = self.cut(&read);
        let lengths: Vec<usize> = cuts
            .iter()
            .map(|(_, window)| self.encoder.around() + window.len())
            .collect();
        // The sort is stable, so the windows of one text are added up in the same order whatever stands
        // beside it, and the sum is the same to the bit.
        let mut order: Vec<usize> = (0..cuts.len()).collect();
        let mut sums = vec![Sum::default(); texts.len()];
        let mut ids = Vec::new();
        for batch in batches(&mut order, &lengths, self.independent) {
            let length = lengths[order[batch.start]];
            let chosen: Vec<_> = order[batch].iter().map(|&cut| cuts[cut].clone()).collect();
            ids.clear();
            for (at, window) in &chosen {
                let window = &read[*at].ids[window.clone()];
                self.encoder.frame([&[], window], &mut ids);
            }
            self.network.run(&ids, chosen.len(), length, |answer| {
                self.note(answer, &chosen, length, &mut sums)
            })?;
        }
        Ok(sums.into_iter().map(Sum::vector).collect())
    }
}

impl Tokenize for OnnxEmbedder {
    fn tokens(&self, text: &str) -> Result<Tokens> {
        self.encoder.tokens(text)
    }
}

/// One vector from what the model says of a window.
fn pooled(values: &[f32], dimensions: usize, pooling: Pooling) -> Vec<f32> {
    match pooling {
        Pooling::None | Pooling::First => values[..dimensions].to_vec(),
        Pooling::Mean => {
            let mut mean = vec![0.0; dimensions];
            for token in values.chunks_exact(dimensions) {
                mean.iter_mut()
                    .zip(token)
                    .for_each(|(sum, value)| *sum += value);
            }
            #[expect(clippy::cast_precision_loss, reason = "a window has few tokens")]
            let tokens = (values.len() / dimensions) as f32;
            mean.iter_mut().for_each(|sum| *sum /= tokens);
            mean
        }
    }
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

/// Gives a vector a length. One without direction stays as it is.
fn scale(vector: &mut [f32], to: f32) {
    let by = to / length(vector);
    if by.is_finite() {
        vector.iter_mut().for_each(|value| *value *= by);
    }
}

/// The mean of a text's parts, each weighing as many tokens as it has.
pub fn mean<'a>(parts: impl Iterator<Item = (&'a [f32], usize)>) -> Vector {
    let mut sum = Sum::default();
    parts.for_each(|(vector, tokens)| sum.add(vector.to_vec(), tokens));
    sum.vector()
}

/// The vectors of a text's windows, added up.
#[derive(Debug, Default, Clone)]
struct Sum {
    vector: Vec<f32>,
    /// The windows' lengths as vectors, each as often as it has tokens.
    lengths: f32,
    tokens: f32,
    windows: usize,
}

impl Sum {
    fn add(&mut self, mut vector: Vec<f32>, tokens: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a window has few tokens")]
        let weight = tokens.max(1) as f32;
        self.windows += 1;
        if self.windows == 1 {
            (self.lengths, self.tokens) = (length(&vector) * weight, weight);
            // Kept to the bit until a second window comes: most texts have one.
            self.vector = vector;
            return;
        }
        if self.windows == 2 {
            let first = self.tokens;
            self.vector.iter_mut().for_each(|value| *value *= first);
        }
        self.lengths += length(&vector) * weight;
        self.tokens += weight;
        vector.iter_mut().for_each(|value| *value *= weight);
        self.vector
            .iter_mut()
            .zip(vector)
            .for_each(|(sum, value)| *sum += value);
    }

    fn vector(mut self) -> Vector {
        if self.windows > 1 {
            let long = self.lengths / self.tokens;
            scale(&mut self.vector, long);
        }
        self.vector.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(windows: &[(&[f32], usize)]) -> Vec<f32> {
        let mut sum = Sum::default();
        windows
            .iter()
            .for_each(|(vector, tokens)| sum.add(vector.to_vec(), *tokens));
        sum.vector().to_vec()
    }

    #[test]
    fn tokens_become_the_vector_of_a_window() {
        let values = [1.0, 2.0, 3.0, 6.0];
        assert_eq!(pooled(&values, 2, Pooling::First), [1.0, 2.0]);
        assert_eq!(pooled(&values, 2, Pooling::Mean), [2.0, 4.0]);
        assert_eq!(pooled(&values[..2], 2, Pooling::None), [1.0, 2.0]);
    }

    #[test]
    fn one_window_is_kept_to_the_bit_and_several_are_averaged() {
        assert_eq!(sum(&[(&[0.1, 0.7], 3)]), [0.1, 0.7]);
        let both = sum(&[(&[1.0, 0.0], 3), (&[0.0, 1.0], 1)]);
        assert!((length(&both) - 1.0).abs() < 1e-6);
        assert!((both[0] / both[1] - 3.0).abs() < 1e-5);
        let long = sum(&[(&[3.0, 0.0], 1), (&[0.0, 1.0], 1)]);
        assert!((length(&long) - 2.0).abs() < 1e-6);
        let opposed = sum(&[(&[1.0, 0.0], 1), (&[-1.0, 0.0], 1)]);
        assert!(opposed.iter().all(|value| value.is_finite()));
    }
}
