//! Rule files that are written and edited say what was asked for, and nothing else of them changes.

use midflight::document::write::{Layout, entry};
use midflight::document::{Node, Position, Problems, Value, parse};
use midflight::plan::rules::{
    Limits, Literal, OnFail, Phase, RuleFile, RuleForm, RuleSpec, RuleTests, Status, write,
};
use midflight::schema::path::Path;
use midflight::stage::rules::Severity;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::budget::check;
use super::must;

/// Text that YAML takes for something else where it can.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_ ]{0,12}",
        "[-+.0-9eExX:_ ]{0,8}",
        "[\\]\\[{}:,#&*!|>'\"%@`?\\\\ \t\n\r~a=-]{0,12}",
        any::<String>(),
        prop_oneof![
            Just("x".repeat(2_000)),
            Just("null".to_owned()),
            Just("yes".to_owned())
        ],
    ]
}

pub fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>()
            .prop_filter("is a number", |n| !n.is_nan())
            .prop_map(Value::Float),
        text().prop_map(Value::Text),
    ];
    leaf.prop_map(Node::from).prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|items| Value::List(items).into()),
            btree_map(text(), inner, 0..6).prop_map(Node::map),
        ]
    })
}

#[test]
fn every_node_survives_on_one_line_and_on_several() {
    check(&(node(), any::<bool>()), |(node, open)| {
        let layout = if open { Layout::Open } else { Layout::Fit };
        let mut out = String::from("a:\n");
        entry(&mut out, 3, "k", &node, layout);
        out.push_str("b: 1\n");
        let mut problems = Problems::new();
        let back = parse("f", &out, &mut problems);
        must(problems.is_empty(), || format!("{problems}\n{out}"))?;
        let found = back.as_ref().and_then(|back| back.get("a")?.get("k"));
        must(found.is_some_and(|found| found.same(&node)), || out.clone())
    });
}

/// Text as a column or a description may have it.
fn name() -> impl Strategy<Value = String> {
    let fits = |text: &String| !text.trim().is_empty() && text.len() <= 1_000;
    text().prop_filter("neither blank nor long", fits)
}

fn rule() -> impl Strategy<Value = RuleSpec> {
    let form = prop_oneof![
        text()
            .prop_filter("SQL is not blank", |sql| !sql.trim().is_empty())
            .prop_map(RuleForm::Expr),
        Just(RuleForm::NotNull),
        vec(text().prop_map(Literal::Text), 1..4).prop_map(RuleForm::InSet),
        any::<i64>().prop_map(|min| RuleForm::Range {
            min: Some(Literal::Integer(min)),
            max: None
        }),
    ];
    let about = (option::of(name()), option::of(node()));
    (form, name(), about).prop_map(|(form, column, (description, source))| {
        let columns = vec![Path::key(&column)];
        let row = Node::map([(column, Value::Null.into())]);
        RuleSpec {
            id: String::new(),
            form,
            columns,
            severity: Severity::Warning,
            on_fail: OnFail::Drop,
            status: Status::Proposed,
            dimension: None,
            description,
            source,
            evidence: None,
            approved: None,
            tests: RuleTests {
                pass: vec![row],
                fail: vec![],
            },
            at: Position { line: 0, column: 0 },
        }
    })
}

fn read(text: &str) -> Result<Vec<RuleSpec>, TestCaseError> {
    let mut problems = Problems::new();
    let file = RuleFile::parse("r.yaml", text, &mut problems);
    must(problems.is_empty(), || format!("{problems}\n{text}"))?;
    let mut rules = file.map(|file| file.rules).unwrap_or_default();
    for rule in &mut rules {
        rule.at = Position { line: 0, column: 0 };
    }
    Ok(rules)
}

/// Whether two rules say the same, wherever their data stands.
fn alike(one: &RuleSpec, two: &RuleSpec) -> bool {
    write::node(one).same(&write::node(two))
}

/// A file of these rules as a person might have it: comments between its lines, other line ends.
fn by_hand(rules: &[RuleSpec], comments: &[usize], windows: bool) -> String {
    let text = write::file("s", Phase::Monitor, rules, &Limits::default());
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    for at in comments {
        let at = at % (lines.len() + 1);
        lines.insert(at, format!("{}# note", " ".repeat(at % 7)));
    }
    lines.join(if windows { "\r\n" } else { "\n" })
}

#[test]
fn an_edit_says_what_was_asked_for_and_changes_nothing_else() {
    let cases = (
        vec(rule(), 1..4),
        vec(any::<usize>(), 0..5),
        any::<(bool, usize)>(),
        node(),
    );
    check(
        &cases,
        |(mut rules, comments, (windows, which), evidence)| {
            for (i, rule) in rules.iter_mut().enumerate() {
                rule.id = format!("r{i}");
            }
            let text = by_hand(&rules, &comments, windows);
            let before = read(&text)?;
            must(
                before.len() == rules.len() && before.iter().zip(&rules).all(|(a, b)| alike(a, b)),
                || text.clone(),
            )?;

            let which = which % rules.len();
            let id = rules[which].id.clone();
            let set = |text: &str, value| {
                write::set("r.yaml", text, &id, &[("evidence", value)])
                    .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))
            };
            let edited = set(&text, Some(evidence.clone()))?;
            rules[which].evidence = Some(evidence);
            let after = read(&edited)?;
            must(after.iter().zip(&rules).all(|(a, b)| alike(a, b)), || {
                edited.clone()
            })?;
            let undone = set(&edited, None)?;
            must(undone == text, || format!("{text}\nbut undone\n{undone}"))?;

            let mut added = rules[which].clone();
            added.id = "added".to_owned();
            let longer = write::append("r.yaml", &text, &[added.clone()])
                .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            let last = read(&longer)?.pop();
            must(last.is_some_and(|last| alike(&last, &added)), || longer)
        },
    );
}
