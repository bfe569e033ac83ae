//! Paths that verbs removed or renamed away.
//!
//! An object without declared keys would go on promising them, and a stage that names one would change
//! nothing at all; so they are remembered.

use super::lineage::moved;
use super::path::Path;
use super::resolve::within;

/// The paths that no longer lead anywhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Gone(Vec<Left>);

#[derive(Debug, Clone, PartialEq)]
struct Left {
    path: Path,
    /// Where its values are now.
    to: Option<Path>,
}

impl Gone {
    /// Whether `path` is gone, and if so, where its values went.
    pub(super) fn left(&self, path: &Path) -> Option<Option<Path>> {
        self.0
            .iter()
            .rev()
            .find(|left| within(left.path.segments(), path.segments()))
            .map(|left| moved(path, &left.path, left.to.as_ref()?))
    }

    /// Something lies at `path` again.
    pub(super) fn back(&mut self, path: &Path) {
        self.0
            .retain(|left| !within(path.segments(), left.path.segments()));
    }

    pub(super) fn renamed(&mut self, from: &Path, to: &Path) {
        self.back(to);
        let mut inside = Vec::new();
        for left in &mut self.0 {
            if let Some(now) = left.to.as_ref().and_then(|at| moved(at, from, to)) {
                left.to = Some(now);
            }
            if let Some(path) = moved(&left.path, from, to) {
                inside.push(Left {
                    path,
                    to: left.to.clone(),
                });
            }
        }
        self.0.append(&mut inside);
        self.0.push(Left {
            path: from.clone(),
            to: Some(to.clone()),
        });
    }

    pub(super) fn removed(&mut self, path: &Path) {
        for left in &mut self.0 {
            if left
                .to
                .as_ref()
                .is_some_and(|at| within(path.segments(), at.segments()))
            {
                left.to = None;
            }
        }
        self.0.push(Left {
            path: path.clone(),
            to: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_followed_until_they_are_gone() {
        let path = |text: &str| text.parse::<Path>().expect(text);
        let mut gone = Gone::default();
        gone.renamed(&path("a.x"), &path("a.y"));
        gone.renamed(&path("a"), &path("b"));
        assert_eq!(gone.left(&path("a.z")), Some(Some(path("b.z"))));
        assert_eq!(gone.left(&path("b.x.deep")), Some(Some(path("b.y.deep"))));
        assert_eq!(gone.left(&path("b.y")), None);
        gone.removed(&path("b.y"));
        assert_eq!(gone.left(&path("b.x")), Some(None));
        gone.back(&path("a"));
        assert_eq!(gone.left(&path("a.z")), None);
        gone.removed(&path("meta.*"));
        assert_eq!(gone.left(&path("meta")), None);
        assert_eq!(gone.left(&path("meta.any.part")), Some(None));
    }
}
