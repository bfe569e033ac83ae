//! Values that wait for the tagger, so that many are asked together.

use std::ops::Range;
use std::sync::Arc;

use super::spot::Spot;
use super::{Detect, Value, Workbench};
use crate::batch::{Batch, CellId};
use crate::detect::Finding;
use crate::detect::column::{Course, Decision, Shape};
use crate::model::{Question, Tag};
use crate::stage::Halt;

/// Bytes of text, and values, that wait at most.
const BYTES_MAX: usize = 256 * 1024;
const VALUES_MAX: usize = 4096;

/// Longer texts are asked in pieces, so that what an inference needs is bounded.
const PIECE_BYTES: usize = 16 * 1024;
/// How far pieces overlap.
const OVERLAP_BYTES: usize = 256;

/// Values that wait.
#[derive(Debug, Default)]
pub(super) struct Pending {
    values: Vec<Waiting>,
    found: Vec<Finding>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    cell: CellId,
    spot: Arc<Spot>,
    known: Option<usize>,
    decision: Decision,
    text: String,
    shape: Shape,
    found: Range<usize>,
}

impl Pending {
    /// Keeps a value with what recognisers found in it.
    pub fn push(&mut self, value: &Value<'_>, text: String, shape: Shape, found: &[Finding]) {
        let from = self.found.len();
        self.found.extend_from_slice(found);
        self.bytes += text.len();
        self.values.push(Waiting {
            cell: value.cell,
            spot: Arc::clone(value.spot),
            known: value.known,
            decision: value.decision,
            text,
            shape,
            found: from..self.found.len(),
        });
    }

    /// No more should be kept.
    pub fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX || self.values.len() >= VALUES_MAX
    }
}

impl Detect {
    /// Asks the tagger about the values that wait, and concludes them.
    pub(super) fn ask(
        &self,
        batch: &mut Batch,
        course: &mut Course<'_>,
        bench: &mut Workbench,
    ) -> Result<(), Halt> {
        let waiting = std::mem::take(&mut bench.pending);
        let (Some(tagger), Some(first)) = (&self.tagger, waiting.values.first()) else {
            return Ok(());
        };
        let row = batch.cell(first.cell).row as usize;
        let pieces: Vec<(usize, Range<usize>)> = waiting
            .values
            .iter()
            .enumerate()
            .flat_map(|(at, value)| {
                pieces(&value.text)
                    .into_iter()
                    .map(move |piece| (at, piece))
            })
            .collect();
        let questions: Vec<Question<'_>> = pieces
            .iter()
            .map(|(at, piece)| Question {
                name: &waiting.values[*at].spot.place.words,
                text: &waiting.values[*at].text[piece.clone()],
            })
            .collect();
        let answers = tagger.tag(&questions).map_err(|error| {
            // The run stops at the first value that cannot be judged, however values were put together.
            let alone = pieces
                .iter()
                .zip(&questions)
                .find_map(|((at, _), question)| {
                    let error = tagger.tag(std::slice::from_ref(question)).err()?;
                    let row = batch.cell(waiting.values[*at].cell).row as usize;
                    Some(Halt { row, error })
                });
            alone.unwrap_or(Halt { row, error })
        })?;
        let mut answers = pieces.iter().zip(&answers).peekable();
        let mut tags: Vec<Tag> = Vec::new();
        let mut tagged = Vec::new();
        for (at, value) in waiting.values.iter().enumerate() {
            bench.found.clear();
            bench
                .found
                .extend_from_slice(&waiting.found[value.found.clone()]);
            while let Some(((_, piece), answer)) = answers.next_if(|((of, _), _)| *of == at) {
                tags.clear();
                tags.extend(answer.iter().map(|tag| Tag {
                    start: tag.start + piece.start,
                    end: tag.end + piece.start,
                    ..*tag
                }));
                self.detector
                    .believe(&value.text, value.shape, &tags, &mut tagged);
            }
            self.detector.merge(&value.text, &tagged, &mut bench.found);
            tagged.clear();
            let concluded = Value {
                cell: value.cell,
                spot: &value.spot,
                known: value.known,
                decision: value.decision,
            };
            self.conclude(batch, &concluded, &value.text, value.shape, course, bench)?;
        }
        Ok(())
    }
}

/// A text in pieces that end at blanks where there are some, each beginning a little before the end of the
/// one before it.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    loop {
        if text.len() - start <= PIECE_BYTES {
            pieces.push(start..text.len());
            return pieces;
        }
        let end = cut(text, start + PIECE_BYTES);
        pieces.push(start..end);
        start = cut(text, end - OVERLAP_BYTES);
    }
}

/// The last blank before `at`, if it is near; a character boundary otherwise.
fn cut(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let near = (at - OVERLAP_BYTES / 2..at).find(|&near| text.is_char_boundary(near));
    let blank = near.and_then(|near| Some(near + text[near..at].rfind(char::is_whitespace)?));
    blank.unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_text_and_overlap() {
        for word in ["word ", "é", "longwordwithoutanyblanksatall"] {
            let text = word.repeat(60_000 / word.len());
            let cut = pieces(&text);
            assert!(cut.len() > 3);
            assert_eq!((cut[0].start, cut[cut.len() - 1].end), (0, text.len()));
            for pair in cut.windows(2) {
                assert!(pair[1].start < pair[0].end && pair[1].start > pair[0].start);
                assert!(text.get(pair[1].clone()).is_some());
                assert!(pair[0].len() <= PIECE_BYTES);
            }
        }
        assert_eq!(pieces("").first(), Some(&(0..0)));
    }
}
