//! Streams as Delta tables, read back through the library's own list of files.

use std::path::Path;

use arrow::array::TimestampMicrosecondArray;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use deltalake_core::DeltaTable;

use super::*;
use crate::runtime::bucket::block_on;
use crate::runtime::stage::delta::{check, publish};

fn opened(folder: &Path, delta: bool) -> Stage {
    let bucket = Bucket::open(&folder.display().to_string(), &BTreeMap::new()).expect("a place");
    let spec = PartSpec {
        delta,
        ..PartSpec::default()
    };
    Stage::open(bucket, spec, "").expect("a stage")
}

fn begun(folder: &Path, delta: bool) -> Stage {
    begun_for(folder, delta, "s")
}

fn begun_for(folder: &Path, delta: bool, key: &str) -> Stage {
    let stage = opened(folder, delta);
    stage
        .claim(&[key.to_owned()], i64::MAX / 2)
        .expect("a claim");
    stage
}

fn written(stage: &Stage, target: &Arc<Target>, values: std::ops::Range<i64>) {
    let parts = parts(stage, target, values);
    let made = commit(
        stage,
        Commit {
            parts,
            ..Commit::default()
        },
    );
    assert!(made.expect("a commit"));
}

fn table(folder: &Path) -> DeltaTable {
    let url = url::Url::from_directory_path(folder.join("s")).expect("a URL");
    block_on(deltalake_core::open_table(url))
        .expect("threads")
        .expect("a table")
}

/// The version of the table and the rows that it counts, once its files are found to be those that readers see.
fn version(folder: &Path, stage: &Stage) -> (u64, usize) {
    let table = table(folder);
    let mut rows = 0;
    let mut found = Vec::new();
    for file in table.snapshot().expect("a snapshot").log_data().iter() {
        let place = folder.join("s").join(file.path().as_ref());
        let size = std::fs::metadata(&place).expect("a part").len();
        assert_eq!(file.size(), size as i64);
        rows += file.num_records().expect("rows");
        found.push(format!("s/{}", file.path()));
    }
    found.sort();
    stage.refresh().expect("a log");
    let name = name("s");
    let seen = |view: &View| {
        let paths = view.visible(&name).map(|part| part.path.clone());
        paths.collect::<Vec<_>>()
    };
    assert_eq!(found, stage.view(seen));
    (table.version().expect("a version"), rows)
}

fn again(stage: &Stage, view: &View) {
    publish(stage.bucket(), "s", view, &name("s")).expect("a table");
}

#[test]
fn commits_are_versions_of_a_table() {
    let folder = folder();
    let stage = begun(folder.path(), true);
    written(&stage, &target("s", 0, false), 0..10);
    assert_eq!(version(folder.path(), &stage), (0, 10));
    let first = stage.view(Clone::clone);
    written(&stage, &target("s", 0, false), 10..15);
    assert_eq!(version(folder.path(), &stage), (1, 15));
    written(&stage, &target("s", 1, true), 20..23);
    assert_eq!(version(folder.path(), &stage), (1, 15), "it waits");
    let replacing = Commit {
        publish: vec![Publish {
            stream: name("s"),
            generation: 1,
            earlier: Earlier::Remove,
        }],
        ..Commit::default()
    };
    commit(&stage, replacing.clone()).expect("a commit");
    assert_eq!(version(folder.path(), &stage), (2, 3));
    // Repeated, or told late, it does nothing.
    again(&stage, &stage.view(Clone::clone));
    again(&stage, &first);
    commit(&stage, replacing).expect("a commit");
    assert_eq!(version(folder.path(), &stage), (2, 3));
}

#[test]
fn what_a_killed_run_did_not_publish_is_published() {
    let folder = folder();
    let stage = begun(folder.path(), true);
    written(&stage, &target("s", 0, false), 0..10);
    stage.end().expect("an end");
    // Without tables this run stops where a killed one would: behind the entry of the log.
    written(&begun(folder.path(), false), &target("s", 0, false), 10..15);
    let next = begun(folder.path(), true);
    assert_eq!(version(folder.path(), &next), (1, 15));
    written(&begun(folder.path(), false), &target("s", 0, false), 15..16);
    let stage = opened(folder.path(), true);
    stage.claim(&[], i64::MAX / 2).expect("a claim");
    written(&stage, &target("s", 0, false), 16..17);
    assert_eq!(version(folder.path(), &stage), (2, 17));
}

#[test]
fn columns_that_come_later_are_added() {
    let folder = folder();
    let stage = begun(folder.path(), true);
    let mut divided = target("s", 0, false);
    Arc::get_mut(&mut divided).expect("alone").partition_by = vec![1];
    written(&stage, &divided, 0..10);
    assert_eq!(version(folder.path(), &stage), (0, 10));
    let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values([1, 2]));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values([10, 11]));
    let wider = RecordBatch::try_from_iter([("id", ids), ("at", at)]).expect("rows");
    let mut later = target("s", 0, false);
    Arc::get_mut(&mut later).expect("alone").schema = wider.schema();
    let mut open = Parts::new(&stage);
    open.append(0, &later, &wider).expect("room");
    let parts = open.take(&|_| true).expect("parts");
    let last = Commit {
        parts,
        ..Commit::default()
    };
    commit(&stage, last).expect("a commit");
    assert_eq!(version(folder.path(), &stage), (1, 12));
    let table = table(folder.path());
    let snapshot = table.snapshot().expect("a snapshot");
    let columns: Vec<_> = snapshot
        .schema()
        .fields()
        .map(|field| (field.name().clone(), field.is_nullable()))
        .collect();
    let named = |name: &str| (name.to_owned(), true);
    assert_eq!(columns, [named("id"), named("parity"), named("at")]);
    assert_eq!(snapshot.protocol().min_reader_version(), 3);
}

#[test]
fn runs_that_commit_at_once_all_end_up_in_the_table() {
    let folder = folder();
    let stages: Vec<_> = (0..4)
        .map(|run| begun_for(folder.path(), true, &format!("run {run}")))
        .collect();
    std::thread::scope(|scope| {
        for (run, stage) in (0..).zip(&stages) {
            scope.spawn(move || {
                for row in run * 3..run * 3 + 3 {
                    written(stage, &target("s", 0, false), row..row + 1);
                }
            });
        }
    });
    let (_, rows) = version(folder.path(), &opened(folder.path(), true));
    assert_eq!(rows, 12);
}

#[test]
fn the_hundredth_version_has_a_checkpoint_that_is_read() {
    let folder = folder();
    let stage = begun(folder.path(), true);
    for row in 0..101 {
        written(&stage, &target("s", 0, false), row..row + 1);
    }
    let log = folder.path().join("s/_delta_log");
    assert!(log.join("_last_checkpoint").exists());
    std::fs::remove_file(log.join(format!("{:020}.json", 7))).expect("a version");
    assert_eq!(version(folder.path(), &stage), (100, 101));
    written(&stage, &target("s", 0, false), 101..102);
    assert_eq!(version(folder.path(), &stage), (101, 102));
}

#[test]
fn types_that_delta_does_not_have_are_named() {
    let time = Field::new("t", DataType::Time64(TimeUnit::Microsecond), true);
    let schema = Schema::new(vec![Field::new(
        "a",
        DataType::Struct(vec![time].into()),
        true,
    )]);
    let error = check(&name("s"), &schema).expect_err("no such type");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`a.t`"), "{error}");
}
