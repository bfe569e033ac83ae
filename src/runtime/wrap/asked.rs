//! What the platform asks a wrapped connector for: the connector's own command, and Airbyte's arguments behind it.
//!
//! The platform appends a verb and its arguments to the image's entry point. The verb is the first word behind which
//! everything is an argument that Airbyte gives; a command may hold such a word itself.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use crate::error::{Error, ErrorKind, Result};

/// A connector's command and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    program: Vec<OsString>,
    pub verb: Verb,
    /// Arguments that are the connector's alone.
    further: Vec<OsString>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    Spec,
    Check {
        config: PathBuf,
    },
    Discover {
        config: PathBuf,
    },
    Read {
        config: PathBuf,
        catalog: PathBuf,
        state: Option<PathBuf>,
    },
    Write {
        config: PathBuf,
        catalog: PathBuf,
    },
}

/// The verbs, and the files that each must be given.
const VERBS: [(&str, &[&str]); 5] = [
    ("spec", &[]),
    ("check", &["--config"]),
    ("discover", &["--config"]),
    ("read", &["--config", "--catalog"]),
    ("write", &["--config", "--catalog"]),
];

/// Arguments with a value that connectors know beside them.
const FURTHER: [&str; 2] = ["--manifest-path", "--components-path"];

/// Arguments without a value.
const FLAGS: [&str; 1] = ["--debug"];

const USAGE: &str = "behind `--` stands the connector's own command, and behind that spec, check --config F, discover --config F, \
                     read --config F --catalog F [--state F], or write --config F --catalog F";

impl Asked {
    /// Divides the words behind `--`.
    ///
    /// # Errors
    /// `Usage`, saying what is wrong with what stands behind the verb, or that there is none.
    pub fn parse(words: &[OsString]) -> Result<Self> {
        let mut wrong = None;
        for at in 1..words.len() {
            let verb = VERBS.iter().find(|(name, _)| words[at] == OsStr::new(name));
            let Some((name, needed)) = verb else {
                continue;
            };
            match arguments(name, needed, &words[at + 1..]) {
                Ok((verb, further)) => {
                    return Ok(Self {
                        program: words[..at].to_vec(),
                        verb,
                        further,
                    });
                }
                // What stands behind the last of such words is what was meant.
                Err(why) => wrong = Some(why),
            }
        }
        let first = words.first().and_then(|word| word.to_str());
        let verb_alone = first.is_some_and(|word| VERBS.iter().any(|(name, _)| *name == word));
        let why = match wrong {
            Some(why) => why,
            None if verb_alone => "the connector's own command is missing".to_owned(),
            None => "none of spec, check, discover, read, write follows the command".to_owned(),
        };
        Err(Error::new(ErrorKind::Usage, format!("wrap: {why}")).hint(USAGE))
    }

    /// The connector's command with a verb and the files that it takes.
    pub fn command(&self, verb: &str, files: &[(&str, &std::path::Path)]) -> Command {
        let mut words = self.program.iter();
        let mut command = Command::new(words.next().map_or(OsStr::new(""), OsString::as_os_str));
        command.args(words).arg(verb);
        for (name, path) in files {
            command.arg(name).arg(path);
        }
        command.args(&self.further);
        command
    }
}

fn arguments(
    verb: &str,
    needed: &[&str],
    words: &[OsString],
) -> std::result::Result<(Verb, Vec<OsString>), String> {
    let mut given: Vec<(&str, PathBuf)> = Vec::new();
    let mut further = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let (name, inline) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(OsString::from(value))),
            _ => (&*text, None),
        };
        if FLAGS.contains(&name) && inline.is_none() {
            further.push(word.clone());
            continue;
        }
        let files = ["--config", "--catalog", "--state"].into_iter();
        let mut files = files.filter(|file| needed.contains(file) || verb == "read");
        let file = files.find(|file| *file == name);
        if file.is_none() && !FURTHER.contains(&name) {
            return Err(format!("`{verb}` takes no `{name}`"));
        }
        let value = inline.or_else(|| words.next().cloned());
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Err(format!("`{verb} {name}` has no value"));
        };
        match file {
            None => further.extend([OsString::from(name), value]),
            Some(file) if given.iter().any(|(name, _)| *name == file) => {
                return Err(format!("`{verb}` has `{file}` twice"));
            }
            Some(file) => given.push((file, PathBuf::from(value))),
        }
    }
    let mut take = |file: &str| {
        let at = given.iter().position(|(name, _)| *name == file);
        at.map(|at| given.swap_remove(at).1)
    };
    let mut need = |file: &str| take(file).ok_or_else(|| format!("`{verb}` needs `{file} FILE`"));
    let verb = match verb {
        "spec" => Verb::Spec,
        "check" => Verb::Check {
            config: need("--config")?,
        },
        "discover" => Verb::Discover {
            config: need("--config")?,
        },
        "read" => Verb::Read {
            config: need("--config")?,
            catalog: need("--catalog")?,
            state: take("--state"),
        },
        _ => Verb::Write {
            config: need("--config")?,
            catalog: need("--catalog")?,
        },
    };
    Ok((verb, further))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Asked> {
        let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        Asked::parse(&words)
    }

    #[test]
    fn the_verb_is_the_first_word_behind_which_all_is_airbytes() {
        for (words, program, verb) in [
            ("python main.py spec", "python main.py", Verb::Spec),
            (
                "python main.py check --config c.json --debug",
                "python main.py",
                Verb::Check {
                    config: "c.json".into(),
                },
            ),
            (
                "./read read --config=c --catalog=d",
                "./read",
                Verb::Read {
                    config: "c".into(),
                    catalog: "d".into(),
                    state: None,
                },
            ),
            (
                "tool read --config mine read --state s --catalog d --config c",
                "tool read --config mine",
                Verb::Read {
                    config: "c".into(),
                    catalog: "d".into(),
                    state: Some("s".into()),
                },
            ),
            (
                "spec discover discover --config c",
                "spec discover",
                Verb::Discover { config: "c".into() },
            ),
            (
                "sh -c x write --config c --catalog d",
                "sh -c x",
                Verb::Write {
                    config: "c".into(),
                    catalog: "d".into(),
                },
            ),
        ] {
            let asked = parse(words).expect(words);
            let joined: Vec<_> = asked
                .program
                .iter()
                .map(|word| word.to_string_lossy())
                .collect();
            assert_eq!((joined.join(" "), asked.verb), (program.to_owned(), verb));
        }
    }

    #[test]
    fn arguments_of_the_connector_alone_are_handed_on() {
        let asked = parse("cmd a check --debug --config c --manifest-path m").expect("a verb");
        let command = asked.command("check", &[("--config", std::path::Path::new("own"))]);
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        assert_eq!(
            words.join(" "),
            "a check --config own --debug --manifest-path m"
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (words, says) in [
            (
                "python main.py",
                "none of spec, check, discover, read, write",
            ),
            ("read --config c --catalog d", "own command is missing"),
            ("cmd red --config c", "none of spec"),
            ("cmd check", "`check` needs `--config FILE`"),
            ("cmd read --config c", "`read` needs `--catalog FILE`"),
            (
                "cmd read --config c --catalog d --stat s",
                "`read` takes no `--stat`",
            ),
            (
                "cmd check --config c --catalog d",
                "`check` takes no `--catalog`",
            ),
            ("cmd check --config", "`check --config` has no value"),
            ("cmd check --config a --config b", "`--config` twice"),
            ("cmd spec now", "`spec` takes no `now`"),
        ] {
            let error = parse(words).expect_err(words);
            assert!(error.message().contains(says), "{error}");
            assert_eq!(error.kind(), ErrorKind::Usage);
        }
    }
}
