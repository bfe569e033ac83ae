//! A wrapped connector's configuration: its own keys, and ours under one key beside them.
//!
//! The connector is given a file without our key, since its specification may allow no others. Ours is
//! `{"config": "the text of a midflight.yaml", "secrets": [{"name": …, "value": …}]}`. Where a configuration file comes
//! with the command, it is the policy, and the form may only bring secrets that nothing else has set.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use tempfile::NamedTempFile;

use super::members::Members;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::catalog::ConfiguredCatalog;
use crate::runtime::kept::{self, Secret};
use crate::runtime::load::Files;

/// The key that is ours.
pub const KEY: &str = "midflight";

/// What the user filled in for us.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    config: Option<String>,
    #[serde(default)]
    secrets: Vec<Secret>,
}

/// A connector's configuration, divided.
#[derive(Debug)]
pub struct Own {
    /// The configuration file that came with the command.
    policy: Option<PathBuf>,
    /// The text of the form's configuration.
    config: Option<String>,
    variables: BTreeMap<String, String>,
    /// Our key's value as it was read.
    ours: Option<Box<RawValue>>,
    /// What the connector is given. Readable by us alone, gone when we are.
    child: NamedTempFile,
}

impl Own {
    /// Divides the file that the platform gives with `--config`. `policy` is the configuration file that came with the
    /// command, if one did.
    ///
    /// # Errors
    /// `Config` when it cannot be read, when our key is not what it should be, or when it would change the policy.
    pub fn read(given: &Path, policy: Option<&Path>) -> Result<Self> {
        let name = given.display();
        let wrong = |what: String| Error::new(ErrorKind::Config, format!("{name}{what}"));
        let text = std::fs::read_to_string(given)
            .map_err(|error| wrong(" cannot be read".to_owned()).because(error))?;
        let mut members: Members = kept::parse(&text).map_err(|what| {
            wrong(format!(" {what}")).hint("it is the connector's configuration, a JSON object")
        })?;
        let ours = members.take(KEY).map_err(|()| {
            wrong(format!(" holds the key `{KEY}` twice")).hint("leave one of them")
        })?;
        let settings = match &ours {
            Some(ours) => kept::parse(ours.get()).map_err(|what| {
                wrong(format!(": `{KEY}` {what}")).hint(
                    "it may hold `config`, the text of a midflight.yaml, and `secrets`, a list of `name` and `value`",
                )
            })?,
            None => Settings::default(),
        };
        let config = settings.config.filter(|text| !text.trim().is_empty());
        if let (Some(policy), Some(_)) = (policy, &config) {
            let message = format!(
                ": `{KEY}.config` is filled in, but {} is the policy here",
                policy.display()
            );
            return Err(wrong(message).hint(
                "leave it empty; whoever makes the image decides what happens to the records",
            ));
        }
        let variables = variables(&settings.secrets, policy.is_some()).map_err(|what| {
            wrong(format!(": `{KEY}.secrets` {what}")).hint(
                "each secret has the name of one variable that `keys` of the configuration names",
            )
        })?;
        Ok(Self {
            policy: policy.map(Path::to_owned),
            config,
            variables,
            ours,
            child: file(&members.to_text())?,
        })
    }

    /// The file with the connector's own keys. It is there as long as this is.
    pub fn child(&self) -> &Path {
        self.child.path()
    }

    /// Gives the connector the configuration of a CONTROL line when it is run the next time: a token that it has renewed
    /// may hold only once.
    ///
    /// # Errors
    /// `Output` when it cannot be written.
    pub fn renew(&mut self, line: &str) -> Result<()> {
        if let Some(text) = renewed(line) {
            self.child = file(text)?;
        }
        Ok(())
    }

    /// What our plan is made of, for these streams.
    pub fn files(&self, streams: Option<ConfiguredCatalog>) -> Files {
        let text = self.config.clone();
        Files {
            config: self.policy.clone(),
            text: text.map(|text| (format!("{KEY}.config"), text)),
            streams,
            variables: self.variables.clone(),
            ..Files::default()
        }
    }

    /// A CONTROL line whose configuration has our key again, since the platform keeps what it is told there in the
    /// place of what the user filled in. `None` where there is nothing to bring back.
    pub fn restore(&self, line: &str) -> Option<String> {
        let ours = self.ours.as_ref()?;
        let told = renewed(line)?;
        let mut members: Members = serde_json::from_str(told).ok()?;
        members.put(KEY, ours.clone());
        let start = told.as_ptr() as usize - line.as_ptr() as usize;
        let (before, rest) = line.split_at_checked(start)?;
        let after = rest.get(told.len()..)?;
        Some(format!("{before}{}{after}", members.to_text()))
    }
}

/// The configuration inside of a CONTROL line.
fn renewed(line: &str) -> Option<&str> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        control: Control<'a>,
    }
    #[derive(Deserialize)]
    struct Control<'a> {
        #[serde(borrow, rename = "connectorConfig")]
        config: Config<'a>,
    }
    #[derive(Deserialize)]
    struct Config<'a> {
        #[serde(borrow)]
        config: &'a RawValue,
    }
    let line: Line<'_> = serde_json::from_str(line).ok()?;
    Some(line.control.config.config.get())
}

/// The variables of secrets; beside a policy, none that the environment has set.
fn variables(
    secrets: &[Secret],
    policy: bool,
) -> std::result::Result<BTreeMap<String, String>, String> {
    let mut names = std::collections::HashSet::new();
    for Secret { name, value } in secrets {
        if name.is_empty() {
            return Err("holds one without a name".to_owned());
        }
        if value.is_empty() {
            return Err(format!("holds `{name}` without a value"));
        }
        if !names.insert(name) {
            return Err(format!("holds `{name}` twice"));
        }
        if policy && std::env::var_os(name).is_some() {
            return Err(format!("holds `{name}`, which is set where this runs"));
        }
    }
    Ok(kept::variables(secrets))
}

/// A file that is readable by us alone.
pub(super) fn file(text: &str) -> Result<NamedTempFile> {
    let mut made = tempfile::Builder::new();
    made.prefix("config-").suffix(".json");
    let written = made.tempfile().and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.flush()?;
        Ok(file)
    });
    written.map_err(|error| {
        let message = "a file for the connector cannot be written";
        Error::new(ErrorKind::Output, message)
            .hint("a directory for temporary files is needed; TMPDIR names it")
            .because(error)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn given(text: &str) -> NamedTempFile {
        file(text).expect("a file")
    }

    #[test]
    fn the_connector_gets_its_own_keys_as_they_were() {
        let text = r#"{"z": 1.10, "midflight": {"config": "version: 1\n", "secrets": [{"name": "K", "value": "v"}]},
            "a": 123456789012345678901234567890, "z2": {"b": 1E5, "a": "\u00e9"}}"#;
        let file = given(text);
        let own = Own::read(file.path(), None).expect("a configuration");
        let child = own.child().to_owned();
        let mode = std::fs::metadata(&child).expect("a file").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        assert_eq!(
            std::fs::read_to_string(&child).expect("a file"),
            r#"{"z":1.10,"a":123456789012345678901234567890,"z2":{"b": 1E5, "a": "\u00e9"}}"#
        );
        let files = own.files(None);
        assert_eq!(files.variables["K"], "v");
        assert_eq!(
            files.text,
            Some(("midflight.config".to_owned(), "version: 1\n".to_owned()))
        );
        drop(own);
        assert!(!child.exists());
    }

    #[test]
    fn a_new_configuration_gets_our_key_back() {
        let file = given(r#"{"token":"old","midflight":{"config": "version: 1"}}"#);
        let own = Own::read(file.path(), None).expect("a configuration");
        let line = r#"{"x": 1.10, "control": {"connectorConfig": {"config": {"n": 1.50, "token": "new"}, "k": 1}}, "type": "CONTROL"}"#;
        let expected = line.replace(
            r#"{"n": 1.50, "token": "new"}"#,
            r#"{"n":1.50,"token":"new","midflight":{"config": "version: 1"}}"#,
        );
        assert_eq!(own.restore(line), Some(expected));
        assert_eq!(own.restore(r#"{"type":"CONTROL","control":{}}"#), None);
        let without = given(r#"{"token":"old"}"#);
        let mut own = Own::read(without.path(), None).expect("a configuration");
        assert_eq!(own.restore(line), None);
        own.renew(line).expect("a file");
        assert_eq!(
            std::fs::read_to_string(own.child()).expect("a file"),
            r#"{"n": 1.50, "token": "new"}"#
        );
    }

    #[test]
    fn what_is_wrong_is_told_without_values() {
        for (text, says) in [
            ("", "at line 1"),
            ("[1]", "at line 1"),
            ("{\"secret\": s3cret}", "at line 1 column"),
            (r#"{"midflight":"s3cret"}"#, "`midflight` is not what"),
            (r#"{"midflight":{"confg":"s3cret"}}"#, "the key `confg`"),
            (
                r#"{"midflight":{"secrets":[{"name":"K","value":7}]}}"#,
                "line 1",
            ),
            (
                r#"{"midflight":{"secrets":[{"name":"","value":"s3cret"}]}}"#,
                "without a name",
            ),
            (
                r#"{"midflight":{"secrets":[{"name":"K","value":""}]}}"#,
                "`K` without a value",
            ),
            (
                r#"{"midflight":{"secrets":[{"name":"K","value":"s3cret"},{"name":"K","value":"s3cret"}]}}"#,
                "`K` twice",
            ),
            (r#"{"midflight":{},"midflight":{}}"#, "`midflight` twice"),
        ] {
            let file = given(text);
            let error = Own::read(file.path(), None).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Config);
            let told = format!("{error} {error:?}");
            assert!(told.contains(says) && !told.contains("s3cret"), "{told}");
        }
    }

    #[test]
    fn the_form_cannot_change_a_policy() {
        let policy = Some(Path::new("/etc/midflight.yaml"));
        for (text, says) in [
            (
                r#"{"midflight":{"config":"unlisted: pass"}}"#,
                Some("is the policy here"),
            ),
            (
                r#"{"midflight":{"secrets":[{"name":"PATH","value":"v"}]}}"#,
                Some("which is set"),
            ),
            (
                r#"{"midflight":{"config":" \n","secrets":[{"name":"NOT_SET_ANYWHERE","value":"v"}]}}"#,
                None,
            ),
        ] {
            let file = given(text);
            match (Own::read(file.path(), policy), says) {
                (Err(error), Some(says)) => assert!(error.message().contains(says), "{error}"),
                (Ok(own), None) => {
                    let files = own.files(None);
                    assert_eq!(files.config.as_deref(), policy);
                    assert!(files.text.is_none() && files.variables.len() == 1);
                }
                (read, _) => panic!("{read:?}"),
            }
        }
    }
}
