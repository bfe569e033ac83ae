//! Back-tests on staged files.

use std::fs;

use super::{RULES, folder, json, rules};

/// A CSV of so many users, whose state of the last is unknown.
fn csv(from: usize, count: usize) -> String {
    let rows = (from..from + count)
        .map(|id| format!("{id},{},{}\n", 18 + id % 60, ["new", "paid"][id % 2]));
    format!("id,age,state\n{}", rows.collect::<String>())
}

#[test]
fn staged_files_are_read_in_the_order_of_their_keys() {
    let folder = folder(RULES);
    let at = folder.path();
    fs::create_dir_all(at.join("stage/users")).expect("a folder");
    fs::write(at.join("stage/users/2026_09_01.csv"), csv(0, 2_500)).expect("a file");
    let late = csv(2_500, 2_500).replace(",paid", ",lost");
    fs::write(at.join("stage/users/2026_09_02.csv"), late).expect("a file");
    let trial = [
        "backtest",
        "users.rules.yaml",
        "--from",
        "stage",
        "--format",
        "json",
    ];
    for further in [&[][..], &["--catalog", "catalog.json"]] {
        let tried = rules(at, &[&trial[..], further].concat());
        assert_eq!(tried.code, 3, "{}", tried.stderr);
        let tried = json(&tried);
        assert_eq!(
            (&tried[0]["evidence"]["rows"], &tried[0]["holds"]),
            (&5_000.into(), &true.into())
        );
        let state = &tried[1]["evidence"];
        assert_eq!(state["violations"], 1_250);
        let folds = state["folds"]["violations"].as_array().expect("folds");
        assert_eq!(folds[0], 0, "the first file is good: {folds:?}");
        assert!(folds[folds.len() - 1].as_u64() > Some(0), "{folds:?}");
    }
    let named = rules(
        at,
        &[
            "backtest",
            "users.rules.yaml",
            "--from",
            "stage/users/*_01.csv",
            "--stream",
            "users",
            "--min-rows",
            "100",
            "--tolerance",
            "0.01",
        ],
    );
    assert_eq!(named.code, 0, "{}", named.stderr);
    let none = rules(
        at,
        &["backtest", "users.rules.yaml", "--from", "stage/nowhere"],
    );
    assert_eq!(none.code, 2, "{}", none.stderr);
}
