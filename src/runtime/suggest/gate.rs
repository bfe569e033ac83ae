//! Proposals are tried on rows before a person sees them: what fires on good rows, or adds nothing, is dropped.

use super::files::Target;
use super::{Dropped, Proposed};
use crate::error::{Error, Result};
use crate::runtime::trial::{self, Book, Options, TriedRule};
use crate::trial::{Choice, Shortfall};

/// What was proposed for each stream, with the file it goes to.
type Asked = (Option<Target>, Proposed, Option<Error>);

/// Tries all proposals, gives those that are kept their evidence and takes the others out.
///
/// # Errors
/// What reading the rows says; `Config` when a proposal does not fit the columns of the rows.
pub(super) fn sift(asked: &mut [Asked], options: &Options) -> Result<()> {
    let mut books = Vec::new();
    let mut of = Vec::new();
    for (place, (target, proposed, _)) in asked.iter().enumerate() {
        if !proposed.rules.is_empty() {
            books.push(Target::book(target.as_ref(), proposed)?);
            of.push(place);
        }
    }
    let tried = trial::run(&books, options)?;
    for ((book, tried), place) in books.iter().zip(tried).zip(of) {
        let proposed = &mut asked[place].1;
        let found = |id: &str| {
            let mut rules = tried.rules.iter();
            rules.find(|rule| {
                book.file
                    .rules
                    .get(rule.place)
                    .is_some_and(|spec| spec.id == id)
            })
        };
        let mut kept = Vec::new();
        for mut rule in std::mem::take(&mut proposed.rules) {
            let Some(found) = found(&rule.id) else {
                kept.push(rule);
                continue;
            };
            match objection(book, found) {
                Some(why) => proposed.dropped.push(Dropped { id: rule.id, why }),
                None => {
                    if tried.rows > 0 {
                        rule.evidence = Some(found.evidence.node());
                    }
                    kept.push(rule);
                }
            }
        }
        proposed.rules = kept;
    }
    Ok(())
}

/// Why a proposal is dropped. Too few rows are no reason: it stays, and says how few they were.
fn objection(book: &Book, found: &TriedRule) -> Option<String> {
    let fires = found
        .shortfalls
        .iter()
        .find(|shortfall| !matches!(shortfall, Shortfall::Rows { .. }));
    let needless = match found.choice {
        // An error that nobody thought of may still break a rule about two columns.
        Choice::Blind if book.file.rules[found.place].columns.len() > 1 => None,
        Choice::Blind => Some("notices none of the errors that were put in"),
        Choice::Redundant => Some("others notice all that it does"),
        Choice::OverBudget => Some("all together would fire too often"),
        Choice::Approved | Choice::Kept(_) => None,
    };
    let fires = fires.map(ToString::to_string);
    fires.or_else(|| needless.map(str::to_owned))
}
