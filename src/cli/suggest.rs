//! `midflight suggest`

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{Format, Suggest};
use super::output;
use super::rules::backtest;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::suggest::{
    self, Catalogues, LanguageModel, Options, Proposed, Summary, evaluate, source,
};
use crate::runtime::trial;

pub(super) fn run(arguments: &Suggest) -> Result<()> {
    let options = Options {
        profiles: arguments.profile.clone(),
        rules: arguments.rules.clone(),
        into: arguments.into.clone(),
        catalog: arguments.catalog.clone(),
        dry_run: arguments.dry_run,
        audit: arguments.audit.clone(),
        model: model(arguments),
        trial: trial(arguments)?,
    };
    if let Some(file) = &arguments.llm.evaluate {
        return score(file, &options, arguments.format);
    }
    if arguments.llm.show_payload {
        let payloads = Value::from(suggest::payloads(&options)?);
        return output::result(&serde_json::to_string_pretty(&payloads).unwrap_or_default());
    }
    let summary = suggest::run(&options)?;
    for note in &summary.notes {
        output::note(note);
    }
    output::result(&match arguments.format {
        Format::Text => text(&summary),
        Format::Json => json(&summary),
    })
}

/// How proposals are tried, if rows are given.
fn trial(arguments: &Suggest) -> Result<Option<trial::Options>> {
    let rows = &arguments.rows;
    if rows.data.is_none() && rows.from.is_none() {
        return Ok(None);
    }
    let catalog = arguments.catalog.as_deref();
    backtest::options(rows, &arguments.gate, &arguments.course, catalog).map(Some)
}

fn model(arguments: &Suggest) -> Option<LanguageModel> {
    let llm = &arguments.llm;
    let catalogues = match (&llm.config, llm.catalogue.is_empty(), llm.without_catalogue) {
        (Some(config), ..) => Catalogues::Config(config.clone()),
        (None, false, _) => Catalogues::Files(llm.catalogue.clone()),
        (None, true, true) => Catalogues::Without,
        (None, true, false) => Catalogues::Missing,
    };
    Some(LanguageModel {
        url: llm.llm_url.clone()?,
        model: llm.llm_model.clone()?,
        key_env: llm.llm_key_env.clone(),
        provider: llm.llm_provider.clone(),
        timeout: Duration::from_secs(llm.llm_timeout.max(1)),
        tokens: llm.token_budget,
        prompt: llm.prompt.clone(),
        prompts: llm.prompts.clone(),
        catalogues,
    })
}

fn score(file: &Path, options: &Options, format: Format) -> Result<()> {
    let scored = evaluate::run(file, options)?;
    let score = scored.score();
    output::result(&match format {
        Format::Text => {
            let mut text = String::new();
            for (test, assert, held) in &scored.asserted {
                let word = if *held { "holds" } else { "fails" };
                let _ = writeln!(text, "{word}  {test}: {assert}");
            }
            let _ = write!(text, "{} score {score:.2}", scored.prompt);
            text
        }
        Format::Json => {
            let asserted = scored
                .asserted
                .iter()
                .map(|(test, assert, held)| json!({"test": test, "assert": assert, "holds": held}));
            let value = json!({
                "prompt": scored.prompt,
                "sha256": scored.sha256,
                "score": score,
                "asserted": asserted.collect::<Vec<_>>(),
            });
            serde_json::to_string_pretty(&value).unwrap_or_default()
        }
    })?;
    match score < 1.0 {
        true => Err(Error::new(ErrorKind::Limit, "not every assertion holds")),
        false => Ok(()),
    }
}

fn text(summary: &Summary) -> String {
    let mut text = String::new();
    for proposed in &summary.streams {
        let place = match (&proposed.file, summary.dry_run) {
            (Some(file), false) if !proposed.rules.is_empty() => format!(" -> {}", file.display()),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "{}: {} rules proposed, {} there already{place}",
            proposed.stream,
            proposed.rules.len(),
            proposed.known
        );
        if !proposed.dropped.is_empty() {
            let _ = writeln!(
                text,
                "  dropped by the back-test: {}",
                proposed.dropped.len()
            );
            for one in &proposed.dropped {
                let _ = writeln!(text, "    {}: {}", one.id, one.why);
            }
        }
        for rule in &proposed.rules {
            let demand = rule.to_sql();
            let demand = shortened(demand.unwrap_or_else(|| rule.form.name().to_owned()));
            let _ = writeln!(text, "  {:<10} {}  {demand}", source(rule), rule.id);
        }
    }
    text.pop();
    text
}

/// A line of a list; the whole rule is in its file.
fn shortened(demand: String) -> String {
    const CHARACTERS_MAX: usize = 100;
    match demand.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &demand[..end]),
        None => demand,
    }
}

fn json(summary: &Summary) -> String {
    let stream = |proposed: &Proposed| {
        let rules = proposed.rules.iter().map(|rule| {
            json!({
                "id": rule.id,
                "fingerprint": rule.fingerprint(),
                "source": source(rule),
                "columns": rule.columns.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "sql": rule.to_sql(),
                "severity": rule.severity,
                "on_fail": rule.on_fail,
            })
        });
        json!({
            "stream": proposed.stream,
            "file": proposed.file.as_ref().map(|file| file.display().to_string()),
            "known": proposed.known,
            "dropped": proposed.dropped.iter().map(|one| json!({"id": one.id, "why": one.why})).collect::<Vec<_>>(),
            "rules": rules.collect::<Vec<_>>(),
        })
    };
    let value = json!({
        "dry_run": summary.dry_run,
        "notes": summary.notes,
        "streams": summary.streams.iter().map(stream).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&value).unwrap_or_default()
}
