//! Writes what was found, or a whole value, as its operator says.

use super::offsets::Offsets;
use super::{Detect, Workbench};
use crate::batch::{Batch, CellId, ColumnId, Current, write_escaped, write_string};
use crate::error::{Error, ErrorKind};
use crate::stage::Halt;
use crate::stage::mask::operator::{Masked, Scalar};

impl Detect {
    /// Masks a value as one of a kind.
    pub(super) fn mask_whole(
        &self,
        batch: &mut Batch,
        cell: CellId,
        kind: u16,
        bench: &mut Workbench,
    ) -> Result<(), Halt> {
        let name = self.detector.kind_name(kind);
        let text = match batch.current(cell) {
            Current::Text(text) if text.trim().is_empty() => return Ok(()),
            Current::Text(text) => text,
            _ => {
                batch.replace_text(cell, "<UNREADABLE>");
                return Ok(());
            }
        };
        let masked = self.operator.apply(
            Scalar::Text(&text),
            Some(name),
            None,
            &mut bench.replacement,
        );
        drop(text);
        self.guard(batch, cell, name)?;
        bench.raw.clear();
        match masked {
            Ok(Masked::Text | Masked::Number) => write_string(&bench.replacement, &mut bench.raw),
            Ok(Masked::Null) => write_string("", &mut bench.raw),
            // What the operator cannot hide is taken out.
            Err(_) => write_string(&format!("<{name}>"), &mut bench.raw),
        }
        batch.replace(cell, &bench.raw);
        count(&mut bench.counts, kind);
        Ok(())
    }

    /// Replaces the findings of a cell, whose string reads `text`.
    pub(super) fn mask_found(
        &self,
        batch: &mut Batch,
        cell: CellId,
        text: &str,
        bench: &mut Workbench,
    ) -> Result<(), Halt> {
        let Some(first) = bench.found.first() else {
            return Ok(());
        };
        self.guard(batch, cell, self.detector.kind(first.recogniser))?;
        let raw = batch.raw(batch.cell(cell));
        bench.inner.clear();
        bench.inner.extend_from_slice(&raw[1..raw.len() - 1]);
        bench.raw.clear();
        bench.raw.push(b'"');
        let inner = &bench.inner;
        let mut offsets = Offsets::new(inner, inner.len() != text.len() || inner.contains(&b'\\'));
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
            count(
                &mut bench.counts,
                self.detector.kind_place(finding.recogniser),
            );
        }
        bench.raw.extend_from_slice(&inner[from..]);
        bench.raw.push(b'"');
        batch.replace(cell, &bench.raw);
        Ok(())
    }

    /// Keys and cursors are not made equal.
    fn guard(&self, batch: &Batch, cell: CellId, kind: &str) -> Result<(), Halt> {
        for (column, name) in &self.guarded {
            if batch.column(*column).binary_search(&(cell as u32)).is_ok() {
                let message = format!(
                    "stream `{}`: its key or cursor `{name}` holds personal data ({kind}), which must neither pass nor become equal",
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

    pub(super) fn report(&self, batch: &mut Batch, column: ColumnId, bench: &mut Workbench) {
        for (kind, count) in bench.counts.iter_mut().enumerate() {
            if *count > 0 {
                let kind = self.detector.kind_name(kind as u16);
                batch.tally().find(column, kind, std::mem::take(count));
            }
        }
    }
}

fn count(counts: &mut Vec<u64>, kind: u16) {
    let kind = usize::from(kind);
    if counts.len() <= kind {
        counts.resize(kind + 1, 0);
    }
    counts[kind] += 1;
}
