//! What a batch reads: the objects, their streams, and the columns that they have.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::loops;
use crate::decode::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{self, Form, Worker};
use crate::plan::Plan;
use crate::protocol::catalog::ConfiguredCatalog;
use crate::protocol::scan::PADDING;
use crate::protocol::state::Descriptor;
use crate::runtime::bucket::Bucket;
use crate::runtime::load::{Files, load};
use crate::runtime::staged::{self, Columns, Object, Part, Pattern};
use crate::schema::json_schema;

/// Bytes of lines from which columns are told where nothing declares them.
const SAMPLE_BYTES: usize = 1 << 20;

/// Records of a stream from which it is learned what columns hold.
const LEARNED: usize = 256;

/// Objects of a stream that are opened to learn from them: small files hold few records each.
const LEARNED_OBJECTS: usize = 64;

/// The objects of a batch.
#[derive(Debug)]
pub struct Source {
    pub bucket: Bucket,
    /// In the order of their keys.
    pub objects: Vec<(Object, Descriptor)>,
    /// The columns that the catalog declares, by stream.
    columns: BTreeMap<Descriptor, Columns>,
}

impl Source {
    /// Lists what a pattern finds, for a stage elsewhere.
    ///
    /// # Errors
    /// `Usage` when it finds nothing at all, or the stage lies there; what the store says.
    pub fn list(pattern: Pattern, since: Option<DateTime<Utc>>, to: &Bucket) -> Result<Self> {
        let bucket = Bucket::open(pattern.place(), &BTreeMap::new())?;
        refuse_within(&bucket, to)?;
        let objects = staged::list(&bucket, &pattern, since)?;
        if objects.is_empty() && since.is_none() {
            let message = format!("there are no staged files at {}", bucket.url());
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("give a prefix, or a glob as `s3://bucket/stage/**/*.jsonl.gz`"));
        }
        Ok(Self {
            bucket,
            objects,
            columns: BTreeMap::new(),
        })
    }

    /// One object alone.
    pub fn of(bucket: Bucket, object: Object, stream: Descriptor) -> Self {
        Self {
            bucket,
            objects: vec![(object, stream)],
            columns: BTreeMap::new(),
        }
    }

    /// Another object of a stream whose columns are known.
    #[must_use]
    pub fn with(&self, bucket: Bucket, object: Object, stream: Descriptor) -> Self {
        Self {
            columns: self.columns.clone(),
            ..Self::of(bucket, object, stream)
        }
    }

    /// The streams, each with its objects.
    fn streams(&self) -> BTreeMap<&Descriptor, Vec<&Object>> {
        let mut streams: BTreeMap<&Descriptor, Vec<&Object>> = BTreeMap::new();
        for (object, stream) in &self.objects {
            streams.entry(stream).or_default().push(object);
        }
        streams
    }

    /// Loads the plan. Streams that no catalog declares get the columns of their first object.
    ///
    /// # Errors
    /// What loading says; `Catalog` when a given catalog lacks a stream.
    pub fn load(&mut self, files: &Files) -> Result<Plan> {
        let mut files = files.clone();
        files.tables = true;
        if files.catalog.is_none() && files.streams.is_none() {
            files.streams = Some(self.told()?);
            files.inferred = true;
        }
        let plan = load(&files)?;
        let catalog = plan.sources().catalog.as_ref();
        for stream in self.streams().into_keys() {
            let found =
                catalog.and_then(|catalog| catalog.find(stream.namespace.as_deref(), &stream.name));
            if found.is_none() {
                let message =
                    format!("stream `{stream}`, of which there are files, is not in the catalog");
                return Err(Error::new(ErrorKind::Catalog, message)
                    .hint("`--stream` or `--path-pattern` says whose records files hold"));
            }
        }
        self.columns = self.declared(&plan)?;
        Ok(plan)
    }

    fn declared(&self, plan: &Plan) -> Result<BTreeMap<Descriptor, Columns>> {
        let mut declared = BTreeMap::new();
        for stream in plan
            .sources()
            .catalog
            .iter()
            .flat_map(|catalog| catalog.streams())
        {
            let descriptor = Descriptor {
                namespace: stream.namespace.clone(),
                name: stream.name.clone(),
            };
            let schema = crate::schema::StreamSchema::from_json_schema(&stream.json_schema)?;
            let columns = schema
                .columns()
                .map(|(name, ty)| (name.to_owned(), ty.clone()));
            declared.insert(descriptor, columns.collect());
        }
        Ok(declared)
    }

    /// The columns that are declared of a stream.
    pub fn columns(&self, stream: &Descriptor) -> Option<&[(String, crate::schema::LogicalType)]> {
        self.columns.get(stream).map(Vec::as_slice)
    }

    /// Whether anything says what columns a stream has.
    pub fn has_columns(&self, stream: &Descriptor) -> bool {
        self.columns(stream)
            .is_some_and(|columns| !columns.is_empty())
    }

    /// A catalog of what the files themselves say.
    fn told(&self) -> Result<ConfiguredCatalog> {
        let mut entries = Vec::new();
        for (stream, objects) in self.streams() {
            let mut columns = Columns::new();
            for object in objects {
                columns = self.columns_of(object, stream)?;
                if !columns.is_empty() {
                    break;
                }
            }
            let properties: serde_json::Map<String, Value> = columns
                .iter()
                .map(|(name, ty)| (name.clone(), json_schema::to_schema(ty)))
                .collect();
            entries.push(json!({
                "stream": {
                    "name": stream.name,
                    "namespace": stream.namespace,
                    "json_schema": {"type": "object", "properties": properties},
                    "supported_sync_modes": ["full_refresh"],
                },
                "sync_mode": "full_refresh",
                "destination_sync_mode": "append",
            }));
        }
        ConfiguredCatalog::parse(
            &json!({ "streams": entries }).to_string(),
            "the staged files",
        )
    }

    fn columns_of(&self, object: &Object, stream: &Descriptor) -> Result<Columns> {
        let mut reader = staged::open(&self.bucket, object, &Part::Whole, stream, None)?;
        if let Some(columns) = reader.columns() {
            return Ok(columns);
        }
        let mut lines = Vec::new();
        reader.read(&mut lines, SAMPLE_BYTES)?;
        staged::infer_columns(&lines)
    }

    /// Learns what columns hold from the first records of every stream that is searched for personal data, in the
    /// order of the objects' keys, so that what is decided does not depend on which worker reads what. Nothing is
    /// learned afterwards.
    ///
    /// # Errors
    /// What reading says.
    pub fn learn(&self, plan: &Plan) -> Result<()> {
        let (mut worker, mut number) = (Worker::new(Form::Rows), 0);
        for (stream, objects) in self.streams() {
            let id = (0..plan.streams()).find(|&id| plan.stream(id).descriptor == *stream);
            if id.is_none_or(|id| plan.stream(id).learners().is_empty()) {
                continue;
            }
            let mut rows = 0;
            for object in objects.into_iter().take(LEARNED_OBJECTS) {
                let columns = self.columns(stream);
                let mut reader = staged::open(&self.bucket, object, &Part::Whole, stream, columns)?;
                let mut lines = Vec::new();
                while rows < LEARNED && reader.read(&mut lines, 64 << 10)? {
                    rows += reader.offsets().len();
                    let chunk = chunk(std::mem::take(&mut lines), number, 0);
                    number += 1;
                    let done = pipeline::process(plan, &mut worker, chunk);
                    worker.reclaim(done);
                }
                if rows >= LEARNED {
                    break;
                }
            }
        }
        plan.settle();
        Ok(())
    }
}

/// A stage must not lie where it would be read, nor what is read where a stage may write.
fn refuse_within(from: &Bucket, to: &Bucket) -> Result<()> {
    let (from, to) = (from.url(), to.url());
    let inside = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match (inside(&to, &from), inside(&from, &to)) {
        (true, _) => Err(loops(&to, &from)),
        (_, true) => Err(loops(&from, &to)),
        _ => Ok(()),
    }
}

/// Lines as a chunk of a run.
pub(super) fn chunk(mut lines: Vec<u8>, number: u64, offset: u64) -> Chunk {
    let len = lines.len();
    lines.resize(len + PADDING, b'\n');
    Chunk {
        bytes: arrow::buffer::Buffer::from_vec(lines),
        len,
        number,
        offset,
    }
}
