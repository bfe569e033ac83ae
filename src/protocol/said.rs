//! What a message says to people: the text of LOG and TRACE, never a record's.

use serde::Deserialize;

use super::state::Descriptor;

/// Longest text that is shown of one message, in characters.
const SHOWN_CHARACTERS_MAX: usize = 8_000;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// For people, with its level.
    Text { level: String, text: String },
    /// The status of a stream.
    Status { stream: Descriptor, status: String },
    /// The text of a TRACE ERROR.
    Error(String),
    /// Another configuration is asked for.
    Config,
    /// A message that holds nothing for people.
    Nothing,
    /// The line is no message.
    Foreign,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    log: Option<Log>,
    trace: Option<Trace>,
}

#[derive(Deserialize)]
struct Log {
    #[serde(default)]
    level: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Trace {
    error: Option<Failure>,
    stream_status: Option<Status>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Status {
    stream_descriptor: Named,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    namespace: Option<String>,
}

/// Reads what a line says.
pub fn read(line: &[u8]) -> Said {
    let Ok(line) = serde_json::from_slice::<Line>(line) else {
        return Said::Foreign;
    };
    match (line.kind.as_str(), line.log, line.trace) {
        ("LOG", Some(log), _) => Said::Text {
            level: shown(&log.level),
            text: shown(&log.message),
        },
        (
            "TRACE",
            _,
            Some(Trace {
                error: Some(error), ..
            }),
        ) => Said::Error(shown(&error.message)),
        (
            "TRACE",
            _,
            Some(Trace {
                stream_status: Some(status),
                ..
            }),
        ) => Said::Status {
            stream: Descriptor {
                namespace: status.stream_descriptor.namespace,
                name: status.stream_descriptor.name,
            },
            status: shown(&status.status),
        },
        ("CONTROL", ..) => Said::Config,
        _ => Said::Nothing,
    }
}

/// A text as a terminal may show it: bounded, and without characters that would steer it.
pub fn shown(text: &str) -> String {
    let characters = text.trim_end().chars().take(SHOWN_CHARACTERS_MAX);
    characters
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_and_cannot_steer_a_terminal() {
        let text = |level: &str, text: &str| Said::Text {
            level: level.into(),
            text: text.into(),
        };
        for (line, expected) in [
            (
                r#"{"type":"LOG","log":{"level":"WARN","message":"a\u001b[2Jb\nc\n"}}"#,
                text("WARN", "a [2Jb\nc"),
            ),
            (
                r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1.5,"error":{"message":"no","internal_message":"x"}}}"#,
                Said::Error("no".into()),
            ),
            (
                r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":{"stream_descriptor":{"name":"a","namespace":null},"status":"COMPLETE"}}}"#,
                Said::Status {
                    stream: Descriptor {
                        namespace: None,
                        name: "a".into(),
                    },
                    status: "COMPLETE".into(),
                },
            ),
            (
                r#"{"type":"CONTROL","control":{"connectorConfig":{"config":{"token":"secret"}}}}"#,
                Said::Config,
            ),
            (
                r#"{"type":"TRACE","trace":{"type":"ESTIMATE"}}"#,
                Said::Nothing,
            ),
            (r#"{"type":"RECORD","record":{}}"#, Said::Nothing),
            (r#"{"level":"INFO"}"#, Said::Foreign),
            ("hello", Said::Foreign),
        ] {
            assert_eq!(read(line.as_bytes()), expected, "{line}");
        }
        let long = format!(
            r#"{{"type":"LOG","log":{{"level":"INFO","message":"{}"}}}}"#,
            "a".repeat(SHOWN_CHARACTERS_MAX + 9)
        );
        assert_eq!(
            read(long.as_bytes()),
            text("INFO", &"a".repeat(SHOWN_CHARACTERS_MAX))
        );
    }
}
