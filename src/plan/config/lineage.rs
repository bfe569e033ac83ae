//! `lineage`, what a run and its datasets are called where lineage is told.
//!
//! ```yaml
//! lineage:
//!   namespace: shop
//!   job: nightly_sync
//!   source: {namespace: "postgres://db.shop.example:5432", name: "shop.{namespace}.{stream}"}
//!   destination: {namespace: "snowflake://org-account", name: "ANALYTICS.{namespace}.{stream}"}
//! ```

use super::read::read_name;
use crate::document::{Fields, Node, Problems};

/// What the configuration says about names in lineage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineageConfig {
    /// Of the job.
    pub namespace: Option<String>,
    pub job: Option<String>,
    pub source: DatasetNames,
    pub destination: DatasetNames,
}

/// What the datasets on one side are called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatasetNames {
    pub namespace: Option<String>,
    /// A text with `{stream}`, and `{namespace}` for the stream's own.
    pub name: Option<String>,
}

pub(super) fn read_lineage(
    node: &Node,
    file: &str,
    problems: &mut Problems,
) -> Option<LineageConfig> {
    let mut fields = Fields::of(node, "`lineage`", file, problems)?;
    let mut name = |key: &'static str, what: &str, problems: &mut Problems| {
        let node = fields.take(key)?;
        read_name(node, what, file, problems).map(str::to_owned)
    };
    let namespace = name("namespace", "the namespace", problems);
    let job = name("job", "the job's name", problems);
    let mut side = |key: &'static str, what: &str, problems: &mut Problems| {
        let node = fields.take(key);
        node.and_then(|node| read_names(node, what, file, problems))
            .unwrap_or_default()
    };
    let source = side("source", "`source`", problems);
    let destination = side("destination", "`destination`", problems);
    fields.finish(problems);
    Some(LineageConfig {
        namespace,
        job,
        source,
        destination,
    })
}

fn read_names(
    node: &Node,
    what: &str,
    file: &str,
    problems: &mut Problems,
) -> Option<DatasetNames> {
    let mut fields = Fields::of(node, what, file, problems)?;
    let namespace = fields.take("namespace").and_then(|node| {
        let text = read_name(node, "the namespace", file, problems)?;
        Some(text.to_owned())
    });
    let name = fields.take("name").and_then(|node| {
        let text = read_name(node, "the name", file, problems)?;
        if !text.contains("{stream}") {
            let message = "the name of a dataset says `{stream}` where the stream's name belongs";
            let hint = "without it every stream would be the same dataset; `{namespace}` stands for the stream's own";
            problems.push_hint(file, node.at, message, hint);
            return None;
        }
        Some(text.to_owned())
    });
    fields.finish(problems);
    Some(DatasetNames { namespace, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::config::Config;

    fn read(text: &str) -> (Option<LineageConfig>, Vec<String>) {
        let mut problems = Problems::new();
        let text = format!("version: 1\n{text}");
        let config = Config::parse("midflight.yaml", &text, &mut problems);
        problems.sort();
        let told = problems.iter().map(ToString::to_string).collect();
        (config.and_then(|config| config.lineage), told)
    }

    #[test]
    fn names_are_read() {
        let (lineage, problems) = read(
            "lineage: {namespace: n, job: j, source: {namespace: s}, destination: {name: 'a.{stream}'}}",
        );
        assert_eq!(problems, Vec::<String>::new());
        let lineage = lineage.expect("names");
        assert_eq!(lineage.job.as_deref(), Some("j"));
        assert_eq!(lineage.source.namespace.as_deref(), Some("s"));
        assert_eq!(lineage.destination.name.as_deref(), Some("a.{stream}"));
        assert_eq!(read("").0, None);
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let (_, problems) =
            read("lineage:\n  nmespace: x\n  job: ''\n  source: {name: all, namespace: [a]}\n");
        assert_eq!(
            problems,
            [
                "midflight.yaml:3:3: unknown key `nmespace`; did you mean `namespace`?",
                "midflight.yaml:4:8: the job's name is empty",
                "midflight.yaml:5:18: the name of a dataset says `{stream}` where the stream's name belongs; without it every stream would be the same dataset; `{namespace}` stands for the stream's own",
                "midflight.yaml:5:34: expected text, found a list",
            ]
        );
    }
}
