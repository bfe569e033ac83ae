//! Looks at a stage from outside: its log, its parts and the rows in them.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::Int64Array;
use midflight::runtime::bucket::Bucket;
use midflight::runtime::stage::entry::Name;
use midflight::runtime::stage::{FOLDER, Stage};
use midflight::sink::spec::PartSpec;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::platform::STREAMS;

/// A part, as the log names it.
#[derive(Debug, Clone)]
pub struct Part {
    pub stream: usize,
    pub path: String,
}

/// One entry of the log.
#[derive(Debug, Clone)]
pub struct Entry {
    pub number: usize,
    pub parts: Vec<Part>,
}

/// What was read of a stage; log and parts never change.
pub struct Look {
    pub bucket: Bucket,
    pub log: Vec<Entry>,
    ids: BTreeMap<String, Vec<i64>>,
}

impl Look {
    pub fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            log: Vec::new(),
            ids: BTreeMap::new(),
        }
    }

    /// Reads what has been appended to the log.
    ///
    /// # Panics
    /// When an entry or a part of it cannot be read, or holds a row twice.
    pub fn refresh(&mut self) {
        loop {
            let number = self.log.len();
            let key = format!("{FOLDER}/log/{number:020}.json");
            let path = self.bucket.path(&key).expect("a key");
            let Some(bytes) = self.bucket.get(&path).expect("an answer") else {
                return;
            };
            let entry: Value = serde_json::from_slice(&bytes).expect("an entry");
            let parts = entry["parts"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let parts: Vec<Part> = parts.iter().map(|part| self.part(part)).collect();
            let mut seen = BTreeSet::new();
            for part in &parts {
                for id in &self.ids[&part.path] {
                    assert!(
                        seen.insert((part.stream, *id)),
                        "row {id} is twice in entry {number}"
                    );
                }
            }
            self.log.push(Entry { number, parts });
        }
    }

    fn part(&mut self, part: &Value) -> Part {
        let name = part["stream"]["name"].as_str().expect("a name");
        let path = part["path"].as_str().expect("a path").to_owned();
        let object = self.bucket.path(&path).expect("a key");
        let bytes = self.bucket.get(&object).expect("an answer");
        let bytes = bytes.unwrap_or_else(|| panic!("{path} is committed and not there"));
        assert_eq!(Some(bytes.len() as u64), part["bytes"].as_u64(), "{path}");
        let ids = ids(bytes);
        assert_eq!(Some(ids.len() as u64), part["rows"].as_u64(), "{path}");
        self.ids.insert(path.clone(), ids);
        Part {
            stream: STREAMS
                .iter()
                .position(|known| *known == name)
                .expect("a stream"),
            path,
        }
    }

    /// The rows of a part.
    pub fn rows(&self, path: &str) -> &[i64] {
        &self.ids[path]
    }

    /// The parts that readers see, and those that wait, by the view of a run that opens the stage now.
    pub fn standing(&self) -> [BTreeSet<String>; 2] {
        let stage = Stage::open(self.bucket.clone(), PartSpec::default(), "look").expect("a stage");
        let names = STREAMS.map(|name| Name {
            namespace: None,
            name: name.to_owned(),
        });
        stage.view(|view| {
            let visible = names.iter().flat_map(|name| view.visible(name));
            let pending = names.iter().flat_map(|name| view.pending(name));
            [
                visible.map(|part| part.path.clone()).collect(),
                pending.map(|part| part.path.clone()).collect(),
            ]
        })
    }

    /// The parts that the lists of the streams name.
    pub fn listed(&self) -> BTreeSet<String> {
        let mut listed = BTreeSet::new();
        for name in STREAMS {
            let path = self.bucket.path(&format!("{FOLDER}/streams/_/{name}.json"));
            let Some(bytes) = self.bucket.get(&path.expect("a key")).expect("an answer") else {
                continue;
            };
            let list: Value = serde_json::from_slice(&bytes).expect("a list");
            let parts = list["parts"].as_array().expect("parts");
            listed.extend(
                parts
                    .iter()
                    .map(|part| part["path"].as_str().expect("a path").to_owned()),
            );
        }
        listed
    }

    /// Every object: of parts, and of reservations.
    pub fn objects(&self) -> [BTreeSet<String>; 2] {
        let below = self
            .bucket
            .path("")
            .or_else(|_| self.bucket.path(FOLDER))
            .expect("a key");
        let all = self.bucket.list(&below).expect("a list");
        let keys = all
            .iter()
            .filter_map(|meta| self.bucket.key(&meta.location))
            .map(str::to_owned);
        let (own, parts): (BTreeSet<String>, BTreeSet<String>) =
            keys.partition(|key| key.starts_with(FOLDER));
        let reserved = format!("{FOLDER}/parts/");
        let reservations = own.into_iter().filter(|key| key.starts_with(&reserved));
        [parts, reservations.collect()]
    }

    /// The rows of these parts, with the number of those that are there more than once.
    pub fn union(&self, paths: &BTreeSet<String>) -> [BTreeMap<i64, usize>; 2] {
        let mut rows = [BTreeMap::new(), BTreeMap::new()];
        for part in self.log.iter().flat_map(|entry| &entry.parts) {
            if paths.contains(&part.path) {
                for id in self.rows(&part.path) {
                    *rows[part.stream].entry(*id).or_default() += 1;
                }
            }
        }
        rows
    }
}

fn ids(bytes: bytes::Bytes) -> Vec<i64> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("Parquet");
    let mut ids = Vec::new();
    for rows in reader.build().expect("a reader") {
        let rows = rows.expect("rows");
        let column = rows.column_by_name("id").expect("a column");
        let column = column
            .as_any()
            .downcast_ref::<Int64Array>()
            .expect("integers");
        ids.extend(column.values());
    }
    ids
}
