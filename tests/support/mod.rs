//! Runs the program: what it is given, what it leaves. Shared by all tests.

pub mod case;
pub mod recipe;
pub mod server;
pub mod stage;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A key for tests, as hex: the bytes 0 to 31.
pub const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// ONNX Runtime's library, fetched at most once: into the user's cache, where the program looks for it too.
///
/// # Panics
/// When it is neither there nor can be fetched.
pub fn onnxruntime() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_midflight"));
        command.args(["models", "pull", "onnxruntime", "--format", "json"]);
        let output = command.output().expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "these tests run models and need ONNX Runtime: {told}"
        );
        let pulled: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        PathBuf::from(pulled[0]["path"].as_str().expect("a path"))
    })
}

/// A run of the program that is to be started, in an environment of its own.
#[derive(Debug, Clone)]
pub struct Program {
    arguments: Vec<String>,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// The program with these arguments.
pub fn midflight<S: AsRef<str>>(arguments: &[S]) -> Program {
    Program {
        arguments: arguments
            .iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect(),
        folder: root().to_owned(),
        environment: Vec::new(),
    }
}

impl Program {
    /// Runs in this folder instead of the project's.
    pub fn within(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// Sets an environment variable. No other is set but the one that names ONNX Runtime: a run depends on
    /// nothing outside.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command, for tests that wire its pipes themselves.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_midflight"));
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("ORT_DYLIB_PATH", onnxruntime());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it on `input` and waits for its end.
    pub fn run(&self, input: impl AsRef<[u8]>) -> Ended {
        let input = input.as_ref();
        self.feed(|stdin| stdin.write_all(input))
    }

    /// Runs it on what `feed` writes. A reader that goes away early is no failure of the test.
    pub fn feed(&self, feed: impl FnOnce(&mut dyn Write) -> std::io::Result<()> + Send) -> Ended {
        let mut command = self.command();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                let _ = feed(&mut stdin);
            });
            child.wait_with_output().expect("the program ends")
        });
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Ended {
    /// stdout as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("stdout is UTF-8")
    }
}
