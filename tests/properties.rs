//! What must hold of any input, tried on inputs that nobody thought of.

mod budget;
mod catalogs;
mod decoding;
pub mod engine;
mod json;
mod lines;
mod mutations;
mod oracle;
mod rules;
mod splits;
mod strict;
mod tables;
mod there_and_back;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use budget::{Verdict, check};
use engine::{Run, Way, plan, run};
use json::Step;
use lines::STREAMS;
use midflight::plan::Plan;

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn must(holds: bool, why: impl FnOnce() -> String) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err(TestCaseError::fail(why()))
    }
}

fn same(run: &Run, expected: &str) -> Verdict {
    if let Some(error) = &run.failed {
        return Err(TestCaseError::fail(format!("the run failed: {error}")));
    }
    let body = run.body();
    must(body == expected.as_bytes(), || {
        let (body, expected) = (shown(body), expected.to_owned());
        let differ = body
            .split('\n')
            .zip(expected.split('\n'))
            .find(|(left, right)| left != right);
        format!("left and expected differ, first in\n{differ:?}")
    })
}

#[test]
fn what_no_stage_names_leaves_byte_by_byte() {
    let plan = plan("{version: 1, unlisted: pass}", None);
    check(&lines::input(), |input| {
        let expected = input.expected(&[], &[], &|text| text.to_owned());
        same(
            &run(&plan, input.text().as_bytes(), &Way::plain()),
            &expected,
        )
    });
}

#[test]
fn a_mask_changes_every_value_of_its_column_and_no_other_byte() {
    let masks: [(&str, &[Step]); 3] = [
        ("email", &[Step::Key("email")]),
        (
            "address.street",
            &[Step::Key("address"), Step::Key("street")],
        ),
        (
            "items[].email",
            &[Step::Key("items"), Step::Items, Step::Key("email")],
        ),
    ];
    let plans = masks.map(|(column, path)| {
        let mask =
            format!("{{mask: {{column: '{column}', with: redact, placeholder: '<\"X\">'}}}}");
        let users = format!("{{unlisted: pass, stages: [{mask}]}}");
        (
            plan(
                &format!("{{version: 1, unlisted: pass, streams: {{users: {users}}}}}"),
                None,
            ),
            path,
        )
    });
    let users: Vec<_> = STREAMS
        .iter()
        .copied()
        .filter(|stream| stream.1 == "users")
        .collect();
    check(&(lines::input(), 0..plans.len()), |(input, which)| {
        let (plan, path) = &plans[which];
        let masked = |text: &str| {
            if text == "null" {
                text.to_owned()
            } else {
                r#""<\"X\">""#.to_owned()
            }
        };
        let expected = input.expected(&users, path, &masked);
        same(
            &run(plan, input.text().as_bytes(), &Way::plain()),
            &expected,
        )
    });
}

fn way() -> impl Strategy<Value = Way> {
    let workers = prop_oneof![Just(1), Just(2), Just(4)];
    let chunk_bytes = prop_oneof![Just(None), (1..300_usize).prop_map(Some)];
    (workers, chunk_bytes, vec(1..200_usize, 0..4)).prop_map(|(workers, chunk_bytes, writes)| Way {
        workers,
        chunk_bytes,
        writes,
    })
}

#[test]
fn to_follow_a_cursor_changes_no_byte() {
    let plans: Vec<_> = [
        (include_str!("properties/chunks.yaml"), r#"["id"]"#),
        ("version: 1", r#"["address", "street"]"#),
        ("{version: 1, unlisted: pass}", r#"["address", "street"]"#),
        ("{version: 1, unlisted: pass}", r#"["id"]"#),
        // Not declared, so it is not followed.
        ("version: 1", r#"["nowhere"]"#),
        (
            "{version: 1, unlisted: drop, streams: {users: {}, orders: {unlisted: redact}}}",
            r#"["e"]"#,
        ),
    ]
    .into_iter()
    .map(|(config, cursor)| {
        let full = r#""sync_mode": "full_refresh", "dest"#;
        let incremental = format!(r#""sync_mode": "incremental", "cursor_field": {cursor}, "dest"#);
        let catalog = include_str!("properties/catalog.json").replace(full, &incremental);
        let plan = |cursors| {
            let (mut sources, problems) = engine::sources(config, Some(&catalog));
            sources.cursors = cursors;
            std::sync::Arc::new(Plan::compile(sources, problems).expect("a plan"))
        };
        [plan(false), plan(true)]
    })
    .collect();
    check(
        &(lines::input(), 0..plans.len(), way()),
        |(input, which, way)| {
            let text = input.text();
            let [without, with] = &plans[which];
            let without = run(without, text.as_bytes(), &Way::plain());
            let with = run(with, text.as_bytes(), &way);
            must(without.body() == with.body(), || {
                format!(
                    "{which}\n{}\nbut without\n{}",
                    shown(&with.output),
                    shown(&without.output)
                )
            })?;
            let told = |run: &Run| run.failed.as_ref().map(ToString::to_string);
            must(told(&without) == told(&with), || {
                format!("{:?} {:?}", without.failed, with.failed)
            })
        },
    );
}

#[test]
fn the_output_does_not_depend_on_chunks_or_workers() {
    let catalog = include_str!("properties/catalog.json");
    let plans = [
        plan(include_str!("properties/chunks.yaml"), Some(catalog)),
        plan("version: 1", Some(catalog)),
    ];
    check(
        &(lines::input(), vec(way(), 1..4), 0..plans.len()),
        |(input, ways, which)| {
            let text = input.text();
            let plain = run(&plans[which], text.as_bytes(), &Way::plain());
            for way in ways {
                let other = run(&plans[which], text.as_bytes(), &way);
                must(plain.body() == other.body(), || {
                    format!(
                        "{way:?}\n{}\nbut in one piece\n{}",
                        shown(&other.output),
                        shown(&plain.output)
                    )
                })?;
                let told = |run: &Run| run.failed.as_ref().map(ToString::to_string);
                must(told(&plain) == told(&other), || {
                    format!("{:?} {:?}", plain.failed, other.failed)
                })?;
            }
            Ok(())
        },
    );
}
