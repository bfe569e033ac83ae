//! The numbers that a platform gives streams, where we have to give them: generations, and the sync's own.

use serde_json::{Map, Value, json};

use crate::protocol::state::Descriptor;

/// The numbers that a platform would give a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    pub generation: i64,
    pub minimum: i64,
    pub sync: i64,
}

/// What a sync is about to do with a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub stream: Descriptor,
    pub ids: Ids,
    /// It is read from its start; what was known of its progress belongs to an earlier generation.
    pub anew: bool,
}

/// Sets the ids of a catalog's streams. A stream that is made of another has that one's.
pub fn identify(
    catalog: &mut Value,
    turns: &[Turn],
    second: impl Fn(&Descriptor) -> Option<String>,
) {
    let entries = catalog.get_mut("streams").and_then(Value::as_array_mut);
    for entry in entries
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        let text = |key: &str| {
            let stream = entry.get("stream").and_then(|stream| stream.get(key));
            stream.and_then(Value::as_str).map(str::to_owned)
        };
        let (name, namespace) = (text("name"), text("namespace"));
        let turn = turns.iter().find(|turn| {
            let is = Some(&turn.stream.name) == name.as_ref();
            turn.stream.namespace == namespace && (is || second(&turn.stream) == name)
        });
        if let Some(turn) = turn {
            put(entry, turn.ids);
        }
    }
}

fn put(entry: &mut Map<String, Value>, ids: Ids) {
    for (key, id) in [
        ("generation_id", ids.generation),
        ("minimum_generation_id", ids.minimum),
        ("sync_id", ids.sync),
    ] {
        if entry.get(key).is_none_or(Value::is_null) {
            entry.insert(key.to_owned(), json!(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_given_where_there_are_none() {
        let mut catalog = json!({"streams": [
            {"stream": {"name": "a"}, "generation_id": null, "sync_id": 9},
            {"stream": {"name": "a_chunks"}}, {"stream": {"name": "b"}}]});
        let turn = Turn {
            stream: Descriptor {
                namespace: None,
                name: "a".into(),
            },
            ids: Ids {
                generation: 3,
                minimum: 3,
                sync: 4,
            },
            anew: true,
        };
        identify(&mut catalog, &[turn], |_| Some("a_chunks".to_owned()));
        let streams = &catalog["streams"];
        let ids = |at: usize| {
            ["generation_id", "minimum_generation_id", "sync_id"]
                .map(|key| streams[at][key].as_i64())
        };
        assert_eq!(ids(0), [Some(3), Some(3), Some(9)]);
        assert_eq!(ids(1), [Some(3), Some(3), Some(4)]);
        assert_eq!(ids(2), [None, None, None]);
    }
}
