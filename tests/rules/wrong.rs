//! Slips of the finger, files that are none, rules that make no sense: each is told with the way out.

use std::fs;

use super::{RULES, folder, json, messages, rules, stdout, text};

#[test]
fn typos_are_told_with_what_was_meant() {
    let folder = folder(RULES);
    let at = folder.path();
    for (arguments, code, said) in [
        (&["lst"][..], 2, "similar"),
        (&["list"], 2, "<FILE>"),
        (&["list", "nothing.yaml"], 2, "nothing.yaml cannot be read"),
        (
            &["test", "catalog.json"],
            2,
            "the rule file needs the key `rules`",
        ),
        (
            &["test", "users.rules.yaml", "--catalog", "nothing.json"],
            2,
            "nothing.json cannot be read",
        ),
        (
            &["backtest", "users.rules.yaml", "--data", "nothing.jsonl"],
            1,
            "nothing.jsonl cannot be opened",
        ),
        (
            &["backtest", "users.rules.yaml", "--tolerance", "5"],
            2,
            "a share lies between 0 and 1",
        ),
        (
            &["backtest", "users.rules.yaml", "--folds", "1"],
            2,
            "2..=50",
        ),
        (
            &["backtest", "users.rules.yaml", "--data", "a", "--from", "b"],
            2,
            "cannot be used with",
        ),
        (
            &["approve", "users.rules.yaml", "age_rnge", "--by", "a"],
            2,
            "did you mean `age_range`?",
        ),
        (&["approve", "users.rules.yaml", "--by", "a"], 2, "<ID>"),
        (
            &["approve", "users.rules.yaml", "age_range", "--by", " "],
            2,
            "`--by` is a name",
        ),
        (
            &["retire", "users.rules.yaml", "age_range", "--by", "a"],
            2,
            "--note",
        ),
        (
            &[
                "retire",
                "users.rules.yaml",
                "age_range",
                "--by",
                "a",
                "--note",
                " ",
            ],
            2,
            "needs a `--note`",
        ),
    ] {
        let ended = rules(at, arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(said),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    assert_eq!(text(at), RULES);
    assert!(!at.join("audit.jsonl").exists(), "nothing was decided");
}

#[test]
fn rules_that_make_no_sense_fall_short() {
    let wrong = RULES.replace("[{age: 121}]", "[{age: 12}]").replace(
        "columns: [state]\n    on_fail: drop",
        "columns: [stat]\n    on_fail: drop",
    );
    let folder = folder(&wrong);
    let at = folder.path();
    let tested = rules(
        at,
        &["test", "users.rules.yaml", "--catalog", "catalog.json"],
    );
    assert_eq!(tested.code, 3);
    assert_eq!(tested.stderr, "error: 2 rules fall short\n");
    let table = stdout(&tested);
    assert!(
        table.contains("its own test 1 of `fail` fails: passed"),
        "{table}"
    );
    assert!(
        table.contains("there is no column `stat`") && table.contains("did you mean `state`?"),
        "{table}"
    );
    assert!(table.contains("state_there  0      holds"), "{table}");
    let as_json = rules(at, &["test", "users.rules.yaml", "--format", "json"]);
    assert_eq!(as_json.code, 3);
    assert_eq!(json(&as_json)[0]["holds"], false);
    assert_eq!(json(&as_json)[0]["line"], 6);

    fs::write(at.join("data.jsonl"), messages(10, |_| false)).expect("a file");
    let tried = rules(
        at,
        &["backtest", "users.rules.yaml", "--data", "data.jsonl"],
    );
    assert_eq!(tried.code, 2);
    assert!(
        tried
            .stderr
            .contains("rule `state_known` on stream `users`: there is no column `stat`"),
        "{}",
        tried.stderr
    );
    let sql = RULES.replace("age BETWEEN 0 AND 120", "age BETWEN 0 AND 120");
    fs::write(at.join("users.rules.yaml"), sql).expect("a file");
    assert_eq!(rules(at, &["test", "users.rules.yaml"]).code, 3);
}

#[test]
fn rules_about_masks_fall_short() {
    let folder = folder(RULES);
    let at = folder.path();
    let config = |stages: &str| {
        let text = format!(
            "version: 1\nunlisted: pass\nstreams:\n  users:\n    rules: users.rules.yaml\n    stages: [{stages}]\n"
        );
        fs::write(at.join("midflight.yaml"), text).expect("a file");
        rules(
            at,
            &[
                "test",
                "users.rules.yaml",
                "--catalog",
                "catalog.json",
                "--config",
                "midflight.yaml",
            ],
        )
    };
    let mask = "{mask: {column: state, with: redact}}";
    assert_eq!(
        config(mask).code,
        0,
        "rules come first unless a stage says otherwise"
    );
    let after = config(&format!("{mask}, check"));
    assert_eq!(after.code, 3);
    let table = stdout(&after);
    assert_eq!(
        table
            .matches("`state` is masked before the rule sees it")
            .count(),
        2,
        "{table}"
    );
}

#[test]
fn rows_that_do_not_fit_are_told() {
    let folder = folder(&RULES.replace("stream: users", "stream: 'user*'"));
    let at = folder.path();
    let two = messages(10, |_| false) + &messages(10, |_| false).replace("\"users\"", "\"userz\"");
    fs::write(at.join("two.jsonl"), two).expect("a file");
    let several = rules(at, &["backtest", "users.rules.yaml", "--data", "two.jsonl"]);
    assert_eq!(several.code, 2);
    assert!(
        several
            .stderr
            .contains("about several streams of the input: `users`, `userz`"),
        "{}",
        several.stderr
    );
    let torn = messages(10, |_| false)
        + "{\"type\":\"RECORD\",\"record\":{\"stream\":\"users\",\"data\":{\"age\":\"canary";
    fs::write(at.join("torn.jsonl"), torn).expect("a file");
    let torn = rules(
        at,
        &["backtest", "users.rules.yaml", "--data", "torn.jsonl"],
    );
    assert_eq!(torn.code, 1);
    assert!(
        torn.stderr.contains("line 12") && !torn.stderr.contains("canary"),
        "{}",
        torn.stderr
    );
    fs::write(at.join("none.jsonl"), "").expect("a file");
    let none = rules(
        at,
        &["backtest", "users.rules.yaml", "--data", "none.jsonl"],
    );
    assert_eq!(none.code, 3);
    assert!(
        stdout(&none).contains("stream user*, which did not come, 0 rows"),
        "{}",
        stdout(&none)
    );
}
