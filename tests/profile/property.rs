//! Random records, cut at random: whatever adds up gives the same.

use arrow::buffer::Buffer;
use midflight::decode::Chunk;
use midflight::profile::form::Profile;
use midflight::profile::{Gather, Part, Reader, Settings, merge};
use midflight::protocol::scan::PADDING;

use super::merged::{differences, json, whole};
use super::record;
use crate::support::root;

/// A generator of numbers that a seed brings back.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn value(&mut self, depth: u32) -> String {
        match self.below(if depth < 3 { 12 } else { 9 }) {
            0 => "null".to_owned(),
            1 => ["true", "false"][self.below(2) as usize].to_owned(),
            2 => self.below(3_000).to_string(),
            3 => format!("-{}", self.below(1 << 31)),
            4 => format!("{}.{:03}", self.below(10), self.below(1_000)),
            5 => format!("{}e{}", self.below(9) + 1, self.below(300) as i64 - 150),
            6 => format!(
                "\"2024-0{}-1{}T0{}:00:00Z\"",
                self.below(9) + 1,
                self.below(10),
                self.below(10)
            ),
            7 => format!(
                "\"{}\"",
                ["a", "Bc", "é\\n", "\\u0041-1", ""][self.below(5) as usize]
                    .repeat(self.below(9) as usize)
            ),
            8 => format!("\"{}\"", self.below(1 << 20)),
            9 => format!(
                "[{}]",
                (0..self.below(3))
                    .map(|_| self.value(depth + 1))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
            _ => self.object(depth + 1),
        }
    }

    fn object(&mut self, depth: u32) -> String {
        let keys = (0..self.below(5))
            .map(|_| self.below(8))
            .collect::<std::collections::BTreeSet<_>>();
        let members = keys
            .into_iter()
            .map(|key| format!("\"k{key}\":{}", self.value(depth)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

fn chunk(text: &str, offset: usize) -> Chunk {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(text.len() + PADDING, b'\n');
    Chunk {
        bytes: Buffer::from_vec(bytes),
        len: text.len(),
        number: 0,
        offset: offset as u64,
    }
}

/// The profile of an input in jobs that end behind these lines, each read by one of so many workers.
fn profile(lines: &[String], ends: &[usize], workers: usize) -> Profile {
    let settings = Settings::default();
    let mut gather = Gather::new(&settings);
    let mut team: Vec<(Reader, Part)> = (0..workers).map(|_| Default::default()).collect();
    let (mut begin, mut offset) = (0, 0);
    for (at, end) in ends.iter().copied().chain([lines.len()]).enumerate() {
        let text = lines[begin..end].concat();
        let (reader, part) = &mut team[at % workers];
        reader.read(&settings, &chunk(&text, offset), part);
        assert!(part.stop.is_none(), "{:?}", part.stop);
        gather.add(part);
        part.clear();
        (begin, offset) = (end, offset + text.len());
    }
    gather.written()
}

fn ends(chance: &mut Chance, lines: usize) -> Vec<usize> {
    let mut ends: Vec<usize> = (0..chance.below(12))
        .map(|_| chance.below(lines as u64) as usize)
        .collect();
    ends.sort_unstable();
    ends
}

#[test]
fn damaged_lines_are_errors_or_records_and_never_more() {
    let text = std::fs::read_to_string(root().join("fixtures/faker/input.jsonl"))
        .expect("the recorded read");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let settings = Settings::default();
    let mut chance = Chance(5);
    let mut stopped = 0;
    for _ in 0..3_000 {
        let mut line = lines[chance.below(lines.len() as u64) as usize]
            .as_bytes()
            .to_vec();
        for _ in 0..=chance.below(3) {
            let at = chance.below(line.len() as u64 - 1) as usize;
            line[at] = b"\"\\{}[],:0-1e.ntu \xff\x00"[chance.below(19) as usize];
        }
        let len = line.len();
        line.resize(len + PADDING, b'\n');
        let chunk = Chunk {
            bytes: Buffer::from_vec(line),
            len,
            number: 0,
            offset: 0,
        };
        let mut part = Part::default();
        Reader::default().read(&settings, &chunk, &mut part);
        let mut gather = Gather::new(&settings);
        gather.add(&part);
        assert!(gather.written().streams.len() <= 1);
        stopped += u64::from(part.stop.is_some());
    }
    assert!(stopped > 500, "{stopped}");
}

#[test]
fn whatever_adds_up_gives_the_same_however_it_is_cut() {
    for seed in 0..12 {
        let mut chance = Chance(seed);
        let lines: Vec<String> = (0..=chance.below(150))
            .map(|_| record(["s", "t"][chance.below(2) as usize], &chance.object(0)))
            .collect();
        let one = json(whole(profile(&lines, &[], 1)));
        for _ in 0..4 {
            let ends = ends(&mut chance, lines.len());
            let workers = 1 + chance.below(3) as usize;
            let cut = json(whole(profile(&lines, &ends, workers)));
            let found = differences("", &cut, &one);
            assert!(
                found.is_empty(),
                "seed {seed}, jobs that end at {ends:?}: {found:?}"
            );
        }
        let cut = chance.below(lines.len() as u64) as usize;
        let (before, after) = lines.split_at(cut);
        let merged = merge::merge(profile(before, &[], 1), profile(after, &[], 1));
        let text = serde_json::to_string(&merged).expect("JSON");
        let again = merge::parse(&text, "profile.json").expect("a profile");
        let found = differences("", &json(whole(again)), &one);
        assert!(found.is_empty(), "seed {seed}, merged at {cut}: {found:?}");
    }
}
