//! Tables of counts with bars: reasons for rejects, rules and what they let pass, seconds by stage.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Known;
use crate::page::draw::length;
use crate::page::read::audit::Audit;
use crate::page::read::report::Stream;
use crate::page::words::{self, count};

/// The most reasons of a whole run.
const REASONS_MAX: usize = 50;

/// Why records were set aside. One record may have several reasons.
#[derive(Debug, Serialize)]
pub struct Reasons {
    pub rejected: String,
    /// Whether the report counts reasons.
    pub known: bool,
    pub rows: Vec<ReasonRow>,
    pub left_out: usize,
}

/// A rule or stage and what was wrong.
#[derive(Debug, Serialize)]
pub struct ReasonRow {
    pub stream: Option<String>,
    pub by: String,
    pub reason: String,
    pub count: String,
    pub bar: f64,
}

type Counted<'a> = (Option<&'a str>, &'a str, &'a str, u64);

impl Reasons {
    pub(super) fn of_run(known: &Known) -> Option<Self> {
        let streams = known.report.streams.iter();
        let rows = streams
            .clone()
            .flat_map(|(name, stream)| counted(Some(name), stream));
        Self::of(known.report.records.rejected, rows.collect(), REASONS_MAX)
    }

    /// The reasons of a stream; `None` where nothing was rejected.
    pub fn of_stream(stream: &Stream, most: usize) -> Option<Self> {
        Self::of(stream.rejected, counted(None, stream).collect(), most)
    }

    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    fn of(rejected: u64, mut rows: Vec<Counted>, most: usize) -> Option<Self> {
        if rejected == 0 {
            return None;
        }
        rows.sort_by(|a, b| b.3.cmp(&a.3).then_with(|| a.cmp(b)));
        let shown = rows
            .iter()
            .take(most)
            .map(|(stream, by, reason, number)| ReasonRow {
                stream: stream.map(words::name),
                by: words::name(by),
                reason: words::spoken(reason),
                count: count(*number),
                bar: length(*number as f64, rejected as f64),
            });
        Some(Self {
            rejected: count(rejected),
            known: !rows.is_empty(),
            rows: shown.collect(),
            left_out: rows.len().saturating_sub(most),
        })
    }
}

fn counted<'a>(name: Option<&'a str>, stream: &'a Stream) -> impl Iterator<Item = Counted<'a>> {
    let reasons = stream.reasons.iter();
    reasons.flat_map(move |(by, codes)| {
        codes
            .iter()
            .map(move |(code, count)| (name, by.as_str(), code.as_str(), *count))
    })
}

/// The rules of a stream.
#[derive(Debug, Serialize)]
pub struct Rules {
    pub rows: Vec<RuleRow>,
    pub left_out: usize,
}

/// A rule and how the records of its stream did.
#[derive(Debug, Serialize)]
pub struct RuleRow {
    pub name: String,
    /// How far it has come, and what it does; empty where the audit log does not tell.
    pub status: String,
    pub action: String,
    pub violations: String,
    pub failed: bool,
    pub passed: String,
    pub bar: f64,
    pub demoted: Option<String>,
}

impl Rules {
    /// The rules that the audit log names and those that were violated, worst first; `None` where there are none.
    pub fn of(name: &str, stream: &Stream, audit: Option<&Audit>, most: usize) -> Option<Self> {
        let mut rules: BTreeMap<&str, (u64, &str, &str)> = BTreeMap::new();
        for rule in audit.into_iter().flat_map(|audit| audit.rules_of(name)) {
            rules.insert(&rule.id, (0, &rule.status, &rule.action));
        }
        for (rule, count) in &stream.violations {
            rules.entry(rule).or_default().0 = *count;
        }
        for rule in stream.demoted.keys() {
            rules.entry(rule).or_default();
        }
        let mut rows: Vec<_> = rules.into_iter().collect();
        rows.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(b.0)));
        let left_out = rows.len().saturating_sub(most);
        let rows = rows.into_iter().take(most);
        let rows: Vec<_> = rows.map(|(id, told)| rule(id, told, stream)).collect();
        (!rows.is_empty()).then_some(Self { rows, left_out })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn rule(id: &str, (violations, status, action): (u64, &str, &str), stream: &Stream) -> RuleRow {
    let passed = stream.read.saturating_sub(violations);
    let demoted = stream.demoted.get(id).map(|demoted| {
        format!(
            "after record {}: {} of {} failed, surely more than {}",
            count(demoted.at_row),
            count(demoted.violations),
            count(demoted.rows),
            words::percent(demoted.bound)
        )
    });
    RuleRow {
        name: words::name(id),
        status: words::spoken_or_nothing(status),
        action: words::spoken_or_nothing(action),
        violations: count(violations),
        failed: violations > 0,
        passed: words::share(passed, stream.read),
        bar: length(passed as f64, stream.read as f64),
        demoted,
    }
}

/// The stages of a stream and the seconds of work they took, over all workers.
#[derive(Debug, Serialize)]
pub struct Stages {
    pub total: String,
    pub rows: Vec<StageRow>,
    pub left_out: usize,
}

/// A stage.
#[derive(Debug, Serialize)]
pub struct StageRow {
    pub name: String,
    pub seconds: String,
    pub share: String,
    pub bar: f64,
}

impl Stages {
    /// The stages in their order; `None` where there are none.
    pub fn of(stream: &Stream, most: usize) -> Option<Self> {
        let whole: f64 = stream.stage_seconds.values().sum();
        let longest = stream.stage_seconds.values().copied().fold(0.0, f64::max);
        let rows = stream
            .stage_seconds
            .iter()
            .take(most)
            .map(|(name, seconds)| StageRow {
                name: words::name(name),
                seconds: words::seconds(*seconds),
                share: if whole > 0.0 {
                    words::percent(seconds / whole)
                } else {
                    "–".to_owned()
                },
                bar: length(*seconds, longest),
            });
        let rows: Vec<_> = rows.collect();
        (!rows.is_empty()).then_some(Self {
            total: words::seconds(whole),
            rows,
            left_out: stream.stage_seconds.len().saturating_sub(most),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_without_violations_are_told_where_the_audit_log_names_them() {
        let stream: Stream = serde_json::from_str(
            r#"{"read":200,"emitted":198,"filtered":0,"rejected":2,"violations":{"b":2},
            "demoted":{"c":{"at_row":50,"violations":9,"rows":50,"bound":0.05}}}"#,
        )
        .expect("a stream");
        let audit = Audit::read(
            r#"{"at":"1","kind":"run_started","payload":{"rules":[{"stream":"users","rules":[{"id":"a","status":"approved","action":"quarantine"}]}]}}"#,
        );
        let rules = Rules::of("crm.users", &stream, Some(&audit), 10).expect("rules");
        let told: Vec<_> = rules
            .rows
            .iter()
            .map(|rule| (rule.name.as_str(), rule.passed.as_str()))
            .collect();
        assert_eq!(told, [("b", "99.0 %"), ("a", "100 %"), ("c", "100 %")]);
        assert_eq!(rules.rows[1].action, "quarantine");
        assert_eq!(
            rules.rows[2].demoted.as_deref(),
            Some("after record 50: 9 of 50 failed, surely more than 5.0 %")
        );
        assert!(Rules::of("users", &Stream::default(), None, 10).is_none());
    }
}
