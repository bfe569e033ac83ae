//! Connectors from PyPI, each with its own dependencies in a virtual environment of its own.
//!
//! An environment is made once and kept below the target directory for as long as its requirements stay
//! the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::root;

/// Interpreters in the order in which they are tried: some connectors do not support the newest.
const PYTHONS: [&str; 5] = [
    "python3.11",
    "python3.12",
    "python3.10",
    "python3.13",
    "python3",
];

/// An environment in which the packages of a requirements file are installed.
pub struct Venv(PathBuf);

impl Venv {
    /// The environment of `tests/python/<name>.txt`.
    ///
    /// # Panics
    /// When there is no Python, or its package index cannot be reached.
    pub fn of(name: &str) -> Self {
        let venvs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("venv");
        fs::create_dir_all(&venvs).expect("a folder");
        // One is made at a time, also when two runs of the tests share a target directory.
        let making = File::create(venvs.join("lock")).expect("a lock");
        making.lock().expect("a lock");
        let requirements = root().join("tests/python").join(format!("{name}.txt"));
        let wanted = fs::read_to_string(&requirements).expect("requirements");
        let folder = venvs.join(name);
        let installed = folder.join("installed.txt");
        if fs::read_to_string(&installed).ok().as_deref() != Some(wanted.as_str()) {
            make(&folder, &requirements);
            fs::write(&installed, wanted).expect("a note of what is installed");
        }
        Self(folder)
    }

    /// A program of the environment that reaches nothing outside of this machine.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.0.join("bin").join(name));
        command
            .env("AIRBYTE_OFFLINE_MODE", "1")
            .env("DO_NOT_TRACK", "1")
            .env("PYTHONWARNINGS", "ignore");
        command.stderr(Stdio::inherit());
        command
    }

    /// The path of a program of the environment.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// The interpreter of the environment.
    pub fn python(&self) -> PathBuf {
        self.0.join("bin/python")
    }
}

fn make(folder: &Path, requirements: &Path) {
    let python = PYTHONS
        .into_iter()
        .find(|python| succeeds(Command::new(python).arg("--version")));
    let python = python.unwrap_or_else(|| {
        panic!("these tests run Airbyte connectors and need Python 3.10 to 3.12 with venv; `-- --skip real::` leaves them out")
    });
    let _ = fs::remove_dir_all(folder);
    let made = succeeds(Command::new(python).args(["-m", "venv"]).arg(folder));
    assert!(
        made,
        "{python} cannot make a virtual environment; on Debian, install python3-venv"
    );
    let mut install = Command::new(folder.join("bin/python"));
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--no-compile",
    ]);
    // For a package whose own requirements cannot be met; its file lists what it needs.
    let text = fs::read_to_string(requirements).expect("requirements");
    if text.starts_with("# --no-deps") {
        install.arg("--no-deps");
    }
    install.arg("-r");
    assert!(
        succeeds(install.arg(requirements)),
        "pip cannot install {}; these tests need its package index, `-- --skip real::` leaves them out",
        requirements.display()
    );
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
