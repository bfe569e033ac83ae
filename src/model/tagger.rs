//! The tagger: which bytes of a text are a name, a street, a city, and how sure that is.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::batching::batches;
use super::encode::{Encoder, Tokens, windows};
use super::manifest::{Manifest, Task};
use super::memory::Memory;
use super::network::{Answer, Network};
use crate::error::{Error, ErrorKind, Result};

/// Texts whose tags are remembered.
pub const REMEMBERED_MAX: usize = 1 << 17;
/// Column names whose tokens are remembered.
const NAMES_MAX: usize = 4096;

/// A text, and the words of the name it stands under; empty where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Question<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// A part of a text that is of one label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tag {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Place of the label in [`OnnxTagger::labels`].
    pub label: u8,
    /// From 0 to 1.
    pub confidence: f32,
}

/// Finds in words what has no form.
pub trait Tagger: fmt::Debug + Send + Sync {
    /// The tags of every text: ascending, apart, on character boundaries. They depend on the text and its
    /// name alone.
    ///
    /// # Errors
    /// `Policy` when a text could not be judged; none of them may pass then.
    fn tag(&self, questions: &[Question<'_>]) -> Result<Vec<Arc<[Tag]>>>;
}

/// A tagger that runs an ONNX model.
#[derive(Debug)]
pub struct OnnxTagger {
    network: Network,
    encoder: Encoder,
    labels: Vec<String>,
    /// The label of every class, 0 for none; label `n` stands at `n - 1` of `labels`.
    classes: Vec<usize>,
    max_tokens: usize,
    overlap: usize,
    confidence: f32,
    independent: bool,
    memory: Memory<Arc<[Tag]>>,
    names: Mutex<HashMap<String, Arc<[i64]>>>,
}

impl OnnxTagger {
    /// Puts a tagger together and runs it once, so that one that cannot work is refused. The tags of about
    /// `remembered` texts are kept.
    ///
    /// # Errors
    /// `Model` when the manifest, the model and its labels do not fit one another.
    pub fn new(
        manifest: &Manifest,
        network: Network,
        encoder: Encoder,
        remembered: usize,
    ) -> Result<Self> {
        let unfit = |what: String| {
            Error::new(
                ErrorKind::Model,
                format!("model `{}` {what}", manifest.name),
            )
            .hint("run `midflight models verify`")
        };
        if manifest.task != Task::Tag {
            return Err(unfit("is no tagger".to_owned()));
        }
        let labels = manifest.label_names();
        let place = |class: &String| {
            let label = class.get(2..).unwrap_or_default();
            labels.iter().position(|known| known == label)
        };
        let classes = manifest
            .labels
            .iter()
            .map(|class| place(class).map_or(0, |place| place + 1));
        let classes = classes.collect();
        let tagger = Self {
            network,
            encoder,
            labels,
            classes,
            max_tokens: manifest.max_tokens,
            overlap: manifest.overlap_tokens,
            confidence: manifest.confidence,
            independent: manifest.independent,
            memory: Memory::new(remembered),
            names: Mutex::default(),
        };
        let trial = Question {
            name: "text",
            text: "a",
        };
        tagger
            .answer(&[trial])
            .map_err(|error| unfit(format!("does not work: {error}")))?;
        Ok(tagger)
    }

    /// What can be found.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Answers by inference.
    fn answer(&self, questions: &[Question<'_>]) -> Result<Vec<Vec<Tag>>> {
        let read: Vec<(Arc<[i64]>, Tokens)> = questions
            .iter()
            .map(|question| {
                Ok((
                    self.name(question.name)?,
                    self.encoder.tokens(question.text)?,
                ))
            })
            .collect::<Result<_>>()?;
        let mut cuts: Vec<(usize, Range<usize>)> = Vec::new();
        for (at, (name, tokens)) in read.iter().enumerate() {
            let room = self
                .max_tokens
                .saturating_sub(self.encoder.around() + name.len())
                .max(8);
            let cut = windows(tokens.len(), room, self.overlap.min(room / 2));
            cuts.extend(cut.into_iter().map(|window| (at, window)));
        }
        let mut votes: Vec<Votes> = read
            .iter()
            .map(|(_, tokens)| Votes::new(tokens.len(), self.labels.len() + 1))
            .collect();
        self.infer(&read, &cuts, &mut votes)?;
        let tags = questions.iter().zip(&read).zip(&votes);
        Ok(tags
            .map(|((question, (_, tokens)), votes)| {
                join(question.text, tokens, votes, self.confidence)
            })
            .collect())
    }

    /// Runs the windows and notes what each says of its tokens.
    fn infer(
        &self,
        read: &[(Arc<[i64]>, Tokens)],
        cuts: &[(usize, Range<usize>)],
        votes: &mut [Votes],
    ) -> Result<()> {
        let lengths: Vec<usize> = cuts
            .iter()
            .map(|(at, window)| self.encoder.around() + read[*at].0.len() + window.len())
            .collect();
        let mut order: Vec<usize> = (0..cuts.len()).collect();
        let mut ids = Vec::new();
        for batch in batches(&mut order, &lengths, self.independent) {
            let chosen = &order[batch];
            ids.clear();
            for &cut in chosen {
                let (at, window) = &cuts[cut];
                let (name, tokens) = &read[*at];
                self.encoder
                    .frame([name, &tokens.ids[window.clone()]], &mut ids);
            }
            let length = lengths[chosen[0]];
            self.network.run(&ids, chosen.len(), length, |answer| {
                self.note(answer, chosen, length, read, cuts, votes)
            })?;
        }
        Ok(())
    }

    fn note(
        &self,
        answer: Answer<'_>,
        chosen: &[usize],
        length: usize,
        read: &[(Arc<[i64]>, Tokens)],
        cuts: &[(usize, Range<usize>)],
        votes: &mut [Votes],
    ) -> Result<()> {
        let classes = self.classes.len();
        let expected = [chosen.len() as i64, length as i64, classes as i64];
        if answer.shape != expected {
            return Err(self
                .network
                .failed("does not give one number per token and label"));
        }
        for (row, &cut) in chosen.iter().enumerate() {
            let (at, window) = &cuts[cut];
            let first = row * length + self.encoder.before_len() + read[*at].0.len();
            for (place, token) in window.clone().enumerate() {
                let from = (first + place) * classes;
                // In an overlap the window counts in which a token stands further from the edge.
                let depth = (token - window.start).min(window.end - 1 - token);
                let depth = if window.start == 0 {
                    window.end - 1 - token
                } else {
                    depth
                };
                votes[*at].note(
                    token,
                    depth,
                    &answer.values[from..from + classes],
                    &self.classes,
                );
            }
        }
        Ok(())
    }

    /// The tokens of `name: `.
    fn name(&self, name: &str) -> Result<Arc<[i64]>> {
        if name.is_empty() {
            return Ok(Arc::from([]));
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name) {
            return Ok(Arc::clone(known));
        }
        let mut ids = self.encoder.tokens(&format!("{name}:"))?.ids;
        ids.truncate(self.max_tokens / 4);
        let ids: Arc<[i64]> = ids.into();
        if names.len() < NAMES_MAX {
            names.insert(name.to_owned(), Arc::clone(&ids));
        }
        Ok(ids)
    }
}

impl Tagger for OnnxTagger {
    fn tag(&self, questions: &[Question<'_>]) -> Result<Vec<Arc<[Tag]>>> {
        let keys: Vec<u128> = questions
            .iter()
            .map(|question| self.memory.key(question))
            .collect();
        let mut answers: Vec<Option<Arc<[Tag]>>> =
            keys.iter().map(|&key| self.memory.recall(key)).collect();
        // A value that stands here twice is asked once.
        let mut asked: HashMap<u128, usize> = HashMap::new();
        let mut open: Vec<usize> = Vec::new();
        for (at, answer) in answers.iter().enumerate() {
            if answer.is_none() {
                asked.entry(keys[at]).or_insert_with(|| {
                    open.push(at);
                    open.len() - 1
                });
            }
        }
        let unknown: Vec<_> = open.iter().map(|&at| questions[at]).collect();
        let found: Vec<Arc<[Tag]>> = self.answer(&unknown)?.into_iter().map(Arc::from).collect();
        for (&at, tags) in open.iter().zip(&found) {
            self.memory.keep(keys[at], Arc::clone(tags));
        }
        for (at, answer) in answers.iter_mut().enumerate() {
            if answer.is_none() {
                *answer = asked
                    .get(&keys[at])
                    .and_then(|&place| found.get(place))
                    .cloned();
            }
        }
        let answers: Option<Vec<_>> = answers.into_iter().collect();
        answers.ok_or_else(|| self.network.failed("gave fewer answers than questions"))
    }
}

/// What the windows say of every token: a probability per label, 0 being none.
struct Votes {
    labels: usize,
    probabilities: Vec<f32>,
    depths: Vec<Option<usize>>,
}

impl Votes {
    fn new(tokens: usize, labels: usize) -> Self {
        Self {
            labels,
            probabilities: vec![0.0; tokens * labels],
            depths: vec![None; tokens],
        }
    }

    fn note(&mut self, token: usize, depth: usize, logits: &[f32], classes: &[usize]) {
        if self.depths[token].is_some_and(|known| known >= depth) {
            return;
        }
        self.depths[token] = Some(depth);
        let to = &mut self.probabilities[token * self.labels..(token + 1) * self.labels];
        to.fill(0.0);
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for (&logit, &label) in logits.iter().zip(classes) {
            let weight = (logit - most).exp();
            to[label] += weight;
            sum += weight;
        }
        to.iter_mut().for_each(|weight| *weight /= sum);
    }

    fn of(&self, token: usize) -> &[f32] {
        &self.probabilities[token * self.labels..(token + 1) * self.labels]
    }
}

/// Words of one label that stand beside one another become one tag. A word is judged as a whole, by the
/// mean of its pieces.
fn join(text: &str, tokens: &Tokens, votes: &Votes, confidence: f32) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut words = 0.0;
    let mut from = 0;
    let mut beside = false;
    while from < tokens.len() {
        let same = tokens.words[from..]
            .iter()
            .take_while(|&&word| word == tokens.words[from]);
        let to = from + same.count();
        let (label, sure) = judge(votes, from..to);
        let (start, end) = (tokens.offsets[from].0, tokens.offsets[to - 1].1);
        from = to;
        if label == 0 || sure < confidence || start >= end || text.get(start..end).is_none() {
            beside = false;
            continue;
        }
        let label = (label - 1) as u8;
        match tags.last_mut() {
            Some(last) if beside && last.label == label => {
                words += 1.0;
                last.end = end;
                last.confidence += (sure - last.confidence) / words;
            }
            _ => {
                words = 1.0;
                tags.push(Tag {
                    start,
                    end,
                    label,
                    confidence: sure,
                });
            }
        }
        beside = true;
    }
    tags
}

/// The label of some tokens, and its probability. What is more likely personal than not has the likeliest
/// of the labels, with the probability that it has any.
fn judge(votes: &Votes, tokens: Range<usize>) -> (usize, f32) {
    #[expect(clippy::cast_precision_loss, reason = "a word has few pieces")]
    let count = tokens.len() as f32;
    let mean = |label: usize| {
        tokens
            .clone()
            .map(|token| votes.of(token)[label])
            .sum::<f32>()
            / count
    };
    let best = (1..votes.labels)
        .map(|label| (label, mean(label)))
        .max_by(|one, other| one.1.total_cmp(&other.1));
    best.map_or((0, 0.0), |(label, _)| (label, 1.0 - mean(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, words: &[u32], offsets: &[(usize, usize)]) -> Tokens {
        assert!(
            offsets
                .iter()
                .all(|&(start, end)| text.get(start..end).is_some())
        );
        Tokens {
            ids: vec![1; words.len()],
            offsets: offsets.to_vec(),
            words: words.to_vec(),
        }
    }

    #[test]
    fn pieces_and_words_of_one_label_become_one_tag() {
        let text = "ask Zoë Schmidt, now";
        let tokens = tokens(
            text,
            &[1, 2, 3, 3, 4, 5],
            &[(0, 3), (4, 8), (9, 12), (12, 16), (16, 17), (18, 21)],
        );
        let mut votes = Votes::new(6, 2);
        let classes = [0, 1, 1];
        for (token, logits) in [
            [9.0, 0.0, 0.0],
            [0.0, 9.0, 0.0],
            [0.0, 0.0, 4.0],
            [0.0, 0.5, 0.0],
            [9.0, 0.0, 0.0],
            [9.0, 0.0, 0.0],
        ]
        .into_iter()
        .enumerate()
        {
            votes.note(token, 1, &logits, &classes);
        }
        let tags = join(text, &tokens, &votes, 0.5);
        assert_eq!(tags.len(), 1);
        assert_eq!(&text[tags[0].start..tags[0].end], "Zoë Schmidt");
        assert!(tags[0].confidence > 0.8);
        assert!(join(text, &tokens, &votes, 0.999_99).is_empty());
    }

    #[test]
    fn the_window_in_which_a_token_stands_deepest_counts() {
        let mut votes = Votes::new(1, 2);
        votes.note(0, 2, &[0.0, 9.0], &[0, 1]);
        votes.note(0, 1, &[9.0, 0.0], &[0, 1]);
        assert!(votes.of(0)[1] > 0.9);
        votes.note(0, 3, &[9.0, 0.0], &[0, 1]);
        assert!(votes.of(0)[1] < 0.1);
    }
}
