//! Finds personal data inside text and masks what it finds; the text around a finding keeps its bytes.
//!
//! A value is masked whole where its column is decided ([`column`](crate::detect::column)); otherwise
//! recognisers search it, and where form cannot tell, the tagger. Tagged values of a column are asked
//! together, so that the tagger can put texts of one length into one batch.

mod mask;
mod offsets;
mod pending;
mod spot;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::mask::operator::Compiled;
use super::{Halt, Stage};
use crate::batch::{Batch, CellId, ColumnId, Current};
use crate::detect::column::{Course, Decision, Learner, Pins, Seen, Shape};
use crate::detect::{Detector, Finding, NameModel, Scratch, may_hold_words};
use crate::model::Tagger;
use pending::Pending;
use spot::{Spot, Spots};

/// A compiled `detect`.
pub struct Detect {
    pub detector: Arc<Detector>,
    /// Finds what has no form; without it only recognisers search.
    pub tagger: Option<Arc<dyn Tagger>>,
    pub learner: Arc<Learner>,
    /// Its number among the stages of the stream that search.
    pub number: usize,
    /// What columns are, as far as the configuration says.
    pub pins: Pins,
    pub names: &'static NameModel,
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
    spots: Spots,
    found: Vec<Finding>,
    pending: Pending,
    /// The string being masked: its text, as written, and as it becomes.
    text: String,
    inner: Vec<u8>,
    raw: Vec<u8>,
    replacement: String,
    /// Findings per kind.
    counts: Vec<u64>,
    /// Columns of values that nothing in their sample was like.
    strangers: Vec<usize>,
}

impl Stage for Detect {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        let mut bench = self.bench();
        let mut course = self.learner.course(batch.chunk_number());
        let rows = batch.rows().len();
        let mut cursors = vec![0; self.columns.len()];
        let mut from = 0;
        while from < rows {
            let to = from + course.stretch(rows - from);
            for (at, (column, name)) in self.columns.iter().enumerate() {
                let cells = batch.column(*column);
                let within = |cell: &u32| (batch.cell(*cell as usize).row as usize) < to;
                let end = cursors[at] + cells[cursors[at]..].partition_point(within);
                let cells = std::mem::replace(&mut cursors[at], end)..end;
                self.stretch(
                    batch,
                    (*column, name.as_deref()),
                    cells,
                    &mut course,
                    &mut bench,
                )?;
                self.report(batch, *column, &mut bench);
            }
            course.advance(to - from);
            from = to;
        }
        course.finish();
        let strangers = bench.strangers.drain(..);
        strangers.for_each(|column| batch.tally().meet_stranger(self.number, column));
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bench);
        Ok(())
    }
}

/// One string on its way.
struct Value<'a> {
    cell: CellId,
    spot: &'a Arc<Spot>,
    /// The column's number in what is known of the stream.
    known: Option<usize>,
    decision: Decision,
}

impl Value<'_> {
    /// The kind that the name says by itself, where nothing has been decided.
    fn sure(&self) -> Option<u16> {
        let undecided = self.decision == Decision::Undecided;
        self.spot.sure.filter(|_| undecided)
    }
}

impl Detect {
    fn bench(&self) -> Workbench {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        idle.unwrap_or_else(|| Workbench {
            scratch: self.detector.scratch(),
            spots: Spots::default(),
            found: Vec::new(),
            pending: Pending::default(),
            text: String::new(),
            inner: Vec::new(),
            raw: Vec::new(),
            replacement: String::new(),
            counts: Vec::new(),
            strangers: Vec::new(),
        })
    }

    /// Goes through some cells of a column, which are judged by what is known now.
    fn stretch(
        &self,
        batch: &mut Batch,
        (column, name): (ColumnId, Option<&str>),
        cells: Range<usize>,
        course: &mut Course<'_>,
        bench: &mut Workbench,
    ) -> Result<(), Halt> {
        let mut ring = spot::Ring::new(name);
        for at in cells {
            let cell = batch.column(column)[at] as usize;
            let place = batch.cell(cell);
            if batch.bytes().get(place.start as usize) != Some(&b'"') && place.edit_index() == 0 {
                continue;
            }
            let (spot, known) = ring.find(self, batch, cell, course, &mut bench.spots);
            let pinned = spot.place.pinned;
            let decided = || Some(course.column(known?)?.verdict.decision);
            let value = Value {
                cell,
                spot,
                known,
                decision: pinned.or_else(decided).unwrap_or(Decision::Undecided),
            };
            self.scan(batch, &value, course, bench)?;
            if bench.pending.is_full() {
                self.ask(batch, course, bench)?;
            }
        }
        self.ask(batch, course, bench)
    }

    #[inline]
    fn scan(
        &self,
        batch: &mut Batch,
        value: &Value<'_>,
        course: &mut Course<'_>,
        bench: &mut Workbench,
    ) -> Result<(), Halt> {
        let [b'"', inner @ .., b'"'] = batch.raw(batch.cell(value.cell)) else {
            return Ok(());
        };
        let context = &value.spot.context;
        let escaped = memchr::memchr(b'\\', inner).is_some();
        match value.decision {
            Decision::Personal(kind) => return self.mask_whole(batch, value.cell, kind, bench),
            Decision::Clean if value.spot.place.pinned.is_some() => return Ok(()),
            _ => {}
        }
        // Recognisers find nothing, and the tagger is not to be asked.
        if !escaped && !self.detector.may_contain(inner, context) {
            let quiet = match value.decision {
                Decision::Clean => self.tagger.is_none() || self.is_familiar(inner, value, course),
                _ => self.tagger.is_none() && !course.is_learning() && value.spot.sure.is_none(),
            };
            if quiet {
                return Ok(());
            }
        }
        let Current::Text(text) = batch.current(value.cell) else {
            // A string that no reader can decode cannot be searched, so it does not pass.
            batch.replace_text(value.cell, "<UNREADABLE>");
            return Ok(());
        };
        self.detector
            .find(&text, context, &mut bench.scratch, &mut bench.found);
        let settled = !course.is_learning() && value.sure().is_none();
        if settled && self.tagger.is_none() && bench.found.is_empty() {
            return Ok(());
        }
        let shape = Shape::of(&text);
        if self.is_for_the_tagger(&text, shape, value, course, bench) {
            let text = text.into_owned();
            bench.pending.push(value, text, shape, &bench.found);
            return Ok(());
        }
        let mut own = std::mem::take(&mut bench.text);
        own.clear();
        own.push_str(&text);
        let concluded = self.conclude(batch, value, &own, shape, course, bench);
        bench.text = own;
        concluded
    }

    /// Whether a value of a clean column is like those of its sample.
    fn is_familiar(&self, inner: &[u8], value: &Value<'_>, course: &Course<'_>) -> bool {
        let known = value.known.and_then(|known| course.column(known));
        let text = std::str::from_utf8(inner).unwrap_or_default();
        known.is_some_and(|known| known.evidence.fits(text, Shape::of(text)))
    }

    fn is_for_the_tagger(
        &self,
        text: &str,
        shape: Shape,
        value: &Value<'_>,
        course: &Course<'_>,
        bench: &mut Workbench,
    ) -> bool {
        if self.tagger.is_none() || !may_hold_words(text, shape) {
            return false;
        }
        // Numbers do not reach the tagger, and what is found already needs no second opinion.
        let covered: usize = bench
            .found
            .iter()
            .map(|found| found.end - found.start)
            .sum();
        if covered >= shape.bytes {
            return false;
        }
        match value.decision {
            Decision::Clean => {
                let known = value.known.and_then(|known| course.column(known));
                let strange = known.is_some_and(|known| !known.evidence.fits(text, shape));
                if let (true, Some(known)) = (strange, value.known) {
                    bench.strangers.push(known);
                }
                strange
            }
            // A name that says enough is believed without inference once nothing is learned.
            Decision::Undecided => value.spot.sure.is_none() || course.is_learning(),
            _ => true,
        }
    }

    /// Learns from a value and masks what was found in it.
    fn conclude(
        &self,
        batch: &mut Batch,
        value: &Value<'_>,
        text: &str,
        shape: Shape,
        course: &mut Course<'_>,
        bench: &mut Workbench,
    ) -> Result<(), Halt> {
        if !course.is_learning() && value.sure().is_none() {
            return self.mask_found(batch, value.cell, text, bench);
        }
        let silent = Shape::says_nothing(text) && bench.found.is_empty();
        let whole = self.detector.whole(text, &bench.found);
        if let Some(known) = value.known.filter(|_| !silent) {
            let seen = Seen {
                whole,
                touched: !bench.found.is_empty(),
            };
            course.learn(known, text, shape, seen);
        }
        if silent {
            return Ok(());
        }
        if let Some(kind) = value.sure()
            && crate::detect::plausible(self.detector.kind_name(kind), text, shape)
        {
            // A form that was recognised says more than the name: an IBAN in a column of accounts.
            let recognised = whole.filter(|(_, tagged)| !tagged).map(|(kind, _)| kind);
            return self.mask_whole(batch, value.cell, recognised.unwrap_or(kind), bench);
        }
        self.mask_found(batch, value.cell, text, bench)
    }
}
