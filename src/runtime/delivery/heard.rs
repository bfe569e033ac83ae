//! What a source has said of itself, and which of its streams that makes complete.

use std::collections::{HashMap, HashSet};

use crate::protocol::said::Said;
use crate::protocol::state::Descriptor;

/// What makes a stream complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime) enum Stated {
    /// The source declared it so, or says no statuses at all and is believed by its end.
    OrSilent,
    /// The source declared it so: how it ended is not known.
    Only,
    /// The source ended well, which is known, and did not say otherwise.
    NotDenied,
}

/// What a source has said.
#[derive(Debug)]
pub(in crate::runtime) struct Heard {
    stated: Stated,
    /// The streams of the catalog.
    streams: HashSet<Descriptor>,
    /// Their last words: whether they are complete.
    last: HashMap<Descriptor, bool>,
    /// A stream was said to be incomplete and not to be complete later.
    error: bool,
    /// Any status came.
    any: bool,
}

impl Heard {
    /// Nothing so far, of these streams.
    pub(in crate::runtime) fn new(
        stated: Stated,
        streams: impl Iterator<Item = Descriptor>,
    ) -> Self {
        Self {
            stated,
            streams: streams.collect(),
            last: HashMap::new(),
            error: false,
            any: false,
        }
    }

    pub(super) fn hear(&mut self, said: &Said) {
        match said {
            Said::Error(_) => self.error = true,
            Said::Status { stream, status } => {
                self.any = true;
                let complete = match status.as_str() {
                    "COMPLETE" => true,
                    "INCOMPLETE" => false,
                    _ => return,
                };
                if self.streams.contains(stream) {
                    self.last.insert(stream.clone(), complete);
                }
            }
            Said::Text { .. } | Said::Config | Said::Nothing | Said::Foreign => {}
        }
    }

    /// Whether the source said anything from which a stream's end could be told.
    pub(in crate::runtime) fn is_silent(&self) -> bool {
        !self.any
    }

    pub(super) fn is_complete(&self, stream: &Descriptor) -> bool {
        let last = self.last.get(stream).copied();
        let failed = self.error || self.last.values().any(|complete| !complete);
        match self.stated {
            Stated::NotDenied => last != Some(false),
            Stated::Only => last == Some(true) && !failed,
            Stated::OrSilent => !failed && (last == Some(true) || !self.any),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str) -> Descriptor {
        Descriptor {
            namespace: None,
            name: name.into(),
        }
    }

    fn complete(stated: Stated, said: &[(&str, &str)]) -> Vec<&'static str> {
        let all = ["a", "b"];
        let mut heard = Heard::new(stated, all.iter().map(|name| stream(name)));
        for (name, status) in said {
            heard.hear(&match *name {
                "" => Said::Error((*status).into()),
                name => Said::Status {
                    stream: stream(name),
                    status: (*status).into(),
                },
            });
        }
        let complete = all
            .into_iter()
            .filter(|name| heard.is_complete(&stream(name)));
        complete.collect()
    }

    #[test]
    fn what_is_complete_depends_on_what_is_known() {
        use Stated::{NotDenied, Only, OrSilent};
        let both = ["a", "b"];
        for (said, only, or_silent, not_denied) in [
            (&[][..], &[][..], &both[..], &both[..]),
            (&[("a", "COMPLETE")], &["a"], &["a"], &both),
            (
                &[("a", "COMPLETE"), ("b", "STARTED")],
                &["a"],
                &["a"],
                &both,
            ),
            (&[("a", "STARTED")], &[], &[], &both),
            (&[("a", "COMPLETE"), ("b", "INCOMPLETE")], &[], &[], &["a"]),
            (
                &[("a", "INCOMPLETE"), ("a", "COMPLETE"), ("b", "COMPLETE")],
                &both,
                &both,
                &both,
            ),
            (&[("a", "COMPLETE"), ("", "it broke")], &[], &[], &both),
            (&[("", "it broke")], &[], &[], &both),
            (&[("other", "INCOMPLETE")], &[], &[], &both),
        ] {
            assert_eq!(complete(Only, said), only, "{said:?}");
            assert_eq!(complete(OrSilent, said), or_silent, "{said:?}");
            assert_eq!(complete(NotDenied, said), not_denied, "{said:?}");
        }
    }
}
