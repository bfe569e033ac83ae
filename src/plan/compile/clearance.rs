//! Refuses to hand a column to a model that the catalogue does not allow.

use super::Compiler;
use crate::document::{Position, Problems};
use crate::model::embedding::{Choice, Wanted};
use crate::plan::catalogue::Answer;
use crate::schema::path::Path;
use crate::stage::embed::template::Template;

impl Compiler<'_> {
    /// Whatever is embedded must be allowed. What is classified must be where the model is a server's.
    pub(super) fn must_be_cleared(
        &self,
        stage: &str,
        template: &Template,
        wanted: &Wanted,
        at: Position,
        problems: &mut Problems,
    ) {
        let leaves = matches!(wanted.model, Choice::Endpoint(_));
        let Some(answers) = &self.sources.catalogue else {
            return;
        };
        if stage != "embed" && !leaves {
            return;
        }
        let answer = answers.stream(self.descriptor);
        let mut refused: Vec<(Path, Answer)> = Vec::new();
        for place in template
            .columns()
            .into_iter()
            .flat_map(|path| self.places(path))
        {
            let said = answer.column(&place);
            if said != Answer::Allow && !refused.iter().any(|(path, _)| *path == place) {
                refused.push((place, said));
            }
        }
        for (place, said) in refused {
            let why = match (&answer.failure, said) {
                (Some(failure), _) => format!("does not know it ({failure})"),
                (None, Answer::Deny) => "denies it".to_owned(),
                (None, _) => "does not know it".to_owned(),
            };
            let message = format!(
                "{stage}: `{place}` of stream `{}` may not be shown to a model: the catalogue ({}) {why}",
                self.descriptor, answer.source
            );
            let hint = "have it allowed there, or leave the column out of `text`";
            self.problem(at, message, Some(hint.to_owned()), problems);
        }
    }

    /// The places in the source's records that a column's values come from.
    fn places(&self, path: &Path) -> Vec<Path> {
        let mut places = vec![self.book.source(path)];
        let lineage = self.schema.lineage();
        let computed = lineage.iter().filter(|line| line.column == *path);
        let computed: Vec<Path> = computed
            .flat_map(|line| line.inputs.iter().cloned())
            .collect();
        if !computed.is_empty() && !computed.contains(path) {
            // What was computed is no column of the source.
            places.clear();
        }
        places.extend(computed);
        places
    }
}
