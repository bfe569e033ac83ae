//! Fetches packages with the package managers of this machine: they know its index or mirror, its proxy and
//! its certificates, and how to sign in.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::model::manifest::{Registry, Source};
use crate::runtime::progress::Fetching;

/// How often is looked whether more has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// With nothing arriving for so long, the registry counts as out of reach.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// A package manager's own files beside the package, which it may hold twice.
const BESIDE_BYTES_MAX: u64 = 64 << 20;
/// The most of a package manager's complaint that is repeated.
const COMPLAINT_CHARS_MAX: usize = 400;
/// How pip can be called, in the order in which it is tried.
const PIPS: [(&str, &[&str]); 4] = [
    ("python3", AS_MODULE),
    ("python", AS_MODULE),
    ("pip3", &[]),
    ("pip", &[]),
];
const AS_MODULE: &[&str] = &["-m", "pip"];
const PYTHONS: [&str; 2] = ["python3", "python"];

/// Why there is no package, and what to do about it.
#[derive(Debug)]
pub(super) struct Trouble {
    pub what: String,
    pub mend: String,
}

/// Fetches a package into `folder`, an empty one, and gives the archive's path. It may be any file: what it
/// is worth must be proved by its hash.
pub(super) fn fetch(source: &Source, folder: &Path) -> Result<PathBuf, Trouble> {
    let arrives = folder.join("package");
    let tool = match source.registry {
        Registry::Pypi => "pip",
        Registry::Npm => "npm",
    };
    let failed = |what: String| Trouble {
        mend: format!(
            "see that {tool} reaches its registry (a mirror or a proxy is set in {tool}'s own settings) and run again"
        ),
        what,
    };
    let disk = |error: std::io::Error| Trouble {
        what: format!("{} cannot be written: {error}", folder.display()),
        mend: "make room, or set MIDFLIGHT_CACHE to another folder".to_owned(),
    };
    fs::create_dir(&arrives).map_err(disk)?;
    let complaints = folder.join("complaints");
    let mut command = match source.registry {
        Registry::Pypi => pip(source, folder, &arrives)?,
        Registry::Npm => npm(source, folder, &arrives),
    };
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&complaints).map_err(disk)?);
    let before = bytes_below(folder);
    let bounds = Bounds {
        bytes: before + source.bytes.saturating_mul(3) + BESIDE_BYTES_MAX,
        silence: SILENCE_MAX,
    };
    let child = command.spawn().map_err(|error| Trouble {
        what: format!("{tool} cannot be started: {error}"),
        mend: format!("install {} and run again", needed(source.registry)),
    })?;
    let progress = Fetching::begin(source);
    let show = |bytes: u64| progress.at(bytes.saturating_sub(before).min(source.bytes));
    match wait(child, folder, bounds, show) {
        Ok(status) if status.success() => {}
        Ok(_) => {
            let said = complaint(&fs::read_to_string(&complaints).unwrap_or_default());
            return Err(failed(format!("{tool} failed: {said}")));
        }
        Err(what) => return Err(failed(what)),
    }
    let arrived = fs::read_dir(&arrives).map_err(disk)?.flatten().next();
    arrived
        .map(|entry| entry.path())
        .ok_or_else(|| failed(format!("{tool} left no package")))
}

fn needed(registry: Registry) -> &'static str {
    match registry {
        Registry::Pypi => "Python 3 with pip",
        Registry::Npm => "npm",
    }
}

fn pip(source: &Source, folder: &Path, arrives: &Path) -> Result<Command, Trouble> {
    let Some((program, words)) = find_pip(folder) else {
        return Err(Trouble {
            what: "there is no pip on this machine".to_owned(),
            mend: format!("install {} and run again", needed(source.registry)),
        });
    };
    let mut command = Command::new(program);
    command.args(words);
    command.args([
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]);
    command.args(["--progress-bar", "off", "--no-deps", "--only-binary=:all:"]);
    command
        .arg("--ignore-requires-python")
        .args(tags(&source.file));
    command.arg("--dest").arg(arrives);
    command.arg(format!("{}=={}", source.package, source.version));
    // pip unpacks beside what it fetches, so that all of it is counted and removed together.
    command
        .env("TMPDIR", folder)
        .env("PIP_REQUIRE_VIRTUALENV", "0");
    Ok(command)
}

/// A pip that answers, or one made for this once: many systems have Python with venv and no pip.
fn find_pip(folder: &Path) -> Option<(PathBuf, &'static [&'static str])> {
    let succeeds = |program: &Path, words: &[&str], last: &OsStr| {
        let mut command = Command::new(program);
        command
            .args(words)
            .arg(last)
            .current_dir(folder)
            .env("TMPDIR", folder);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    for (program, words) in PIPS {
        if succeeds(program.as_ref(), words, "--version".as_ref()) {
            return Some((program.into(), words));
        }
    }
    let made = folder.join("venv");
    let makes = |python: &str| succeeds(python.as_ref(), &["-m", "venv"], made.as_os_str());
    PYTHONS.into_iter().find(|python| makes(python))?;
    Some((made.join("bin/python"), AS_MODULE))
}

/// The options by which pip takes the wheel of this file name, whatever machine it runs on.
fn tags(file: &str) -> Vec<String> {
    let mut parts = file.trim_end_matches(".whl").rsplit('-');
    let (Some(platform), Some(abi), Some(python)) = (parts.next(), parts.next(), parts.next())
    else {
        return Vec::new();
    };
    if platform == "any" {
        return Vec::new();
    }
    let first = |tags: &str| tags.split('.').next().unwrap_or_default().to_owned();
    let python = first(python);
    let at = python
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(python.len());
    let (implementation, version) = python.split_at(at);
    [
        ("--platform", first(platform)),
        ("--abi", first(abi)),
        ("--implementation", implementation.to_owned()),
        ("--python-version", version.to_owned()),
    ]
    .map(|(option, tag)| format!("{option}={tag}"))
    .into()
}

fn npm(source: &Source, folder: &Path, arrives: &Path) -> Command {
    let mut command = Command::new("npm");
    command.args(["pack", "--ignore-scripts", "--loglevel=error"]);
    command.arg("--pack-destination").arg(arrives);
    command.arg("--cache").arg(folder.join("cache"));
    command.arg(format!("{}@{}", source.package, source.version));
    command
}

/// Waits for the end, shows how much has arrived, and ends what hangs or writes without end.
fn wait(
    mut child: Child,
    folder: &Path,
    bounds: Bounds,
    mut show: impl FnMut(u64),
) -> Result<ExitStatus, String> {
    let (mut arrived, mut since) = (0, Instant::now());
    loop {
        let ended = child.try_wait();
        if let Ok(Some(status)) = ended {
            return Ok(status);
        }
        let now = bytes_below(folder);
        if now != arrived {
            (arrived, since) = (now, Instant::now());
            show(arrived);
        }
        let wrong = match ended {
            Err(error) => format!("it cannot be waited for: {error}"),
            Ok(_) if arrived > bounds.bytes => format!("more than {} bytes arrived", bounds.bytes),
            Ok(_) if since.elapsed() > bounds.silence => {
                format!("nothing arrived for {} seconds", bounds.silence.as_secs())
            }
            Ok(_) => {
                thread::sleep(LOOK_EVERY);
                continue;
            }
        };
        // It may have ended by itself just now.
        let _ = child.kill();
        let _ = child.wait();
        return Err(wrong);
    }
}

/// What a package manager may take.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    bytes: u64,
    silence: Duration,
}

/// Bytes of all files below a folder that is being written.
fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes_below(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// The lines that say what went wrong, or the last ones.
fn complaint(said: &str) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let errors: Vec<_> = lines()
        .filter_map(|line| {
            line.strip_prefix("ERROR: ")
                .or_else(|| line.strip_prefix("npm error "))
        })
        // npm leaves a line of its own for the bare code, and names a log that is gone by now.
        .filter(|line| line.len() > 4 && !line.starts_with("A complete log"))
        .collect();
    let told = match errors.is_empty() {
        false => errors.join("; "),
        true => lines()
            .next_back()
            .unwrap_or("it does not say why")
            .to_owned(),
    };
    match told.char_indices().nth(COMPLAINT_CHARS_MAX) {
        Some((at, _)) => format!("{} …", &told[..at]),
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_told_the_tags_of_a_wheel_for_one_platform() {
        assert_eq!(
            tags("onnxruntime-1.31.1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
            [
                "--platform=manylinux_2_17_x86_64",
                "--abi=cp312",
                "--implementation=cp",
                "--python-version=312"
            ]
        );
        assert!(tags("a_model-1.0-py3-none-any.whl").is_empty());
        assert!(tags("odd.whl").is_empty());
    }

    #[test]
    fn what_a_package_manager_says_is_cut_to_what_matters() {
        let said =
            "WARNING: Retrying\nERROR: Could not find a version\nERROR: No matching distribution\n";
        assert_eq!(
            complaint(said),
            "Could not find a version; No matching distribution"
        );
        assert_eq!(
            complaint("Traceback\n  x\nOSError: [Errno 28]\n\n"),
            "OSError: [Errno 28]"
        );
        assert_eq!(complaint(""), "it does not say why");
        assert_eq!(
            complaint(&"é".repeat(1000)).chars().count(),
            COMPLAINT_CHARS_MAX + 2
        );
    }

    #[test]
    fn what_hangs_or_writes_without_end_is_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let waited = |script: &str, bytes: u64, millis: u64| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).current_dir(folder.path());
            let silence = Duration::from_millis(millis);
            let child = command.spawn().expect("a shell");
            wait(child, folder.path(), Bounds { bytes, silence }, |_| {})
        };
        let status = waited("exit 3", 1000, 60_000).expect("it ends");
        assert_eq!(status.code(), Some(3));
        let told = waited("exec sleep 60", 1000, 200).expect_err("it hangs");
        assert_eq!(told, "nothing arrived for 0 seconds");
        let told = waited("while :; do echo 12345678; done > file", 1000, 60_000);
        assert_eq!(
            told.expect_err("it has no end"),
            "more than 1000 bytes arrived"
        );
    }
}
