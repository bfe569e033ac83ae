//! Where each output column comes from: input columns, the stages on the way, whether one masks.
//!
//! Only what a stage touched is recorded; an untouched column comes from itself. A column claims to be
//! masked only when everything it is made of is.

use serde::Serialize;

use super::path::{Path, Segment};
use super::resolve::within;

/// The origin of one output column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lineage {
    /// The column as it leaves.
    pub column: Path,
    /// The columns it is made of, by the names they arrived with.
    pub inputs: Vec<Path>,
    /// The stages it went through, in order, by their texts.
    pub stages: Vec<String>,
    /// Whether a masking stage lies between every input and the column.
    pub masking: bool,
}

/// What decides whether a row leaves, or where to: columns by the names they arrived with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sifting {
    pub inputs: Vec<Path>,
    /// The stage that reads them, by its text.
    pub stage: String,
}

/// The record kept while stages speak.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ledger(Vec<Entry>, Vec<Sifting>);

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    line: Lineage,
    /// Computed from its inputs; a part of it is no part of an input.
    derived: bool,
}

impl Ledger {
    /// A stage computes a new column.
    pub(super) fn add(&mut self, column: &Path, from: &[Path], by: &str) {
        let line = self.made(column, from, by);
        self.0.push(Entry {
            line,
            derived: true,
        });
    }

    /// The lineage that something computed from columns has, wherever it goes.
    pub(super) fn made(&self, column: &Path, from: &[Path], by: &str) -> Lineage {
        let mut line = Lineage {
            column: column.clone(),
            inputs: Vec::new(),
            stages: Vec::new(),
            masking: !from.is_empty(),
        };
        for source in from {
            let origin = self.trace(source).line;
            extend_new(&mut line.inputs, origin.inputs);
            extend_new(&mut line.stages, origin.stages);
            line.masking &= origin.masking;
        }
        line.stages.push(by.to_owned());
        line
    }

    /// A stage lets rows pass by what columns hold.
    pub(super) fn sift(&mut self, columns: &[Path], by: &str) {
        let mut inputs = Vec::new();
        for column in columns {
            extend_new(&mut inputs, self.trace(column).line.inputs);
        }
        let stage = by.to_owned();
        self.1.push(Sifting { inputs, stage });
    }

    /// What rows were sifted by, in the order of the stages.
    pub(super) fn sifted(&self) -> &[Sifting] {
        &self.1
    }

    /// Where a path comes from, whether anything touched it or not.
    pub(super) fn origin(&self, path: &Path) -> Lineage {
        self.trace(path).line
    }

    /// A stage changes the values at a path; `whole` when their parts are no longer there to be told.
    pub(super) fn touch(&mut self, path: &Path, by: &str, masking: bool, whole: bool) {
        self.entry(path);
        if whole {
            self.0.retain(|entry| {
                entry.line.column == *path || !within(path.segments(), entry.line.column.segments())
            });
        }
        for entry in &mut self.0 {
            let column = entry.line.column.segments();
            if within(path.segments(), column) {
                entry.line.stages.push(by.to_owned());
                entry.line.masking |= masking;
            }
        }
    }

    /// A column gets another name.
    pub(super) fn rename(&mut self, from: &Path, to: &Path, by: &str) {
        let at = self.entry(from);
        self.0[at].line.stages.push(by.to_owned());
        for entry in &mut self.0 {
            if let Some(column) = moved(&entry.line.column, from, to) {
                entry.line.column = column;
            }
        }
    }

    /// A column goes.
    pub(super) fn remove(&mut self, path: &Path) {
        self.0
            .retain(|entry| !within(path.segments(), entry.line.column.segments()));
    }

    /// The lineage of these top-level columns, each followed by its touched parts; what was touched
    /// without being declared comes last.
    pub(super) fn lines<'a>(&self, columns: impl Iterator<Item = &'a str>) -> Vec<Lineage> {
        let mut lines = Vec::new();
        let mut told = vec![false; self.0.len()];
        for name in columns {
            let column = Path::key(name);
            lines.push(self.trace(&column).line);
            for (entry, told) in self.0.iter().zip(&mut told) {
                if entry.line.column.top() == Some(name) {
                    *told = true;
                    if entry.line.column != column {
                        lines.push(entry.line.clone());
                    }
                }
            }
        }
        let rest = self.0.iter().zip(told).filter(|(_, told)| !told);
        lines.extend(rest.map(|(entry, _)| entry.line.clone()));
        lines
    }

    /// The index of the entry of exactly this path, made when there is none.
    fn entry(&mut self, path: &Path) -> usize {
        if let Some(at) = self.0.iter().position(|entry| entry.line.column == *path) {
            return at;
        }
        let entry = self.trace(path);
        self.0.push(entry);
        self.0.len() - 1
    }

    /// What is known about a path: its own entry, else what holds for the innermost column around it.
    fn trace(&self, path: &Path) -> Entry {
        let around = self
            .0
            .iter()
            .filter(|entry| within(entry.line.column.segments(), path.segments()))
            .max_by_key(|entry| {
                (
                    entry.line.column == *path,
                    entry.line.column.segments().len(),
                )
            });
        let Some(entry) = around else {
            return Entry {
                line: Lineage {
                    column: path.clone(),
                    inputs: vec![path.clone()],
                    stages: Vec::new(),
                    masking: false,
                },
                derived: false,
            };
        };
        let mut entry = entry.clone();
        if !entry.derived {
            for input in &mut entry.line.inputs {
                *input = part_of(input, &entry.line.column, path);
            }
        }
        entry.line.column = path.clone();
        entry
    }
}

/// Where the part `path` of `column` lies in `input`, of which `column` is a renamed copy.
fn part_of(input: &Path, column: &Path, path: &Path) -> Path {
    let stem = |path: &Path| match path.segments() {
        [stem @ .., Segment::Any] => stem.to_vec(),
        all => all.to_vec(),
    };
    let outer = if column == path {
        path.segments().len()
    } else {
        stem(column).len()
    };
    let mut segments = if column == path {
        input.segments().to_vec()
    } else {
        stem(input)
    };
    segments.extend(path.segments().iter().skip(outer).cloned());
    Path::new(segments).unwrap_or_else(|| path.clone())
}

/// `path` with its beginning `from` replaced by `to`; `None` when it does not lie there.
pub(super) fn moved(path: &Path, from: &Path, to: &Path) -> Option<Path> {
    let rest = path.segments().strip_prefix(from.segments())?;
    Path::new([to.segments(), rest].concat())
}

fn extend_new<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().expect(text)
    }

    fn shown(ledger: &Ledger, columns: &[&str]) -> Vec<String> {
        ledger
            .lines(columns.iter().copied())
            .iter()
            .map(|line| {
                let inputs: Vec<String> = line.inputs.iter().map(Path::to_string).collect();
                format!(
                    "{} <- {} | {} | {}",
                    line.column,
                    inputs.join(" "),
                    line.stages.join(" "),
                    line.masking
                )
            })
            .collect()
    }

    #[test]
    fn names_are_traced_to_where_they_arrived() {
        let mut ledger = Ledger::default();
        ledger.touch(&path("email"), "mask", true, true);
        ledger.rename(&path("email"), &path("mail"), "rename");
        ledger.add(&path("domain"), &[path("mail")], "derive");
        ledger.add(&path("both"), &[path("mail"), path("name")], "derive");
        assert_eq!(
            shown(&ledger, &["id", "mail", "domain", "both"]),
            [
                "id <- id |  | false",
                "mail <- email | mask rename | true",
                "domain <- email | mask rename derive | true",
                "both <- email name | mask rename derive | false",
            ]
        );
    }

    #[test]
    fn parts_follow_their_column() {
        let mut ledger = Ledger::default();
        ledger.touch(&path("address.street"), "mask", true, false);
        ledger.rename(&path("address"), &path("addr"), "rename");
        ledger.touch(&path("addr.city"), "generalize", true, false);
        assert_eq!(
            shown(&ledger, &["addr"]),
            [
                "addr <- address | rename | false",
                "addr.street <- address.street | mask | true",
                "addr.city <- address.city | rename generalize | true",
            ]
        );
        ledger.touch(&path("addr"), "cast", false, true);
        assert_eq!(
            shown(&ledger, &["addr"]),
            ["addr <- address | rename cast | false"]
        );
        ledger.remove(&path("addr"));
        assert!(shown(&ledger, &[]).is_empty());
    }

    #[test]
    fn a_wildcard_reaches_columns_that_are_there_and_no_later_ones() {
        let mut ledger = Ledger::default();
        ledger.touch(&path("a"), "cast", false, false);
        ledger.touch(&path("*"), "mask", true, false);
        ledger.add(&path("new"), &[], "derive");
        assert_eq!(
            shown(&ledger, &["a", "b", "new"]),
            [
                "a <- a | cast mask | true",
                "b <- b | mask | true",
                "new <-  | derive | false",
                "* <- * | mask | true",
            ]
        );
    }
}
