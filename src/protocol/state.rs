//! STATE messages: whom they cover and where their record count stands. Everything else in them is opaque.

pub mod edit;

use super::catalog::ConfiguredStream;
use super::frame::{Span, pass};
use super::walk::{Malformed, Next, Value, Walker};

/// A stream's name and namespace; null and absent namespaces are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Descriptor {
    pub namespace: Option<String>,
    pub name: String,
}

impl std::fmt::Display for Descriptor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(out, "{namespace}.{}", self.name),
            None => out.write_str(&self.name),
        }
    }
}

/// Whose records a STATE covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One stream.
    Stream(Descriptor),
    /// The streams it lists, together; all when it lists none.
    Global(Vec<Descriptor>),
    /// All streams.
    Legacy,
}

impl Scope {
    /// Whether it covers records of a stream.
    pub fn covers(&self, stream: &Descriptor) -> bool {
        match self {
            Self::Stream(one) => one == stream,
            Self::Global(listed) => listed.is_empty() || listed.contains(stream),
            Self::Legacy => true,
        }
    }

    /// The protocol's word for the type of state.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stream(_) => "STREAM",
            Self::Global(_) => "GLOBAL",
            Self::Legacy => "LEGACY",
        }
    }
}

/// A STATE line.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub scope: Scope,
    pub count: CountPlace,
}

/// Where `sourceStats.recordCount` stands, or would stand.
#[derive(Debug, Clone, PartialEq)]
pub struct CountPlace {
    /// The bytes to replace; empty where something is inserted.
    pub span: Span,
    /// Text around the number.
    pub around: (&'static str, &'static str),
    /// The count the source gave.
    pub given: Option<f64>,
}

impl CountPlace {
    /// The text that makes the count `records`; `None` when it already says so.
    pub fn patch(&self, records: u64) -> Option<String> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts are doubles in the protocol"
        )]
        let same = self.given == Some(records as f64);
        (!same).then(|| format!("{}{records}.0{}", self.around.0, self.around.1))
    }
}

/// Reads the value of `state`, whose opening brace is structural character `at`.
///
/// # Errors
/// [`Malformed`] when its type is unknown, a STREAM state names no stream, or a key stands twice.
pub fn read(bytes: &[u8], positions: &[u32], at: usize) -> Result<State, Malformed> {
    let mut walker = Walker::new(bytes, positions, at);
    if bytes.get(walker.here() as usize) != Some(&b'{') {
        return Err(walker.malformed("has a `state` that is not an object"));
    }
    let (mut kind, mut stream, mut global) = (None, None, None);
    let mut count = None;
    let mut empty = true;
    while let Some(key) = walker.key()? {
        empty = false;
        let text = &bytes[key.start as usize..key.end as usize];
        let value = walker.value()?;
        if text == b"sourceStats" {
            let place = stats(bytes, &mut walker, value)?;
            if count.replace(place).is_some() {
                return Err(walker.malformed("names `sourceStats` twice"));
            }
        } else {
            let span = pass(&mut walker, value)?;
            let earlier = match text {
                b"type" => kind.replace(span),
                b"stream" => stream.replace(span),
                b"global" => global.replace(span),
                _ => None,
            };
            if earlier.is_some() {
                return Err(walker.malformed("names a key of the state twice"));
            }
        }
        if walker.next(b'}')? == Next::Closed {
            break;
        }
    }
    let missing = || Err(walker.malformed("is a STREAM state without a stream descriptor"));
    let scope = match kind.map(|span| span.of(bytes)) {
        Some(b"\"STREAM\"") => match stream.and_then(|span| descriptor(span.of(bytes))) {
            Some(descriptor) => Scope::Stream(descriptor),
            None => return missing(),
        },
        Some(b"\"GLOBAL\"") => Scope::Global(global.map_or(vec![], |span| streams(span.of(bytes)))),
        None | Some(b"null" | b"\"LEGACY\"") => Scope::Legacy,
        Some(_) => return Err(walker.malformed("has a state type this version does not know")),
    };
    let end = walker.here();
    let count = count.unwrap_or(CountPlace {
        span: Span { start: end, end },
        around: match empty {
            true => ("\"sourceStats\":{\"recordCount\":", "}"),
            false => (",\"sourceStats\":{\"recordCount\":", "}"),
        },
        given: None,
    });
    Ok(State { scope, count })
}

fn stats(bytes: &[u8], walker: &mut Walker<'_>, value: Value) -> Result<CountPlace, Malformed> {
    let whole = |span| CountPlace {
        span,
        around: ("{\"recordCount\":", "}"),
        given: None,
    };
    match value {
        Value::Scalar { start, end } => return Ok(whole(Span { start, end })),
        Value::Array { .. } => {
            return Err(walker.malformed("has a `sourceStats` that is not an object"));
        }
        Value::Object { .. } => {}
    }
    let mut place = None;
    let mut empty = true;
    while let Some(key) = walker.key()? {
        empty = false;
        let text = &bytes[key.start as usize..key.end as usize];
        let value = walker.value()?;
        let span = pass(walker, value)?;
        if text == b"recordCount" {
            let literal = std::str::from_utf8(span.of(bytes)).unwrap_or("");
            let given = CountPlace {
                span,
                around: ("", ""),
                given: literal.parse().ok(),
            };
            if place.replace(given).is_some() {
                return Err(walker.malformed("names `recordCount` twice"));
            }
        }
        if walker.next(b'}')? == Next::Closed {
            break;
        }
    }
    let end = walker.here();
    walker.leave()?;
    Ok(place.unwrap_or(CountPlace {
        span: Span { start: end, end },
        around: match empty {
            true => ("\"recordCount\":", ""),
            false => (",\"recordCount\":", ""),
        },
        given: None,
    }))
}

/// The descriptor inside `{"stream_descriptor": {"name": …, "namespace": …}, …}`.
fn descriptor(raw: &[u8]) -> Option<Descriptor> {
    #[derive(serde::Deserialize)]
    struct Holder {
        stream_descriptor: Raw,
    }
    serde_json::from_slice::<Holder>(raw)
        .ok()
        .map(|holder| holder.stream_descriptor.into())
}

fn streams(raw: &[u8]) -> Vec<Descriptor> {
    #[derive(serde::Deserialize)]
    struct Holder {
        #[serde(default)]
        stream_states: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        stream_descriptor: Raw,
    }
    let holder = serde_json::from_slice::<Holder>(raw).ok();
    let entries = holder
        .map(|holder| holder.stream_states)
        .unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| entry.stream_descriptor.into())
        .collect()
}

#[derive(serde::Deserialize)]
struct Raw {
    name: String,
    namespace: Option<String>,
}

impl From<&ConfiguredStream> for Descriptor {
    fn from(stream: &ConfiguredStream) -> Self {
        Self {
            namespace: stream.namespace.clone(),
            name: stream.name.clone(),
        }
    }
}

impl From<Raw> for Descriptor {
    fn from(raw: Raw) -> Self {
        Self {
            namespace: raw.namespace,
            name: raw.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{frame, scan};

    fn patched(line: &str, records: u64) -> Result<(Scope, String), &'static str> {
        let mut bytes = line.as_bytes().to_vec();
        bytes.resize(bytes.len() + scan::PADDING, b'\n');
        let mut positions = vec![];
        frame::index(&bytes, 0, &mut positions)
            .1
            .map_err(|m| m.what)?;
        let envelope = frame::read(&bytes, &positions, line.len() as u32).map_err(|m| m.what)?;
        let state = read(&bytes, &positions, envelope.state_at).map_err(|m| m.what)?;
        let Span { start, end } = state.count.span;
        let text = match state.count.patch(records) {
            Some(text) => format!("{}{text}{}", &line[..start as usize], &line[end as usize..]),
            None => line.to_owned(),
        };
        Ok((state.scope, text))
    }

    #[test]
    fn counts_are_set_where_they_stand_or_belong() {
        for (state, expected) in [
            (
                r#"{"data":{"a":1}}"#,
                r#"{"data":{"a":1},"sourceStats":{"recordCount":3.0}}"#,
            ),
            (r#"{}"#, r#"{"sourceStats":{"recordCount":3.0}}"#),
            (
                r#"{"sourceStats":null,"id":5}"#,
                r#"{"sourceStats":{"recordCount":3.0},"id":5}"#,
            ),
            (
                r#"{"sourceStats":{ },"id":5}"#,
                r#"{"sourceStats":{ "recordCount":3.0},"id":5}"#,
            ),
            (
                r#"{"sourceStats":{"x":1}}"#,
                r#"{"sourceStats":{"x":1,"recordCount":3.0}}"#,
            ),
            (
                r#"{"sourceStats":{"recordCount":4.0,"x":1}}"#,
                r#"{"sourceStats":{"recordCount":3.0,"x":1}}"#,
            ),
            (
                r#"{"sourceStats":{"recordCount": 3 }}"#,
                r#"{"sourceStats":{"recordCount": 3 }}"#,
            ),
        ] {
            let line = format!(r#"{{"type":"STATE","state":{state}}}"#);
            let expected = format!(r#"{{"type":"STATE","state":{expected}}}"#);
            assert_eq!(patched(&line, 3), Ok((Scope::Legacy, expected)));
        }
    }

    #[test]
    fn scopes_follow_the_type() {
        let stream = r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"a","namespace":null},"stream_state":{}}}}"#;
        let a = Descriptor {
            namespace: None,
            name: "a".into(),
        };
        assert_eq!(
            patched(stream, 1).map(|s| s.0),
            Ok(Scope::Stream(a.clone()))
        );
        let global = r#"{"type":"STATE","state":{"type":"GLOBAL","global":{"stream_states":[{"stream_descriptor":{"name":"a"}}]}}}"#;
        assert_eq!(patched(global, 1).map(|s| s.0), Ok(Scope::Global(vec![a])));
        let broken = r#"{"type":"STATE","state":{"type":"STREAM","stream":{}}}"#;
        assert!(patched(broken, 1).is_err());
    }
}
