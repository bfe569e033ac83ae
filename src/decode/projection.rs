//! Which places of a record a plan reads: a trie over keys, compiled once per stream.

use crate::schema::path::{Path, Segment};

/// Index of a column of the plan.
pub type ColumnId = usize;

/// The places to visit in `data`.
#[derive(Debug, Default)]
pub struct Projection {
    root: Node,
    columns: usize,
    /// Steps of a column's path before its first wildcard; no end to them where there is none.
    fixed: Vec<usize>,
}

/// What to do at one object.
#[derive(Debug, Default, Clone)]
pub(super) struct Node {
    entries: Vec<Entry>,
    /// Bit `n` is set when an entry's key has a length of `n` modulo 64.
    lengths: u64,
    /// What to do with keys that have no entry of their own.
    pub(super) any: Option<Box<Target>>,
    /// What to do with elements, when the value is an array.
    pub(super) items: Option<Box<Target>>,
    /// Columns that take every scalar below, at any depth.
    pub(super) deep: Vec<ColumnId>,
    /// A path ends here in a wildcard: whatever the keys are, an object is expected.
    every: bool,
}

/// Steps of a path before its first wildcard.
fn fixed(path: &Path) -> usize {
    let first = path
        .segments()
        .iter()
        .position(|segment| *segment == Segment::Any);
    first.unwrap_or(usize::MAX)
}

#[derive(Debug, Clone)]
struct Entry {
    key: Box<str>,
    /// The first eight bytes of the key, as [`head`] reads them.
    head: u64,
    target: Target,
}

impl Entry {
    #[inline(always)]
    fn is(&self, key: &[u8], head: u64) -> bool {
        self.head == head
            && self.key.len() == key.len()
            && (key.len() <= 8 || self.key.as_bytes()[8..] == key[8..])
    }
}

/// The first eight bytes of a key as a number; shorter keys are filled with zeros, which no key holds
/// unescaped.
#[inline(always)]
pub(crate) fn head(bytes: &[u8], start: usize, length: usize) -> u64 {
    match bytes[start..].first_chunk::<8>() {
        Some(chunk) if length >= 8 => u64::from_le_bytes(*chunk),
        Some(chunk) => u64::from_le_bytes(*chunk) & ((1 << (8 * length)) - 1),
        None => {
            let key = bytes[start..].iter().take(length.min(8));
            key.rev().fold(0, |head, &byte| head << 8 | u64::from(byte))
        }
    }
}

/// What to do with one value.
#[derive(Debug, Default, Clone)]
pub(super) struct Target {
    /// Columns that take the value itself.
    pub(super) columns: Vec<ColumnId>,
    /// What to do below it.
    pub(super) node: Option<Box<Node>>,
    /// Columns that take every scalar at or below the value.
    pub(super) deep: Vec<ColumnId>,
    /// Columns of places below the value. They take what stands there instead, when the value has another
    /// shape than their paths ask for: it must not pass because it is misplaced.
    pub(super) below: Vec<ColumnId>,
    /// Columns that take a container where a scalar is declared.
    pub(super) opened: Vec<ColumnId>,
}

impl Projection {
    /// Visits these paths; the column of a path is its place in the list.
    pub fn new(paths: &[Path]) -> Self {
        let mut projection = Self {
            root: Node::default(),
            columns: paths.len(),
            fixed: Vec::new(),
        };
        // Wildcards first: later keys start as copies of what a wildcard asks for.
        let wild = |path: &Path| path.segments().contains(&Segment::Any);
        for wanted in [true, false] {
            for (column, path) in paths.iter().enumerate() {
                if wild(path) == wanted {
                    projection.root.insert(path.segments(), column);
                }
            }
        }
        projection.root.spread(&[]);
        projection.fixed = paths.iter().map(fixed).collect();
        projection.root.settle(1, &projection.fixed);
        projection
    }

    /// Sends every value whose place is not declared to a new column, whole or, when `deep`, scalar by
    /// scalar. `declared` lists the paths of the catalog, and whether a scalar is declared there.
    pub fn catch_undeclared(&mut self, declared: &[(Path, bool)], deep: bool) -> ColumnId {
        let column = self.columns;
        self.columns += 1;
        for (path, scalar) in declared {
            let opened = scalar.then_some(column);
            self.root.declare(path.segments(), opened);
        }
        self.root.catch(column, deep);
        self.fixed.push(usize::MAX);
        self.root.settle(1, &self.fixed);
        column
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Whether nothing is visited.
    pub fn is_empty(&self) -> bool {
        self.columns == 0
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }
}

impl Node {
    /// The target of the key that stands in `bytes` from `start` to `end`; `guess` remembers where the next
    /// key was found last time.
    #[inline(always)]
    pub(super) fn find(
        &self,
        bytes: &[u8],
        start: usize,
        end: usize,
        guess: &mut u32,
    ) -> Option<&Target> {
        let key = &bytes[start..end];
        if self.lengths >> (key.len() & 63) & 1 != 0 {
            let head = head(bytes, start, key.len());
            if let Some(entry) = self.entries.get(*guess as usize)
                && entry.is(key, head)
            {
                *guess += 1;
                return Some(&entry.target);
            }
            if let Some(found) = self.entries.iter().position(|entry| entry.is(key, head)) {
                *guess = found as u32 + 1;
                return Some(&self.entries[found].target);
            }
        }
        self.any.as_deref()
    }

    fn entry(&mut self, key: &str) -> &mut Target {
        let found = self.entries.iter().position(|entry| &*entry.key == key);
        let at = found.unwrap_or_else(|| {
            self.lengths |= 1 << (key.len() & 63);
            self.entries.push(Entry {
                key: key.into(),
                head: head(key.as_bytes(), 0, key.len()),
                target: self.any.as_deref().cloned().unwrap_or_default(),
            });
            self.entries.len() - 1
        });
        &mut self.entries[at].target
    }

    fn insert(&mut self, path: &[Segment], column: ColumnId) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        match first {
            Segment::Any if rest.is_empty() => {
                self.deep.push(column);
                self.every = true;
            }
            Segment::Any => {
                self.any.get_or_insert_default().insert(rest, column);
                for entry in &mut self.entries {
                    entry.target.insert(rest, column);
                }
            }
            Segment::Items => self.items.get_or_insert_default().insert(rest, column),
            Segment::Key(key) => self.entry(key).insert(rest, column),
        }
    }

    /// Hands the columns that want every scalar down to all targets.
    fn spread(&mut self, above: &[ColumnId]) {
        let mut deep = above.to_vec();
        deep.append(&mut self.deep);
        for target in self.targets() {
            target.deep.clone_from(&deep);
            if let Some(node) = &mut target.node {
                node.spread(&deep);
            }
        }
        self.deep = deep;
    }

    fn declare(&mut self, path: &[Segment], opened: Option<ColumnId>) {
        let deep = self.deep.clone();
        let (target, rest) = match path.split_first() {
            Some((Segment::Key(key), rest)) => (self.entry(key), rest),
            Some((Segment::Items, rest)) => (&mut **self.items.get_or_insert_default(), rest),
            Some((Segment::Any, _)) | None => return,
        };
        target.deep = deep;
        if rest.is_empty() {
            target.opened.extend(opened);
        } else {
            let deep = &target.deep;
            let node = target.node.get_or_insert_with(|| {
                Box::new(Node {
                    deep: deep.clone(),
                    ..Node::default()
                })
            });
            node.declare(rest, opened);
        }
    }

    fn catch(&mut self, column: ColumnId, deep: bool) {
        for target in self.targets() {
            if let Some(node) = &mut target.node {
                // An object reached only on the way to a path has undeclared members like any other.
                node.catch(column, deep);
            }
        }
        if self.items.is_some() && !self.has_keys() {
            // An array is declared here: an object in its place is caught as a whole.
            return;
        }
        let any = self.any.get_or_insert_default();
        any.deep.clone_from(&self.deep);
        if deep {
            any.deep.push(column);
            if let Some(node) = &mut any.node {
                node.spread(&[column]);
            }
        } else {
            any.columns.push(column);
        }
    }

    /// Whether the node is about an object's keys.
    pub(super) fn has_keys(&self) -> bool {
        !self.entries.is_empty() || self.any.is_some() || self.every
    }

    fn targets(&mut self) -> impl Iterator<Item = &mut Target> {
        let entries = self.entries.iter_mut().map(|entry| &mut entry.target);
        entries
            .chain(self.any.as_deref_mut())
            .chain(self.items.as_deref_mut())
    }

    /// Works out [`Target::below`] everywhere; returns every column of the node. The node's targets lie
    /// `depth` steps into a record. What a wildcard meets on the way is not misplaced: only up to its
    /// first one, as `fixed` says for every column, does a path ask for a shape.
    fn settle(&mut self, depth: usize, fixed: &[usize]) -> Vec<ColumnId> {
        let mut all = self.deep.clone();
        for target in self.targets() {
            target.below = target
                .node
                .as_deref_mut()
                .map_or_else(Vec::new, |node| node.settle(depth + 1, fixed));
            all.extend(
                target
                    .columns
                    .iter()
                    .chain(&target.deep)
                    .chain(&target.below),
            );
            let Target {
                below,
                deep,
                columns,
                ..
            } = target;
            below.retain(|column| {
                let taken = deep.contains(column) || columns.contains(column);
                !taken && fixed[*column] >= depth
            });
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Target {
    fn insert(&mut self, path: &[Segment], column: ColumnId) {
        if path.is_empty() {
            self.columns.push(column);
        } else {
            self.node.get_or_insert_default().insert(path, column);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<Path> {
        texts.iter().map(|t| t.parse().expect(t)).collect()
    }

    fn target<'a>(node: &'a Node, key: &str) -> Option<&'a Target> {
        node.find(key.as_bytes(), 0, key.len(), &mut 0)
    }

    #[test]
    fn keys_wildcards_and_depth_meet_in_one_target() {
        let projection = Projection::new(&paths(&["email", "*", "*.id", "address.id"]));
        let root = projection.root();
        assert_eq!(
            target(root, "email").map(|t| t.columns.clone()),
            Some(vec![0])
        );
        assert_eq!(target(root, "email").map(|t| t.deep.clone()), Some(vec![1]));
        let address = target(root, "address")
            .and_then(|t| t.node.as_deref())
            .expect("node");
        assert_eq!(
            target(address, "id").map(|t| t.columns.clone()),
            Some(vec![2, 3])
        );
        let other = target(root, "other")
            .and_then(|t| t.node.as_deref())
            .expect("node");
        assert_eq!(
            target(other, "id").map(|t| t.columns.clone()),
            Some(vec![2])
        );
    }

    #[test]
    fn undeclared_keys_are_caught_at_every_declared_level() {
        let mut projection = Projection::new(&paths(&["address.city"]));
        let declared = paths(&["id", "address.city", "address.zip"])
            .into_iter()
            .map(|p| (p, true));
        let caught = projection.catch_undeclared(&declared.collect::<Vec<_>>(), true);
        let root = projection.root();
        assert_eq!(target(root, "id").map(|t| t.deep.clone()), Some(vec![]));
        assert_eq!(
            target(root, "new").map(|t| t.deep.clone()),
            Some(vec![caught])
        );
        let address = target(root, "address")
            .and_then(|t| t.node.as_deref())
            .expect("node");
        assert_eq!(target(address, "zip").map(|t| t.deep.clone()), Some(vec![]));
        assert_eq!(
            target(address, "phone").map(|t| t.deep.clone()),
            Some(vec![caught])
        );
    }

    #[test]
    fn a_wildcard_keeps_its_columns_where_the_catalog_declares_keys() {
        let mut projection = Projection::new(&paths(&["address.*"]));
        let declared = paths(&["address.city"])
            .into_iter()
            .map(|path| (path, true));
        let caught = projection.catch_undeclared(&declared.collect::<Vec<_>>(), true);
        let address = target(projection.root(), "address").expect("a target");
        assert_eq!(address.below, [0, caught]);
        let node = address.node.as_deref().expect("a node");
        assert!(node.has_keys());
        assert_eq!(target(node, "city").map(|t| t.deep.clone()), Some(vec![0]));
        assert_eq!(
            target(node, "other").map(|t| t.deep.clone()),
            Some(vec![0, caught])
        );
    }

    #[test]
    fn what_a_wildcard_meets_on_the_way_is_not_misplaced() {
        let projection = Projection::new(&paths(&["*.email", "address.*.email", "items[].email"]));
        let below = |key| target(projection.root(), key).map(|target| target.below.clone());
        assert_eq!(below("id"), Some(vec![]));
        assert_eq!(below("address"), Some(vec![1]));
        assert_eq!(below("items"), Some(vec![2]));
    }
}
