//! Compiles `embed`, and sees to it that no later stage masks what has been embedded.

use serde_json::{Map, Value, json};

use super::Compiler;
use crate::document::{Position, Problems};
use crate::plan::SecondStream;
use crate::plan::rewrite::second_name;
use crate::schema::Lineage;
use crate::schema::path::{Path, Segment};
use crate::stage::embed::cut::{CHUNK, Size};
use crate::stage::embed::template::{Part as Written, Template};
use crate::stage::embed::{Embed, Into, Part, Second};
use crate::stage::spec::{EmbedInto, EmbedSpec, StageSpec};

/// What a stage took out of the records.
#[derive(Debug)]
pub(super) struct Taken {
    /// The stage's name.
    stage: &'static str,
    /// The place in the source's records.
    place: Path,
    /// As the stage names it.
    name: Path,
    /// It is a part of the primary key, and stands in the second stream.
    key: bool,
}

/// The names that records of a second stream have of their own.
const OWN: [&str; 5] = ["id", "n", "of", "text", "embedding"];

impl Compiler<'_> {
    pub(super) fn embed(&mut self, spec: &EmbedSpec, at: Position, problems: &mut Problems) {
        let chosen = self.sources.chosen.as_ref();
        let unwanted = chosen.is_some_and(|chosen| chosen.without_second.contains(self.descriptor));
        if unwanted && spec.into == EmbedInto::Stream {
            return;
        }
        let text = self.text("embed", &spec.text, at, problems);
        self.must_be_cleared("embed", &spec.text, &spec.wanted, at, problems);
        let embedding = match self.sources.embedders.get(&spec.wanted) {
            Ok(embedding) => embedding,
            Err(error) => {
                let hint = error.advice().map(str::to_owned);
                return self.problem(at, format!("embed: {error}"), hint, problems);
            }
        };
        let most = embedding.max_tokens;
        let chunks = match (spec.chunk, &spec.into) {
            (None, EmbedInto::Vector(_)) => None,
            (None, _) => Some(Size {
                tokens: CHUNK.tokens.min(most),
                overlap: CHUNK.overlap.min(most / 10),
            }),
            (given, _) => given,
        };
        if let Some(size) = chunks
            && size.tokens > most
        {
            let message = format!(
                "embed: chunks of {} tokens, and the model `{}` reads {} at once",
                size.tokens, embedding.name, most
            );
            return self.problem(at, message, None, problems);
        }
        let into = match &spec.into {
            EmbedInto::Vector(name) => self
                .new_column(name, vector_schema(true), &spec.text, at, problems)
                .map(|column| Into::Vector {
                    column,
                    name: name.clone(),
                }),
            EmbedInto::Chunks(name) => self
                .new_column(name, chunks_schema(), &spec.text, at, problems)
                .map(|column| Into::Chunks {
                    column,
                    name: name.clone(),
                }),
            EmbedInto::Stream => self.second(&spec.text, at, problems).map(Into::Stream),
        };
        let (Some(text), Some(into)) = (text, into) else {
            return;
        };
        if !spec.before_masking {
            self.take("embed", &spec.text);
        }
        let name = match &into {
            Into::Vector { name, .. } | Into::Chunks { name, .. } => format!("embed into {name}"),
            Into::Stream(second) => format!("embed into the stream {}", second.name),
        };
        let stage = Embed {
            text,
            embedding,
            chunks,
            into,
            stream: self.descriptor.to_string(),
            refusals: self.refusals,
            observe: self.sources.observe,
        };
        self.push(name, stage);
    }

    /// The parts of a text, its columns resolved.
    pub(super) fn text(
        &mut self,
        stage: &str,
        template: &Template,
        at: Position,
        problems: &mut Problems,
    ) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        let mut complete = true;
        for path in template.columns() {
            complete &= self.read(stage, path, at, problems).is_some();
        }
        if !complete {
            return None;
        }
        for part in template.parts() {
            parts.push(match part {
                Written::Literal(text) => Part::Literal(text.clone()),
                Written::Column(path) => Part::Column(self.read(stage, path, at, problems)?),
            });
        }
        Some(parts)
    }

    /// Declares the column that a stage adds.
    fn new_column(
        &mut self,
        name: &str,
        schema: Value,
        from: &Template,
        at: Position,
        problems: &mut Problems,
    ) -> Option<usize> {
        let inputs: Vec<Path> = from.columns().into_iter().cloned().collect();
        let by = format!("embed into {name}");
        self.add_as(&by, name, schema, &inputs, at, problems)
    }

    /// The second stream, which is called like the first, with `_chunks`.
    fn second(
        &mut self,
        template: &Template,
        at: Position,
        problems: &mut Problems,
    ) -> Option<Second> {
        if self.sources.later {
            return None;
        }
        let name = second_name(&self.descriptor.name);
        let namespace = self.descriptor.namespace.as_deref();
        let taken = self.sources.catalog.as_ref();
        if self.second.is_some() || taken.is_some_and(|all| all.find(namespace, &name).is_some()) {
            let message = format!("embed: there is a stream `{name}` already");
            let hint = "use `output: chunks`, which makes a column";
            self.problem(at, message, Some(hint.into()), problems);
            return None;
        }
        let key = self.key_columns(at, problems)?;
        let mut properties = Map::new();
        properties.insert("id".to_owned(), json!({"type": "string"}));
        let declared = self.schema.to_json_schema();
        for (path, name) in &key {
            let column = path
                .as_key()
                .and_then(|key| declared.get("properties")?.get(key));
            properties.insert(name.clone(), column.cloned().unwrap_or_else(|| json!({})));
        }
        for name in ["n", "of"] {
            properties.insert(name.to_owned(), json!({"type": "integer"}));
        }
        properties.insert("text".to_owned(), json!({"type": "string"}));
        properties.insert("embedding".to_owned(), vector_schema(false));
        self.second = Some(SecondStream {
            name: name.clone(),
            json_schema: json!({"type": "object", "properties": properties}),
            lineage: self.traced(&key, template),
        });
        let mut columns = Vec::new();
        for (path, name) in key {
            columns.push((self.read("embed", &path, at, problems)?, name));
            let place = self.book.source(&path);
            self.taken.push(Taken {
                stage: "embed",
                place,
                name: path,
                key: true,
            });
        }
        let namespace = namespace.map(|namespace| format!("\"namespace\":{},", json!(namespace)));
        let head = format!(
            "{{\"type\":\"RECORD\",\"record\":{{{}\"stream\":{},\"data\":",
            namespace.unwrap_or_default(),
            json!(name)
        );
        Some(Second {
            name,
            head,
            key: columns,
        })
    }

    /// What the columns of the second stream are made of.
    fn traced(&self, key: &[(Path, String)], template: &Template) -> Vec<Lineage> {
        let texts: Vec<Path> = template.columns().into_iter().cloned().collect();
        let keys: Vec<Path> = key.iter().map(|(path, _)| path.clone()).collect();
        let mut lines = vec![self.schema.made_of("id", &keys, "embed")];
        lines.extend(key.iter().map(|(path, name)| Lineage {
            column: Path::key(name),
            ..self.schema.origin(path)
        }));
        let made = ["n", "of", "text", "embedding"];
        lines.extend(made.map(|name| self.schema.made_of(name, &texts, "embed")));
        lines
    }

    /// The columns of the primary key, and what they are called in the second stream.
    fn key_columns(&self, at: Position, problems: &mut Problems) -> Option<Vec<(Path, String)>> {
        let stream = self.stream.as_ref();
        let key = stream.map(|stream| match stream.primary_key.as_slice() {
            [] => stream.source_defined_primary_key.as_slice(),
            chosen => chosen,
        });
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            let message = "embed: `output: stream` needs a primary key, which names the chunks";
            let hint = match stream {
                None => "give the configured catalog with --catalog",
                Some(_) => "choose one in the catalog, or use `output: chunks`",
            };
            self.problem(at, message.to_owned(), Some(hint.into()), problems);
            return None;
        };
        let mut columns = Vec::new();
        for names in key {
            let [name] = names.as_slice() else {
                let message = format!(
                    "embed: the primary key `{}` lies inside an object",
                    names.join(".")
                );
                let hint = "use `output: chunks`, which needs no key";
                self.problem(at, message, Some(hint.into()), problems);
                return None;
            };
            let other = match OWN.contains(&name.as_str()) {
                true => format!("{}_{name}", self.descriptor.name),
                false => name.clone(),
            };
            columns.push((Path::key(name), other));
        }
        Some(columns)
    }

    /// Notes that the columns of a text have left the records, with what they were computed from.
    pub(super) fn take(&mut self, stage: &'static str, template: &Template) {
        let lineage = self.schema.lineage();
        for path in template.columns() {
            let mut places = vec![self.book.source(path)];
            let computed = lineage
                .iter()
                .filter(|line| line.column == *path && !line.masking);
            places.extend(computed.flat_map(|line| line.inputs.iter().cloned()));
            for place in places {
                let name = path.clone();
                self.taken.push(Taken {
                    stage,
                    place,
                    name,
                    key: false,
                });
            }
        }
    }

    /// Refuses a stage that changes what an earlier `embed` has taken out.
    pub(super) fn guard_embedded(&self, spec: &StageSpec, at: Position, problems: &mut Problems) {
        let (stage, masks, paths): (_, _, &[Path]) = match spec {
            StageSpec::Mask { column, .. } => ("mask", true, std::slice::from_ref(column)),
            StageSpec::Detect { columns, .. } => ("detect", true, columns),
            StageSpec::Cast { column, .. } => ("cast", false, std::slice::from_ref(column)),
            StageSpec::Rename { from, .. } => ("rename", false, std::slice::from_ref(from)),
            _ => return,
        };
        for path in paths {
            let place = self.book.source(path);
            let hit = |taken: &&Taken| (masks || taken.key) && overlap(&place, &taken.place);
            let Some(taken) = self.taken.iter().find(hit) else {
                continue;
            };
            let (message, hint) = match taken.key {
                true => (
                    format!(
                        "{stage}: `{path}` after an earlier `embed` put the key `{}` into its chunks",
                        taken.name
                    ),
                    "put `embed` behind this stage".to_owned(),
                ),
                false => (
                    format!(
                        "{stage}: `{path}` is masked after an earlier `{}` read `{}` unmasked",
                        taken.stage, taken.name
                    ),
                    format!(
                        "put `{}` behind this stage, or say `before_masking: true` there",
                        taken.stage
                    ),
                ),
            };
            self.problem(at, message, Some(hint), problems);
        }
    }
}

/// Whether two paths can lead to the same value, or one into the other.
fn overlap(one: &Path, other: &Path) -> bool {
    let pairs = one.segments().iter().zip(other.segments());
    for (one, other) in pairs {
        match (one, other) {
            // At the end it means every value below, at any depth.
            (Segment::Any, _) | (_, Segment::Any) => {}
            (one, other) if one == other => {}
            _ => return false,
        }
    }
    true
}

fn vector_schema(nullable: bool) -> Value {
    let items = json!({"type": "number"});
    match nullable {
        true => json!({"type": ["null", "array"], "items": items}),
        false => json!({"type": "array", "items": items}),
    }
}

fn chunks_schema() -> Value {
    json!({"type": ["null", "array"], "items": {"type": "object", "properties": {
        "n": {"type": "integer"},
        "text": {"type": "string"},
        "embedding": vector_schema(false),
    }}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_meet_are_told() {
        let path = |text: &str| -> Path { text.parse().expect(text) };
        for (one, other, meet) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a", "a.b", true),
            ("a.*", "a.b.c", true),
            ("*", "a", true),
            ("a[]", "a[].b", true),
            ("a[].b", "a[].c", false),
            ("a.*.b", "a.x.b", true),
            ("a.*.b", "a.x.c", false),
        ] {
            assert_eq!(overlap(&path(one), &path(other)), meet, "{one} {other}");
            assert_eq!(overlap(&path(other), &path(one)), meet, "{other} {one}");
        }
    }
}
