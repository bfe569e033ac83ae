//! The records that the latest run left in `audit.jsonl`: when it ran, of which files, under which rules.

use serde::Deserialize;

/// What the audit log tells of its latest run.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Audit {
    /// RFC 3339.
    pub started: Option<String>,
    pub ended: Option<String>,
    pub command: String,
    /// Fingerprint of the plan.
    pub plan: String,
    pub files: Vec<File>,
    pub rules: Vec<RuleFile>,
}

/// A file that the run was made of.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct File {
    pub role: String,
    pub name: String,
    pub sha256: String,
}

/// The rules of a stream.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RuleFile {
    pub stream: String,
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// A rule: how far it has come, and what it may do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Rule {
    pub id: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub action: String,
}

#[derive(Deserialize)]
struct Line {
    at: String,
    kind: String,
    #[serde(default)]
    payload: Payload,
}

/// What is read of payloads; other kinds have none of it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    command: Option<String>,
    plan: Option<String>,
    files: Option<Vec<File>>,
    rules: Option<Vec<RuleFile>>,
}

impl Audit {
    /// Reads lines; those that are of something else, or cannot be read, tell nothing.
    pub fn read(text: &str) -> Self {
        let mut audit = Self::default();
        for line in text.lines().filter(|line| line.contains("\"run_")) {
            let Ok(line) = serde_json::from_str::<Line>(line) else {
                continue;
            };
            match line.kind.as_str() {
                "run_started" => {
                    audit = Self {
                        started: Some(line.at),
                        ended: None,
                        command: line.payload.command.unwrap_or_default(),
                        plan: line.payload.plan.unwrap_or_default(),
                        files: line.payload.files.unwrap_or_default(),
                        rules: line.payload.rules.unwrap_or_default(),
                    };
                }
                "run_ended" => audit.ended = Some(line.at),
                _ => {}
            }
        }
        audit
    }

    /// The rules of a stream, by the names that a rule file may call it.
    pub fn rules_of(&self, stream: &str) -> impl Iterator<Item = &Rule> {
        let short = stream.rsplit('.').next().unwrap_or(stream).to_owned();
        let stream = stream.to_owned();
        let files = self.rules.iter();
        let files = files.filter(move |file| file.stream == stream || file.stream == short);
        files.flat_map(|file| &file.rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_run_counts() {
        let text = r#"
{"at":"1","kind":"run_started","payload":{"command":"batch","files":[],"rules":[]},"seq":1}
{"at":"2","kind":"run_ended","payload":{}}
{"at":"3","kind":"run_started","payload":{"command":"pipe","plan":"p","files":[{"role":"config","name":"c","sha256":"0"}],"rules":[{"file":"f","stream":"users","rules":[{"id":"a","status":"approved","action":"count"}]}]}}
torn {"kind":"run_ended"
{"at":"4","kind":"rule_demoted","payload":{"rules":"run_ended"}}"#;
        let audit = Audit::read(text);
        assert_eq!(
            (
                audit.started.as_deref(),
                audit.ended.as_deref(),
                audit.command.as_str()
            ),
            (Some("3"), None, "pipe")
        );
        assert_eq!(audit.files.len(), 1);
        assert_eq!(audit.rules_of("crm.users").count(), 1);
        assert_eq!(audit.rules_of("orders").count(), 0);
    }
}
