//! What columns mean: names that are on no list, told by the built-in embedder, and values that speak against a name.

use serde_json::{Value, json};

use crate::support::midflight;

/// A column, its values by row, and the type it has; nothing where none can be told.
type Column = (&'static str, fn(usize) -> Value, Option<&'static str>);

const COLUMNS: &[Column] = &[
    ("postcode_uk", |_| json!("SW1"), Some("postal_code")),
    (
        "sex_at_birth",
        |row| json!(["m", "f"][row % 2]),
        Some("gender"),
    ),
    ("body_mass_kg", |_| json!(70.5), Some("weight")),
    ("town_name", |_| json!("BONN"), Some("city")),
    (
        "time_of_purchase",
        |row| json!(format!("2024-01-{:02}T00:00:00Z", row % 28 + 1)),
        Some("event_time"),
    ),
    ("shipping_fee", |row| json!(row), Some("amount")),
    ("geo_latitude", |_| json!(12.5), Some("latitude")),
    // As many degrees no latitude has.
    ("latitude", |row| json!(row * 10), None),
    ("qzxv", |row| json!(format!("a{row}")), None),
];

#[test]
fn names_are_understood_and_values_have_the_last_word() {
    let messages: String = (0..300)
        .map(|row| {
            let data: serde_json::Map<_, _> = COLUMNS
                .iter()
                .map(|(name, value, _)| ((*name).to_owned(), value(row)))
                .collect();
            json!({"type": "RECORD", "record": {"stream": "s", "emitted_at": 1, "data": data}})
                .to_string()
                + "\n"
        })
        .collect();
    let ended = midflight(&["profile", "--no-progress"]).run(messages);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let profile: Value = serde_json::from_slice(&ended.stdout).expect("a profile");
    let columns = profile["streams"][0]["columns"]
        .as_array()
        .expect("columns");
    for (name, _, meant) in COLUMNS {
        let column = columns
            .iter()
            .find(|column| column["path"] == *name)
            .expect("a column");
        assert_eq!(
            column["semantic"]["type"].as_str(),
            *meant,
            "{name}: {}",
            column["semantic"]
        );
    }
}
