//! OpenLineage events: valid by the published schemas for every case, and right in what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

use crate::canary::spellings_of;
use crate::support::case::Case;
use crate::support::{KEY, midflight, root};

/// The folder of the published schemas.
const SCHEMAS: &str = "schemas/openlineage";

/// The schemas, by the name of their definition; empty for the event itself.
pub struct Schemas(BTreeMap<String, Validator>);

impl Schemas {
    pub fn load() -> Self {
        let read = |path: &Path| -> Value {
            serde_json::from_slice(&fs::read(path).expect("a schema")).expect("JSON")
        };
        let folder = root().join(SCHEMAS);
        let core = read(&folder.join("OpenLineage.json"));
        let mut registry = Registry::new().draft(Draft::Draft202012);
        // The base of a facet is the same in every version.
        for version in ["1-0-1", "1-0-2", "2-0-2"] {
            let uri = format!("https://openlineage.io/spec/{version}/OpenLineage.json");
            registry = registry.add(uri, core.clone()).expect("a schema");
        }
        let registry = registry.prepare().expect("schemas");
        let built = |schema: &Value| {
            let options = jsonschema::options().with_draft(Draft::Draft202012);
            let options = options
                .with_registry(&registry)
                .should_validate_formats(true);
            options.build(schema).expect("a schema")
        };
        let mut all = BTreeMap::from([(String::new(), built(&core))]);
        for entry in fs::read_dir(folder.join("facets"))
            .expect("a folder")
            .flatten()
        {
            let schema = read(&entry.path());
            let name = entry.file_name().to_string_lossy().replace(".json", "");
            all.insert(name, built(&schema));
        }
        Self(all)
    }

    /// What is wrong with an event and each of its facets.
    pub fn faults(&self, event: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |name: &str, value: &Value, place: &str| {
            let Some(schema) = self.0.get(name) else {
                faults.push(format!("{place}: no schema `{name}`"));
                return;
            };
            for error in schema.iter_errors(value) {
                faults.push(format!("{place}{}: {error}", error.instance_path()));
            }
        };
        check("", event, "event");
        let mut facets = |holder: &Value, place: &str| {
            for (key, facet) in holder.as_object().into_iter().flatten() {
                let url = facet["_schemaURL"].as_str().unwrap_or_default();
                let (file, name) = url.rsplit_once("#/$defs/").unwrap_or_default();
                assert!(file.ends_with(&format!("/{name}.json")), "{url}");
                // A file's schema wants its facet under the name that it has in events.
                check(name, &json!({ key: facet }), &format!("{place}.{key}"));
                let properties = &self.named(name)["properties"];
                assert!(
                    properties.get(key).is_some(),
                    "{place}: {key} is no facet of {name}"
                );
            }
        };
        facets(&event["run"]["facets"], "run");
        facets(&event["job"]["facets"], "job");
        for side in ["inputs", "outputs"] {
            for dataset in event[side].as_array().expect("a list") {
                for holder in ["facets", "inputFacets", "outputFacets"] {
                    facets(&dataset[holder], side);
                }
            }
        }
        faults
    }

    fn named(&self, name: &str) -> Value {
        let path = root().join(SCHEMAS).join(format!("facets/{name}.json"));
        serde_json::from_slice(&fs::read(path).expect("a schema")).expect("JSON")
    }
}

/// The events that a run left in a folder.
pub fn events(report: &Path) -> Vec<Value> {
    let text = fs::read_to_string(report.join("lineage.jsonl")).expect("lineage");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn the_events_of_every_case_are_valid() {
    let schemas = Schemas::load();
    let queue = Mutex::new(Case::all().into_iter());
    let told = Mutex::new((Vec::new(), BTreeSet::new(), 0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().expect("no panic").next() else {
                        return;
                    };
                    let (copy, ended) = case.run_in_copy(&["--workers", "1"]);
                    let report = copy.path().join("report");
                    // What is wrong with a plan is told before there is a run.
                    if !report.join("report.json").exists() {
                        continue;
                    }
                    let events = events(&report);
                    let mut faults: Vec<String> = events
                        .iter()
                        .flat_map(|event| schemas.faults(event))
                        .collect();
                    faults.extend(story(&events, ended.code, &report));
                    let mut told = told.lock().expect("no panic");
                    told.0.extend(
                        faults
                            .into_iter()
                            .map(|fault| format!("{}: {fault}", case.name)),
                    );
                    events
                        .iter()
                        .for_each(|event| facets_of(event, &mut told.1));
                    told.2 += 1;
                }
            });
        }
    });
    let (faults, facets, runs) = told.into_inner().expect("no panic");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(runs > 150, "{runs} runs");
    let seen: Vec<&str> = facets.iter().map(String::as_str).collect();
    assert_eq!(
        seen,
        [
            "columnLineage",
            "dataQualityAssertions",
            "dataQualityMetrics",
            "errorMessage",
            "inputStatistics",
            "jobType",
            "lifecycleStateChange",
            "nominalTime",
            "outputStatistics",
            "processing_engine",
            "schema",
            "tags",
            "test"
        ]
    );
}

/// What does not fit between the two events of a run and its report.
fn story(events: &[Value], code: i32, report: &Path) -> Vec<String> {
    let [start, end] = events else {
        return vec![format!("{} events", events.len())];
    };
    let report: Value =
        serde_json::from_slice(&fs::read(report.join("report.json")).expect("a report"))
            .expect("JSON");
    let terminal = if code == 0 { "COMPLETE" } else { "FAIL" };
    let mut faults = Vec::new();
    let mut same = |what: &str, one: Value, other: Value| {
        if one != other {
            faults.push(format!("{what}: {one} is not {other}"));
        }
    };
    same("start", start["eventType"].clone(), json!("START"));
    same("end", end["eventType"].clone(), json!(terminal));
    same(
        "run",
        start["run"]["runId"].clone(),
        end["run"]["runId"].clone(),
    );
    same("job", start["job"].clone(), end["job"].clone());
    same(
        "error",
        json!(end["run"]["facets"].get("errorMessage").is_some()),
        json!(code != 0),
    );
    let sum = |side: &str, facets: &str, facet: &str| -> u64 {
        let sets = end[side].as_array().into_iter().flatten();
        sets.map(|set| set[facets][facet]["rowCount"].as_u64().unwrap_or(0))
            .sum()
    };
    let streams = report["streams"].as_object().expect("streams");
    let chunks: u64 = streams
        .values()
        .map(|stream| stream["chunks"].as_u64().unwrap_or(0))
        .sum();
    let records = &report["records"];
    same(
        "read",
        json!(sum("inputs", "inputFacets", "inputStatistics")),
        records["read"].clone(),
    );
    let written = sum("outputs", "outputFacets", "outputStatistics");
    same(
        "emitted",
        json!(written - chunks),
        records["emitted"].clone(),
    );
    faults
}

fn facets_of(event: &Value, out: &mut BTreeSet<String>) {
    let mut add = |holder: &Value| {
        out.extend(
            holder
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, _)| key.clone()),
        )
    };
    add(&event["run"]["facets"]);
    add(&event["job"]["facets"]);
    for set in ["inputs", "outputs"]
        .iter()
        .flat_map(|side| event[side].as_array().expect("a list"))
    {
        ["facets", "inputFacets", "outputFacets"]
            .iter()
            .for_each(|holder| add(&set[holder]));
    }
}

const CATALOG: &str = r#"{"streams": [{"stream": {"name": "users", "namespace": "crm", "json_schema": {"type": "object", "properties": {
  "id": {"type": "integer"}, "email": {"type": "string"}, "name": {"type": "string"}, "age": {"type": "integer"},
  "address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}},
  "items": {"type": "array", "items": {"type": "object", "properties": {"note": {"type": "string"}}}}
}}, "supported_sync_modes": ["full_refresh"]}, "sync_mode": "full_refresh", "destination_sync_mode": "append"}]}"#;

const CONFIG: &str = r#"version: 1
keys: {k: {env: MIDFLIGHT_KEY}}
unlisted: pass
lineage:
  namespace: shop
  job: nightly
  source: {namespace: "postgres://db:5432", name: "app.{namespace}.{stream}"}
streams:
  crm.users:
    rules: rules.yaml
    stages:
      - filter: "age > 17"
      - check
      - mask: {column: email, with: hash, key: k}
      - mask: {column: address.street, with: redact}
      - detect: {columns: ["items[].note"], with: redact}
      - rename: {from: name, to: called}
      - derive: {column: label, sql: "called || ' ' || email"}
      - split: {into: part, by: id, fractions: {train: 0.5, test: 0.5}, salt: s}
"#;

const RULES: &str = "version: 1\nstream: crm.users\nphase: monitor\nrules:\n  - {id: name_given, check: not_null, columns: name, on_fail: annotate, severity: warning, description: Everybody has a name.}\n  - {id: age_range, check: {range: {max: 99}}, columns: age, on_fail: annotate}\n";

/// A folder with the plan's files.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("config.yaml", CONFIG),
        ("catalog.json", CATALOG),
        ("rules.yaml", RULES),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// Records of the stream.
pub fn records() -> String {
    let record = |id: u32, age: u32, name: &str| {
        format!(
            "{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"users\",\"namespace\":\"crm\",\"data\":{{\"id\":{id},\"email\":\"qx7.vole@example.com\",\"name\":{name},\"age\":{age},\"address\":{{\"street\":\"Qx7 Way 1\",\"city\":\"Q\"}},\"items\":[{{\"note\":\"mail qx7.kite@example.org\"}}]}},\"emitted_at\":1}}}}\n"
        )
    };
    [
        record(1, 30, "\"Qx7\""),
        record(2, 12, "\"Qx7\""),
        record(3, 120, "null"),
    ]
    .concat()
}

pub fn pipe(folder: &Path) -> crate::support::Program {
    midflight(&[
        "pipe",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
        "--report",
        "report",
        "--workers",
        "1",
    ])
    .within(folder)
    .env("MIDFLIGHT_KEY", KEY)
}

#[test]
fn an_event_says_what_was_made_of_what() {
    let folder = folder();
    let ended = pipe(folder.path()).run(records());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let events = events(&folder.path().join("report"));
    let end = &events[1];
    assert_eq!(
        (&end["job"]["namespace"], &end["job"]["name"]),
        (&json!("shop"), &json!("nightly"))
    );
    let input = &end["inputs"][0];
    assert_eq!(
        (&input["namespace"], &input["name"]),
        (&json!("postgres://db:5432"), &json!("app.crm.users"))
    );
    let output = &end["outputs"][0];
    assert_eq!(
        (&output["namespace"], &output["name"]),
        (&json!("airbyte-destination"), &json!("crm.users"))
    );
    let lineage = &output["facets"]["columnLineage"];
    let told: BTreeMap<&str, Vec<String>> = lineage["fields"]
        .as_object()
        .expect("fields")
        .iter()
        .map(|(name, made)| {
            let inputs = made["inputFields"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|input| {
                    assert_eq!(input["name"], "app.crm.users");
                    let how = &input["transformations"][0];
                    let word = |name: &str| how[name].as_str().unwrap_or_default().to_owned();
                    let masking = if how["masking"] == true {
                        " masked"
                    } else {
                        ""
                    };
                    format!(
                        "{} {}{masking}",
                        input["field"].as_str().unwrap_or_default(),
                        word("subtype")
                    )
                });
            (name.as_str(), inputs.collect())
        })
        .collect();
    let expected: [(&str, &[&str]); 11] = [
        ("address", &["address TRANSFORMATION"]),
        ("address.city", &["address.city IDENTITY"]),
        ("address.street", &["address.street TRANSFORMATION masked"]),
        ("age", &["age IDENTITY"]),
        ("called", &["name IDENTITY"]),
        ("email", &["email TRANSFORMATION masked"]),
        ("id", &["id IDENTITY"]),
        ("items", &["items TRANSFORMATION"]),
        (
            "items._element.note",
            &["items._element.note TRANSFORMATION"],
        ),
        ("label", &["name TRANSFORMATION", "email TRANSFORMATION"]),
        ("part", &["id CONDITIONAL"]),
    ];
    let expected: BTreeMap<&str, Vec<String>> = expected
        .into_iter()
        .map(|(name, inputs)| {
            (
                name,
                inputs.iter().map(|input| (*input).to_owned()).collect(),
            )
        })
        .collect();
    assert_eq!(told, expected);
    let sifted: Vec<String> = lineage["dataset"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|input| {
            format!(
                "{} {}",
                input["field"], input["transformations"][0]["subtype"]
            )
        })
        .collect();
    assert_eq!(
        sifted,
        [
            "\"age\" \"FILTER\"",
            "\"name\" \"CONDITIONAL\"",
            "\"age\" \"CONDITIONAL\""
        ]
    );
    let tags = |dataset: &Value| -> Vec<String> {
        let tags = dataset["facets"]["tags"]["tags"]
            .as_array()
            .into_iter()
            .flatten();
        let mut told: Vec<_> = tags
            .map(|tag| format!("{} {} {}", tag["field"], tag["key"], tag["value"]).replace('"', ""))
            .collect();
        told.sort();
        told
    };
    assert_eq!(
        tags(input),
        [
            "address.street pii STREET_ADDRESS",
            "email pii EMAIL",
            "items._element.note pii EMAIL"
        ]
    );
    assert_eq!(
        tags(output),
        [
            "address.street masked redact",
            "address.street pii STREET_ADDRESS",
            "email masked hash",
            "email pii EMAIL",
            "items._element.note masked redact",
            "items._element.note pii EMAIL",
            "label masked hash",
            "label pii EMAIL",
        ]
    );
    let quality = &input["inputFacets"];
    assert_eq!(quality["dataQualityMetrics"]["rowCount"], 3);
    assert_eq!(quality["dataQualityMetrics"]["bytes"], records().len());
    let asserted: Vec<_> = quality["dataQualityAssertions"]["assertions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {} {} {}",
                one["name"],
                one["assertion"],
                one["column"],
                one["success"],
                one["severity"],
                one["actual"]
            )
            .replace('"', "")
        })
        .collect();
    assert_eq!(
        asserted,
        [
            "name_given not_null name false warn 1",
            "age_range range age false error 1"
        ]
    );
    assert_eq!(output["outputFacets"]["outputStatistics"]["rowCount"], 2);
    let tests = &end["run"]["facets"]["test"]["tests"];
    assert_eq!(
        (&tests[0]["name"], &tests[0]["status"]),
        (&json!("crm.users.name_given"), &json!("fail"))
    );
    let text = fs::read_to_string(folder.path().join("report/lineage.jsonl")).expect("events");
    for (spelling, needle) in spellings_of(&["qx7.vole@example", "qx7.kite@exam", "qx7 way 1"]) {
        let text = text.to_lowercase().into_bytes();
        assert!(
            !text.windows(needle.len()).any(|part| part == needle),
            "{spelling}"
        );
    }
}

#[test]
fn a_run_that_only_observes_claims_no_masks() {
    let folder = folder();
    let ended = midflight(&[
        "pipe",
        "--observe",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
        "--report",
        "report",
    ])
    .within(folder.path())
    .env("MIDFLIGHT_KEY", KEY)
    .run(records());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = fs::read_to_string(folder.path().join("report/lineage.jsonl")).expect("events");
    assert!(!text.contains("\"masking\":true") && !text.contains("\"masked\""));
    let events = events(&folder.path().join("report"));
    assert_eq!(
        events[1]["outputs"][0]["facets"]["schema"],
        events[1]["inputs"][0]["facets"]["schema"]
    );
}

#[test]
fn parents_come_from_the_environment() {
    let folder = folder();
    let run = |name: &str, value: &str| {
        let _ = fs::remove_dir_all(folder.path().join("report"));
        let ended = pipe(folder.path()).env(name, value).run(records());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        events(&folder.path().join("report"))[0]["run"]["facets"]["parent"].clone()
    };
    let given = run(
        "OPENLINEAGE_PARENT_ID",
        "airflow/shop.sync/01941f29-7c00-7000-8000-000000000001",
    );
    assert_eq!(
        given["job"],
        json!({"namespace": "airflow", "name": "shop.sync"})
    );
    assert_eq!(
        given["run"]["runId"],
        "01941f29-7c00-7000-8000-000000000001"
    );
    let airbyte = run("WORKER_JOB_ID", "17");
    assert_eq!(airbyte["job"]["namespace"], "airbyte");
    let faults = Schemas::load().faults(&events(&folder.path().join("report"))[1]);
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn buckets_and_folders_name_datasets() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for part in ["1", "2"] {
        let file = at("raw/crm/users").join(format!("{part}.jsonl"));
        fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        fs::write(
            file,
            format!("{{\"id\":{part},\"email\":\"qx7.vole@example.com\"}}\n"),
        )
        .expect("a file");
    }
    let ended = midflight(&[
        "batch",
        "--from",
        "raw",
        "--to",
        "clean",
        "--report",
        "report",
        "--no-progress",
    ])
    .within(folder.path())
    .run("");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let events = events(&at("report"));
    let (end, schemas) = (&events[1], Schemas::load());
    assert_eq!(schemas.faults(end), Vec::<String>::new());
    let (input, output) = (&end["inputs"][0], &end["outputs"][0]);
    let path = |name: &str| {
        fs::canonicalize(folder.path())
            .expect("a folder")
            .join(name)
            .display()
            .to_string()
    };
    assert_eq!(
        (&input["namespace"], &input["name"]),
        (&json!("file"), &json!(path("raw/crm/users")))
    );
    assert_eq!(
        (&output["namespace"], &output["name"]),
        (&json!("file"), &json!(path("clean/crm/users")))
    );
    assert_eq!(input["inputFacets"]["inputStatistics"]["fileCount"], 2);
    assert_eq!(output["outputFacets"]["outputStatistics"]["rowCount"], 2);
    assert_eq!(end["job"]["name"], "default.batch");
    assert!(
        !fs::read_to_string(at("report/lineage.jsonl"))
            .expect("events")
            .contains("vole")
    );
}

/// A run that is refused before anything is opened is told like any other.
#[test]
fn a_run_that_a_change_of_the_schema_stops_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write(
        "config.yaml",
        "version: 1\ndrift: {last: state/catalog.json}\n",
    );
    write("catalog.json", CATALOG);
    write(
        "state/catalog.json",
        &CATALOG.replace(
            "\"age\": {\"type\": \"integer\"}",
            "\"age\": {\"type\": \"string\"}",
        ),
    );
    write("raw/crm/users/1.jsonl", "{\"id\":1}\n");
    let ended = midflight(&[
        "batch",
        "--config",
        "config.yaml",
        "--catalog",
        "catalog.json",
        "--from",
        "raw",
        "--to",
        "clean",
        "--report",
        "report",
        "--no-progress",
    ])
    .within(folder.path())
    .run("");
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let events = events(&folder.path().join("report"));
    let types: Vec<_> = events
        .iter()
        .map(|event| event["eventType"].clone())
        .collect();
    assert_eq!(types, [json!("START"), json!("FAIL")]);
    let error = &events[1]["run"]["facets"]["errorMessage"];
    assert_eq!(
        (&error["errorClass"], &error["retry"]),
        (&json!("drift"), &json!(false))
    );
    assert_eq!(Schemas::load().faults(&events[1]), Vec::<String>::new());
}
