//! Compiles `classify`.

use serde_json::json;

use super::Compiler;
use super::split::one_of;
use crate::batch::write_string;
use crate::document::{Position, Problems};
use crate::schema::path::Path;
use crate::stage::classify::spec::ClassifySpec;
use crate::stage::classify::{Categories, Classify, Target, words};

impl Compiler<'_> {
    pub(super) fn classify(&mut self, spec: &ClassifySpec, at: Position, problems: &mut Problems) {
        let text = self.text("classify", &spec.text, at, problems);
        self.must_be_cleared("classify", &spec.text, &spec.wanted, at, problems);
        let embedding = match self.sources.embedders.get(&spec.wanted) {
            Ok(embedding) => embedding,
            Err(error) => {
                let hint = error.advice().map(str::to_owned);
                return self.problem(at, format!("classify: {error}"), hint, problems);
            }
        };
        let inputs: Vec<Path> = spec.text.columns().into_iter().cloned().collect();
        let by = format!("classify {}", spec.into);
        let mut names: Vec<&str> = spec
            .categories
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        if !names.contains(&spec.other.as_str()) {
            names.push(&spec.other);
        }
        let into = self.add_as(&by, &spec.into, one_of(&names), &inputs, at, problems);
        let number = json!({"type": ["null", "number"]});
        let score = spec.score_into.as_ref().map(|name| {
            let column = self.add_as(&by, name, number, &inputs, at, problems)?;
            let name = name.clone();
            Some(Target { column, name })
        });
        let (Some(text), Some(column)) = (text, into) else {
            return;
        };
        let score = match score {
            None => None,
            Some(None) => return,
            Some(score) => score,
        };
        if !spec.before_masking {
            self.take("classify", &spec.text);
        }
        let categories = spec.categories.iter().map(|(name, examples)| {
            let own = words(name);
            (
                quoted(name),
                [own].into_iter().chain(examples.iter().cloned()).collect(),
            )
        });
        let stage = Classify {
            text,
            embedding,
            categories: Categories::new(categories.collect()),
            threshold: spec.threshold as f32,
            other: quoted(&spec.other),
            into: Target {
                column,
                name: spec.into.clone(),
            },
            score,
            stream: self.descriptor.to_string(),
            refusals: self.refusals,
            observe: self.sources.observe,
        };
        self.push(by, stage);
    }
}

fn quoted(name: &str) -> Vec<u8> {
    let mut json = Vec::new();
    write_string(name, &mut json);
    json
}
