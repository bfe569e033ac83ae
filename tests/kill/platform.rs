//! The platform's side of a sync: two streams, interleaved, with their STATEs; and what is sent again after a kill.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::chance::Chance;

pub const STREAMS: [&str; 2] = ["alpha", "beta"];

/// How a sync tells where it stands, and what becomes of earlier rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Streams,
    Global,
    Overwrite,
}

/// Rows up to which a stream is acknowledged, by stream.
pub type Reached = [i64; 2];

/// A message of the source.
enum Message {
    Record {
        stream: usize,
        id: i64,
        pad: String,
    },
    /// All rows of these streams before these ids have been sent.
    State(Vec<(usize, i64)>),
}

/// What a source has to say, once.
pub struct Sync {
    pub kind: Kind,
    pub generation: i64,
    messages: Vec<Message>,
    pub first: i64,
    pub last: i64,
}

impl Sync {
    /// `rows` of each stream, from id `first` on.
    pub fn new(kind: Kind, generation: i64, first: i64, rows: i64, chance: &mut Chance) -> Self {
        let mut messages = Vec::new();
        let (mut next, mut stated) = ([first; 2], [first; 2]);
        let last = first + rows;
        let state = |streams: &[usize], next: &Reached| {
            Message::State(
                streams
                    .iter()
                    .map(|&stream| (stream, next[stream]))
                    .collect(),
            )
        };
        while next != [last; 2] {
            let stream = chance.below(2) as usize;
            for _ in 0..chance.below(12) {
                if next[stream] == last {
                    break;
                }
                let mut pad = String::new();
                for _ in 0..12 {
                    let _ = write!(pad, "{:016x}", chance.next());
                }
                messages.push(Message::Record {
                    stream,
                    id: next[stream],
                    pad,
                });
                next[stream] += 1;
            }
            if chance.below(8) == 0 || next[stream] == last {
                let streams: &[usize] = match kind {
                    Kind::Global => &[0, 1],
                    _ => std::slice::from_ref(if stream == 0 { &0 } else { &1 }),
                };
                if streams.iter().any(|&stream| next[stream] > stated[stream]) {
                    messages.push(state(streams, &next));
                    streams
                        .iter()
                        .for_each(|&stream| stated[stream] = next[stream]);
                }
            }
        }
        Self {
            kind,
            generation,
            messages,
            first,
            last,
        }
    }

    /// The configured catalog.
    pub fn catalog(&self) -> String {
        let (mode, least) = match self.kind {
            Kind::Overwrite => ("overwrite", self.generation),
            _ => ("append", 0),
        };
        let streams = STREAMS.map(|name| {
            json!({
                "stream": {
                    "name": name,
                    "json_schema": {"type": "object", "properties": {"id": {"type": "integer"}, "pad": {"type": "string"}}},
                    "supported_sync_modes": ["full_refresh", "incremental"],
                },
                "sync_mode": "incremental",
                "destination_sync_mode": mode,
                "generation_id": self.generation,
                "minimum_generation_id": least,
                "sync_id": self.generation,
            })
        });
        json!({ "streams": streams }).to_string()
    }

    /// The messages behind what is acknowledged, as lines.
    pub fn input(&self, reached: &Reached) -> String {
        let mut text = String::new();
        let mut sent = [0_u64; 2];
        for message in &self.messages {
            match message {
                Message::Record { stream, id, pad } if *id >= reached[*stream] => {
                    sent[*stream] += 1;
                    let name = STREAMS[*stream];
                    let record = json!({"type": "RECORD", "record": {"stream": name, "data": {"id": id, "pad": pad}, "emitted_at": 1}});
                    let _ = writeln!(text, "{record}");
                }
                Message::State(upto) if upto.iter().any(|(stream, id)| *id > reached[*stream]) => {
                    let count: u64 = upto
                        .iter()
                        .map(|(stream, _)| std::mem::take(&mut sent[*stream]))
                        .sum();
                    let _ = writeln!(text, "{}", self.state(upto, count));
                }
                _ => {}
            }
        }
        for name in STREAMS {
            let status = json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1, "stream_status": {"stream_descriptor": {"name": name}, "status": "COMPLETE"}}});
            let _ = writeln!(text, "{status}");
        }
        text
    }

    fn state(&self, upto: &[(usize, i64)], count: u64) -> Value {
        let of = |(stream, id): &(usize, i64)| json!({"stream_descriptor": {"name": STREAMS[*stream]}, "stream_state": {"upto": id}});
        let stats = json!({"recordCount": count});
        match self.kind {
            Kind::Global => {
                let states: Vec<Value> = upto.iter().map(of).collect();
                json!({"type": "STATE", "state": {"type": "GLOBAL", "global": {"shared_state": {}, "stream_states": states}, "sourceStats": stats}})
            }
            _ => {
                json!({"type": "STATE", "state": {"type": "STREAM", "stream": of(&upto[0]), "sourceStats": stats}})
            }
        }
    }
}

/// Takes the STATEs that a destination gave back; a line that was cut short is none. Gives how many there were.
///
/// # Panics
/// When a STATE goes back, which would be one that was given back before.
pub fn acknowledge(reached: &mut Reached, stdout: &[u8]) -> usize {
    let whole = stdout
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    let text = std::str::from_utf8(&stdout[..whole]).expect("UTF-8");
    let mut count = 0;
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).expect("a message");
        if message["type"] != "STATE" {
            continue;
        }
        count += 1;
        let state = &message["state"];
        let one = std::slice::from_ref(&state["stream"]);
        let states = state["global"]["stream_states"]
            .as_array()
            .map_or(one, Vec::as_slice);
        let mut new = BTreeMap::new();
        for state in states {
            let name = state["stream_descriptor"]["name"].as_str().expect("a name");
            let stream = STREAMS
                .iter()
                .position(|known| *known == name)
                .expect("a stream");
            new.insert(
                stream,
                state["stream_state"]["upto"].as_i64().expect("an id"),
            );
        }
        for (stream, upto) in new {
            assert!(
                upto >= reached[stream],
                "a STATE of `{}` goes back",
                STREAMS[stream]
            );
            reached[stream] = upto;
        }
    }
    count
}

/// Writes the files that a destination is given.
pub fn write_files(folder: &Path, sync: &Sync, stage: &str) {
    let config = "version: 1\nunlisted: pass\nstage: {commit_seconds: 1, part_bytes: 65536, row_group_bytes: 65536}\n";
    let settings = json!({"stage": stage, "config": config});
    std::fs::write(folder.join("settings.json"), settings.to_string()).expect("a file");
    std::fs::write(folder.join("catalog.json"), sync.catalog()).expect("a file");
}
