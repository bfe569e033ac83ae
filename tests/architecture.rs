//! The shape of `src/`: modules use only modules to their left, every file says what it promises and stays
//! readable, only two places write to stdout, and nothing that input can trip panics.

use std::fs;
use std::path::Path;

use crate::support::root;

/// The modules in the order in which a record meets them; each may use only those before it.
const ORDER: &[&str] = &[
    "error",
    "document",
    "protocol",
    "schema",
    "batch",
    "decode",
    "model",
    "detect",
    "stage",
    "sink",
    "plan",
    "checkpoint",
    "window",
    "pipeline",
    "report",
    "audit",
    "profile",
    "trial",
    "suggest",
    "drift",
    "exchange",
    "health",
    "lineage",
    "telemetry",
    "page",
    "runtime",
    "cli",
];

/// Most lines of a file before its tests.
const LINES_MAX: usize = 500;

/// A source file, in the parts that the rules speak of.
struct Source {
    /// The path below `src/`.
    path: String,
    /// The module at the top that it belongs to; empty for `lib.rs` and `main.rs`.
    module: String,
    /// Its first line.
    first: String,
    /// Its lines up to its tests, comments and strings blanked, so that only code is read.
    code: Vec<String>,
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&root().join("src"), "", &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    let tests: Vec<_> = sources.iter().flat_map(test_files).collect();
    sources.retain(|source| !tests.contains(&source.path));
    assert!(sources.len() > 50, "src/ was found");
    sources
}

fn collect(folder: &Path, below: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if entry.path().is_dir() {
            collect(&entry.path(), &path, sources);
        } else if path.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).expect("a source file");
            let module = path
                .split('/')
                .next()
                .unwrap_or_default()
                .trim_end_matches(".rs");
            let module = if ["lib", "main"].contains(&module) {
                ""
            } else {
                module
            };
            sources.push(Source {
                first: text.lines().next().unwrap_or_default().to_owned(),
                module: module.to_owned(),
                code: code_of(&text),
                path,
            });
        }
    }
}

/// The files that a source declares as modules of tests.
fn test_files(source: &Source) -> Vec<String> {
    let folder = source.path.strip_suffix("mod.rs").map_or_else(
        || format!("{}/", source.path.trim_end_matches(".rs")),
        str::to_owned,
    );
    let pairs = source
        .code
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]");
    let names = pairs.filter_map(|pair| pair[1].strip_prefix("mod ")?.strip_suffix(';'));
    names.map(|name| format!("{folder}{name}.rs")).collect()
}

/// The code of a file up to its tests. A string that spans lines, or a comment in the middle of one, would
/// be read as code: the project has no such comment, and such strings hold nothing the rules look for.
fn code_of(text: &str) -> Vec<String> {
    let tests = text.match_indices("#[cfg(test)]\nmod ").find(|(at, _)| {
        text[*at..]
            .lines()
            .nth(1)
            .is_some_and(|line| line.contains('{'))
    });
    let tests = tests.map_or(text.len(), |(at, _)| at);
    text[..tests]
        .lines()
        .map(|line| blank(line).trim_end().to_owned())
        .collect()
}

fn blank(line: &str) -> String {
    let mut code = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for character in line.chars() {
        if !quoted && code.ends_with('/') && character == '/' {
            code.pop();
            break;
        }
        match character {
            '"' if !escaped && !code.ends_with('\'') => quoted = !quoted,
            _ if quoted => {}
            _ => code.push(character),
        }
        escaped = quoted && character == '\\' && !escaped;
    }
    code
}

/// Fails with every line that breaks a rule.
fn refuse(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// The names behind `crate::` in a line, braces of a `use` included.
fn uses(line: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    let mut names = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        match line[at + "crate::".len()..].strip_prefix('{') {
            Some(list) => names.extend(list.split([',', '}']).map(|part| name(part.trim()))),
            None => names.push(name(&line[at + "crate::".len()..])),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn modules_use_only_modules_to_their_left() {
    let place = |module: &str| ORDER.iter().position(|known| *known == module);
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.module.is_empty()) {
        let Some(own) = place(&source.module) else {
            found.push(format!(
                "{}: `{}` has no place in the order",
                source.path, source.module
            ));
            continue;
        };
        for (number, line) in source.code.iter().enumerate() {
            for name in uses(line) {
                if place(&name).is_none_or(|other| other > own) {
                    found.push(format!("{}:{}: uses `{name}`", source.path, number + 1));
                }
            }
        }
    }
    refuse("an arrow points to the right", &found);
}

#[test]
fn every_module_of_the_map_is_in_the_order() {
    let map = sources()
        .into_iter()
        .find(|source| source.path == "lib.rs")
        .expect("lib.rs");
    let declared = map
        .code
        .iter()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let strangers: Vec<_> = declared
        .filter(|name| !ORDER.contains(name))
        .map(str::to_owned)
        .collect();
    refuse("the map names a module without a place", &strangers);
}

#[test]
fn every_file_says_what_it_promises() {
    let sources = sources();
    let silent = sources
        .iter()
        .filter(|source| !source.first.starts_with("//! "));
    refuse(
        "no module doc",
        &silent.map(|source| source.path.clone()).collect::<Vec<_>>(),
    );
}

#[test]
fn no_file_is_too_long_to_be_read() {
    let sources = sources();
    let long = sources
        .iter()
        .filter(|source| source.code.len() > LINES_MAX);
    let found: Vec<_> = long
        .map(|source| format!("{}: {}", source.path, source.code.len()))
        .collect();
    refuse("more lines before the tests than allowed", &found);
}

#[test]
fn only_two_places_write_to_stdout() {
    let allowed = |path: &str| {
        path.starts_with("runtime/") || path == "cli/output.rs" || path == "cli/pipe.rs"
    };
    refuse_words("stdout is the protocol's alone", &["stdout"], allowed);
    let printer = |path: &str| path == "cli/output.rs";
    refuse_words(
        "only the printer prints",
        &["println!", "print!", "eprintln!", "eprint!"],
        printer,
    );
}

#[test]
fn nothing_that_input_can_trip_panics() {
    let words = [
        ".unwrap()",
        ".expect(",
        "panic!",
        "todo!",
        "unimplemented!",
        "unreachable!",
        "dbg!",
    ];
    // The scanner's windows lie inside the padding that its callers must give; it says so under Panics.
    let allowed = |path: &str| path == "protocol/scan/mod.rs";
    refuse_words("errors are returned, not raised", &words, allowed);
}

#[test]
fn engine_modules_know_neither_files_nor_the_clock_nor_processes() {
    let words = [
        "std::fs",
        "std::process",
        "std::env::",
        "SystemTime",
        "TcpStream",
        "std::io::std",
    ];
    let outside = |path: &str| {
        // `main.rs` gives its exit code to the process.
        path.starts_with("runtime/") || path.starts_with("cli/") || path == "main.rs"
    };
    refuse_words("only runtime and cli know the outside", &words, outside);
}

fn refuse_words(rule: &str, words: &[&str], allowed: impl Fn(&str) -> bool) {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !allowed(&source.path)) {
        for (number, line) in source.code.iter().enumerate() {
            found.extend(
                words
                    .iter()
                    .filter(|word| holds(line, word))
                    .map(|word| format!("{}:{}: `{word}`", source.path, number + 1)),
            );
        }
    }
    refuse(rule, &found);
}

/// Whether a line has a word that is not the end of a longer one.
fn holds(line: &str, word: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !word.starts_with(letter) || !line[..at].chars().next_back().is_some_and(letter)
    })
}

#[test]
fn the_reader_of_this_test_sees_what_it_must() {
    let text = "use crate::{error::Error, plan};\nlet a = \"crate::cli\"; // crate::cli\nb(crate::sink::x)\n#[cfg(test)]\nmod tests { use crate::cli; }";
    let names: Vec<_> = code_of(text).iter().flat_map(|line| uses(line)).collect();
    assert_eq!(names, ["error", "plan", "sink"]);
    let open = "#[cfg(test)]\nmod corpus;\npub mod a;\n";
    assert_eq!(
        code_of(open).len(),
        3,
        "a module of tests in a file of its own ends nothing"
    );
    assert!(holds("x.unwrap()", ".unwrap()") && holds("panic!(a)", "panic!"));
    assert!(!holds("eprintln!()", "println!") && !holds("x.unwrap_or(1)", ".unwrap()"));
}
