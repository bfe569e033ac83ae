//! Catalogues that say what may be shown to a model: a file, OpenMetadata, DataHub.
//!
//! A server that does not answer says `unknown`, which counts as `deny`; an answer kept in the cache stands in for it
//! while it holds.

mod cache;
mod datahub;
mod file;
mod openmetadata;

use std::path::Path;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};

use super::http::{Http, Patience, Refused};
use super::secret;
use crate::error::Result;
use crate::plan::catalogue::{Answers, Catalogue, StreamAnswer, TagPolicy};
use crate::plan::config::{CatalogueFrom, CatalogueSpec, Server};
use crate::protocol::state::Descriptor;
use cache::Cached;
use datahub::DataHub;
use file::Local;
use openmetadata::OpenMetadata;

/// The longest answer of a catalogue.
const ANSWER_BYTES: u64 = 16 << 20;

/// How long a catalogue is waited for. It stands before a run, so not for long.
const PATIENCE: Patience = Patience {
    tries: 3,
    wait: Duration::from_millis(300),
    wait_max: Duration::from_secs(10),
    timeout: Duration::from_secs(20),
};

/// The catalogue that a configuration in `folder` names. Servers are asked once a stream is asked about.
///
/// # Errors
/// `Config` when its file is wrong or a key is missing.
pub fn open(spec: &CatalogueSpec, folder: &Path) -> Result<Answers> {
    let catalogue: Box<dyn Catalogue> = match &spec.from {
        CatalogueFrom::File(path) => Box::new(Local::read(&folder.join(path))?),
        CatalogueFrom::OpenMetadata(server) => {
            cached(spec, folder, OpenMetadata(asked(server, spec, folder)?))
        }
        CatalogueFrom::DataHub(server) => {
            cached(spec, folder, DataHub(asked(server, spec, folder)?))
        }
    };
    Ok(Answers::of(catalogue))
}

/// The answers of a file, as `--catalogue` names one.
///
/// # Errors
/// `Config` when the file is wrong.
pub fn of_file(path: &Path) -> Result<Answers> {
    Ok(Answers::of(Box::new(Local::read(path)?)))
}

fn cached(
    spec: &CatalogueSpec,
    folder: &Path,
    asked: impl Catalogue + 'static,
) -> Box<dyn Catalogue> {
    match &spec.cache {
        None => Box::new(asked),
        Some(cache) => Box::new(Cached::new(
            asked,
            spec,
            &folder.join(&cache.file),
            cache.minutes,
        )),
    }
}

/// A server that is asked for tags.
#[derive(Debug)]
struct Asked {
    http: Http,
    name: String,
    tags: TagPolicy,
}

fn asked(server: &Server, spec: &CatalogueSpec, folder: &Path) -> Result<Asked> {
    let key = server.key.as_ref();
    let key = key.map(|key| secret::read(key, "the catalogue's key", folder));
    Ok(Asked {
        http: Http::new("the catalogue", &server.url, key.transpose()?, PATIENCE)?,
        name: server.name.clone(),
        tags: spec.tags.clone(),
    })
}

impl Asked {
    /// What the server calls a stream; `spelt` writes a part of it.
    fn name(&self, stream: &Descriptor, spelt: &dyn Fn(&str) -> String) -> String {
        let namespace = stream.namespace.as_deref().unwrap_or_default();
        let name = self.name.replace("{namespace}", &spelt(namespace));
        name.replace("{stream}", &spelt(&stream.name))
    }
}

/// Why a server has no answer, as a word.
fn failure(refused: &Refused) -> String {
    match refused.status {
        Some(404) => "not_found".to_owned(),
        _ => refused.code.clone(),
    }
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An answer that nothing is known.
fn unknown(source: &str, failure: &str) -> StreamAnswer {
    StreamAnswer::unknown(source, &now(), failure)
}
