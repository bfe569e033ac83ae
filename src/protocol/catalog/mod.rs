//! The configured catalog: what streams a connection carries, by which keys and with which columns.
//!
//! The catalog is kept as it was read, unknown keys and order included; [`ConfiguredStream`] gives
//! typed views of what stages need and takes back a changed `json_schema`, keys and cursors.

mod form;
mod stream;

use std::collections::HashMap;

use serde_json::Value;

use crate::error::Result;
use form::{Form, WANTED, bad, described, document, form_of, list};
use stream::Place;

pub use form::MAX_BYTES;
pub use stream::{ConfiguredStream, DestinationSyncMode, SyncMode};

/// Streams a catalog may have.
pub const MAX_STREAMS: usize = 100_000;

/// A catalog and the streams in it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfiguredCatalog {
    /// The document with an empty `streams` list and the streams' `json_schema` moved out.
    frame: Value,
    form: Form,
    streams: Vec<ConfiguredStream>,
    by_name: HashMap<String, Positions>,
}

/// Where the streams of one name stand.
#[derive(Debug, Clone, Default, PartialEq)]
struct Positions {
    bare: Option<usize>,
    by_namespace: HashMap<String, usize>,
}

impl ConfiguredCatalog {
    /// Reads a configured catalog; `origin` names the file in errors.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Catalog`], saying where: the text is no JSON, is another document than a configured
    /// catalog (the output of `discover` is the usual mistake), a stream has no name or a name twice,
    /// a field has the wrong type, a bound is passed.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let document = document(text, origin)?;
        let found = match form_of(&document, Form::Configured) {
            Some(Form::Configured) => return Self::build(document, Form::Configured, origin),
            Some(Form::Message) => "a CATALOG message as `discover` prints it",
            Some(Form::Discovered) => "a list of discovered streams",
            None => described(&document),
        };
        Err(bad(origin, format!("this is {found}, not a configured catalog")).hint(WANTED))
    }

    /// Reads what `discover` prints: a CATALOG message, or the catalog inside it.
    ///
    /// # Errors
    /// As for [`Self::parse`].
    pub fn parse_discovered(text: &str, origin: &str) -> Result<Self> {
        let document = document(text, origin)?;
        match form_of(&document, Form::Discovered) {
            Some(form @ (Form::Message | Form::Discovered)) => Self::build(document, form, origin),
            Some(Form::Configured) => Err(bad(origin, "this is a configured catalog")
                .hint("a CATALOG message of `discover` is wanted here")),
            None => Err(bad(
                origin,
                format!("this is {}, not a catalog", described(&document)),
            )),
        }
    }

    fn build(mut frame: Value, form: Form, origin: &str) -> Result<Self> {
        let entries = match list(&mut frame, form) {
            Some(Value::Array(entries)) => std::mem::take(entries),
            _ => return Err(bad(origin, "`streams` is not a list")),
        };
        if entries.len() > MAX_STREAMS {
            return Err(bad(
                origin,
                format!(
                    "{} streams; at most {MAX_STREAMS} are allowed",
                    entries.len()
                ),
            ));
        }
        let mut streams = Vec::with_capacity(entries.len());
        let mut by_name: HashMap<String, Positions> = HashMap::with_capacity(entries.len());
        for (i, entry) in entries.into_iter().enumerate() {
            let stream = ConfiguredStream::read(entry, form, &Place { origin, index: i })?;
            let positions = by_name.entry(stream.name.clone()).or_default();
            let first = match &stream.namespace {
                Some(namespace) => positions.by_namespace.insert(namespace.clone(), i),
                None => positions.bare.replace(i),
            };
            if let Some(first) = first {
                let twice = format!(
                    "streams[{first}] and streams[{i}] are both {}",
                    stream.label()
                );
                return Err(
                    bad(origin, twice).hint("keep one of them, or give them different namespaces")
                );
            }
            streams.push(stream);
        }
        Ok(Self {
            frame,
            form,
            streams,
            by_name,
        })
    }

    /// The streams, in the catalog's order.
    pub fn streams(&self) -> &[ConfiguredStream] {
        &self.streams
    }

    /// The streams, to be changed; names stay.
    pub fn streams_mut(&mut self) -> &mut [ConfiguredStream] {
        &mut self.streams
    }

    /// Keeps the streams that `keep` says yes to.
    pub fn retain(&mut self, keep: impl FnMut(&ConfiguredStream) -> bool) {
        let mut streams = std::mem::take(&mut self.streams);
        streams.retain(keep);
        self.by_name.clear();
        streams.into_iter().for_each(|stream| self.append(stream));
    }

    /// Adds a stream at the end, whose name no other has.
    pub fn append(&mut self, stream: ConfiguredStream) {
        let at = self.streams.len();
        let positions = self.by_name.entry(stream.name.clone()).or_default();
        match &stream.namespace {
            Some(namespace) => drop(positions.by_namespace.insert(namespace.clone(), at)),
            None => positions.bare = Some(at),
        }
        self.streams.push(stream);
    }

    /// The stream of this name and namespace.
    pub fn find(&self, namespace: Option<&str>, name: &str) -> Option<&ConfiguredStream> {
        let positions = self.by_name.get(name)?;
        let at = match namespace {
            Some(namespace) => *positions.by_namespace.get(namespace)?,
            None => positions.bare?,
        };
        self.streams.get(at)
    }

    /// The document as read, with the streams' present schemas, keys and cursors.
    pub fn to_json(&self) -> Value {
        let mut document = self.frame.clone();
        if let Some(streams) = list(&mut document, self.form) {
            *streams = self
                .streams
                .iter()
                .map(|stream| stream.to_json(self.form))
                .collect();
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use serde_json::json;

    fn parse(text: &str) -> Result<ConfiguredCatalog> {
        ConfiguredCatalog::parse(text, "catalog.json")
    }

    /// Every optional field, `null` and absent, and keys no protocol knows.
    const ODD: &str = r#"{"future":1.10,"streams":[
        {"sync_mode":"incremental","x":{"b":1,"a":2},"stream":{"namespace":null,"json_schema":{"z":1,"type":"object"},"name":"s"},
         "primary_key":null,"destination_sync_mode":"overwrite_dedup","generation_id":7,"minimum_generation_id":0,"sync_id":null},
        {"stream":{"name":"s","namespace":"n","source_defined_primary_key":[["a","b"]],"source_defined_cursor":true,"default_cursor_field":["u"]},
         "cursor_field":[],"primary_key":[["a","b"],["c"]],"sync_mode":"full_refresh","destination_sync_mode":"append_dedup"}]}"#;

    #[test]
    fn fields_are_read() {
        let catalog = parse(ODD).expect("a catalog");
        let [first, second] = catalog.streams() else {
            panic!("two streams");
        };
        assert_eq!(
            (first.label(), second.label()),
            ("`s`".into(), "`n.s`".into())
        );
        assert_eq!(first.sync_mode, SyncMode::Incremental);
        assert_eq!(first.destination_sync_mode, DestinationSyncMode::Other);
        assert_eq!(
            (
                first.generation_id,
                first.minimum_generation_id,
                first.sync_id
            ),
            (Some(7), Some(0), None)
        );
        assert!(first.primary_key.is_empty() && second.cursor_field.is_empty());
        assert_eq!(second.primary_key, [vec!["a", "b"], vec!["c"]]);
        assert_eq!(second.source_defined_primary_key, [["a", "b"]]);
        assert!(second.source_defined_cursor && second.default_cursor_field == ["u"]);
        assert_eq!(
            second.destination_sync_mode,
            DestinationSyncMode::AppendDedup
        );
        assert!(second.json_schema.is_null());
        assert_eq!(catalog.find(None, "s"), Some(first));
        assert_eq!(catalog.find(Some("n"), "s"), Some(second));
        assert_eq!(catalog.find(Some("m"), "s"), None);
        assert_eq!(catalog.find(None, "t"), None);
    }

    #[test]
    fn what_is_not_changed_is_written_as_it_was_read() {
        let compact = serde_json::from_str::<Value>(ODD)
            .expect("JSON")
            .to_string();
        let mut catalog = parse(&format!("\u{feff}{ODD}")).expect("a catalog");
        assert_eq!(catalog.to_json().to_string(), compact);
        let stream = &mut catalog.streams_mut()[0];
        stream.json_schema = json!({"new": true});
        stream.primary_key = vec![vec!["id".to_owned()]];
        let expected = compact
            .replace(r#"{"z":1,"type":"object"}"#, r#"{"new":true}"#)
            .replace(r#""primary_key":null"#, r#""primary_key":[["id"]]"#);
        assert_eq!(catalog.to_json().to_string(), expected);
        let empty = r#"{"streams":[]}"#;
        assert_eq!(parse(empty).expect("empty").to_json().to_string(), empty);
    }

    #[test]
    fn the_output_of_discover_is_told_apart() {
        let message = r#"{"type":"CATALOG","catalog":{"streams":[{"name":"s","json_schema":{"a":1},"x":1}]},"k":1}"#;
        let plain = r#"{"streams":[{"name":"s","json_schema":{}}]}"#;
        let api = r#"{"streams":[{"stream":{"name":"s","jsonSchema":{}},"config":{}}]}"#;
        for (text, says) in [
            (message, "CATALOG message"),
            (plain, "discovered streams"),
            (api, "platform's API"),
            (r#"{"type":"SPEC","spec":{}}"#, "another protocol message"),
            (r#"{"streams":{}}"#, "without a list"),
            ("[1]", "a JSON list"),
            ("7", "a single JSON value"),
        ] {
            let error = parse(text).expect_err(says);
            assert_eq!(error.kind(), ErrorKind::Catalog);
            assert!(error.message().contains(says), "{error}");
            assert!(
                error
                    .advice()
                    .is_some_and(|hint| hint.contains("--catalog"))
            );
        }
        for text in [message, plain] {
            let found = ConfiguredCatalog::parse_discovered(text, "discover").expect(text);
            assert_eq!(found.streams()[0].name, "s");
            assert_eq!(found.to_json().to_string(), text);
        }
        assert!(ConfiguredCatalog::parse_discovered(ODD, "discover").is_err());
        let lines = format!("{{\"type\":\"LOG\",\"log\":{{}}}}\n{message}\n");
        let error = parse(&lines).expect_err("two documents");
        assert!(error.message().contains("protocol messages"), "{error}");
    }

    #[test]
    fn errors_say_where() {
        let stream =
            |inner: &str| format!(r#"{{"streams":[{{"stream":{{"name":"s"}}}},{inner}]}}"#);
        for (text, says) in [
            (
                "{\n  \"streams\": [}".to_owned(),
                "catalog.json:2:15: expected value",
            ),
            (stream("7"), "streams[1] is not an object"),
            (stream(r#"{"stream":[]}"#), "streams[1].stream is missing"),
            (stream("{}"), "streams[1].stream is missing"),
            (stream(r#"{"stream":{}}"#), "streams[1] has no name"),
            (
                stream(r#"{"stream":{"name":1}}"#),
                "streams[1].name is not a string",
            ),
            (
                stream(r#"{"stream":{"name":"a","namespace":1}}"#),
                "streams[1].namespace",
            ),
            (
                stream(r#"{"stream":{"name":"s","namespace":null}}"#),
                "streams[0] and streams[1] are both `s`",
            ),
            (
                stream(r#"{"stream":{"name":"a"},"primary_key":["id"]}"#),
                "streams[1].primary_key is not a list of lists",
            ),
            (
                stream(r#"{"stream":{"name":"a"},"cursor_field":"u"}"#),
                "streams[1].cursor_field",
            ),
            (
                stream(r#"{"stream":{"name":"a"},"generation_id":1.5}"#),
                "streams[1].generation_id",
            ),
        ] {
            let error = parse(&text).expect_err(says);
            assert_eq!(error.kind(), ErrorKind::Catalog);
            assert!(error.message().contains(says), "{error}");
            assert!(error.message().starts_with("catalog.json:"), "{error}");
        }
    }

    #[test]
    fn the_number_of_streams_is_bounded() {
        let text = format!(r#"{{"streams":[{}0]}}"#, "0,".repeat(MAX_STREAMS));
        let error = parse(&text).expect_err("one too many");
        assert!(error.message().contains("100001 streams"), "{error}");
        let text = " ".repeat(MAX_BYTES + 1);
        assert!(
            parse(&text)
                .expect_err("too long")
                .message()
                .contains("bytes")
        );
    }
}
