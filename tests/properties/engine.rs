//! Runs the library inside the test, so that thousands of cases fit into seconds.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use midflight::document::Problems;
use midflight::error::{Error, ErrorKind};
use midflight::model::{Embedders, LazyTagger};
use midflight::plan::config::{Config, TaggerChoice};
use midflight::plan::keys::Keys;
use midflight::plan::{Plan, Sources};
use midflight::protocol::catalog::ConfiguredCatalog;
use midflight::runtime::embeddings::Source;
use midflight::runtime::models::Models;
use midflight::runtime::pipe;
use midflight::runtime::run::Options;

use crate::support::KEY;

/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run left.
#[derive(Debug)]
pub struct Run {
    pub output: Vec<u8>,
    pub failed: Option<Error>,
}

/// How the input reaches the engine.
#[derive(Debug, Clone)]
pub struct Way {
    pub workers: usize,
    pub chunk_bytes: Option<usize>,
    /// Sizes of the writes into a pipe, over and over; a file when there are none.
    pub writes: Vec<usize>,
}

impl Way {
    /// All at once, on one thread.
    pub fn plain() -> Self {
        Self {
            workers: 1,
            chunk_bytes: None,
            writes: Vec::new(),
        }
    }
}

/// A plan of this configuration.
pub fn plan(config: &str, catalog: Option<&str>) -> Arc<Plan> {
    let (sources, problems) = sources(config, catalog);
    Arc::new(Plan::compile(sources, problems).expect("a plan"))
}

/// What a plan is made of.
pub fn sources(config: &str, catalog: Option<&str>) -> (Sources, Problems) {
    let mut problems = Problems::new();
    let config = Config::parse("midflight.yaml", config, &mut problems).expect("a configuration");
    let key = |_: &str| Some(KEY.to_owned());
    let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let keys = Keys::resolve(&config.keys, &key, &none, "midflight.yaml", &mut problems);
    let catalog =
        catalog.map(|text| ConfiguredCatalog::parse(text, "catalog.json").expect("a catalog"));
    let config_tagger = config.tagger.clone();
    let sources = Sources {
        config,
        file: "midflight.yaml".to_owned(),
        catalog,
        rules: Default::default(),
        keys,
        catalogue: None,
        observe: false,
        embedders: Embedders::new(Source::new(std::path::Path::new(""))),
        tagger: tagger(&config_tagger),
        tables: false,
        files: Vec::new(),
        fingerprint: String::new(),
        drift: None,
        chosen: None,
        later: false,
        cursors: false,
        alerts: None,
        now: "2024-01-01T00:00:00Z".to_owned(),
    };
    (sources, problems)
}

/// The built-in tagger, unless the configuration says `tagger: none`.
fn tagger(choice: &TaggerChoice) -> Option<Arc<LazyTagger>> {
    let wanted = *choice == TaggerChoice::Builtin;
    wanted.then(|| {
        let models = Models::standard();
        let manifest = models.manifest("pii").expect("a manifest");
        Arc::new(LazyTagger::new(manifest, Arc::new(models)))
    })
}

/// Runs a plan over `input`.
///
/// # Panics
/// When the run hangs, or fails by a defect of its own.
pub fn run(plan: &Arc<Plan>, input: &[u8], way: &Way) -> Run {
    let (plan, input, way) = (Arc::clone(plan), input.to_vec(), way.clone());
    let (sender, ended) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _ = sender.send(run_here(&plan, input, &way));
    });
    let run = match ended.recv_timeout(PATIENCE) {
        Ok(run) => run,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the run hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            panic!("the run panicked: {:?}", thread.join().is_err())
        }
    };
    let defect = run
        .failed
        .as_ref()
        .filter(|error| error.kind() == ErrorKind::Internal);
    assert!(
        defect.is_none(),
        "a worker panicked: {}",
        defect.map_or("", |error| error.message())
    );
    run
}

fn run_here(plan: &Plan, input: Vec<u8>, way: &Way) -> Run {
    let mut output = tempfile::tempfile().expect("a file");
    let to = OwnedFd::from(output.try_clone().expect("a file"));
    let options = Options {
        workers: way.workers,
        chunk_bytes: way.chunk_bytes,
        ..Options::default()
    };
    let failed = if way.writes.is_empty() {
        pipe::run(plan, file_of(&input).into(), to, &options)
    } else {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut rest = &input[..];
                for size in way.writes.iter().cycle() {
                    let (now, later) = rest.split_at((*size).min(rest.len()));
                    // A run that has failed reads no more.
                    if now.is_empty() || writer.write_all(now).is_err() {
                        return;
                    }
                    rest = later;
                }
            });
            pipe::run(plan, reader.into(), to, &options)
        })
    };
    let mut bytes = Vec::new();
    output
        .rewind()
        .and_then(|()| output.read_to_end(&mut bytes))
        .expect("a file");
    Run {
        output: level(bytes),
        failed: failed.err(),
    }
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes)
        .and_then(|()| file.rewind())
        .expect("a file");
    file
}

/// The moment of our own TRACE is the one thing that no two runs share.
fn level(mut bytes: Vec<u8>) -> Vec<u8> {
    const OURS: &[u8] = b"{\"type\":\"TRACE\",\"trace\":{\"type\":\"ERROR\",\"emitted_at\":";
    let last = bytes
        .trim_ascii_end()
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if bytes[last..].starts_with(OURS) {
        let digits = bytes[last + OURS.len()..]
            .iter_mut()
            .take_while(|byte| byte.is_ascii_digit());
        digits.for_each(|digit| *digit = b'0');
    }
    bytes
}

impl Run {
    /// What left between our own first and last line.
    pub fn body(&self) -> &[u8] {
        let after = self
            .output
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let rest = &self.output[after..];
        let last = rest
            .trim_ascii_end()
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        &rest[..last]
    }
}
