//! What the run was made of: files, models, vectors, changes of schemas, the audit chain.

use serde::Serialize;

use super::Known;
use crate::page::Chain;
use crate::page::words::{self, count};

/// The most rows of each table.
const ROWS_MAX: usize = 200;

/// How the catalog differs from that of the run before.
#[derive(Debug, Serialize)]
pub struct DriftView {
    pub first: bool,
    pub outcome: String,
    pub held: bool,
    pub rows: Vec<ChangeRow>,
    pub left_out: usize,
}

/// One change.
#[derive(Debug, Serialize)]
pub struct ChangeRow {
    pub stream: String,
    pub sentence: String,
    pub class: String,
    /// It may need a person.
    pub grave: bool,
    pub answer: String,
    pub breaks_airbyte: bool,
}

impl DriftView {
    pub(super) fn of(known: &Known) -> Option<Self> {
        let drift = known.report.drift.as_ref()?;
        let rows = drift.changes.iter().take(ROWS_MAX).map(|change| ChangeRow {
            stream: words::name(&change.stream),
            sentence: words::sentence(&change.sentence),
            class: words::spoken_or_nothing(&change.class),
            grave: change.class != "safe",
            answer: change
                .answer
                .as_deref()
                .map(words::spoken_or_nothing)
                .unwrap_or_default(),
            breaks_airbyte: change.breaks_airbyte,
        });
        Some(Self {
            first: drift.first,
            outcome: words::spoken_or_nothing(&drift.outcome),
            held: drift.outcome == "held",
            rows: rows.collect(),
            left_out: drift.changes.len().saturating_sub(ROWS_MAX),
        })
    }
}

/// Where the run came from.
#[derive(Debug, Serialize)]
pub struct Origin {
    pub plan: Option<String>,
    pub files: Vec<Hashed>,
    pub models: Vec<Hashed>,
    pub embedders: Vec<EmbedderRow>,
    pub chain: Option<ChainView>,
    pub lines: String,
    pub foreign_lines: Option<String>,
}

/// A file with its hash.
#[derive(Debug, Serialize)]
pub struct Hashed {
    pub role: String,
    pub name: String,
    pub sha256: String,
}

/// A model that made vectors.
#[derive(Debug, Serialize)]
pub struct EmbedderRow {
    pub name: String,
    pub dimensions: String,
    pub texts: String,
    pub reused: String,
    pub made: String,
}

/// The audit chain.
#[derive(Debug, Serialize)]
pub struct ChainView {
    pub records: String,
    pub head: String,
    /// What became of checking the log that lies beside the report.
    pub verdict: String,
    pub broken: bool,
}

impl Origin {
    pub(super) fn of(known: &Known, chain: Option<&Chain>) -> Self {
        let report = &known.report;
        let audit = known.audit.as_ref();
        let files = audit
            .into_iter()
            .flat_map(|audit| &audit.files)
            .take(ROWS_MAX);
        let models = report.models.iter().flat_map(|model| {
            let name = format!("{} {}", model.name, model.version);
            let files = model.sha256.iter();
            files.map(move |(file, sha256)| hashed(&name, file, sha256))
        });
        let embedders = report.embedders.iter().map(|embedder| EmbedderRow {
            name: words::name(&format!("{} {}", embedder.model, embedder.version)),
            dimensions: count(embedder.dimensions),
            texts: count(embedder.texts),
            reused: count(embedder.remembered.saturating_add(embedder.from_cache)),
            made: count(embedder.made),
        });
        Self {
            plan: audit
                .filter(|audit| !audit.plan.is_empty())
                .map(|audit| words::name(&audit.plan)),
            files: files
                .map(|file| hashed(&file.role, &file.name, &file.sha256))
                .collect(),
            models: models.take(ROWS_MAX).collect(),
            embedders: embedders.take(ROWS_MAX).collect(),
            chain: report
                .audit
                .as_ref()
                .map(|head| chained(head.records, &head.head, chain)),
            lines: count(report.lines),
            foreign_lines: (report.foreign_lines > 0)
                .then(|| words::counted(report.foreign_lines, "line was", "lines were")),
        }
    }
}

fn hashed(role: &str, name: &str, sha256: &str) -> Hashed {
    Hashed {
        role: words::name(role),
        name: words::name(name),
        sha256: words::name(sha256),
    }
}

fn chained(records: u64, head: &str, chain: Option<&Chain>) -> ChainView {
    let (verdict, broken) = match chain {
        None => (
            "audit.jsonl does not lie beside the report, so the chain was not checked".to_owned(),
            false,
        ),
        Some(chain) if chain.faults > 0 => {
            let faults = words::counted(chain.faults as u64, "fault", "faults");
            (
                format!(
                    "audit.jsonl does not hold: {faults}; `midflight audit verify` tells which"
                ),
                true,
            )
        }
        Some(chain) if !chain.has_head => (
            "audit.jsonl holds, but not the record that the report names".to_owned(),
            true,
        ),
        Some(chain) => (
            format!(
                "audit.jsonl holds: {} in an unbroken chain",
                words::counted(chain.records, "record", "records")
            ),
            false,
        ),
    };
    ChainView {
        records: count(records),
        head: words::name(head),
        verdict,
        broken,
    }
}
