//! What people decide about rules: an approval, the step to enforcement, retirement. Each is on record in the audit log
//! before it stands in the rule file.

use std::path::Path;

use chrono::{SecondsFormat, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::book::Book;
use super::examine::{Types, problems};
use crate::audit::{Kind, Record};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::rules::{Approval, Evidence, RuleSpec, Status, write};
use crate::runtime::audit::Log;
use crate::trial::{Gate, Measured, wilson_upper};

/// An approval that is asked for.
#[derive(Debug)]
pub struct Approving<'a> {
    /// Who approves.
    pub by: &'a str,
    pub note: Option<&'a str>,
    /// The step from approved to enforced, instead of that from proposed to approved.
    pub enforce: bool,
    /// Evidence is not asked for; the note says why.
    pub without_evidence: bool,
    pub gate: Gate,
    pub types: &'a Types,
}

/// What was decided about one rule.
#[derive(Debug, Clone)]
pub struct Decision {
    pub id: String,
    pub from: Status,
    pub to: Status,
    pub fingerprint: String,
}

/// Approves rules, all of them or none.
///
/// # Errors
/// `Usage` for a rule that there is not, or a name that is none; `Limit` with every reason that speaks against any of
/// them; `Output` when the audit log or the file cannot be written.
pub fn approve(
    book: &Book,
    ids: &[String],
    asked: &Approving<'_>,
    audit: &Path,
) -> Result<Vec<Decision>> {
    let by = name(asked.by)?;
    let note = asked.note.map(str::trim).filter(|note| !note.is_empty());
    if asked.without_evidence && note.is_none() {
        return Err(Error::new(
            ErrorKind::Usage,
            "an approval without evidence needs a `--note` that says why",
        ));
    }
    let to = if asked.enforce {
        Status::Enforced
    } else {
        Status::Approved
    };
    let at = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let (mut refusals, mut decisions, mut changes, mut records) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for id in unique(ids) {
        let rule = book.rule(id)?;
        let reasons = against(book, rule, by, asked);
        refusals.extend(
            reasons
                .into_iter()
                .map(|reason| format!("rule `{id}`: {reason}")),
        );
        let decision = Decision {
            id: id.clone(),
            from: rule.standing().0,
            to,
            fingerprint: rule.fingerprint(),
        };
        let approval = Approval {
            by: by.to_owned(),
            at: at.clone(),
            note: note.map(str::to_owned),
            fingerprint: Some(decision.fingerprint.clone()),
        };
        let change = vec![
            ("status", Some(write::status(to))),
            ("approved", Some(write::approved(&approval))),
        ];
        changes.push((id.as_str(), change));
        let evidence = rule.valid_evidence().map(|evidence| {
            json!({
                "window": evidence.window,
                "rows": evidence.rows,
                "violations": evidence.violations,
                "fpr_upper95": wilson_upper(evidence.violations, evidence.rows),
                "tolerance": asked.gate.tolerance,
            })
        });
        records.push(json!({
            "rule": id,
            "stream": book.file.stream.as_str(),
            "fingerprint": decision.fingerprint,
            "from": decision.from,
            "to": to,
            "by": by,
            "note": note,
            "evidence": evidence,
            "without_evidence": asked.without_evidence,
        }));
        decisions.push(decision);
    }
    if !refusals.is_empty() {
        return Err(Error::new(ErrorKind::Limit, refusals.join("\n"))
            .hint("nothing was written; `midflight rules backtest --write` gathers evidence"));
    }
    enact(book, &changes, Kind::RuleApproved, records, audit)?;
    Ok(decisions)
}

/// Takes rules out of use.
///
/// # Errors
/// As [`approve`].
pub fn retire(
    book: &Book,
    ids: &[String],
    by: &str,
    note: &str,
    audit: &Path,
) -> Result<Vec<Decision>> {
    let (by, note) = (name(by)?, note.trim());
    if note.is_empty() {
        return Err(Error::new(
            ErrorKind::Usage,
            "a retirement needs a `--note` that says why",
        ));
    }
    let (mut decisions, mut changes, mut records) = (Vec::new(), Vec::new(), Vec::new());
    for id in unique(ids) {
        let rule = book.rule(id)?;
        if rule.status == Status::Retired {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("rule `{id}` is retired already"),
            ));
        }
        let decision = Decision {
            id: id.clone(),
            from: rule.standing().0,
            to: Status::Retired,
            fingerprint: rule.fingerprint(),
        };
        changes.push((
            id.as_str(),
            vec![("status", Some(write::status(Status::Retired)))],
        ));
        records.push(json!({
            "rule": id,
            "stream": book.file.stream.as_str(),
            "fingerprint": decision.fingerprint,
            "from": decision.from,
            "to": decision.to,
            "by": by,
            "note": note,
        }));
        decisions.push(decision);
    }
    enact(book, &changes, Kind::RuleRetired, records, audit)?;
    Ok(decisions)
}

/// Puts decisions on record, then into the file: what stands in a file was decided by somebody.
fn enact(
    book: &Book,
    changes: &[(&str, Vec<write::Change<'_>>)],
    kind: Kind,
    records: Vec<serde_json::Value>,
    audit: &Path,
) -> Result<()> {
    let text = write::set_all(&book.name, &book.text, changes)?;
    let log = Log::open(audit)?;
    let hash = |text: &str| hex::encode(Sha256::digest(text));
    for mut record in records {
        record["file"] = json!(book.name);
        record["sha256_before"] = json!(hash(&book.text));
        record["sha256_after"] = json!(hash(&text));
        log.append(&Record::new(kind, record))?;
    }
    book.write(&text)
}

/// Everything that speaks against approving a rule.
fn against(book: &Book, rule: &RuleSpec, by: &str, asked: &Approving<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    let (standing, voided) = rule.standing();
    match (standing, asked.enforce) {
        (Status::Proposed, false) | (Status::Approved, true) => {}
        (Status::Proposed, true) => {
            reasons.push(
                "it is not approved; approve it first, and enforce it in a later step".to_owned(),
            );
            reasons.extend(voided);
        }
        (Status::Approved, false) => {
            reasons.push("it is approved already; `--enforce` is the next step".to_owned());
        }
        (Status::Enforced, _) => reasons.push("it is enforced already".to_owned()),
        (Status::Retired, _) => {
            reasons
                .push("it is retired; set its status to `proposed` to take it up again".to_owned());
        }
    }
    if rule.source_text("kind") == Some("llm") {
        let author = ["model", "by"].into_iter().find(|key| {
            rule.source_text(key)
                .is_some_and(|author| alike(author, by))
        });
        if author.is_some() {
            reasons.push(format!(
                "`{by}` is its author; what an AI proposed is approved by somebody else"
            ));
        }
    }
    reasons.extend(problems(book, rule, asked.types));
    if !asked.without_evidence {
        reasons.extend(lacking(rule, &asked.gate));
    }
    reasons
}

/// What is missing in the evidence for a rule.
fn lacking(rule: &RuleSpec, gate: &Gate) -> Vec<String> {
    let Some(evidence) = rule.valid_evidence() else {
        return vec![match rule.recorded_evidence() {
            Some(_) => "its evidence is about another expression; back-test it again".to_owned(),
            None => "there is no evidence for it".to_owned(),
        }];
    };
    let shortfalls = gate.shortfalls(&measured(&evidence));
    shortfalls.iter().map(ToString::to_string).collect()
}

/// Evidence as it was measured; bounds are worked out anew.
fn measured(evidence: &Evidence) -> Measured {
    Measured {
        rows: evidence.rows,
        violations: evidence.violations,
        upper95: wilson_upper(evidence.violations, evidence.rows),
        folds: evidence.folds.clone(),
    }
}

fn alike(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// A person's name: one line of text.
fn name(by: &str) -> Result<&str> {
    const NAME_BYTES_MAX: usize = 200;
    let by = by.trim();
    if by.is_empty() || by.len() > NAME_BYTES_MAX || by.chars().any(char::is_control) {
        let message = format!("`--by` is a name of 1 to {NAME_BYTES_MAX} bytes on one line");
        return Err(Error::new(ErrorKind::Usage, message));
    }
    Ok(by)
}

/// The ids in their order, each once.
fn unique(ids: &[String]) -> Vec<&String> {
    let mut found: Vec<&String> = Vec::new();
    for id in ids {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}
