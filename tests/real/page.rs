//! The page of a run in a real browser: a Chromium that npm brings, driven by `tests/node/page.mjs`.
//!
//! `MIDFLIGHT_BLESS=1` makes the pictures of `docs/images` anew.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::page::{HOSTILE, hostile_folder, input, page, run_of};
use crate::support::{midflight, root};

/// What npm installs: the browser, what drives it, and two judges.
const PACKAGES: [&str; 4] = [
    "@sparticuz/chromium@141.0.0",
    "puppeteer-core@24.10.0",
    "axe-core@4.11.0",
    "html-validate@9.7.1",
];

/// The folder with the packages, installed at most once.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm-page");
    fs::create_dir_all(&folder).expect("a folder");
    let making = File::create(folder.join("lock")).expect("a lock");
    making.lock().expect("a lock");
    let (note, wanted) = (folder.join("installed.txt"), PACKAGES.join("\n"));
    if fs::read_to_string(&note).ok().as_deref() != Some(wanted.as_str()) {
        let mut command = Command::new("npm");
        command.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel",
            "error",
            "--prefix",
        ]);
        command.arg(&folder).args(PACKAGES);
        let made = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "npm cannot install {PACKAGES:?}; these tests need Node 20 and its registry, `-- --skip real::` leaves them out"
        );
        fs::write(&note, wanted).expect("a note of what is installed");
    }
    folder
}

/// Runs the script in the browser; gives what it printed.
fn browse(arguments: &[&str]) -> String {
    let mut command = Command::new("node");
    command
        .arg(root().join("tests/node/page.mjs"))
        .arg(installed())
        .args(arguments);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("node starts");
    assert!(output.status.success(), "the browser ran");
    String::from_utf8(output.stdout).expect("text")
}

/// Pages in the browser: nothing may be wrong with them in any view.
fn check(folders: &[&Path]) -> Vec<Value> {
    let pages: Vec<String> = folders
        .iter()
        .map(|folder| folder.join("report.html").display().to_string())
        .collect();
    let mut arguments = vec!["check"];
    arguments.extend(pages.iter().map(String::as_str));
    let mut found: Value = serde_json::from_str(&browse(&arguments)).expect("JSON");
    for page in &pages {
        let told = &found[page];
        let views = told["views"].as_object().expect("views");
        assert_eq!(views.len(), 4);
        for (view, told) in views {
            for (what, wrong) in told.as_object().expect("an object") {
                assert_eq!(wrong, &json!([]), "{page}: {what} at {view}");
            }
        }
        assert_eq!(told["invalid"], json!([]), "{page} is valid");
        assert_eq!(told["unprinted"], json!(false), "{page} can be printed");
    }
    pages.iter().map(|page| found[page].take()).collect()
}

/// A folder after 60 runs of the main job, a day apart: what comes grows and shrinks a little, twice far less comes, once
/// a run is cut off. Health is judged behind the last.
fn sixty_runs() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let once = input("faker");
    for number in 0..60_usize {
        let times = match number {
            31 | 50 => 3,
            _ => 12 + number * 7 % 3,
        };
        let mut records = once.repeat(times);
        if number == 44 {
            records.truncate(records.len() / 2 - 40);
        }
        let ended = run_of("faker", &records, folder.path());
        assert_eq!(ended.code, i32::from(number == 44), "{}", ended.stderr);
    }
    let path = folder.path().join("history.jsonl");
    let history = fs::read_to_string(&path).expect("a history");
    assert_eq!(history.lines().count(), 60);
    fs::write(&path, apart(&history)).expect("a history");
    let (lines, place) = (
        path.display().to_string(),
        folder.path().display().to_string(),
    );
    let judged = midflight(&["health", "--history", &lines, "--report", &place]).run("");
    assert!(
        folder.path().join("health.json").exists(),
        "{}",
        judged.stderr
    );
    folder
}

/// A history whose runs began a day after one another, the last when it did.
fn apart(history: &str) -> String {
    let lines: Vec<Value> = history
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let began = |line: &Value| {
        let started = line["started"].as_str().expect("a time");
        chrono::DateTime::parse_from_rfc3339(started)
            .expect("a time")
            .to_utc()
    };
    let last = began(lines.last().expect("a run"));
    let moved = lines.iter().enumerate().map(|(at, line)| {
        let mut line = line.clone();
        let earlier = i64::try_from(lines.len() - 1 - at).expect("few");
        let started = last - chrono::Duration::days(earlier);
        line["started"] = json!(started.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        format!("{line}\n")
    });
    moved.collect()
}

#[test]
fn pages_are_whole_in_a_browser_at_every_width_and_in_the_dark() {
    let runs = sixty_runs();
    let failed = tempfile::tempdir().expect("a folder");
    assert_eq!(
        run_of("check/limit", &input("check/limit"), failed.path()).code,
        3
    );
    let divided = tempfile::tempdir().expect("a folder");
    assert_eq!(
        run_of("split/entity", &input("split/entity"), divided.path()).code,
        0
    );
    let many = tempfile::tempdir().expect("a folder");
    fs::write(many.path().join("report.json"), forty_streams().to_string()).expect("a report");
    let odd = hostile_folder(&HOSTILE[..4]);
    let folders = [
        runs.path(),
        failed.path(),
        divided.path(),
        many.path(),
        odd.path(),
    ];
    for folder in folders {
        page(folder);
    }
    if std::env::var_os("MIDFLIGHT_BLESS").is_some() {
        picture(runs.path(), ["1280", "1130", "light"], "report-desktop.png");
        picture(runs.path(), ["375", "760", "dark"], "report-phone.png");
    }
    let told = check(&folders);
    let text = |at: usize| told[at]["text"].as_str().expect("text").to_owned();
    for (at, parts) in [
        (
            0,
            &[
                "Succeeded",
                "adds up",
                "Quality over the last 60 runs",
                "unusual (",
                "failed (1)",
                "in an unbroken chain",
            ][..],
        ),
        (1, &["Failed", "Why it failed", "1 of 4 records rejected"]),
        (2, &["train", "validation"]),
        (3, &["table_39", "40"]),
        (4, &["<script>alert(1)</script>", "Observed only"]),
    ] {
        for part in parts {
            assert!(
                text(at).contains(part),
                "page {at} shows {part} without a script: {}",
                text(at)
            );
        }
    }
}

fn picture(folder: &Path, [width, height, scheme]: [&str; 3], name: &str) {
    let images = root().join("docs/images");
    fs::create_dir_all(&images).expect("a folder");
    let (page, image) = (folder.join("report.html"), images.join(name));
    let (page, image) = (page.display().to_string(), image.display().to_string());
    browse(&["shoot", &page, width, height, scheme, &image]);
    let bytes = fs::metadata(&image).expect("a picture").len();
    assert!(bytes < 150_000, "{name} has {bytes} bytes");
}

/// A report of so many streams that the table is filtered and sections are closed.
fn forty_streams() -> Value {
    let stream = |number: u64| {
        let column = json!({"decision": "EMAIL", "confidence": 0.99, "decided_after": 32, "evidence": {"values": 9, "with_findings": 9}});
        let told = json!({"read": 900 + number, "emitted": 900, "filtered": number, "rejected": 0, "bytes": 90_000,
            "findings": {"email": {"EMAIL": 900 - number, "PERSON": 3}}, "columns": {"email": column}, "stage_seconds": {"01 detect in *": 0.2}});
        (format!("crm.table_{number}"), told)
    };
    let streams: Value = (0..40).map(stream).collect();
    json!({"version": 1, "outcome": "succeeded", "seconds": 2.5, "streams": streams,
        "records": {"read": 36_780, "emitted": 36_000, "filtered": 780, "rejected": 0}})
}
