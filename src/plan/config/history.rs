//! `history:`, where runs leave what they did, for the runs after them.
//!
//! ```yaml
//! history:
//!   to: ./state/history.jsonl      # or a directory, or s3://bucket/history
//!   keep: 90 days                  # or `500 runs`; everything if it is left out
//! ```

use super::read::read_name;
use crate::document::{Fields, Node, Problems};

/// Where the history is, and how much of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryConfig {
    /// A file, a directory, or a URL.
    pub to: String,
    pub keep: Option<Keep>,
}

/// How much of a history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Runs(u32),
    Days(u32),
}

/// The fewest runs that say anything about the next one.
const RUNS_MIN: u32 = 20;

pub(super) fn read(node: &Node, file: &str, problems: &mut Problems) -> Option<HistoryConfig> {
    let mut fields = Fields::of(node, "`history`", file, problems)?;
    let to = fields
        .require("to", problems)
        .and_then(|node| read_name(node, "the place", file, problems));
    let keep = fields
        .take("keep")
        .and_then(|node| read_keep(node, file, problems));
    fields.finish(problems);
    Some(HistoryConfig {
        to: to?.to_owned(),
        keep,
    })
}

fn read_keep(node: &Node, file: &str, problems: &mut Problems) -> Option<Keep> {
    const FORMS: &str = "write `500 runs` or `90 days`";
    let text = node.read_text(file, problems)?;
    let parsed = text.split_once(' ').and_then(|(number, unit)| {
        let number: u32 = number
            .parse()
            .ok()
            .filter(|number| (1..=1_000_000).contains(number))?;
        match unit.trim() {
            "run" | "runs" => Some(Keep::Runs(number)),
            "day" | "days" => Some(Keep::Days(number)),
            _ => None,
        }
    });
    match parsed {
        None => {
            let message = format!("`{text}` does not say how much is kept");
            problems.push_hint(file, node.at, message, FORMS);
            None
        }
        Some(Keep::Runs(runs)) if runs < RUNS_MIN => {
            let message = format!("fewer than {RUNS_MIN} runs say nothing about the next one");
            problems.push_at(file, node.at, message);
            None
        }
        keep => keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    #[test]
    fn what_is_kept_is_read_or_told() {
        for (text, keep, problem) in [
            ("{to: a}", None, None),
            ("{to: a, keep: 500 runs}", Some(Keep::Runs(500)), None),
            ("{to: a, keep: 1 day}", Some(Keep::Days(1)), None),
            ("{to: a, keep: 5 runs}", None, Some("fewer than 20 runs")),
            ("{to: a, keep: 5}", None, Some("expected text")),
            (
                "{to: a, keep: forever}",
                None,
                Some("write `500 runs` or `90 days`"),
            ),
            ("{to: a, keep: 0 days}", None, Some("does not say how much")),
            (
                "{keep: 1 day}",
                Some(Keep::Days(1)),
                Some("needs the key `to`"),
            ),
            ("{to: a, kep: 1 day}", None, Some("did you mean `keep`?")),
        ] {
            let mut problems = Problems::new();
            let node = parse("f", text, &mut problems).expect("well-formed");
            let read = read(&node, "f", &mut problems);
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(
                told.len(),
                usize::from(problem.is_some()),
                "{text}: {told:?}"
            );
            assert!(
                told.iter()
                    .all(|told| problem.is_some_and(|said| told.contains(said))),
                "{told:?}"
            );
            if problem.is_none() {
                assert_eq!(read.expect("a history").keep, keep);
            }
        }
    }
}
