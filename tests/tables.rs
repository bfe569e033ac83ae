//! The `table:` of a stream: its columns are named by the keys of records, whatever the layout calls them.

use midflight::error::ErrorKind;
use midflight::plan::TablePlan;

use crate::properties::engine::plan;

const CATALOG: &str = r#"{"streams":[{"stream":{"name":"users","json_schema":{"type":"object","properties":{
    "e-mail":{"type":"string"},"2nd":{"type":"integer"},"at":{"type":"string","format":"date-time"},
    "tags":{"type":"array","items":{"type":"string"}}}}},"sync_mode":"full_refresh","destination_sync_mode":"append"}]}"#;

fn table(layout: &str, table: &str) -> Result<TablePlan, midflight::error::Error> {
    let config = format!(
        "version: 1\nstage: {{layout: {layout}}}\nstreams:\n  users:\n    unlisted: pass\n    table: {table}\n"
    );
    plan(&config, Some(CATALOG)).table(0, false)
}

#[test]
fn columns_are_named_by_the_keys_of_records_in_both_layouts() {
    let asked = "{partition_by: [2nd], sort_by: [at, e-mail], bloom: [e-mail], numbers: {2nd: text}, \
                 feature: {entities: [e-mail], timestamp: at}}";
    for (layout, entity) in [("midflight", "e-mail"), ("airbyte", "e_mail")] {
        let found = table(layout, asked).expect(layout);
        assert_eq!(found.partition_by, [5], "{layout}");
        assert_eq!(found.sort_by, [6, 4], "{layout}");
        assert_eq!(found.bloom, [4], "{layout}");
        // A feature store reads what the file has.
        let feature = found.options.feature.expect("a feature view");
        assert_eq!(feature.entities, [entity], "{layout}");
    }
}

#[test]
fn columns_that_do_not_exist_or_hold_lists_are_refused() {
    for (asked, told) in [
        ("{partition_by: [none]}", "names `none`, which is no column"),
        (
            "{numbers: {none: double}}",
            "names `none`, which is no column",
        ),
        (
            "{sort_by: [tags]}",
            "names `tags`, which holds more than one value",
        ),
        (
            "{bloom: [_airbyte_meta]}",
            "names `_airbyte_meta`, which holds more than one value",
        ),
    ] {
        for layout in ["midflight", "airbyte"] {
            let error = table(layout, asked).expect_err(asked);
            assert_eq!(error.kind(), ErrorKind::Config, "{asked}");
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}
