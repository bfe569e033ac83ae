//! The catalog as the destination must see it.

use serde_json::Value;

use super::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::state::Descriptor;
use crate::schema::path::Path;
use crate::stage::spec::StageSpec;

impl Plan {
    /// The configured catalog with the types, names and columns that leave the last stage. Everything else
    /// in it stays as it is.
    ///
    /// # Errors
    /// `Usage` when the plan has no catalog.
    pub fn rewritten_catalog(&self) -> Result<Value> {
        let Some(catalog) = &self.sources.catalog else {
            return Err(
                Error::new(ErrorKind::Usage, "there is no catalog to rewrite")
                    .hint("give it with --catalog"),
            );
        };
        let mut catalog = catalog.clone();
        let mut seconds = Vec::new();
        for stream in catalog.streams_mut() {
            let descriptor = Descriptor {
                namespace: stream.namespace.clone(),
                name: stream.name.clone(),
            };
            let streams = self
                .streams
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(&id) = streams.ids.get(&descriptor) {
                let plan = &streams.plans[id];
                stream.json_schema = plan.schema.to_json_schema();
                if let Some(second) = &plan.second {
                    seconds.push(stream.second(&second.name, second.json_schema.clone()));
                }
            }
            let listed = self
                .sources
                .config
                .stream_for(stream.namespace.as_deref(), &stream.name);
            for stage in listed.iter().flat_map(|listed| &listed.stages) {
                if let StageSpec::Rename { from, to } = &stage.value {
                    let from: &Path = from;
                    stream.renamed(from, to);
                }
            }
        }
        seconds
            .into_iter()
            .for_each(|second| catalog.append(second));
        Ok(catalog.to_json())
    }
}
