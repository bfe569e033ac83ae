//! Kills runs, again and again, and looks at the stage after each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use midflight::runtime::bucket::Bucket;
use serde_json::json;

use super::chance::{Chance, tell};
use super::course::{Course, Danger, Moment, Target, moment, run};
use super::look::Look;
use super::platform::{Kind, Reached, STREAMS, Sync, acknowledge, write_files};
use crate::support::{Program, midflight};

/// Where stages lie.
pub trait Place {
    /// A stage's URL, as a run is given it.
    fn url(&self, name: &str) -> String;
    /// The same stage, for those who look.
    fn open(&self, name: &str) -> Bucket;
    /// The directory in which objects appear, if it is one.
    fn watched(&self, name: &str) -> Option<PathBuf>;
    /// Variables of a run.
    fn variables(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// Before a run: whom to kill at which event. Gives what counts events where nothing is watched.
    fn arm(&self, _: Option<Moment>, _: &Target) {}
    /// Events of the last run, where nothing is watched.
    fn events(&self) -> usize {
        0
    }
}

/// Kills at one place.
pub struct Trial<'a, P> {
    place: &'a P,
    chance: &'a mut Chance,
    folder: tempfile::TempDir,
    rows: i64,
    stages: usize,
    kills: usize,
    commits: usize,
    repeated: usize,
    lost_states: usize,
    swept: usize,
    calm: Option<(Duration, usize)>,
}

impl<'a, P: Place> Trial<'a, P> {
    /// Syncs have so many rows of each stream.
    pub fn new(place: &'a P, chance: &'a mut Chance, rows: i64) -> Self {
        Self {
            place,
            chance,
            folder: tempfile::tempdir().expect("a folder"),
            rows,
            stages: 0,
            kills: 0,
            commits: 0,
            repeated: 0,
            lost_states: 0,
            swept: 0,
            calm: None,
        }
    }

    /// Kills a destination so often, in syncs of every kind.
    pub fn destination(&mut self, kills: usize) {
        let each = kills.div_ceil(3);
        for (at, kind) in [Kind::Streams, Kind::Global, Kind::Overwrite]
            .into_iter()
            .enumerate()
        {
            let until = kills.min(each * (at + 1));
            while self.kills < until {
                self.syncs(kind, until);
            }
        }
        tell(&format!(
            "{} kills in {} stages: {} commits, {} of them before their STATE left; {} rows in two commits; {} orphans swept",
            self.kills, self.stages, self.commits, self.lost_states, self.repeated, self.swept
        ));
    }

    /// A stage with a sync that nobody disturbs, and one that is killed until it ends, or often enough.
    fn syncs(&mut self, kind: Kind, kills: usize) {
        self.stages += 1;
        let name = format!("stage-{}", self.stages);
        let first = Sync::new(kind, 1, 1_000_000, self.rows / 8, self.chance);
        let mut story = Story::new(self.place.open(&name), &first);
        story.ended(&self.run(&name, &first, &mut story.reached.clone(), None));
        let whole = Sync::new(kind, 2, 0, self.rows, self.chance);
        let (mut took, mut events) = self.measure(&whole);
        story.begin(&whole);
        let stop = self.kills + 20;
        loop {
            let bytes = whole.input(&story.reached).len();
            let danger = self.kills < kills.min(stop);
            let at = danger.then(|| moment(self.chance, took, bytes, events));
            let course = self.run(&name, &whole, &mut story.reached, at);
            self.kills += usize::from(course.code.is_none());
            self.swept += swept(&course);
            if let Some(code) = course.code {
                assert_eq!(code, 0, "{}", String::from_utf8_lossy(&course.stdout));
                story.check(&whole, true);
                story.settled(&whole);
                break;
            }
            story.check(&whole, false);
            age(self.place.watched(&name).as_deref());
            // What is left to do takes less.
            let left = whole.input(&story.reached).len() as f64 / bytes.max(1) as f64;
            took = took.mul_f64(left.max(0.2));
            events = (events as f64 * left.max(0.2)) as usize;
        }
        self.commits += story
            .look
            .log
            .iter()
            .filter(|entry| !entry.parts.is_empty())
            .count();
        self.repeated += story.repeated;
        self.lost_states += story.lost_states;
        if kills > 100 {
            tell(&format!("{} kills", self.kills));
        }
    }

    /// How long a sync takes that is left alone, and how many events it causes. All are alike, so one is measured.
    fn measure(&mut self, sync: &Sync) -> (Duration, usize) {
        if let Some(calm) = self.calm {
            return calm;
        }
        let name = "calm";
        let watched = self.place.watched(name);
        let course = self.run(name, sync, &mut [0; 2], None);
        assert_eq!(course.code, Some(0), "{}", course.stderr);
        let mut look = Look::new(self.place.open(name));
        look.refresh();
        let [parts, _] = look.objects();
        let events = match watched {
            Some(_) => parts.len() + look.log.len(),
            None => self.place.events(),
        };
        *self.calm.insert((course.took, events))
    }

    fn run(&self, name: &str, sync: &Sync, reached: &mut Reached, at: Option<Moment>) -> Course {
        write_files(self.folder.path(), sync, &self.place.url(name));
        let arguments = [
            "destination",
            "write",
            "--config",
            "settings.json",
            "--catalog",
            "catalog.json",
            "--no-progress",
            "--chunk-bytes",
            "20000",
        ];
        let input = sync.input(reached);
        let course = self.start(name, &arguments, input.as_bytes(), at);
        acknowledge(reached, &course.stdout);
        course
    }

    fn start(&self, name: &str, arguments: &[&str], input: &[u8], at: Option<Moment>) -> Course {
        let program = midflight(arguments).within(self.folder.path());
        let program = self
            .place
            .variables()
            .iter()
            .fold(program, |program: Program, (name, value)| {
                program.env(name, value)
            });
        let command: Command = program.command();
        let watched = self.place.watched(name);
        let danger = Danger {
            moment: at,
            watched: watched.as_deref(),
            target: Target::default(),
        };
        self.place.arm(at, &danger.target);
        run(command, input, &danger)
    }

    /// Kills batches so often.
    pub fn batch(&mut self, kills: usize) {
        let from = self.folder.path().join("in");
        let all = self.staged(&from);
        let config = "version: 1\nunlisted: pass\nstage: {commit_seconds: 1, part_bytes: 65536, row_group_bytes: 65536}\n";
        std::fs::write(self.folder.path().join("batch.yaml"), config).expect("a file");
        let (mut took, mut events) = (Duration::from_secs(2), 100);
        while self.kills < kills {
            self.stages += 1;
            let name = format!("batch-{}", self.stages);
            let url = self.place.url(&name);
            let arguments = [
                "batch",
                "--config",
                "batch.yaml",
                "--from",
                "in",
                "--to",
                &url,
                "--no-progress",
                "--share-bytes",
                "60000",
                "--workers",
                "2",
            ];
            let mut look = Look::new(self.place.open(&name));
            let stop = self.kills + 6;
            loop {
                let danger = self.kills < kills.min(stop) && self.stages > 1;
                let at = danger.then(|| moment(self.chance, took, 1, events));
                let course = self.start(&name, &arguments, b"", at);
                self.kills += usize::from(course.code.is_none());
                look.refresh();
                let paths = look.standing();
                let union = look.union(&paths[0]);
                let twice = union
                    .iter()
                    .flat_map(BTreeMap::values)
                    .filter(|count| **count > 1)
                    .count();
                assert_eq!(twice, 0, "rows of a batch are there twice");
                age(self.place.watched(&name).as_deref());
                let Some(code) = course.code else { continue };
                assert_eq!(code, 0, "{}", course.stderr);
                assert_eq!(union.map(|rows| rows.into_keys().collect::<Vec<_>>()), all);
                tidy(&look, &paths);
                if self.stages == 1 {
                    took = course.took;
                    let [parts, _] = look.objects();
                    events = match self.place.watched(&name) {
                        Some(_) => parts.len() + look.log.len(),
                        None => self.place.events(),
                    };
                }
                break;
            }
            self.commits += look
                .log
                .iter()
                .filter(|entry| !entry.parts.is_empty())
                .count();
        }
        tell(&format!(
            "{} kills in {} stages: {} commits",
            self.kills, self.stages, self.commits
        ));
    }

    /// Writes staged files; gives the rows of each stream.
    fn staged(&mut self, from: &Path) -> [Vec<i64>; 2] {
        let mut all = [Vec::new(), Vec::new()];
        for (stream, name) in STREAMS.iter().enumerate() {
            let folder = from.join(name);
            std::fs::create_dir_all(&folder).expect("a folder");
            let mut next = 0;
            for file in 0..12 {
                let mut text = String::new();
                for _ in 0..20 + self.chance.below(self.rows as u64 / 10) {
                    let mut pad = String::new();
                    for _ in 0..12 {
                        let _ = write!(pad, "{:016x}", self.chance.next());
                    }
                    let _ = writeln!(text, "{}", json!({"id": next, "pad": pad}));
                    all[stream].push(next);
                    next += 1;
                }
                std::fs::write(folder.join(format!("{file:03}.jsonl")), text).expect("a file");
            }
        }
        all
    }
}

/// What must hold of one stage.
pub struct Story {
    pub look: Look,
    pub reached: Reached,
    /// Rows that an earlier generation left, which readers see until the next is published.
    before: BTreeSet<String>,
    /// Entries that were there when the last run began.
    begun: usize,
    /// Rows that were committed and whose STATE was lost, so that they come again.
    excused: [BTreeSet<i64>; 2],
    pub repeated: usize,
    pub lost_states: usize,
}

impl Story {
    pub fn new(bucket: Bucket, first: &Sync) -> Self {
        Self {
            look: Look::new(bucket),
            reached: [first.first; 2],
            before: BTreeSet::new(),
            begun: 0,
            excused: [BTreeSet::new(), BTreeSet::new()],
            repeated: 0,
            lost_states: 0,
        }
    }

    fn ended(&self, course: &Course) {
        assert_eq!(course.code, Some(0), "{}", course.stderr);
    }

    pub fn begin(&mut self, sync: &Sync) {
        self.look.refresh();
        let [visible, pending] = self.look.standing();
        assert!(pending.is_empty());
        self.before = visible;
        self.begun = self.look.log.len();
        self.reached = [sync.first; 2];
    }

    /// After a run, killed or not: no row that was acknowledged is missing, none is in two commits without excuse.
    pub fn check(&mut self, sync: &Sync, ended: bool) {
        self.look.refresh();
        let [visible, pending] = self.look.standing();
        if sync.kind == Kind::Overwrite {
            let old = visible.intersection(&self.before).count();
            assert!(
                old == self.before.len() && visible.len() == old || old == 0,
                "readers see half of a replacement"
            );
        }
        let new: BTreeSet<String> = visible
            .union(&pending)
            .filter(|path| !self.before.contains(*path))
            .cloned()
            .collect();
        let union = self.look.union(&new);
        for stream in 0..2 {
            let missing = (sync.first..self.reached[stream])
                .filter(|id| !union[stream].contains_key(id))
                .count();
            assert_eq!(
                missing, 0,
                "rows of `{}` are acknowledged and missing",
                STREAMS[stream]
            );
            let twice: Vec<i64> = union[stream]
                .iter()
                .filter(|(_, count)| **count > 1)
                .map(|(id, _)| *id)
                .collect();
            let odd = twice
                .iter()
                .filter(|id| !self.excused[stream].contains(id))
                .count();
            assert_eq!(
                odd, 0,
                "rows of `{}` are in two commits though their STATE left",
                STREAMS[stream]
            );
            if ended {
                self.repeated += twice.len();
                let all: Vec<i64> = union[stream].keys().copied().collect();
                assert_eq!(all, (sync.first..sync.last).collect::<Vec<_>>());
            }
        }
        self.excuse(ended);
    }

    /// A commit whose STATE was lost is the last of its run.
    fn excuse(&mut self, ended: bool) {
        let entries = &self.look.log[self.begun..];
        let mut late = Vec::new();
        for entry in entries {
            let mut any = false;
            for part in &entry.parts {
                for id in self
                    .look
                    .rows(&part.path)
                    .iter()
                    .filter(|id| **id >= self.reached[part.stream])
                {
                    any = true;
                    self.excused[part.stream].insert(*id);
                }
            }
            if any {
                late.push(entry.number);
            }
        }
        assert!(
            late.len() <= usize::from(!ended),
            "entries {late:?} were not acknowledged"
        );
        self.lost_states += late.len();
        self.begun = self.look.log.len();
    }

    /// After the last run nothing is left but what readers see.
    pub fn settled(&self, sync: &Sync) {
        let paths = self.look.standing();
        assert!(paths[1].is_empty(), "parts of a sync that ended wait");
        if sync.kind == Kind::Overwrite {
            assert!(
                paths[0].is_disjoint(&self.before),
                "the generation before is still seen"
            );
        }
        tidy(&self.look, &paths);
    }
}

pub fn tidy(look: &Look, paths: &[BTreeSet<String>; 2]) {
    let [parts, reservations] = look.objects();
    let orphans: Vec<_> = parts.difference(&paths[0]).collect();
    assert!(orphans.is_empty(), "{orphans:?} belong to nobody");
    assert_eq!(parts, paths[0], "parts that readers see are not there");
    assert_eq!(
        look.listed(),
        paths[0],
        "the lists say something else than the log"
    );
    assert!(reservations.is_empty(), "{reservations:?} reserve nothing");
    if let Some(folder) = look.bucket.folder() {
        let unfinished = unfinished(folder);
        assert!(unfinished.is_empty(), "{unfinished:?} are left");
    }
}

/// Files that were being written when a run was killed.
pub fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path if path.to_string_lossy().contains('#') => found.push(path),
                _ => {}
            }
        }
    }
    found
}

/// Lets unfinished files be two minutes old: younger ones may be somebody's.
fn age(folder: Option<&Path>) {
    for path in folder.map(unfinished).unwrap_or_default() {
        let file = std::fs::File::options()
            .write(true)
            .open(&path)
            .expect("a file");
        file.set_modified(SystemTime::now() - Duration::from_secs(120))
            .expect("a time");
    }
}

/// What a run says that it deleted.
fn swept(course: &Course) -> usize {
    let text = String::from_utf8_lossy(&course.stdout);
    let line = text
        .lines()
        .find(|line| line.contains("objects of earlier runs"));
    let words = line.and_then(|line| line.split("midflight: ").nth(1));
    words
        .and_then(|words| words.split(' ').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}
