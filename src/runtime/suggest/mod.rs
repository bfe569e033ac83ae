//! Rules proposed for the streams of profiles, and put into rule files: every suggester is asked, what is there already
//! is left out, and what a suggester could not do is told and recorded.

pub mod evaluate;
mod files;
mod gate;
mod model;

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use super::audit::Log;
use super::trial;
use crate::audit::{Kind, Record};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::rules::RuleSpec;
use crate::profile::form::{Profile, StreamProfile};
use crate::profile::merge;
use crate::protocol::catalog::ConfiguredCatalog;
use crate::schema::StreamSchema;
use crate::suggest::embedded::ROWS_MIN;
use crate::suggest::llm::profile_sha256;
use crate::suggest::{Embedded, Suggest};
use files::Place;

pub use model::{Catalogues, LanguageModel, Opened};

/// The longest profile.
const PROFILE_BYTES_MAX: u64 = 1 << 30;
/// The name of the log beside rule files.
const LOG: &str = "audit.jsonl";

/// What is asked for.
#[derive(Debug, Default)]
pub struct Options {
    pub profiles: Vec<PathBuf>,
    pub rules: Option<PathBuf>,
    pub into: Option<PathBuf>,
    pub catalog: Option<PathBuf>,
    pub dry_run: bool,
    pub audit: Option<PathBuf>,
    pub model: Option<LanguageModel>,
    /// Rows that proposals are tried on before they are written.
    pub trial: Option<trial::Options>,
}

/// What was proposed.
#[derive(Debug, Default)]
pub struct Summary {
    pub streams: Vec<Proposed>,
    /// What a person should know: a suggester that could do nothing.
    pub notes: Vec<String>,
    pub dry_run: bool,
}

/// What was proposed for one stream.
#[derive(Debug)]
pub struct Proposed {
    pub stream: String,
    /// Where the rules went; `None` when there was no place for them.
    pub file: Option<PathBuf>,
    pub rules: Vec<RuleSpec>,
    /// Proposals that were there already, retired ones among them.
    pub known: usize,
    /// Proposals that did not hold on the rows they were tried on, or that others make needless.
    pub dropped: Vec<Dropped>,
}

/// A proposal that was not kept.
#[derive(Debug)]
pub struct Dropped {
    pub id: String,
    pub why: String,
}

/// Proposes rules.
///
/// # Errors
/// When a file cannot be read or written, or what was done cannot be recorded. A language model that fails is a note.
pub fn run(options: &Options) -> Result<Summary> {
    let mut streams = profiles(&options.profiles)?;
    if let Some(catalog) = &options.catalog {
        declare(&mut streams, catalog)?;
    }
    let place = Place::of(options.rules.as_deref(), options.into.as_deref());
    let log = log(options, &place)?;
    let keep = |record: Record| match &log {
        Some(log) => log.append(&record).map(drop),
        None => Ok(()),
    };
    let opened = options.model.as_ref().map(LanguageModel::open);
    let opened = opened.transpose()?;
    let mut summary = Summary {
        dry_run: options.dry_run,
        ..Summary::default()
    };
    let mut asked = Vec::new();
    for stream in &streams {
        let there = place.file(stream)?;
        let mut proposals = Proposals::of(there.as_ref().map(|file| file.rules()));
        proposals.add(embedded(stream).suggest(stream)?);
        if stream.records < ROWS_MIN {
            summary.notes.push(format!(
                "stream `{}` has {} records, too few for statistics to propose rules from; {ROWS_MIN} are needed",
                name(stream),
                stream.records
            ));
        }
        let mut failure = None;
        if let Some(opened) = &opened {
            let (known, now) = (proposals.fingerprints(), moment());
            let model = opened.suggester(&keep, &known, &now);
            match model.suggest(stream) {
                Ok(rules) => proposals.add(rules),
                // What cannot be recorded is not a failure of the model.
                Err(error) if error.kind() == ErrorKind::Output => return Err(error),
                Err(error) => {
                    summary.notes.push(note(&error));
                    failure = Some(error);
                }
            }
        }
        let proposed = Proposed {
            stream: name(stream),
            file: there.as_ref().map(|file| file.path().to_owned()),
            known: proposals.known,
            rules: proposals.taken,
            dropped: Vec::new(),
        };
        asked.push((there, proposed, failure));
    }
    if let Some(trial) = &options.trial {
        gate::sift(&mut asked, trial)?;
    }
    for (stream, (_, proposed, failure)) in streams.iter().zip(asked) {
        // Another stream's rules may have gone into the same file.
        if !options.dry_run
            && !proposed.rules.is_empty()
            && let Some(mut file) = place.file(stream)?
        {
            file.add(&proposed.rules)?;
        }
        keep(record(&proposed, options.dry_run, failure.as_ref()))?;
        summary.streams.push(proposed);
    }
    Ok(summary)
}

/// What would be sent about the streams, sending nothing: one conversation per stream.
///
/// # Errors
/// When a file cannot be read, or a stream may not be described.
pub fn payloads(options: &Options) -> Result<Vec<Value>> {
    let mut streams = profiles(&options.profiles)?;
    if let Some(catalog) = &options.catalog {
        declare(&mut streams, catalog)?;
    }
    let opened = opened(options)?;
    streams
        .iter()
        .map(|stream| opened.payload(stream))
        .collect()
}

/// The language model, which must be named.
fn opened(options: &Options) -> Result<Opened> {
    let model = options.model.as_ref().ok_or_else(|| {
        let message = "there is no language model to be asked";
        Error::new(ErrorKind::Usage, message).hint("give --llm-url and --llm-model")
    })?;
    model.open()
}

/// The suggester that needs no network.
#[expect(clippy::cast_precision_loss, reason = "seconds of our time")]
fn embedded(stream: &StreamProfile) -> Embedded {
    Embedded::new(profile_sha256(stream), Utc::now().timestamp() as f64)
}

/// The log: as it is named, else beside the rules. A language model is not asked without one.
fn log(options: &Options, place: &Place) -> Result<Option<Log>> {
    let path = match &options.audit {
        Some(path) => Some(path.clone()),
        None => place.folder().map(|folder| folder.join(LOG)),
    };
    match path {
        Some(path) if !options.dry_run || options.model.is_some() => Log::open(&path).map(Some),
        Some(_) => Ok(None),
        None if options.model.is_some() => {
            let message = "there is no place for the record of what is sent to the language model";
            Err(Error::new(ErrorKind::Usage, message).hint("give --audit FILE, or --rules DIR"))
        }
        None => Ok(None),
    }
}

/// The streams of all profiles, by their names.
fn profiles(paths: &[PathBuf]) -> Result<Vec<StreamProfile>> {
    let mut streams: Vec<StreamProfile> = Vec::new();
    for path in paths {
        for stream in profile(path)?.streams {
            if streams.iter().any(|other| name(other) == name(&stream)) {
                let message = format!("stream `{}` is in two profiles", name(&stream));
                return Err(Error::new(ErrorKind::Usage, message)
                    .hint("`midflight profile --merge` makes one of several"));
            }
            streams.push(stream);
        }
    }
    Ok(streams)
}

/// A profile from its file.
pub(super) fn profile(path: &Path) -> Result<Profile> {
    let failed = |what: &str| Error::new(ErrorKind::Config, format!("{} {what}", path.display()));
    let mut text = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(PROFILE_BYTES_MAX).read_to_end(&mut text));
    read.map_err(|error| failed("cannot be read").because(error))?;
    let text = std::str::from_utf8(&text).map_err(|_| failed("is no profile"))?;
    merge::parse(text, &path.display().to_string())
}

/// Puts the types that a catalog declares into profiles that lack them.
fn declare(streams: &mut [StreamProfile], path: &Path) -> Result<()> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Catalog, format!("{file} cannot be read")).because(error)
    })?;
    let catalog = ConfiguredCatalog::parse(&text, &file)?;
    for stream in streams {
        let Some(known) = catalog.find(stream.namespace.as_deref(), &stream.name) else {
            continue;
        };
        let schema = StreamSchema::from_json_schema(&known.json_schema)?;
        for column in &mut stream.columns {
            let declared = column.path.parse().ok();
            let declared = declared.and_then(|path| schema.resolve(&path).ok());
            if let (None, Some(ty)) = (&column.declared, declared) {
                column.declared = Some(ty.name());
            }
        }
    }
    Ok(())
}

/// Proposals for one stream, each once.
struct Proposals {
    fingerprints: HashSet<String>,
    ids: HashSet<String>,
    taken: Vec<RuleSpec>,
    known: usize,
}

impl Proposals {
    /// Beside the rules that there are, whatever their status.
    fn of(rules: Option<&[RuleSpec]>) -> Self {
        let rules = rules.unwrap_or_default();
        Self {
            fingerprints: rules.iter().map(RuleSpec::fingerprint).collect(),
            ids: rules.iter().map(|rule| rule.id.clone()).collect(),
            taken: Vec::new(),
            known: 0,
        }
    }

    fn fingerprints(&self) -> Vec<String> {
        self.fingerprints.iter().cloned().collect()
    }

    fn add(&mut self, rules: Vec<RuleSpec>) {
        for mut rule in rules {
            if !self.fingerprints.insert(rule.fingerprint()) {
                self.known += 1;
                continue;
            }
            let (id, mut number) = (rule.id.clone(), 2);
            while !self.ids.insert(rule.id.clone()) {
                rule.id = format!("{id}_{number}");
                number += 1;
            }
            self.taken.push(rule);
        }
    }
}

fn record(proposed: &Proposed, dry_run: bool, failure: Option<&Error>) -> Record {
    let rules = proposed.rules.iter();
    let rules: Vec<Value> = rules
        .map(|rule| json!({"id": rule.id, "fingerprint": rule.fingerprint(), "source": source(rule)}))
        .collect();
    let payload = json!({
        "stream": proposed.stream,
        "file": proposed.file.as_ref().map(|file| file.display().to_string()),
        "dry_run": dry_run,
        "rules": rules,
        "known": proposed.known,
        "dropped": proposed.dropped.iter().map(|one| json!({"id": one.id, "why": one.why})).collect::<Vec<_>>(),
        "language_model_failed": failure.map(|error| format!("{:?}", error.kind())),
    });
    Record::new(Kind::RulesProposed, payload)
}

/// The `kind` of a rule's source.
pub fn source(rule: &RuleSpec) -> String {
    use crate::document::Value as V;
    let kind = rule.source.as_ref().and_then(|node| match &node.value {
        V::Map(entries) => entries.iter().find(|(key, _)| key.name == "kind"),
        _ => None,
    });
    match kind.map(|(_, node)| &node.value) {
        Some(V::Text(kind)) => kind.clone(),
        _ => "unknown".to_owned(),
    }
}

fn note(error: &Error) -> String {
    let advice = error.advice().map(|advice| format!("; {advice}"));
    format!(
        "{error}{}; what was proposed comes from the other suggesters",
        advice.unwrap_or_default()
    )
}

/// `namespace.name`, or the name alone.
fn name(stream: &StreamProfile) -> String {
    match &stream.namespace {
        Some(namespace) => format!("{namespace}.{}", stream.name),
        None => stream.name.clone(),
    }
}

fn moment() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}
