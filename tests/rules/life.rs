//! A rule that does well, from its proposal to its end.

use std::fs;

use serde_json::json;

use super::{RULES, audited, folder, json, messages, rules, stdout, text};
use crate::support::midflight;

#[test]
fn a_rule_is_listed_tested_tried_approved_enforced_and_retired() {
    let folder = folder(RULES);
    let at = folder.path();
    fs::write(at.join("data.jsonl"), messages(6_000, |_| false)).expect("a file");

    let listed = rules(at, &["list", "users.rules.yaml"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let table = stdout(&listed);
    assert!(
        table.contains("age_range    age BETWEEN 0 AND 120"),
        "{table}"
    );
    assert!(
        table
            .lines()
            .nth(2)
            .is_some_and(|line| line.ends_with("proposed  count  none")),
        "{table}"
    );

    for further in [&["--catalog", "catalog.json"][..], &[]] {
        let tested = rules(
            at,
            &[&["test", "users.rules.yaml", "--format", "json"], further].concat(),
        );
        assert_eq!(tested.code, 0, "{}", tested.stderr);
        assert_eq!(json(&tested)[0]["tests"], 3);
        assert_eq!(json(&tested)[2]["holds"], true);
    }

    let approve = [
        "approve",
        "users.rules.yaml",
        "age_range",
        "--by",
        "a.martin",
    ];
    let early = rules(at, &approve);
    assert_eq!(early.code, 3);
    assert!(
        early
            .stderr
            .contains("rule `age_range`: there is no evidence for it"),
        "{}",
        early.stderr
    );

    let trial = [
        "backtest",
        "users.rules.yaml",
        "--data",
        "data.jsonl",
        "--catalog",
        "catalog.json",
    ];
    let tried = rules(at, &[&trial[..], &["--format", "json"]].concat());
    assert_eq!(tried.code, 0, "{}", tried.stderr);
    let tried = json(&tried);
    let evidence = &tried[0]["evidence"];
    assert_eq!(evidence["window"], "2026-09-01/2026-09-14");
    assert_eq!(
        (&evidence["rows"], &evidence["violations"]),
        (&json!(6_000), &json!(0))
    );
    assert_eq!(
        (
            &evidence["caught"]["wrong_unit"],
            &evidence["caught"]["missing"]
        ),
        (&json!(1.0), &json!(0.0))
    );
    assert_eq!(tried[0]["cover"], "kept");
    assert_eq!(tried[2]["evidence"]["caught"]["missing"], 1.0);
    assert_eq!(text(at), RULES, "nothing was to be written");

    let written = rules(at, &[&trial[..], &["--write"]].concat());
    assert_eq!(written.code, 0, "{}", written.stderr);
    let after = text(at);
    assert!(
        after.starts_with("# What users look like.\n")
            && after.contains("age_range   # in years\n")
    );
    let evidence = "    evidence:\n      window: 2026-09-01/2026-09-14\n      rows: 6000\n      violations: 0\n      fpr_upper95: 0.00064\n";
    assert_eq!(after.matches(evidence).count(), 3, "{after}");
    let again = rules(at, &[&trial[..], &["--write"]].concat());
    assert_eq!(
        (again.code, text(at)),
        (0, after.clone()),
        "the same rows give the same evidence"
    );

    for author in ["qwen2.5", " Pipeline "] {
        let refused = rules(
            at,
            &["approve", "users.rules.yaml", "age_range", "--by", author],
        );
        assert_eq!(refused.code, 3);
        assert!(
            refused.stderr.contains("is its author"),
            "{}",
            refused.stderr
        );
    }
    let enforced = rules(at, &[&approve[..], &["--enforce"]].concat());
    assert_eq!(enforced.code, 3);
    assert!(
        enforced.stderr.contains("it is not approved"),
        "{}",
        enforced.stderr
    );
    assert_eq!(text(at), after);

    let approved = rules(
        at,
        &[
            &approve[..],
            &["--note", "confirmed with CRM: owner", "state_known"],
        ]
        .concat(),
    );
    assert_eq!(
        (approved.code, stdout(&approved)),
        (
            0,
            "age_range: proposed -> approved\nstate_known: proposed -> approved\n".to_owned()
        ),
        "{}",
        approved.stderr
    );
    let after = text(at);
    assert!(
        after.contains(
            "    status: approved\n    source: {kind: llm, model: qwen2.5, by: pipeline}\n"
        ),
        "{after}"
    );
    assert!(
        after.contains("by: a.martin\n") && after.contains("note: 'confirmed with CRM: owner'\n"),
        "{after}"
    );
    let twice = rules(at, &approve);
    assert!(
        twice.code == 3 && twice.stderr.contains("approved already"),
        "{}",
        twice.stderr
    );
    let enforced = rules(
        at,
        &[&approve[..], &["--enforce", "--format", "json"]].concat(),
    );
    assert_eq!(enforced.code, 0, "{}", enforced.stderr);
    assert_eq!(
        (&json(&enforced)[0]["from"], &json(&enforced)[0]["to"]),
        (&json!("approved"), &json!("enforced"))
    );

    let retired = rules(
        at,
        &[
            "retire",
            "users.rules.yaml",
            "state_there",
            "--by",
            "b",
            "--note",
            "not ours",
        ],
    );
    assert_eq!(
        (retired.code, stdout(&retired)),
        (0, "state_there: proposed -> retired\n".to_owned())
    );
    let standing = json(&rules(
        at,
        &["list", "users.rules.yaml", "--format", "json"],
    ));
    let may: Vec<_> = standing
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| rule["may"].clone())
        .collect();
    assert_eq!(
        may,
        [json!("quarantine"), json!("quarantine"), json!("ignore")]
    );

    // What is retired may be about a column that is gone.
    let gone = text(at).replace(
        "check: not_null\n    columns: [state]",
        "check: not_null\n    columns: [gone]",
    );
    fs::write(at.join("users.rules.yaml"), &gone).expect("a file");
    let tested = rules(
        at,
        &["test", "users.rules.yaml", "--catalog", "catalog.json"],
    );
    assert_eq!(tested.code, 0, "{}", stdout(&tested));
    assert!(stdout(&tested).contains("state_there  0      retired"));
    let checked = [
        "check",
        "--config",
        "midflight.yaml",
        "--catalog",
        "catalog.json",
    ];
    let checked = midflight(&checked).within(at).run("");
    assert_eq!(checked.code, 0, "{}", checked.stderr);

    let records = audited(at, "audit.jsonl");
    let kinds: Vec<_> = records.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "rules_tried",
            "rules_tried",
            "rule_approved",
            "rule_approved",
            "rule_approved",
            "rule_retired"
        ]
    );
    let (_, approval) = &records[2];
    assert_eq!(
        (&approval["by"], &approval["evidence"]["rows"]),
        (&json!("a.martin"), &json!(6_000))
    );
    assert_eq!(approval["fingerprint"], standing[0]["fingerprint"]);
}

#[test]
fn a_rule_that_was_changed_begins_anew() {
    let folder = folder(RULES);
    let at = folder.path();
    fs::write(at.join("data.jsonl"), messages(5_000, |_| false)).expect("a file");
    let trial = [
        "backtest",
        "users.rules.yaml",
        "--data",
        "data.jsonl",
        "--write",
    ];
    assert_eq!(rules(at, &trial).code, 0);
    let approve = [
        "approve",
        "users.rules.yaml",
        "age_range",
        "--by",
        "a.martin",
    ];
    assert_eq!(rules(at, &approve).code, 0);
    fs::write(
        at.join("users.rules.yaml"),
        text(at).replace("AND 120", "AND 110"),
    )
    .expect("a file");

    let listed = stdout(&rules(at, &["list", "users.rules.yaml"]));
    assert!(
        listed.contains("proposed (was approved)  count  void: about another expression"),
        "{listed}"
    );
    assert!(
        listed.contains("note: the rule `age_range` was changed after its approval"),
        "{listed}"
    );
    let refused = rules(at, &approve);
    assert!(
        refused.code == 3
            && refused
                .stderr
                .contains("its evidence is about another expression"),
        "{}",
        refused.stderr
    );
    let tried = rules(
        at,
        &["backtest", "users.rules.yaml", "--data", "data.jsonl"],
    );
    assert!(stdout(&tried).contains("its recorded evidence was about another expression"));
    assert_eq!(rules(at, &trial).code, 0);
    assert_eq!(rules(at, &approve).code, 0);
}

#[test]
fn what_falls_short_is_told_and_stays_proposed() {
    let folder = folder(RULES);
    let at = folder.path();
    // A rule that data outgrow: it fires in the last days only.
    fs::write(
        at.join("late.jsonl"),
        messages(20_000, |id| id > 19_600 && id % 50 == 0),
    )
    .expect("a file");
    fs::write(at.join("often.jsonl"), messages(5_000, |id| id % 100 == 7)).expect("a file");
    fs::write(at.join("few.jsonl"), messages(100, |_| false)).expect("a file");
    for (data, said) in [
        ("late.jsonl", "fires too often in fold"),
        (
            "often.jsonl",
            "fires too often: up to 1.32 % of the rows, tolerated are 0.100 %",
        ),
        (
            "few.jsonl",
            "not enough evidence: 100 rows, 4000 are needed",
        ),
    ] {
        let tried = rules(
            at,
            &["backtest", "users.rules.yaml", "--data", data, "--write"],
        );
        assert_eq!(tried.code, 3, "{data}");
        let line = stdout(&tried)
            .lines()
            .find(|line| line.starts_with("age_range"))
            .map(str::to_owned);
        assert!(
            line.as_ref().is_some_and(|line| line.contains(said)),
            "{data}: {}",
            stdout(&tried)
        );
        let refused = rules(
            at,
            &[
                "approve",
                "users.rules.yaml",
                "age_range",
                "--by",
                "a.martin",
            ],
        );
        assert!(
            refused.code == 3 && refused.stderr.contains(&said[..15]),
            "{}",
            refused.stderr
        );
    }
    let tolerant = [
        "backtest",
        "users.rules.yaml",
        "--data",
        "often.jsonl",
        "--tolerance",
        "0.05",
        "--write",
    ];
    assert_eq!(rules(at, &tolerant).code, 0);
    let approve = [
        "approve",
        "users.rules.yaml",
        "age_range",
        "--by",
        "a.martin",
    ];
    assert_eq!(rules(at, &approve).code, 3);
    assert_eq!(
        rules(at, &[&approve[..], &["--tolerance", "0.05"]].concat()).code,
        0
    );
    let known = [
        "approve",
        "users.rules.yaml",
        "state_there",
        "--by",
        "a",
        "--without-evidence",
    ];
    let without = rules(at, &known);
    assert_eq!(without.code, 2, "a note is needed");
    let without = rules(
        at,
        &[&known[..], &["--note", "the contract says so"]].concat(),
    );
    assert_eq!(without.code, 0, "{}", without.stderr);
    let records = audited(at, "audit.jsonl");
    assert_eq!(
        records
            .last()
            .map(|(_, record)| record["without_evidence"].clone()),
        Some(json!(true))
    );
}

#[test]
fn rows_may_come_from_stdin_and_evidence_does_not_depend_on_the_catalog_of_other_streams() {
    let folder = folder(RULES);
    let other = "{\"type\":\"RECORD\",\"record\":{\"stream\":\"other\",\"data\":{\"age\":999},\"emitted_at\":1}}\n";
    let data: String = messages(4_500, |_| false)
        .lines()
        .flat_map(|line| [other, line, "\n"])
        .collect();
    let arguments = ["rules", "backtest", "users.rules.yaml", "--format", "json"];
    let tried = midflight(&arguments).within(folder.path()).run(data);
    assert_eq!(tried.code, 0, "{}", tried.stderr);
    assert_eq!(json(&tried)[0]["evidence"]["rows"], 4_500);
    // Without a catalog there is no cursor: the window is that of `emitted_at`.
    assert_eq!(
        json(&tried)[0]["evidence"]["window"],
        "2026-09-01/2026-09-01"
    );
}
