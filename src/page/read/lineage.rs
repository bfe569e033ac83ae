//! How columns were made, from the OpenLineage events in `lineage.jsonl`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How columns were masked: stream, then column, then each way, as `hash (EMAIL)`.
#[derive(Debug, Default, Clone)]
pub struct Lineage {
    streams: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    outputs: Vec<Dataset>,
}

#[derive(Deserialize)]
struct Dataset {
    name: String,
    #[serde(default)]
    facets: Facets,
}

#[derive(Default, Deserialize)]
struct Facets {
    #[serde(rename = "columnLineage")]
    columns: Option<Columns>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Default, Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Vec<Tag>,
}

/// `masked` says how a column is masked, `pii` what it holds.
#[derive(Deserialize)]
struct Tag {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
    field: Option<String>,
}

#[derive(Deserialize)]
struct Columns {
    #[serde(default)]
    fields: BTreeMap<String, Field>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    #[serde(default)]
    input_fields: Vec<InputField>,
}

#[derive(Deserialize)]
struct InputField {
    #[serde(default)]
    transformations: Vec<Transformation>,
}

#[derive(Deserialize)]
struct Transformation {
    subtype: Option<String>,
    description: Option<String>,
    #[serde(default)]
    masking: bool,
}

impl Lineage {
    /// Reads events; the latest that speaks of a stream counts, and what cannot be read tells nothing.
    pub fn read(text: &str) -> Self {
        let mut lineage = Self::default();
        for line in text.lines().filter(|line| line.contains("\"outputs\"")) {
            let Ok(event) = serde_json::from_str::<Event>(line) else {
                continue;
            };
            let outputs = event.outputs.into_iter();
            let told = outputs.filter(|output| output.facets.tell());
            lineage
                .streams
                .extend(told.map(|output| (output.name, output.facets.masks())));
        }
        lineage
    }

    /// How a column was masked; empty when nothing is known.
    pub fn masks(&self, stream: &str, column: &str) -> &[String] {
        let masks = self.stream(stream).and_then(|columns| columns.get(column));
        masks.map_or(&[], Vec::as_slice)
    }

    /// A stream by its name, or by the folder of that name that it was written to.
    fn stream(&self, stream: &str) -> Option<&BTreeMap<String, Vec<String>>> {
        let folder = format!("/{}", stream.replace('.', "/"));
        let below = |name: &str| name.ends_with(&folder);
        self.streams.get(stream).or_else(|| {
            let mut streams = self.streams.iter();
            streams
                .find(|(name, _)| below(name))
                .map(|(_, columns)| columns)
        })
    }
}

impl Facets {
    /// Whether they say anything of columns.
    fn tell(&self) -> bool {
        self.columns.is_some() || !self.tags.tags.is_empty()
    }

    /// Columns that are masked: by their tags, which name the operator; else by the stages that made them.
    fn masks(self) -> BTreeMap<String, Vec<String>> {
        let tags = |key: &'static str| {
            let tags = self.tags.tags.iter().filter(move |tag| tag.key == key);
            tags.filter_map(|tag| Some((tag.field.as_deref()?, tag.value.as_str())))
        };
        let kinds: BTreeMap<&str, &str> = tags("pii").collect();
        let mut masks: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (column, by) in tags("masked") {
            let says = match kinds.get(column) {
                Some(kind) => format!("{by} ({kind})"),
                None => by.to_owned(),
            };
            masks.entry(column.to_owned()).or_default().push(says);
        }
        for (column, field) in self.columns.into_iter().flat_map(|columns| columns.fields) {
            masks.entry(column).or_insert_with(|| by_stages(field));
        }
        masks
    }
}

/// The stages that masked a column.
fn by_stages(field: Field) -> Vec<String> {
    let steps = field.input_fields.into_iter();
    let steps = steps.flat_map(|input| input.transformations);
    let mut stages: Vec<String> = steps
        .filter(|step| step.masking)
        .map(|step| step.description.or(step.subtype).unwrap_or_default())
        .collect();
    stages.sort();
    stages.dedup();
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_told_by_column() {
        let text = r#"{"eventType":"START","inputs":[],"outputs":[]}
{"eventType":"COMPLETE","outputs":[{"namespace":"n","name":"users","facets":{
"tags":{"tags":[{"key":"pii","value":"EMAIL","field":"email"},{"key":"masked","value":"hash","field":"email"},{"key":"owner","value":"x"}]},
"columnLineage":{"fields":{"email":{"inputFields":[{"transformations":[{"description":"mask email","masking":true}]}]},
"notes":{"inputFields":[{"namespace":"n","name":"users","field":"notes","transformations":[
{"type":"DIRECT","subtype":"TRANSFORMATION","description":"detect in notes","masking":true},{"type":"DIRECT","subtype":"IDENTITY"}]}]}}}}}]}"#
            .replace("{\n", "{")
            .replace(",\n", ",")
            .replace("[\n", "[");
        let lineage = Lineage::read(&text);
        assert_eq!(lineage.masks("users", "email"), ["hash (EMAIL)"]);
        assert_eq!(lineage.masks("users", "notes"), ["detect in notes"]);
        assert!(lineage.masks("users", "name").is_empty());
        assert!(lineage.masks("orders", "email").is_empty());
        let lineage = Lineage::read(&text.replace(
            "\"name\":\"users\",\"facets",
            "\"name\":\"clean/crm/users\",\"facets",
        ));
        assert_eq!(lineage.masks("crm.users", "email"), ["hash (EMAIL)"]);
    }
}
