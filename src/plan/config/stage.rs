//! Reads `stage:`, how parts are written, and a stream's `table:`.

use std::collections::BTreeMap;

use super::read::{bounded, read_name};
use super::{COLUMNS_MAX, NAME_BYTES_MAX};
use crate::document::{Fields, Node, Position, Problems, Value};
use crate::sink::names;
use crate::sink::spec::{Compression, FeatureSpec, Format, PartSpec, TableOptions};
use crate::sink::table::{Layout, NumberAs};

const LAYOUTS: &[(&str, Layout)] = &[
    ("midflight", Layout::Midflight),
    ("airbyte", Layout::Airbyte),
];

const FORMATS: &[(&str, Format)] = &[("parquet", Format::Parquet), ("jsonl", Format::Jsonl)];

const COMPRESSIONS: &[(&str, Compression)] = &[
    ("zstd", Compression::Zstd(1)),
    ("snappy", Compression::Snappy),
    ("gzip", Compression::Gzip),
    ("none", Compression::None),
];

/// Reads the map `stage`.
pub(super) fn read_stage(node: &Node, file: &str, problems: &mut Problems) -> PartSpec {
    let mut spec = PartSpec::default();
    let Some(mut fields) = Fields::of(node, "`stage`", file, problems) else {
        return spec;
    };
    let layout = fields.choice("layout", LAYOUTS, problems);
    spec.layout = layout.unwrap_or(spec.layout);
    let format = fields.choice("format", FORMATS, problems);
    spec.format = format.unwrap_or(spec.format);
    let compression = fields.take("compression");
    if let Some(chosen) =
        compression.and_then(|node| node.read_choice(COMPRESSIONS, file, problems))
    {
        spec.compression = chosen;
        if let (Format::Jsonl, Compression::Snappy, Some(node)) = (spec.format, chosen, compression)
        {
            let message = "lines are compressed with gzip or zstd, or not at all";
            problems.push_at(file, node.at, message);
        }
    }
    let level = fields.integer_within("level", 1..=22, problems);
    match (&mut spec.compression, level) {
        (Compression::Zstd(of), Some(level)) => *of = u8::try_from(level).unwrap_or(1),
        (_, Some(_)) => {
            problems.push_at(file, fields.at(), "`level` belongs to `compression: zstd`");
        }
        _ => {}
    }
    for (name, pattern) in [("path", &mut spec.path), ("file", &mut spec.file)] {
        let node = fields.take(name);
        if let Some(text) = node.and_then(|node| read_name(node, "the pattern", file, problems)) {
            text.clone_into(pattern);
        }
    }
    let bytes = |fields: &mut Fields<'_>, name, least, most, problems: &mut Problems| {
        let number = fields.integer_within(name, least..=most, problems)?;
        u64::try_from(number).ok()
    };
    if let Some(bytes) = bytes(&mut fields, "row_group_bytes", 1 << 16, 1 << 30, problems) {
        spec.row_group_bytes = usize::try_from(bytes).unwrap_or(spec.row_group_bytes);
    }
    // 10,000 pieces of 8 MiB are the most that an object may have.
    if let Some(bytes) = bytes(&mut fields, "part_bytes", 1 << 16, 64 << 30, problems) {
        spec.part_bytes = bytes;
    }
    if let Some(seconds) = bytes(&mut fields, "commit_seconds", 1, 86_400, problems) {
        spec.commit_seconds = seconds;
    }
    spec.flatten = fields.boolean("flatten", problems).unwrap_or(spec.flatten);
    if let Some(node) = fields.take("delta") {
        spec.delta = node.read_bool(file, problems).unwrap_or(spec.delta);
        if spec.delta {
            refuse_delta(&spec, node.at, file, problems);
        }
    }
    fields.finish(problems);
    spec
}

/// Says why these parts cannot be Delta tables.
fn refuse_delta(spec: &PartSpec, at: Position, file: &str, problems: &mut Problems) {
    if !cfg!(feature = "delta") {
        let message = "this program was built without Delta tables";
        let hint = "build it with `cargo build --release --features delta`";
        problems.push_hint(file, at, message, hint);
    }
    if spec.format != Format::Parquet {
        problems.push_at(file, at, "the parts of a Delta table are `format: parquet`");
    }
    if !names::has_folder(&spec.path) {
        let message = "a Delta table needs a folder for its stream alone";
        let hint = "let `path` begin with ${NAMESPACE}/${STREAM_NAME}/";
        problems.push_hint(file, at, message, hint);
    }
}

/// Reads the map `table` of a stream.
pub(super) fn read_table(node: &Node, file: &str, problems: &mut Problems) -> TableOptions {
    let mut options = TableOptions::default();
    let Some(mut fields) = Fields::of(node, "`table`", file, problems) else {
        return options;
    };
    options.partition_by = columns("partition_by", &mut fields, problems);
    options.sort_by = columns("sort_by", &mut fields, problems);
    options.bloom = columns("bloom", &mut fields, problems);
    if let Some(node) = fields.take("numbers") {
        match &node.value {
            Value::Map(_) => options.numbers = numbers(node, file, problems),
            _ => options.number = number(node, file, problems),
        }
    }
    if let Some(node) = fields.take("feature") {
        options.feature = feature(node, file, problems);
    }
    fields.finish(problems);
    options
}

fn columns(name: &'static str, fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let file = fields.file();
    let texts: Vec<(&str, Position)> = fields.texts(name, problems).unwrap_or_default();
    let mut columns: Vec<String> = Vec::new();
    for (text, at) in texts.into_iter().take(COLUMNS_MAX) {
        let what = "the name of a column";
        if bounded(text, at, what, NAME_BYTES_MAX, file, problems).is_none() {
            continue;
        }
        if columns.iter().any(|column| column == text) {
            problems.push_at(file, at, format!("`{text}` stands twice in `{name}`"));
            continue;
        }
        columns.push(text.to_owned());
    }
    columns
}

fn numbers(node: &Node, file: &str, problems: &mut Problems) -> BTreeMap<String, NumberAs> {
    let entries = node.read_map(file, problems).unwrap_or_default();
    entries
        .iter()
        .filter_map(|(key, node)| Some((key.name.clone(), number(node, file, problems)?)))
        .collect()
}

/// `double`, `text`, or `decimal(precision, scale)`.
fn number(node: &Node, file: &str, problems: &mut Problems) -> Option<NumberAs> {
    const FORMS: &str =
        "write `double`, `text` or, with digits and digits behind the point, `decimal(38, 18)`";
    let text = node.read_text(file, problems)?;
    match text {
        "double" => return Some(NumberAs::Double),
        "text" => return Some(NumberAs::Text),
        _ => {}
    }
    let inner = text
        .strip_prefix("decimal(")
        .and_then(|rest| rest.strip_suffix(')'));
    let pair = inner.and_then(|inner| inner.split_once(','));
    let parsed = pair.and_then(|(precision, scale)| {
        Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
    });
    match parsed {
        Some((precision @ 1..=38, scale)) if (0..=precision as i8).contains(&scale) => {
            Some(NumberAs::Decimal { precision, scale })
        }
        Some(_) => {
            let message = "a decimal has 1 to 38 digits, and not more of them behind the point";
            problems.push_at(file, node.at, message);
            None
        }
        None => {
            let message = format!("`{text}` is no way to store numbers");
            problems.push_hint(file, node.at, message, FORMS);
            None
        }
    }
}

fn feature(node: &Node, file: &str, problems: &mut Problems) -> Option<FeatureSpec> {
    let mut fields = Fields::of(node, "`feature`", file, problems)?;
    if fields.take("entities").is_none() {
        let message = "`feature` needs the key `entities`";
        problems.push_at(file, fields.at(), message);
    }
    let entities = columns("entities", &mut fields, problems);
    let timestamp = fields
        .require_text("timestamp", problems)
        .map(str::to_owned);
    let created = fields.text("created", problems).map(str::to_owned);
    fields.finish(problems);
    Some(FeatureSpec {
        entities,
        timestamp: timestamp?,
        created,
    })
}

#[cfg(test)]
mod tests {
    use crate::document::Problems;
    use crate::plan::config::Config;

    fn problems(stage: &str) -> Vec<String> {
        let mut problems = Problems::new();
        let text = format!("version: 1\nstage: {{{stage}}}\n");
        Config::parse("f", &text, &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn delta_tables_need_parquet_a_folder_and_a_program_that_knows_them() {
        assert!(problems("delta: false").is_empty());
        let unknown = "build it with `cargo build --release --features delta`";
        let known = |found: &[String]| !found.iter().any(|problem| problem.contains(unknown));
        let found = problems("delta: true");
        assert_eq!(known(&found), cfg!(feature = "delta"));
        assert_eq!(found.len(), usize::from(!known(&found)));
        for (stage, said) in [
            ("format: jsonl", "`format: parquet`"),
            (
                r#"path: "all/${YEAR}_${STREAM_NAME}/""#,
                "a folder for its stream",
            ),
            (r#"path: "${STREAM_NAME}_""#, "a folder for its stream"),
        ] {
            let found = problems(&format!("delta: true, {stage}"));
            assert!(
                found.iter().any(|problem| problem.contains(said)),
                "{found:?}"
            );
        }
        let found = problems(r#"delta: true, path: "all/${STREAM_NAME}/${YEAR}_""#);
        assert_eq!(known(&found), found.is_empty());
    }
}
