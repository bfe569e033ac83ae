//! Stages in directories: what readers see, who may write, what is left behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;

use super::entry::{Commit, Earlier, Input, Name, Part, Publish};
use super::*;

#[cfg(feature = "delta")]
#[cfg(test)]
mod delta;

fn name(stream: &str) -> Name {
    Name {
        namespace: None,
        name: stream.to_owned(),
    }
}

fn open(folder: &std::path::Path) -> Stage {
    let bucket = Bucket::open(&folder.display().to_string(), &BTreeMap::new()).expect("a place");
    Stage::open(bucket, PartSpec::default(), "").expect("a stage")
}

fn claimed(folder: &std::path::Path, keys: &[&str]) -> Stage {
    let stage = open(folder);
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    stage.claim(&keys, i64::MAX / 2).expect("a claim");
    stage
}

fn rows(values: std::ops::Range<i64>) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(values.clone()));
    let parity = values.map(|value| if value % 2 == 0 { "even/0" } else { "odd" });
    let parity: ArrayRef = Arc::new(StringArray::from_iter_values(parity));
    RecordBatch::try_from_iter([("id", ids), ("parity", parity)]).expect("rows")
}

fn target(stream: &str, generation: i64, pending: bool) -> Arc<Target> {
    Arc::new(Target {
        stream: name(stream),
        schema: rows(0..1).schema(),
        properties: WriterProperties::default(),
        partition_by: Vec::new(),
        sort_by: Vec::new(),
        generation,
        sync_id: 0,
        pending,
    })
}

fn parts(stage: &Stage, target: &Arc<Target>, values: std::ops::Range<i64>) -> Vec<Part> {
    let mut parts = Parts::new(stage);
    parts.append(0, target, &rows(values)).expect("room");
    parts.take(&|_| true).expect("parts")
}

fn commit(stage: &Stage, commit: Commit) -> Result<bool> {
    stage.commit(&mut |_| Some(commit.clone()))?.seen()
}

/// The ids that a reader of the listing finds.
fn seen(folder: &std::path::Path, stream: &str) -> Vec<i64> {
    let listing = folder.join(format!("{FOLDER}/streams/_/{stream}.json"));
    let Ok(text) = std::fs::read(listing) else {
        return Vec::new();
    };
    let listing: serde_json::Value = serde_json::from_slice(&text).expect("a listing");
    let mut ids = Vec::new();
    for part in listing["parts"].as_array().expect("parts") {
        let path = folder.join(part["path"].as_str().expect("a path"));
        let file = std::fs::File::open(path).expect("a part");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        for rows in reader.build().expect("a reader") {
            let rows = rows.expect("rows");
            let column = rows.column(0).as_any().downcast_ref::<Int64Array>();
            ids.extend(column.expect("ids").values());
        }
    }
    ids.sort_unstable();
    ids
}

/// Files outside of our own folder.
fn files(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).expect("a folder").flatten() {
            match entry.path() {
                path if path.ends_with(FOLDER) => {}
                path if path.is_dir() => open.push(path),
                path => found.push(
                    path.strip_prefix(folder)
                        .expect("below")
                        .display()
                        .to_string(),
                ),
            }
        }
    }
    found.sort();
    found
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn readers_see_all_of_a_commit_or_nothing() {
    let folder = folder();
    let stage = claimed(folder.path(), &["s"]);
    let written = parts(&stage, &target("s", 0, false), 0..10);
    assert!(seen(folder.path(), "s").is_empty());
    let made = commit(
        &stage,
        Commit {
            parts: written,
            ..Commit::default()
        },
    );
    assert!(made.expect("a commit"));
    assert_eq!(seen(folder.path(), "s"), (0..10).collect::<Vec<_>>());
    assert!(!commit(&stage, Commit::default()).expect("nothing to do"));
}

#[test]
fn what_a_run_left_behind_is_swept_and_it_cannot_commit_any_more() {
    let folder = folder();
    let killed = claimed(folder.path(), &["s"]);
    let written = parts(&killed, &target("s", 0, false), 0..10);
    assert_eq!(files(folder.path()).len(), 1);
    let other = claimed(folder.path(), &["t"]);
    assert_eq!(
        files(folder.path()).len(),
        1,
        "a run that goes on keeps its parts"
    );
    let next = claimed(folder.path(), &["s"]);
    assert_eq!(files(folder.path()), [] as [&str; 0]);
    let late = commit(
        &killed,
        Commit {
            parts: written,
            ..Commit::default()
        },
    );
    assert_eq!(
        late.map_err(|error| error.kind()),
        Err(ErrorKind::Superseded)
    );
    for stage in [&other, &next] {
        let written = parts(stage, &target("u", 0, false), 0..1);
        commit(
            stage,
            Commit {
                parts: written,
                ..Commit::default()
            },
        )
        .expect("a commit");
        stage.end().expect("an end");
    }
    assert_eq!(seen(folder.path(), "u"), [0, 0]);
}

#[test]
fn a_published_generation_replaces_those_before_it() {
    let folder = folder();
    let publish = |generation, earlier| Publish {
        stream: name("s"),
        generation,
        earlier,
    };
    for (generation, earlier, left) in [
        (1, Earlier::Remove, 1),
        (2, Earlier::Keep, 2),
        (3, Earlier::Keep, 2),
        (4, Earlier::Remove, 1),
    ] {
        let stage = claimed(folder.path(), &["s"]);
        let before = seen(folder.path(), "s");
        let written = parts(
            &stage,
            &target("s", generation, true),
            generation..generation + 1,
        );
        commit(
            &stage,
            Commit {
                parts: written,
                ..Commit::default()
            },
        )
        .expect("a commit");
        assert_eq!(seen(folder.path(), "s"), before, "what waits is not seen");
        let waiting = stage.view(|view| view.waiting(&name("s")).map(|(_, number)| number));
        assert_eq!(waiting, Some(generation));
        let last = Commit {
            publish: vec![publish(generation, earlier)],
            ..Commit::default()
        };
        commit(&stage, last).expect("a commit");
        assert_eq!(seen(folder.path(), "s"), [generation]);
        assert_eq!(files(folder.path()).len(), left);
        stage.end().expect("an end");
    }
}

#[test]
fn an_input_is_done_once_also_when_many_do_it_at_once() {
    let folder = folder();
    let input = Input {
        url: "s3://b/x".to_owned(),
        part: String::new(),
        tag: "1".to_owned(),
        plan: "p".to_owned(),
    };
    std::thread::scope(|scope| {
        for run in 0..6 {
            let (folder, input) = (folder.path(), &input);
            scope.spawn(move || {
                let stage = claimed(folder, &[]);
                let written = parts(&stage, &target("s", 0, false), run..run + 1);
                let keys: Vec<String> = written.iter().map(|part| part.path.clone()).collect();
                let commit = Commit {
                    parts: written,
                    inputs: vec![input.clone()],
                    ..Commit::default()
                };
                let made = stage.commit(&mut |view| (!view.is_done(input)).then(|| commit.clone()));
                if !made.and_then(Made::seen).expect("an answer") {
                    stage.abandon(&keys).expect("room");
                }
                stage.end().expect("an end");
            });
        }
    });
    assert_eq!(seen(folder.path(), "s").len(), 1);
    assert_eq!(files(folder.path()).len(), 1);
    let stage = open(folder.path());
    assert!(stage.view(|view| view.is_done(&input)));
    let later = Input {
        tag: "2".to_owned(),
        ..input
    };
    assert!(!stage.view(|view| view.is_done(&later)));
}

#[test]
fn a_log_is_read_from_its_last_checkpoint() {
    let folder = folder();
    let stage = claimed(folder.path(), &["s"]);
    for number in 0..150 {
        let written = parts(&stage, &target("s", 0, false), number..number + 1);
        commit(
            &stage,
            Commit {
                parts: written,
                ..Commit::default()
            },
        )
        .expect("a commit");
    }
    let checkpoints = std::fs::read_dir(folder.path().join(format!("{FOLDER}/checkpoints")));
    assert_eq!(checkpoints.expect("a folder").count(), 3);
    let whole = open(folder.path()).view(Clone::clone);
    assert_eq!(whole, stage.view(Clone::clone));
    std::fs::remove_dir_all(folder.path().join(format!("{FOLDER}/checkpoints"))).expect("gone");
    assert_eq!(open(folder.path()).view(Clone::clone), whole);
}

#[test]
fn partitions_are_folders_and_sorted_rows_are_sorted() {
    let folder = folder();
    let stage = claimed(folder.path(), &["s"]);
    let mut divided = target("s", 0, false);
    let inner = Arc::get_mut(&mut divided).expect("alone");
    (inner.partition_by, inner.sort_by) = (vec![1], vec![0]);
    let mut open = Parts::new(&stage);
    for start in [30, 0] {
        open.append(0, &divided, &rows(start..start + 30))
            .expect("room");
    }
    let written = open.take(&|_| true).expect("parts");
    let folders: Vec<_> = written
        .iter()
        .map(|part| part.path.split('/').nth(1))
        .collect();
    assert_eq!(folders, [Some("parity=even%2F0"), Some("parity=odd")]);
    let file = std::fs::File::open(folder.path().join(&written[1].path)).expect("a part");
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .expect("Parquet")
        .build()
        .expect("a reader");
    let found = reader.next().expect("rows").expect("rows");
    let ids = found
        .column(0)
        .as_any()
        .downcast_ref::<Int64Array>()
        .expect("ids");
    assert_eq!(
        ids.values().to_vec(),
        (0..60).filter(|id| id % 2 == 1).collect::<Vec<i64>>()
    );
}

#[test]
fn streams_whose_parts_would_have_one_name_keep_their_rows() {
    let folder = folder();
    let stage = claimed(folder.path(), &["a/b", "a_b"]);
    let mut written = parts(&stage, &target("a/b", 0, false), 0..10);
    written.extend(parts(&stage, &target("a_b", 0, false), 10..20));
    let made = commit(
        &stage,
        Commit {
            parts: written,
            ..Commit::default()
        },
    );
    assert!(made.expect("a commit"));
    assert_eq!(files(folder.path()).len(), 2);
    assert_eq!(seen(folder.path(), "a%2Fb"), (0..10).collect::<Vec<_>>());
    assert_eq!(seen(folder.path(), "a_b"), (10..20).collect::<Vec<_>>());
}

fn input(url: &str, tag: &str) -> Input {
    Input {
        url: url.to_owned(),
        part: String::new(),
        tag: tag.to_owned(),
        plan: "p".to_owned(),
    }
}

/// Does these inputs, each with its rows, in one commit.
fn redo(stage: &Stage, inputs: &[(Input, std::ops::Range<i64>)]) -> Result<()> {
    let target = target("s", 0, false);
    let mut open = Parts::new(stage);
    for (number, (_, values)) in inputs.iter().enumerate() {
        open.reading(number)?;
        open.append(0, &target, &rows(values.clone()))?;
    }
    let written = open.take(&|_| true)?;
    let inputs: Vec<Input> = inputs.iter().map(|(input, _)| input.clone()).collect();
    loop {
        let outdated = stage.view(|view| view.outdated(&inputs));
        let Replacement { parts, replaced } = stage.replace(&outdated)?;
        let commit = Commit {
            parts: [&written[..], &parts].concat(),
            replaced,
            inputs: inputs.clone(),
            ..Commit::default()
        };
        let same = |view: &View| view.outdated(&inputs) == outdated;
        if stage
            .commit(&mut |view| same(view).then(|| commit.clone()))?
            .seen()?
        {
            return Ok(());
        }
        let keys: Vec<String> = parts.iter().map(|part| part.path.clone()).collect();
        stage.abandon(&keys)?;
    }
}

#[test]
fn inputs_of_one_part_are_replaced_by_many_at_once() {
    let folder = folder();
    let stage = claimed(folder.path(), &["s"]);
    let of = |number: i64| format!("s3://b/{number}");
    let first: Vec<_> = (0..6)
        .map(|number| (input(&of(number), "1"), number * 10..number * 10 + 5))
        .collect();
    redo(&stage, &first).expect("a commit");
    assert_eq!(files(folder.path()).len(), 1);
    std::thread::scope(|scope| {
        for number in 1..6 {
            let folder = folder.path();
            scope.spawn(move || {
                let stage = claimed(folder, &[&of(number)]);
                let again = (input(&of(number), "2"), number * 10 + 7..number * 10 + 9);
                redo(&stage, &[again]).expect("a commit");
                stage.end().expect("an end");
            });
        }
    });
    let again = (1..6).flat_map(|number| [number * 10 + 7, number * 10 + 8]);
    let expected: Vec<i64> = (0..5).chain(again).collect();
    assert_eq!(seen(folder.path(), "s"), expected);
    assert_eq!(files(folder.path()).len(), 6, "what was replaced is gone");
    stage.refresh().expect("a log");
    let (old, new) = (input(&of(3), "1"), input(&of(3), "2"));
    assert!(stage.view(|view| view.is_done(&new) && !view.is_done(&old)));
    assert!(stage.view(|view| view.is_overtaken(&old, 2) && !view.is_overtaken(&new, 0)));
    assert!(stage.view(|view| !view.is_overtaken(&old, view.next)));
    let whole = open(folder.path()).view(Clone::clone);
    assert_eq!(whole, stage.view(Clone::clone));
}

#[test]
fn lists_hold_what_all_have_committed_who_commit_at_once() {
    let folder = folder();
    std::thread::scope(|scope| {
        for run in 0..6 {
            let folder = folder.path();
            scope.spawn(move || {
                let stage = claimed(folder, &[]);
                for number in run * 10..run * 10 + 10 {
                    let parts = parts(&stage, &target("s", 0, false), number..number + 1);
                    let entry = Commit {
                        parts,
                        ..Commit::default()
                    };
                    assert!(commit(&stage, entry).expect("a commit"));
                }
            });
        }
    });
    assert_eq!(seen(folder.path(), "s"), (0..60).collect::<Vec<_>>());
}

#[test]
fn parts_of_one_name_are_two_objects_also_within_a_run() {
    let folder = folder();
    let bucket = Bucket::open(&folder.path().display().to_string(), &BTreeMap::new());
    let spec = PartSpec {
        path: "all/".to_owned(),
        file: "part{format_extension}".to_owned(),
        ..PartSpec::default()
    };
    let stage = Stage::open(bucket.expect("a place"), spec, "").expect("a stage");
    stage.claim(&[], i64::MAX / 2).expect("a claim");
    let mut open = Parts::new(&stage);
    for (number, stream) in ["s", "t"].into_iter().enumerate() {
        let target = target(stream, 0, false);
        open.append(number, &target, &rows(0..3)).expect("room");
    }
    let written = open.take(&|_| true).expect("parts");
    let paths: Vec<_> = written.iter().map(|part| part.path.as_str()).collect();
    assert_eq!(paths, ["all/part-1.parquet", "all/part.parquet"]);
    assert_eq!(files(folder.path()), paths);
}

#[test]
fn a_sweep_spares_runs_that_began_after_it_read_the_log() {
    let folder = folder();
    let bucket = open(folder.path()).bucket().clone();
    let mut early = Log::open(&bucket).expect("a log");
    let stage = claimed(folder.path(), &["s"]);
    let written = parts(&stage, &target("s", 0, false), 0..10);
    assert_eq!(
        reserve::sweep(&bucket, &mut early, true).expect("an answer"),
        0
    );
    let entry = Commit {
        parts: written,
        ..Commit::default()
    };
    commit(&stage, entry).expect("a commit");
    assert_eq!(seen(folder.path(), "s").len(), 10);
}

#[test]
fn a_run_that_was_overtaken_takes_its_late_parts_back() {
    let folder = folder();
    let slow = claimed(folder.path(), &["s"]);
    let mut open = Parts::new(&slow);
    open.append(0, &target("s", 0, false), &rows(0..10))
        .expect("room");
    let next = claimed(folder.path(), &["s"]);
    next.end().expect("an end");
    let late = Commit {
        parts: open.take(&|_| true).expect("parts"),
        ..Commit::default()
    };
    let late = commit(&slow, late).map_err(|error| error.kind());
    assert_eq!(late, Err(ErrorKind::Superseded));
    slow.withdraw().expect("room");
    assert_eq!(files(folder.path()), [] as [&str; 0]);
}

#[test]
fn a_checkpoint_that_is_damaged_is_passed_over() {
    let folder = folder();
    let stage = claimed(folder.path(), &["s"]);
    for number in 0..70 {
        let entry = Commit {
            parts: parts(&stage, &target("s", 0, false), number..number + 1),
            ..Commit::default()
        };
        commit(&stage, entry).expect("a commit");
    }
    let checkpoints = folder.path().join(format!("{FOLDER}/checkpoints"));
    for found in std::fs::read_dir(checkpoints).expect("a folder").flatten() {
        std::fs::write(found.path(), "{").expect("a file");
    }
    assert_eq!(
        open(folder.path()).view(Clone::clone),
        stage.view(Clone::clone)
    );
}
