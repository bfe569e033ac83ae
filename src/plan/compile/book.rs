//! The columns of a stream while its stages are compiled: which place of the source each path means.

use crate::schema::path::{Path, Segment};

/// Paths as later stages name them, and the places of the source's records that they stand for.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Places in the source's records; a column's id is its index.
    paths: Vec<Path>,
    /// Name of each column in reports.
    names: Vec<String>,
    /// Renames so far: new name, place in the source.
    renamed: Vec<(Path, Path)>,
    /// Places that a stage has changed.
    changed: Vec<Path>,
    /// Places whose values a stage has masked.
    masked: Vec<Masked>,
}

/// What a masking stage did to the values of a place.
#[derive(Debug, Clone)]
pub(super) struct Masked {
    source: Path,
    /// Values that differed may be equal now.
    pub merges: bool,
    /// Only text was looked at.
    pub text_only: bool,
    /// Places that were left out.
    except: Vec<Path>,
}

impl Book {
    /// The column of a path as stages name it now.
    pub fn column(&mut self, path: &Path) -> usize {
        let source = self.source(path);
        if let Some(known) = self.paths.iter().position(|known| *known == source) {
            return known;
        }
        self.paths.push(source);
        self.names.push(path.to_string());
        self.paths.len() - 1
    }

    /// The place in the source's records that a path stands for.
    pub fn source(&self, path: &Path) -> Path {
        // The newest rename is undone first.
        let mut path = path.clone();
        for (name, source) in self.renamed.iter().rev() {
            if path.segments().starts_with(name.segments()) {
                let mut segments = source.segments().to_vec();
                segments.extend_from_slice(&path.segments()[name.segments().len()..]);
                if let Some(undone) = Path::new(segments) {
                    path = undone;
                }
            }
        }
        path
    }

    /// Notes that `from` is called `to` from here on.
    pub fn rename(&mut self, from: &Path, to: &Path) {
        self.renamed.push((to.clone(), from.clone()));
    }

    /// Whether the place of this name in the source's records has another name by now.
    pub fn is_renamed(&self, path: &Path) -> bool {
        self.renamed.iter().any(|(_, source)| source == path)
    }

    /// Notes that a path's values have been changed.
    pub fn change(&mut self, path: &Path) {
        let source = self.source(path);
        self.changed.push(source);
    }

    /// A place inside `path` that an earlier stage has changed: reading the whole would read it unchanged.
    pub fn changed_inside(&self, path: &Path) -> Option<&Path> {
        let source = self.source(path);
        let inside = |changed: &&Path| changed.segments().len() > source.segments().len();
        let below = |changed: &&Path| changed.segments().starts_with(source.segments());
        self.changed.iter().filter(inside).find(below)
    }

    /// Notes that the values of a path are masked from here on.
    pub fn mask(&mut self, path: &Path, merges: bool) {
        let source = self.source(path);
        self.masked.push(Masked {
            source,
            merges,
            text_only: false,
            except: Vec::new(),
        });
    }

    /// Notes that what is found in the text of a path is masked from here on, but not in some places.
    pub fn search(&mut self, path: &Path, merges: bool, except: &[&Path]) {
        let source = self.source(path);
        let except = except.iter().map(|path| self.source(path)).collect();
        self.masked.push(Masked {
            source,
            merges,
            text_only: true,
            except,
        });
    }

    /// What has been done to hide the values of a path.
    pub fn masked(&self, path: &Path) -> impl Iterator<Item = &Masked> {
        let source = self.source(path);
        self.masked.iter().filter(move |masked| {
            let steps = masked.source.segments();
            let same = |(step, own): (&Segment, &Segment)| *step == Segment::Any || step == own;
            steps.len() <= source.segments().len()
                && steps.iter().zip(source.segments()).all(same)
                && !masked.except.contains(&source)
        })
    }

    /// Notes that a new column is made of others: it is masked when one of them is, and its values have
    /// merged when those of all have.
    pub fn derive(&mut self, path: &Path, inputs: &[Path]) {
        let masked = |input: &&Path| self.masked(input).next().is_some();
        let merged = |input: &Path| self.masked(input).any(|masked| masked.merges);
        if inputs.iter().any(|input| masked(&input)) {
            let merges = inputs.iter().all(merged);
            self.mask(path, merges);
        }
    }

    /// Whether a name is that of a place in the source's records that some stage uses.
    pub fn uses(&self, name: &str) -> bool {
        let top = |path: &Path| matches!(&path.segments()[0], Segment::Key(key) if key == name);
        self.paths.iter().any(top) || self.renamed.iter().any(|(_, source)| top(source))
    }

    /// The places to visit.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Names the column that takes what is not declared.
    pub fn note(&mut self, column: usize) {
        self.names.resize(column, String::new());
        self.names.push("(undeclared)".to_owned());
    }

    /// Names of all columns.
    pub fn names(&self) -> Vec<String> {
        self.names.clone()
    }
}
