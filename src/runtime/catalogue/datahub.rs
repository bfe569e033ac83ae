//! DataHub: datasets by their URN, with the tags and glossary terms of the dataset and its fields.
//!
//! Fields are told of twice, as they were ingested and as people edited them; what either says counts.

use serde::Deserialize;
use serde_json::json;

use super::{ANSWER_BYTES, Asked, failure, now, unknown};
use crate::plan::catalogue::{Catalogue, StreamAnswer};
use crate::protocol::state::Descriptor;
use crate::schema::path::{Path, Segment};

const QUERY: &str = "query aiClearance($urn: String!) { dataset(urn: $urn) { exists \
    tags { tags { tag { urn } } } glossaryTerms { terms { term { urn } } } \
    schemaMetadata { fields { fieldPath \
      tags { tags { tag { urn } } } glossaryTerms { terms { term { urn } } } } } \
    editableSchemaMetadata { editableSchemaFieldInfo { fieldPath \
      tags { tags { tag { urn } } } glossaryTerms { terms { term { urn } } } } } } }";

/// A server of DataHub.
#[derive(Debug)]
pub(super) struct DataHub(pub Asked);

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Data {
    dataset: Option<Dataset>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dataset {
    exists: Option<bool>,
    tags: Option<Tags>,
    glossary_terms: Option<Terms>,
    schema_metadata: Option<Schema>,
    editable_schema_metadata: Option<Edited>,
}

#[derive(Deserialize)]
struct Schema {
    fields: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Edited {
    editable_schema_field_info: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    field_path: String,
    tags: Option<Tags>,
    glossary_terms: Option<Terms>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Vec<Tagged>,
}

#[derive(Deserialize)]
struct Tagged {
    tag: Named,
}

#[derive(Deserialize)]
struct Terms {
    #[serde(default)]
    terms: Vec<Termed>,
}

#[derive(Deserialize)]
struct Termed {
    term: Named,
}

#[derive(Deserialize)]
struct Named {
    urn: String,
}

impl Catalogue for DataHub {
    fn answer(&self, stream: &Descriptor) -> StreamAnswer {
        let asked = &self.0;
        let source = format!("datahub {}", asked.http.url());
        let urn = asked.name(stream, &str::to_owned);
        let body = json!({"query": QUERY, "variables": {"urn": urn}}).to_string();
        let answer = match asked.http.post("/api/graphql", &body, ANSWER_BYTES) {
            Ok(answer) => serde_json::from_slice::<Answer>(&answer),
            Err(refused) => return unknown(&source, &failure(&refused)),
        };
        let answer = match answer {
            Ok(answer) if answer.errors.is_empty() => answer,
            Ok(_) => return unknown(&source, "query_refused"),
            Err(_) => return unknown(&source, "not_understood"),
        };
        let dataset = answer.data.and_then(|data| data.dataset);
        let Some(dataset) = dataset.filter(|dataset| dataset.exists != Some(false)) else {
            return unknown(&source, "not_found");
        };
        let ingested = dataset.schema_metadata.map(|schema| schema.fields);
        let edited = dataset.editable_schema_metadata;
        let edited = edited.map(|edited| edited.editable_schema_field_info);
        let fields = ingested.into_iter().chain(edited).flatten();
        let fields: Vec<_> = fields
            .filter_map(|field| {
                let path = path_of(&field.field_path)?;
                Some((path.to_string(), names(&field.tags, &field.glossary_terms)))
            })
            .collect();
        let told = fields
            .iter()
            .map(|(path, tags)| (path.clone(), tags.as_slice()));
        let tags = names(&dataset.tags, &dataset.glossary_terms);
        asked.tags.judge(&source, &now(), &tags, told)
    }
}

/// Names of tags and terms, without what every URN begins with.
fn names(tags: &Option<Tags>, terms: &Option<Terms>) -> Vec<String> {
    let tags = tags.iter().flat_map(|tags| &tags.tags);
    let terms = terms.iter().flat_map(|terms| &terms.terms);
    let urns = tags.map(|tagged| &tagged.tag.urn);
    let urns = urns.chain(terms.map(|termed| &termed.term.urn));
    let name = |urn: &String| {
        let cut = urn.strip_prefix("urn:li:tag:");
        cut.or_else(|| urn.strip_prefix("urn:li:glossaryTerm:"))
            .unwrap_or(urn)
            .to_owned()
    };
    urns.map(name).collect()
}

/// The path of a field. The second form of them, `[version=2.0].[type=struct].address.[type=string].city`, marks
/// types in brackets.
fn path_of(field: &str) -> Option<Path> {
    let keys = field
        .split('.')
        .scan(false, |inside, part| {
            // A mark may hold a dot itself, as in `[version=2.0]`.
            let marked = *inside || part.starts_with('[');
            *inside = marked && !part.ends_with(']');
            Some((!marked).then_some(part))
        })
        .flatten();
    Path::new(keys.map(|key| Segment::Key(key.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_field_paths_are_read() {
        for (field, expected) in [
            ("email", Some("email")),
            ("address.city", Some("address.city")),
            (
                "[version=2.0].[type=struct].[type=string].email",
                Some("email"),
            ),
            (
                "[version=2.0].[type=struct].[type=struct].address.[type=string].city",
                Some("address.city"),
            ),
            ("[version=2.0]", None),
        ] {
            let path = path_of(field).map(|path| path.to_string());
            assert_eq!(path.as_deref(), expected, "{field}");
        }
    }
}
