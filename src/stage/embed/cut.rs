//! Cuts a text into chunks of so many tokens that overlap, at the best place there is: behind a paragraph, a
//! line, a sentence, a word. Where a chunk ends depends on the text before it alone, so a text that grows
//! keeps its first chunks.

use std::ops::Range;

use serde::Serialize;

use crate::model::encode::Tokens;

/// How long chunks are, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    /// The most tokens of a chunk.
    pub tokens: usize,
    /// About how many tokens of a chunk the next one begins with again.
    pub overlap: usize,
}

/// The size of chunks that nobody gave one: about a paragraph.
pub const CHUNK: Size = Size {
    tokens: 200,
    overlap: 20,
};

/// A part of a text, and how many tokens it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub bytes: Range<usize>,
    pub tokens: usize,
}

/// What ends behind a token, from nothing to a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    Piece,
    Word,
    Sentence,
    Line,
    Paragraph,
}

/// The chunks of a text. A text without tokens is one chunk.
pub fn cut(text: &str, tokens: &Tokens, size: Size) -> Vec<Chunk> {
    if tokens.is_empty() {
        return vec![Chunk {
            bytes: 0..text.len(),
            tokens: 0,
        }];
    }
    let mut chunks = Vec::new();
    let mut start = 0;
    loop {
        let end = end_of(text, tokens, start, size.tokens.max(1));
        let from = text.floor_char_boundary(tokens.offsets[start].0);
        let to = text.ceil_char_boundary(tokens.offsets[end - 1].1);
        chunks.push(Chunk {
            bytes: from..to.max(from),
            tokens: end - start,
        });
        if end == tokens.len() {
            return chunks;
        }
        start = start_of(tokens, start, end, size.overlap);
    }
}

/// Where the chunk that begins at `start` ends: at the best edge in its second half, the last of its kind.
fn end_of(text: &str, tokens: &Tokens, start: usize, most: usize) -> usize {
    let last = (start + most).min(tokens.len());
    if last == tokens.len() {
        return last;
    }
    let first = start + most.div_ceil(2);
    (first..=last)
        .max_by_key(|&end| (edge(text, tokens, end), end))
        .unwrap_or(last)
}

/// Where the chunk begins that follows one from `start` to `end`: at a word, about `overlap` tokens back.
fn start_of(tokens: &Tokens, start: usize, end: usize, overlap: usize) -> usize {
    let back = end.saturating_sub(overlap).max(start + 1);
    (back..end)
        .find(|&at| tokens.words[at] != tokens.words[at - 1])
        .unwrap_or(end)
}

/// What ends behind the token before `end`.
fn edge(text: &str, tokens: &Tokens, end: usize) -> Edge {
    if tokens.words[end - 1] == tokens.words[end] {
        return Edge::Piece;
    }
    let (to, next) = (tokens.offsets[end - 1].1, tokens.offsets[end].0);
    let gap = text.get(to..next).unwrap_or_default();
    let breaks = gap.bytes().filter(|&byte| byte == b'\n').count();
    let before = text.get(..to).and_then(|before| before.chars().next_back());
    match (breaks, before) {
        (2.., _) => Edge::Paragraph,
        (1, _) => Edge::Line,
        (0, Some('.' | '!' | '?' | '…')) if !gap.is_empty() => Edge::Sentence,
        (0, Some('。' | '！' | '？')) => Edge::Sentence,
        // A comma stands beside its word: the chunk may not begin with it.
        (0, _) if gap.is_empty() => Edge::Piece,
        (0, _) => Edge::Word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words and marks as tokens of their own.
    fn tokens(text: &str) -> Tokens {
        let mut tokens = Tokens::default();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let first = rest.chars().next().expect("a character");
            let length = match first.is_alphanumeric() {
                true => rest
                    .find(|c: char| !c.is_alphanumeric())
                    .unwrap_or(rest.len()),
                false => first.len_utf8(),
            };
            if !first.is_whitespace() {
                tokens.ids.push(1);
                tokens.offsets.push((at, at + length));
                tokens.words.push(tokens.words.len() as u32);
            }
            at += length;
        }
        tokens
    }

    fn texts(text: &str, size: usize, overlap: usize) -> Vec<&str> {
        let size = Size {
            tokens: size,
            overlap,
        };
        let chunks = cut(text, &tokens(text), size);
        chunks.into_iter().map(|chunk| &text[chunk.bytes]).collect()
    }

    #[test]
    fn the_best_edge_in_reach_is_taken() {
        assert_eq!(texts("a b c", 3, 1), ["a b c"]);
        assert_eq!(texts("a b. c d e f", 5, 0), ["a b.", "c d e f"]);
        assert_eq!(texts("a b.\nc d. e f g", 5, 0), ["a b.", "c d.", "e f g"]);
        assert_eq!(texts("a b\n\nc\nd e f", 4, 0), ["a b", "c\nd e f"]);
        assert_eq!(texts("ab, cd, ef", 3, 0), ["ab,", "cd, ef"]);
        assert_eq!(texts("3.14 x y z", 4, 0), ["3.14 x", "y z"]);
    }

    #[test]
    fn chunks_overlap_and_cover_every_token() {
        assert_eq!(texts("a b c d e f", 3, 1), ["a b c", "c d e", "e f"]);
        let text = "Über. naïve ☃ words, and\nmore; of them! x\n\ny z".repeat(40);
        let all = tokens(&text);
        for most in [1, 2, 3, 7, 50] {
            for overlap in [0, 1, 3, 20] {
                let size = Size {
                    tokens: most,
                    overlap,
                };
                let chunks = cut(&text, &all, size);
                assert!(chunks.iter().all(|chunk| chunk.tokens <= most));
                assert!(
                    chunks
                        .iter()
                        .all(|chunk| text.get(chunk.bytes.clone()).is_some())
                );
                assert!(
                    chunks
                        .windows(2)
                        .all(|pair| pair[0].bytes.start < pair[1].bytes.start)
                );
                for &(start, end) in &all.offsets {
                    let holds =
                        |chunk: &Chunk| chunk.bytes.start <= start && end <= chunk.bytes.end;
                    assert!(chunks.iter().any(holds), "{most} {overlap} {start}");
                }
            }
        }
    }

    #[test]
    fn a_text_that_grows_keeps_its_first_chunks() {
        let text = "one two three. four five six seven eight nine. ten eleven twelve";
        let longer = format!("{text} thirteen fourteen fifteen.");
        let (short, long) = (texts(text, 5, 2), texts(&longer, 5, 2));
        assert_eq!(short[..short.len() - 1], long[..short.len() - 1]);
    }
}
