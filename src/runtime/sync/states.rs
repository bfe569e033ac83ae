//! The state file: what the destination has given back, as a source is given it with `--state`.
//!
//! A JSON list of states without what belongs to one run: ids and counts. The last one of each stream counts; states
//! over all streams take the place of each other. The file is replaced as a whole, and is durable then.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::state::Descriptor;

/// How often the file is written at most while states come.
const EVERY: Duration = Duration::from_secs(1);

/// Keys of a state that belong to one run.
const PASSING: [&str; 6] = [
    "id",
    "sourceStats",
    "destinationStats",
    "committedRecordsCount",
    "committedBytesCount",
    "rejectedRecordsCount",
];

/// The type of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Stream,
    Global,
    Legacy,
}

/// One state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub(super) kind: Kind,
    /// Whose it is; `None` for all streams together.
    pub(super) stream: Option<Descriptor>,
    state: Map<String, Value>,
}

impl Kept {
    /// Reads what stands below `state` in a STATE message. `None` when that is no state.
    pub(super) fn read(state: Value) -> Option<Self> {
        let Value::Object(mut state) = state else {
            return None;
        };
        PASSING
            .iter()
            .for_each(|key| drop(state.shift_remove(*key)));
        let (kind, stream) = match state.get("type").and_then(Value::as_str) {
            Some("STREAM") => {
                let stream = named(state.get("stream")?)?;
                (Kind::Stream, Some(stream))
            }
            Some("GLOBAL") => {
                state.get("global")?.as_object()?;
                (Kind::Global, None)
            }
            Some("LEGACY") => (Kind::Legacy, None),
            None if state.contains_key("data") => (Kind::Legacy, None),
            _ => return None,
        };
        Some(Self {
            kind,
            stream,
            state,
        })
    }

    /// The streams it names.
    fn streams(&self) -> Vec<Descriptor> {
        let listed = self.listed().iter().filter_map(named);
        self.stream.iter().cloned().chain(listed).collect()
    }

    fn listed(&self) -> &[Value] {
        let global = self
            .state
            .get("global")
            .filter(|_| self.kind == Kind::Global);
        let listed = global.and_then(|global| global.get("stream_states")?.as_array());
        listed.map_or(&[], Vec::as_slice)
    }
}

/// The descriptor inside `{"stream_descriptor": {"name": …}}`.
fn named(holder: &Value) -> Option<Descriptor> {
    let named = holder.get("stream_descriptor")?;
    let text = |key| named.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Descriptor {
        namespace: text("namespace"),
        name: text("name")?,
    })
}

/// The states of a sync and their file.
#[derive(Debug)]
pub(super) struct States {
    path: PathBuf,
    kept: Vec<Kept>,
    /// States taken in, for whoever shows progress.
    pub(super) count: Arc<AtomicU64>,
    changed: bool,
    written: Option<Instant>,
}

impl States {
    /// Reads the file; one that is not there holds nothing.
    ///
    /// # Errors
    /// `Config` when it cannot be read or is no state file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let kept = match std::fs::read_to_string(path) {
            Ok(text) => parse(&text).map_err(|what| {
                let message = format!("{}: {what}", path.display());
                Error::new(ErrorKind::Config, message).hint(
                    "a state file is a JSON list of states, `[{\"type\":\"STREAM\",\"stream\":…}]`; \
                     name one that is not there to read everything",
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let message = format!("{} cannot be read", path.display());
                return Err(Error::new(ErrorKind::Config, message).because(error));
            }
        };
        Ok(Self {
            path: path.to_owned(),
            kept,
            count: Arc::default(),
            changed: false,
            written: None,
        })
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether a source could go on with a stream.
    pub(super) fn knows(&self, stream: &Descriptor) -> bool {
        self.kept
            .iter()
            .any(|kept| kept.kind == Kind::Legacy || kept.streams().contains(stream))
    }

    /// The streams it names; none when it names no streams at all.
    pub(super) fn streams(&self) -> Vec<Descriptor> {
        self.kept.iter().flat_map(Kept::streams).collect()
    }

    /// Forgets how far these streams were read, since they are read anew. `all` says that no other stream is read.
    pub(super) fn forget(&mut self, streams: &[Descriptor], all: bool) {
        if streams.is_empty() {
            return;
        }
        for kept in &mut self.kept {
            if kept.kind == Kind::Global
                && let Some(Value::Array(listed)) = kept
                    .state
                    .get_mut("global")
                    .and_then(|global| global.get_mut("stream_states"))
            {
                listed.retain(|entry| named(entry).is_none_or(|named| !streams.contains(&named)));
            }
        }
        self.kept.retain(|kept| match &kept.stream {
            Some(stream) => !streams.contains(stream),
            None => !all,
        });
        self.changed = true;
    }

    /// Takes a state in that the destination has given back, and writes the file if it is time.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub(super) fn keep(&mut self, state: Kept) -> Result<()> {
        // A source that was changed may tell its progress in another type; both at once contradict each other.
        self.kept
            .retain(|kept| kept.kind == state.kind && kept.stream != state.stream);
        self.kept.push(state);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.changed = true;
        self.write_if_due()
    }

    /// Writes the file if there is something new and the last time was some time ago.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub(super) fn write_if_due(&mut self) -> Result<()> {
        let due = self
            .written
            .is_none_or(|written| written.elapsed() >= EVERY);
        if due { self.write() } else { Ok(()) }
    }

    /// Writes the file if there is something new.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub(super) fn write(&mut self) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        replace(&self.path, &self.text())?;
        self.changed = false;
        self.written = Some(Instant::now());
        Ok(())
    }

    /// The file's text.
    pub(super) fn text(&self) -> String {
        let states = self
            .kept
            .iter()
            .map(|kept| Value::Object(kept.state.clone()));
        let lines: Vec<String> = states.map(|state| state.to_string()).collect();
        format!("[{}]\n", lines.join(",\n"))
    }
}

fn parse(text: &str) -> std::result::Result<Vec<Kept>, String> {
    // The reader's own sentence may quote what stands there.
    let document: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("this is no JSON, at line {line} column {column}")
    })?;
    let Value::Array(states) = document else {
        return Err("this is no list".to_owned());
    };
    let mut kept: Vec<Kept> = Vec::with_capacity(states.len());
    for (number, state) in states.into_iter().enumerate() {
        if state.get("type").and_then(Value::as_str) == Some("STATE") {
            return Err(format!(
                "entry {number} is a message; what it has below `state` is wanted"
            ));
        }
        let state = Kept::read(state).ok_or(format!("entry {number} is no state"))?;
        if kept.iter().any(|other| other.kind != state.kind) {
            return Err(format!(
                "entry {number} has another type than those before it"
            ));
        }
        if kept.iter().any(|other| other.stream == state.stream) {
            return Err(match &state.stream {
                Some(stream) => format!("stream `{stream}` stands there twice"),
                None => "there are two states of all streams".to_owned(),
            });
        }
        kept.push(state);
    }
    Ok(kept)
}

/// Puts a file in the place of another, durably: at no moment is there half of one.
///
/// # Errors
/// `Output` when it cannot be written.
pub(super) fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(".midflight-")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        if let Ok(there) = std::fs::metadata(path) {
            file.as_file().set_permissions(there.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error: std::io::Error| {
        let message = format!("{} cannot be written", path.display());
        Error::new(ErrorKind::Output, message).because(error)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stream(name: &str) -> Descriptor {
        Descriptor {
            namespace: None,
            name: name.into(),
        }
    }

    fn of(name: &str, cursor: u64) -> Value {
        json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": {"c": cursor}}, "id": 3,
            "sourceStats": {"recordCount": 1.0}, "destinationStats": {}})
    }

    fn global(names: &[&str]) -> Value {
        let listed = names
            .iter()
            .map(|name| json!({"stream_descriptor": {"name": name}}));
        json!({"type": "GLOBAL", "global": {"shared_state": {"lsn": 1}, "stream_states": listed.collect::<Vec<_>>()}})
    }

    fn kept(state: Value) -> Kept {
        Kept::read(state).expect("a state")
    }

    #[test]
    fn the_last_state_of_each_stream_stays_without_what_belongs_to_a_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mut states = States::open(&path).expect("no file");
        for (name, cursor) in [("a", 1), ("b", 2), ("a", 3)] {
            states.keep(kept(of(name, cursor))).expect("kept");
        }
        states.write().expect("written");
        let text = std::fs::read_to_string(&path).expect("a file");
        let expected = "[{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\"b\"},\"stream_state\":{\"c\":2}}},\n\
            {\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\"a\"},\"stream_state\":{\"c\":3}}}]\n";
        assert_eq!(text, expected);
        let again = States::open(&path).expect("the file");
        assert_eq!((again.text(), again.kept), (text, states.kept));
    }

    #[test]
    fn states_of_all_streams_take_the_place_of_others() {
        let mut states = States::open(Path::new("/no/such/file")).expect("no file");
        states.written = Some(Instant::now());
        states.keep(kept(of("a", 1))).expect("kept");
        states.keep(kept(global(&["a", "b"]))).expect("kept");
        states.keep(kept(global(&["a"]))).expect("kept");
        assert_eq!(states.streams(), [stream("a")]);
        assert!(states.knows(&stream("a")) && !states.knows(&stream("b")));
        states.keep(kept(json!({"data": {"x": 1}}))).expect("kept");
        assert!(states.kept.len() == 1 && states.knows(&stream("b")));
    }

    #[test]
    fn streams_that_are_read_anew_are_forgotten() {
        let mut states = States::open(Path::new("/no/such/file")).expect("no file");
        states.kept = vec![kept(of("a", 1)), kept(of("b", 1))];
        states.forget(&[stream("a")], false);
        assert_eq!(states.streams(), [stream("b")]);
        states.kept = vec![kept(global(&["a", "b"]))];
        states.forget(&[stream("a")], false);
        assert_eq!(states.streams(), [stream("b")]);
        assert!(states.text().contains("lsn"));
        states.forget(&[stream("b")], true);
        assert!(states.is_empty());
    }

    #[test]
    fn what_is_no_state_file_is_told() {
        for (text, says) in [
            ("", "no JSON, at line 1"),
            ("[{\"secret\": s3cret}]", "no JSON, at line 1 column"),
            ("{}", "no list"),
            ("[7]", "entry 0 is no state"),
            (r#"[{"type":"STREAM","stream":{}}]"#, "entry 0 is no state"),
            (r#"[{"type":"STATE","state":{}}]"#, "is a message"),
            (r#"[{"type":"stream"}]"#, "entry 0 is no state"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(says) && !error.contains("s3cret"), "{error}");
        }
        let twice = json!([of("a", 1), of("a", 2)]).to_string();
        assert!(
            parse(&twice)
                .expect_err("twice")
                .contains("`a` stands there twice")
        );
        let mixed = json!([of("a", 1), global(&["a"])]).to_string();
        assert!(parse(&mixed).expect_err("mixed").contains("another type"));
    }
}
