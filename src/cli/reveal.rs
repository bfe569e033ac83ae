//! `midflight reveal`

use std::collections::BTreeMap;
use std::io::BufRead;

use super::args::{FpeAlphabet, Reveal};
use super::output;
use crate::document::Problems;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::keys::{KeySource, Keys};
use crate::stage::mask::operator::{Scalar, reveal, reveal_fpe};
use crate::stage::spec::Alphabet;

pub(super) fn run(arguments: &Reveal) -> Result<()> {
    let source = match (&arguments.env, &arguments.file) {
        (Some(name), _) => KeySource::Env(name.clone()),
        (None, Some(path)) => KeySource::File(path.clone()),
        (None, None) => {
            return Err(Error::new(ErrorKind::Usage, "no key is named").hint("use --env or --file"));
        }
    };
    let mut problems = Problems::new();
    let sources = BTreeMap::from([("key".to_owned(), source)]);
    let environment = |name: &str| std::env::var(name).ok();
    let read = |path: &std::path::Path| std::fs::read_to_string(path);
    let keys = Keys::resolve(&sources, &environment, &read, "arguments", &mut problems);
    problems.into_result()?;
    let Some(key) = keys.get("key") else {
        return Err(Error::new(ErrorKind::Internal, "the key was not resolved"));
    };
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line
            .map_err(|error| Error::new(ErrorKind::Input, "reading stdin failed").because(error))?;
        let revealed = match arguments.fpe {
            None => reveal(key.bytes(), line.trim()),
            Some(alphabet) => reveal_fpe(key.bytes(), named(alphabet), Scalar::Text(line.trim())),
        };
        let text = revealed.map_err(|error| {
            Error::new(ErrorKind::Protocol, format!("line {}: {error}", number + 1))
        })?;
        output::result(&text)?;
    }
    Ok(())
}

fn named(alphabet: FpeAlphabet) -> Alphabet {
    match alphabet {
        FpeAlphabet::Digits => Alphabet::Digits,
        FpeAlphabet::Letters => Alphabet::Letters,
        FpeAlphabet::Alphanumeric => Alphabet::Alphanumeric,
    }
}
