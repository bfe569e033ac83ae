//! Texts as token ids, with the bytes each token stands for, and the windows a model reads.

use std::ops::Range;

use tokenizers::Tokenizer;

use crate::error::{Error, ErrorKind, Result};

/// A tokenizer with what a model puts around a text.
#[derive(Debug)]
pub struct Encoder {
    tokenizer: Tokenizer,
    before: Vec<i64>,
    after: Vec<i64>,
}

/// A text's tokens.
#[derive(Debug, Default, Clone)]
pub struct Tokens {
    pub ids: Vec<i64>,
    /// First byte and one past the last byte of each token in the text.
    pub offsets: Vec<(usize, usize)>,
    /// The word each token is a piece of; pieces of one word stand together.
    pub words: Vec<u32>,
}

impl Encoder {
    /// Reads a `tokenizer.json`. Its own truncation and padding are switched off.
    ///
    /// # Errors
    /// `Model` when it cannot be read.
    pub fn read(name: &str, json: &[u8]) -> Result<Self> {
        let broken = |error: tokenizers::Error| {
            Error::new(
                ErrorKind::Model,
                format!("the tokenizer of model `{name}` cannot be read"),
            )
            .hint("run `midflight models verify`")
            .because(error)
        };
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(broken)?;
        tokenizer.with_truncation(None).map_err(broken)?;
        tokenizer.with_padding(None);
        let around = tokenizer.encode("a", true).map_err(broken)?;
        let special = around.get_special_tokens_mask();
        let ids: Vec<i64> = around.get_ids().iter().map(|&id| i64::from(id)).collect();
        let first = special
            .iter()
            .position(|&mark| mark == 0)
            .unwrap_or(ids.len());
        let last = special
            .iter()
            .rposition(|&mark| mark == 0)
            .map_or(ids.len(), |at| at + 1);
        Ok(Self {
            tokenizer,
            before: ids[..first].to_vec(),
            after: ids[last..].to_vec(),
        })
    }

    /// The tokens of a text, without what a model puts around it.
    ///
    /// # Errors
    /// `Policy` when the tokenizer refuses the text; the message does not quote it.
    pub fn tokens(&self, text: &str) -> Result<Tokens> {
        // The error may quote the text, so it is not kept.
        let Ok(encoding) = self.tokenizer.encode(text, false) else {
            return Err(Error::new(
                ErrorKind::Policy,
                "a text cannot be cut into tokens",
            ));
        };
        Ok(Tokens {
            ids: encoding.get_ids().iter().map(|&id| i64::from(id)).collect(),
            offsets: encoding.get_offsets().to_vec(),
            words: words(encoding.get_word_ids()),
        })
    }

    /// What a model reads: the tokens around, and `parts` one behind the other.
    pub fn frame(&self, parts: [&[i64]; 2], ids: &mut Vec<i64>) {
        ids.extend_from_slice(&self.before);
        for part in parts {
            ids.extend_from_slice(part);
        }
        ids.extend_from_slice(&self.after);
    }

    /// How many tokens stand before a text.
    pub fn before_len(&self) -> usize {
        self.before.len()
    }

    /// How many tokens stand around a text.
    pub fn around(&self) -> usize {
        self.before.len() + self.after.len()
    }
}

/// Word numbers for every token; one that belongs to none is a word of its own.
fn words(given: &[Option<u32>]) -> Vec<u32> {
    let mut next = 0;
    let mut last = None;
    let mut words = Vec::with_capacity(given.len());
    for word in given {
        if word.is_none() || *word != last {
            next += 1;
        }
        last = *word;
        words.push(next);
    }
    words
}

impl Tokens {
    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Windows of at most `size` tokens over `tokens`, each beginning `overlap` tokens before the end of the one
/// before it. A short text is one window; an empty one has none.
pub fn windows(tokens: usize, size: usize, overlap: usize) -> Vec<Range<usize>> {
    let size = size.max(1);
    let step = size.saturating_sub(overlap).max(1);
    let mut windows = Vec::new();
    let mut start = 0;
    while start < tokens {
        let end = (start + size).min(tokens);
        windows.push(start..end);
        if end == tokens {
            break;
        }
        start += step;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_token_and_overlap() {
        assert!(windows(0, 10, 2).is_empty());
        assert_eq!(windows(10, 10, 2).first(), Some(&(0..10)));
        assert_eq!(windows(10, 10, 2).len(), 1);
        assert_eq!(windows(11, 10, 2), [0..10, 8..11]);
        for tokens in 1..200 {
            let cut = windows(tokens, 16, 5);
            assert_eq!(cut.first().map(|first| first.start), Some(0));
            assert_eq!(cut.last().map(|last| last.end), Some(tokens));
            assert!(cut.windows(2).all(|pair| pair[1].start + 5 == pair[0].end));
        }
        assert_eq!(windows(3, 2, 7), [0..2, 1..3]);
    }

    #[test]
    fn pieces_of_a_word_share_its_number() {
        let given = [Some(0), Some(0), Some(1), None, None, Some(2)];
        assert_eq!(words(&given), [1, 1, 2, 3, 4, 5]);
    }
}
