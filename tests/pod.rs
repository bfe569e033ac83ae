//! Started as Airbyte's pod starts connectors: by a shell, between named pipes, as another user than root.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::root;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The user that Airbyte runs connectors as.
const USER: u32 = 1000;

/// A container of a pod.
struct Container {
    folder: TempDir,
    entrypoint: String,
    medium: &'static str,
}

/// What a connector left.
struct Left {
    code: String,
    stdout: Vec<Value>,
    stderr: String,
}

impl Container {
    fn new(entrypoint: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("its mode");
        let program = env!("CARGO_BIN_EXE_midflight");
        Self {
            folder,
            entrypoint: entrypoint.replace("midflight", program),
            medium: "STDIO",
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: &Value) -> String {
        let path = self.path(name);
        fs::write(&path, content.to_string()).expect("written");
        path.display().to_string()
    }

    /// The shell, as the platform's user where this test may choose one.
    fn launch(&self, words: &[&str]) -> Child {
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            let user = USER.to_string();
            command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        command
            .arg(root().join("tests/pod/launch.sh"))
            .arg(self.folder.path())
            .args(words)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("AIRBYTE_ENTRYPOINT", &self.entrypoint)
            .env("DATA_CHANNEL_MEDIUM", self.medium)
            .env("DATA_CHANNEL_FORMAT", "JSONL")
            .env("WORKER_JOB_ID", "7")
            .env("WORKER_JOB_ATTEMPT", "0")
            .env("MIDFLIGHT_OFFLINE", "1")
            .stdin(Stdio::null());
        let child = command.spawn().expect("a shell");
        for name in ["stdin", "stdout", "stderr"] {
            wait_for(&self.path(name));
        }
        child
    }

    /// Runs an operation to its end, with these lines on its stdin.
    fn run(&self, words: &[&str], lines: &str) -> Left {
        let mut shell = self.launch(words);
        let (stdin, lines) = (self.path("stdin"), lines.to_owned());
        let feeder = std::thread::spawn(move || {
            let mut stdin = File::create(stdin).expect("a pipe");
            // A connector that ends early is no failure of the test.
            let _ = stdin.write_all(lines.as_bytes());
        });
        let stderr = self.path("stderr");
        let stderr = std::thread::spawn(move || fs::read_to_string(stderr).expect("text"));
        let mut stdout = String::new();
        let mut pipe = File::open(self.path("stdout")).expect("a pipe");
        pipe.read_to_string(&mut stdout).expect("text");
        feeder.join().expect("fed");
        shell.wait().expect("the end of the shell");
        let lines = stdout.lines().map(serde_json::from_str);
        Left {
            code: fs::read_to_string(self.path("exitCode.txt")).expect("an exit code"),
            stdout: lines.collect::<Result<_, _>>().expect("JSON lines"),
            stderr: stderr.join().expect("read"),
        }
    }
}

fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{} is not there",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn catalog() -> Value {
    json!({"streams": [{
        "stream": {"name": "users", "supported_sync_modes": ["full_refresh"], "json_schema": {
            "type": "object", "properties": {"id": {"type": "integer"}, "mail": {"type": "string"}}}},
        "sync_mode": "full_refresh", "destination_sync_mode": "append"}]})
}

const LINES: &str = concat!(
    r#"{"type":"RECORD","record":{"stream":"users","data":{"id":1,"mail":"ada@example.com"},"emitted_at":1}}"#,
    "\n",
    r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"id":1}},"sourceStats":{"recordCount":1.0},"id":1}}"#,
    "\n"
);

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

/// `tagger: none`, as the models' library is not in this container.
const POLICY: &str = "version: 1\ntagger: none\n";

#[test]
fn as_a_destination() {
    let spec = Container::new("midflight destination").run(&["spec"], "");
    assert_eq!(
        (spec.code.trim(), spec.stdout.len()),
        ("0", 1),
        "{}",
        spec.stderr
    );

    let container = Container::new("midflight destination");
    let stage = container.path("stage").display().to_string();
    let config = container.file("c.json", &json!({"stage": stage, "config": POLICY}));
    let catalog = container.file("catalog.json", &catalog());
    let words = ["write", "--config", &config, "--catalog", &catalog];
    let left = container.run(&words, LINES);
    assert_eq!(left.code.trim(), "0", "{}", left.stderr);
    let states = of_type(&left.stdout, "STATE");
    assert_eq!(states.len(), 1);
    assert_eq!(states[0]["state"]["id"], 1);
    assert_eq!(
        states[0]["state"]["destinationStats"]["recordCount"],
        json!(1.0)
    );
}

/// A source as a shell script: its last argument but one tells what it is given.
const SOURCE: &str = r#"
case "$1" in
spec) echo '{"type":"SPEC","spec":{"connectionSpecification":{"type":"object","additionalProperties":false,"properties":{"count":{"type":"integer"}}}}}' ;;
read)
    grep -q midflight "$3" && { echo "our key" >&2; exit 9; }
    echo '{"type":"RECORD","record":{"stream":"users","data":{"id":1,"mail":"ada@example.com"},"emitted_at":1}}'
    echo 'psycopg2.OperationalError: FATAL:  password authentication failed for user "airbyte"' >&2
    exit 7 ;;
esac
"#;

fn around_a_source() -> (Container, [String; 2]) {
    let mut container = Container::new("midflight wrap --history history.jsonl --");
    let source = container.path("source.sh");
    fs::write(&source, SOURCE).expect("written");
    container.entrypoint = format!("{} sh {}", container.entrypoint, source.display());
    let config = json!({"count": 1, "midflight": {"config": POLICY}});
    let files = [
        container.file("c.json", &config),
        container.file("catalog.json", &catalog()),
    ];
    (container, files)
}

#[test]
fn around_a_source_its_exit_code_is_ours() {
    let (container, _) = around_a_source();
    let spec = container.run(&["spec"], "");
    assert_eq!(spec.code.trim(), "0", "{}", spec.stderr);
    let properties = &spec.stdout[0]["spec"]["connectionSpecification"]["properties"];
    assert!(properties["midflight"].is_object() && properties["count"].is_object());

    let (container, [config, catalog]) = around_a_source();
    let left = container.run(&["read", "--config", &config, "--catalog", &catalog], "");
    assert_eq!(left.code.trim(), "7", "{}", left.stderr);
    let records = of_type(&left.stdout, "RECORD");
    assert_eq!(records[0]["record"]["data"]["mail"], "<EMAIL>");
    let history = fs::read_to_string(container.path("history.jsonl")).expect("a history");
    let told: Value = serde_json::from_str(history.trim()).expect("one run");
    assert_eq!(told["outcome"], "failed");
    assert_eq!(told["failure"]["class"], "auth", "{told}");
    assert_eq!(told["failure"]["origin"], "source");
}

#[test]
fn a_source_that_cannot_be_started_is_a_run_that_failed() {
    let (mut container, [config, catalog]) = around_a_source();
    let program = container.entrypoint.rsplit_once(" sh ").expect("a shell").0;
    container.entrypoint = format!("{program} /no/such/source");
    let left = container.run(&["read", "--config", &config, "--catalog", &catalog], "");
    assert_eq!(left.code.trim(), "4", "{}", left.stderr);
    assert_eq!(of_type(&left.stdout, "TRACE").len(), 1);
    let history = fs::read_to_string(container.path("history.jsonl")).expect("a history");
    let told: Value = serde_json::from_str(history.trim()).expect("one run");
    assert_eq!(told["outcome"], "failed");
}

#[test]
fn nothing_goes_past_it_through_sockets() {
    let (mut container, [config, catalog]) = around_a_source();
    container.medium = "SOCKET";
    let left = container.run(&["read", "--config", &config, "--catalog", &catalog], "");
    assert_eq!(left.code.trim(), "2", "{}", left.stderr);
    assert!(of_type(&left.stdout, "RECORD").is_empty());
    let errors = of_type(&left.stdout, "TRACE");
    assert_eq!(errors[0]["trace"]["error"]["failure_type"], "config_error");
}

#[test]
fn a_file_ends_it() {
    let container = Container::new("midflight destination");
    let stage = container.path("stage").display().to_string();
    let config = container.file("c.json", &json!({"stage": stage, "config": POLICY}));
    let catalog = container.file("catalog.json", &catalog());
    let mut shell = container.launch(&["write", "--config", &config, "--catalog", &catalog]);
    let mut stdin = File::create(container.path("stdin")).expect("a pipe");
    let (_stdout, _stderr) = (
        File::open(container.path("stdout")).expect("a pipe"),
        File::open(container.path("stderr")).expect("a pipe"),
    );
    stdin.write_all(LINES.as_bytes()).expect("taken");
    fs::write(container.path("TERMINATED"), "").expect("written");
    let begun = Instant::now();
    shell.wait().expect("the end of the shell");
    assert!(begun.elapsed() < PATIENCE);
}
