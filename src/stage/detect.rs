//! Finds personal data inside text and masks what it finds; the text around a finding keeps its bytes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::mask::operator::{Compiled, Masked, Scalar};
use super::{Halt, Stage};
use crate::batch::{Batch, CellId, ColumnId, Current, write_escaped};
use crate::detect::{ColumnContext, Detector, Finding, Scratch};
use crate::error::{Error, ErrorKind};

/// Names of columns whose context a worker remembers; others are worked out anew.
const CONTEXTS_MAX: usize = 4096;

/// A compiled `detect`.
pub struct Detect {
    pub detector: Arc<Detector>,
    pub stream: String,
    /// Columns with the name that says what they hold; `None` where every value has a name of its own.
    pub columns: Vec<(ColumnId, Option<String>)>,
    pub operator: Compiled,
    /// Keys and cursors: what is found there must not be made equal.
    pub guarded: Vec<(ColumnId, String)>,
    /// What workers left for the next one.
    pub idle: Mutex<Vec<Workbench>>,
}

impl fmt::Debug for Detect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Detect")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// The memory one worker needs.
pub struct Workbench {
    scratch: Scratch,
    contexts: HashMap<Box<[u8]>, ColumnContext>,
    found: Vec<Finding>,
    replacement: String,
    /// The string being masked, as written, unescaped, and as it becomes.
    inner: Vec<u8>,
    text: String,
    raw: Vec<u8>,
    /// Findings per recogniser.
    counts: Vec<u64>,
}

impl Stage for Detect {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut bench = idle.unwrap_or_else(|| Workbench {
            scratch: self.detector.scratch(),
            contexts: HashMap::new(),
            found: Vec::new(),
            replacement: String::new(),
            inner: Vec::new(),
            text: String::new(),
            raw: Vec::new(),
            counts: Vec::new(),
        });
        for (column, name) in &self.columns {
            match name {
                Some(name) => {
                    let context = bench.context(self, name.as_bytes());
                    for at in 0..batch.column(*column).len() {
                        let cell = batch.column(*column)[at] as usize;
                        self.scan(batch, cell, &context, &mut bench)?;
                    }
                }
                None => self.scan_named(batch, *column, &mut bench)?,
            }
            self.report(batch, *column, &mut bench);
        }
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bench);
        Ok(())
    }
}

impl Workbench {
    fn context(&mut self, stage: &Detect, name: &[u8]) -> ColumnContext {
        if let Some(context) = self.contexts.get(name) {
            return context.clone();
        }
        let context = stage
            .detector
            .column(&stage.stream, &String::from_utf8_lossy(name));
        if self.contexts.len() < CONTEXTS_MAX {
            self.contexts.insert(name.into(), context.clone());
        }
        context
    }
}

impl Detect {
    /// Scans a column whose values each have their own key.
    fn scan_named(
        &self,
        batch: &mut Batch,
        column: ColumnId,
        bench: &mut Workbench,
    ) -> Result<(), Halt> {
        // Records of a stream repeat their keys in order, so the context is looked for where it was found
        // in the record before.
        let mut known: Vec<(Box<[u8]>, ColumnContext)> = Vec::new();
        let mut next = 0;
        for at in 0..batch.column(column).len() {
            let cell = batch.column(column)[at] as usize;
            let place = batch.cell(cell);
            if batch.bytes().get(place.start as usize) != Some(&b'"') && place.edit_index() == 0 {
                continue;
            }
            let key = &batch.bytes()[place.key_start as usize..place.key_end as usize];
            if known.get(next).is_none_or(|(name, _)| **name != *key) {
                next = known
                    .iter()
                    .position(|(name, _)| **name == *key)
                    .unwrap_or_else(|| {
                        known.push((key.into(), bench.context(self, key)));
                        known.len() - 1
                    });
            }
            self.scan(batch, cell, &known[next].1, bench)?;
            next = (next + 1) % known.len();
        }
        Ok(())
    }

    #[inline]
    fn scan(
        &self,
        batch: &mut Batch,
        cell: CellId,
        context: &ColumnContext,
        bench: &mut Workbench,
    ) -> Result<(), Halt> {
        let [b'"', inner @ .., b'"'] = batch.raw(batch.cell(cell)) else {
            return Ok(());
        };
        let escaped = memchr::memchr(b'\\', inner).is_some();
        if !escaped && !self.detector.may_contain(inner, context) {
            return Ok(());
        }
        let Current::Text(text) = batch.current(cell) else {
            // A string that no reader can decode cannot be searched, so it does not pass.
            batch.replace_text(cell, "<UNREADABLE>");
            return Ok(());
        };
        self.detector
            .find(&text, context, &mut bench.scratch, &mut bench.found);
        if bench.found.is_empty() {
            return Ok(());
        }
        bench.inner.clear();
        bench.inner.extend_from_slice(inner);
        bench.text.clear();
        bench.text.push_str(&text);
        self.mask(batch, cell, escaped, bench)
    }

    /// Replaces the findings of a cell, whose string stands on the workbench.
    fn mask(
        &self,
        batch: &mut Batch,
        cell: CellId,
        escaped: bool,
        bench: &mut Workbench,
    ) -> Result<(), Halt> {
        self.guard(batch, cell, bench)?;
        bench.raw.clear();
        bench.raw.push(b'"');
        let (inner, text) = (&bench.inner, &bench.text);
        let mut offsets = Offsets::new(inner, escaped);
        let mut from = 0;
        for finding in &bench.found {
            let (start, end) = (offsets.raw(finding.start), offsets.raw(finding.end));
            bench.raw.extend_from_slice(&inner[from..start]);
            let kind = self.detector.kind(finding.recogniser);
            let value = Scalar::Text(&text[finding.start..finding.end]);
            match self
                .operator
                .apply(value, Some(kind), None, &mut bench.replacement)
            {
                Ok(Masked::Text | Masked::Number) => {
                    write_escaped(&bench.replacement, &mut bench.raw)
                }
                Ok(Masked::Null) => {}
                // What the operator cannot hide is taken out.
                Err(_) => bench.raw.extend([b"<", kind.as_bytes(), b">"].concat()),
            }
            from = end;
            let recogniser = usize::from(finding.recogniser);
            if bench.counts.len() <= recogniser {
                bench.counts.resize(recogniser + 1, 0);
            }
            bench.counts[recogniser] += 1;
        }
        bench.raw.extend_from_slice(&inner[from..]);
        bench.raw.push(b'"');
        batch.replace(cell, &bench.raw);
        Ok(())
    }

    fn guard(&self, batch: &Batch, cell: CellId, bench: &Workbench) -> Result<(), Halt> {
        for (column, name) in &self.guarded {
            if batch.column(*column).binary_search(&(cell as u32)).is_ok() {
                let first = bench
                    .found
                    .first()
                    .map_or("", |f| self.detector.kind(f.recogniser));
                let message = format!(
                    "stream `{}`: its key or cursor `{name}` holds personal data ({first}), which must neither pass nor become equal",
                    self.stream
                );
                return Err(Halt {
                    row: batch.cell(cell).row as usize,
                    error: Error::new(ErrorKind::Policy, message).hint(format!(
                        "mask it before with `mask: {{column: {name}, with: hash}}` or `token`"
                    )),
                });
            }
        }
        Ok(())
    }

    fn report(&self, batch: &mut Batch, column: ColumnId, bench: &mut Workbench) {
        for (recogniser, count) in bench.counts.iter_mut().enumerate() {
            if *count > 0 {
                let kind = self.detector.kind(recogniser as u16);
                batch.tally().find(column, kind, std::mem::take(count));
            }
        }
    }
}

/// Finds the bytes of a JSON string that an offset in its text belongs to. Offsets must ascend.
struct Offsets<'a> {
    inner: &'a [u8],
    escaped: bool,
    raw: usize,
    text: usize,
}

impl<'a> Offsets<'a> {
    fn new(inner: &'a [u8], escaped: bool) -> Self {
        Self {
            inner,
            escaped,
            raw: 0,
            text: 0,
        }
    }

    fn raw(&mut self, offset: usize) -> usize {
        if !self.escaped {
            return offset.min(self.inner.len());
        }
        while self.text < offset && self.raw < self.inner.len() {
            let (raw, text) = self.step();
            self.raw += raw;
            self.text += text;
        }
        self.raw
    }

    /// Bytes of the next character, escaped and plain.
    fn step(&self) -> (usize, usize) {
        let rest = &self.inner[self.raw..];
        if rest[0] != b'\\' {
            return (1, 1);
        }
        let unit = |at: usize| {
            let digits = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
            u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        match unit(0) {
            None => (2, 1),
            Some(0xD800..0xDC00) if unit(6).is_some_and(|low| (0xDC00..0xE000).contains(&low)) => {
                (12, 4)
            }
            Some(unit) => (6, char::from_u32(unit).map_or(3, char::len_utf8)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_in_text_are_found_in_escapes() {
        let inner = br#"a\n\u00e9\ud83d\ude00\ud83dx\"b"#;
        let Current::Text(text) = Current::of(br#""a\n\u00e9\ud83d\ude00\ud83dx\"b""#) else {
            panic!("text");
        };
        for (needle, expected) in [
            ("\n", 1),
            ("é", 3),
            ("\u{1F600}", 9),
            ("\u{FFFD}", 21),
            ("x", 27),
            ("\"", 28),
            ("b", 30),
        ] {
            let at = text.find(needle).expect(needle);
            assert_eq!(Offsets::new(inner, true).raw(at), expected, "{needle}");
        }
    }
}
