//! Reads the files a plan is made of: configuration, catalog, rule files, keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::catalogue;
use super::embeddings::Source;
use super::models::Models;
use crate::detect::knows_label;
use crate::document::Problems;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Embedders, LazyTagger};
use crate::plan::chosen::Chosen;
use crate::plan::config::{Config, TaggerChoice};
use crate::plan::keys::Keys;
use crate::plan::rules::RuleFile;
use crate::plan::{FileRole, Plan, SourceFile, Sources};
use crate::protocol::catalog::ConfiguredCatalog;

/// The files of a plan.
#[derive(Debug, Default, Clone)]
pub struct Files {
    pub config: Option<PathBuf>,
    pub catalog: Option<PathBuf>,
    pub observe: bool,
    /// Records become rows of tables.
    pub tables: bool,
    /// No model is used, whatever the configuration says: personal data is found by recognisers alone.
    pub no_tagger: bool,
    /// The configuration itself, where it is no file: its name in messages, and its text.
    pub text: Option<(String, String)>,
    /// The catalog itself, where it is no file.
    pub streams: Option<ConfiguredCatalog>,
    /// The catalog was told from files, and not declared by anybody.
    pub inferred: bool,
    /// The catalog comes later, with the streams.
    pub later: bool,
    /// The run leaves a history, which tells of cursors too.
    pub history: bool,
    /// Variables that come before those of the environment.
    pub variables: BTreeMap<String, String>,
}

/// Reads the files and compiles the plan. Relative paths in the configuration start at its folder.
///
/// # Errors
/// `Config` with every problem that could be found; `Input` or `Catalog` for files that cannot be read.
pub fn load(files: &Files) -> Result<Plan> {
    let mut problems = Problems::new();
    let mut hashed = Vec::new();
    let catalog = match &files.catalog {
        Some(path) => {
            let (name, text) = (path.display().to_string(), read_text(path)?);
            let catalog = ConfiguredCatalog::parse(&text, &name)?;
            hashed.push(hashed_file(FileRole::Catalog, &name, &text));
            Some(catalog)
        }
        None => files.streams.clone(),
    };
    let given = match (&files.text, &files.config) {
        (Some(text), _) => Some(text.clone()),
        (None, Some(path)) => Some((path.display().to_string(), read_text(path)?)),
        (None, None) => None,
    };
    let mut told = Sha256::new_with_prefix(b"midflight plan 1");
    let (mut config, file) = match given {
        Some((file, text)) => {
            told.update(&text);
            hashed.push(hashed_file(FileRole::Config, &file, &text));
            let config = Config::parse(&file, &text, &mut problems);
            (config.unwrap_or_else(Config::default_plan), file)
        }
        None => (
            Config::default_plan(),
            "default (redact personal data everywhere)".to_owned(),
        ),
    };
    let folder = files
        .config
        .as_deref()
        .and_then(Path::parent)
        .unwrap_or(Path::new(""));
    if let Some(reject) = &mut config.reject {
        reject.to = folder.join(&reject.to);
    }
    if let Some(history) = config
        .history
        .as_mut()
        .filter(|history| !history.to.contains("://"))
    {
        history.to = folder.join(&history.to).to_string_lossy().into_owned();
    }
    let (rules, rule_hashes) = rule_files(&config, folder, &file, &mut told, &mut problems);
    hashed.extend(rule_hashes);
    let keys = Keys::resolve(
        &config.keys,
        &|name| {
            let given = files.variables.get(name).cloned();
            given.or_else(|| std::env::var(name).ok())
        },
        &|path| std::fs::read_to_string(folder.join(path)),
        &file,
        &mut problems,
    );
    let catalogue = config.catalogue.as_ref();
    let catalogue = catalogue.map(|spec| catalogue::open(spec, folder));
    let catalogue = catalogue.transpose()?.map(Arc::new);
    let tagger = match files.no_tagger {
        true => None,
        false => tagger(&config.tagger, folder)?,
    };
    told.update(keys.fingerprint());
    // What files themselves say about their columns changes with every further file.
    if let Some(catalog) = catalog.as_ref().filter(|_| files.catalog.is_some()) {
        told.update(catalog.to_json().to_string());
    }
    if files.observe {
        told.update("observe");
    }
    let declared = catalog.as_ref().filter(|_| !files.inferred);
    let drift = super::drift::compare(&config, folder, declared)?;
    if let Some(drift) = drift.as_ref().filter(|drift| !drift.edits.is_empty()) {
        told.update(format!("{:?}", drift.edits));
    }
    let sources = Sources {
        cursors: files.history || config.history.is_some(),
        alerts: super::health::alerts(&config, folder, &files.variables),
        config,
        tagger,
        file,
        catalog,
        rules,
        keys,
        embedders: Embedders::new(Source::new(folder)),
        catalogue,
        observe: files.observe,
        drift,
        tables: files.tables,
        chosen: None,
        later: files.later,
        files: hashed,
        fingerprint: hex::encode(&told.finalize()[..16]),
        now: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    };
    Plan::compile(sources, problems)
}

/// Compiles a plan of files once more, with the catalog that its sources lacked and what was chosen of it.
///
/// # Errors
/// As for [`load`].
pub(super) fn with_catalog(
    mut sources: Sources,
    files: &Files,
    catalog: ConfiguredCatalog,
    chosen: Option<Chosen>,
) -> Result<Plan> {
    let folder = files.config.as_deref().and_then(Path::parent);
    let folder = folder.unwrap_or(Path::new(""));
    sources.drift = super::drift::compare(&sources.config, folder, Some(&catalog))?;
    if let Some(drift) = sources
        .drift
        .as_ref()
        .filter(|drift| !drift.edits.is_empty())
    {
        let told = format!("{} {:?}", sources.fingerprint, drift.edits);
        sources.fingerprint = hex::encode(&Sha256::digest(told)[..16]);
    }
    (sources.catalog, sources.chosen, sources.later) = (Some(catalog), chosen, false);
    Plan::compile(sources, Problems::new())
}

/// The tagger that the configuration chooses; it is opened later.
fn tagger(choice: &TaggerChoice, folder: &Path) -> Result<Option<Arc<LazyTagger>>> {
    let models = match choice {
        TaggerChoice::None => return Ok(None),
        TaggerChoice::Builtin => Models::standard(),
        TaggerChoice::Folder(named) => Models::of_folder(&folder.join(named)),
    };
    let manifest = models.manifest("pii")?;
    if let Some(label) = manifest
        .label_names()
        .iter()
        .find(|label| !knows_label(label))
    {
        let message = format!(
            "model `{}` has a label `{label}` that is not known",
            manifest.name
        );
        return Err(Error::new(ErrorKind::Model, message)
            .hint("models/pii/README.md lists the labels of a tagger"));
    }
    Ok(Some(Arc::new(LazyTagger::new(manifest, Arc::new(models)))))
}

fn rule_files(
    config: &Config,
    folder: &Path,
    file: &str,
    told: &mut Sha256,
    problems: &mut Problems,
) -> (BTreeMap<PathBuf, RuleFile>, Vec<SourceFile>) {
    let (mut rules, mut hashed) = (BTreeMap::new(), Vec::new());
    for named in config
        .streams
        .iter()
        .filter_map(|stream| stream.rules.as_ref())
    {
        if rules.contains_key(&named.value) {
            continue;
        }
        let path = folder.join(&named.value);
        match read_text(&path) {
            Ok(text) => {
                told.update([0]);
                told.update(&text);
                let name = path.display().to_string();
                hashed.push(hashed_file(FileRole::Rules, &name, &text));
                if let Some(parsed) = RuleFile::parse(&name, &text, problems) {
                    rules.insert(named.value.clone(), parsed);
                }
            }
            Err(error) => problems.push_at(file, named.at, error.to_string()),
        }
    }
    (rules, hashed)
}

fn hashed_file(role: FileRole, name: &str, text: &str) -> SourceFile {
    SourceFile {
        role,
        name: name.to_owned(),
        sha256: hex::encode(Sha256::digest(text)),
    }
}

/// The text of a file that a plan is made of.
///
/// # Errors
/// `Config` when it cannot be read.
pub(super) fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Error::new(
            ErrorKind::Config,
            format!("{} cannot be read", path.display()),
        )
        .because(error)
    })
}
