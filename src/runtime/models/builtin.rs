//! The models that are part of the program.

use crate::document::{listed, nearest};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Manifest;
use crate::model::manifest::{MODEL, TOKENIZER};

/// Every model that is known.
const MODELS: &[Builtin] = &[
    Builtin {
        name: "pii",
        place: "models/pii/manifest.yaml",
        manifest: include_str!("../../../models/pii/manifest.yaml"),
        files: &[
            (MODEL, include_bytes!("../../../models/pii/model.onnx")),
            (
                TOKENIZER,
                include_bytes!("../../../models/pii/tokenizer.json"),
            ),
        ],
    },
    Builtin {
        name: "default",
        place: "models/embed/default/manifest.yaml",
        manifest: include_str!("../../../models/embed/default/manifest.yaml"),
        files: &[
            (
                MODEL,
                include_bytes!("../../../models/embed/default/model.onnx"),
            ),
            (
                TOKENIZER,
                include_bytes!("../../../models/embed/default/tokenizer.json"),
            ),
        ],
    },
    Builtin {
        name: "minilm",
        place: "models/embed/minilm/manifest.yaml",
        manifest: include_str!("../../../models/embed/minilm/manifest.yaml"),
        files: &[],
    },
    Builtin {
        name: "minilm-precise",
        place: "models/embed/minilm-precise/manifest.yaml",
        manifest: include_str!("../../../models/embed/minilm-precise/manifest.yaml"),
        files: &[],
    },
];

struct Builtin {
    name: &'static str,
    /// Where the manifest lies in the project, for messages.
    place: &'static str,
    manifest: &'static str,
    /// The files that are part of the program; others are fetched.
    files: &'static [(&'static str, &'static [u8])],
}

/// The names of the models that are known.
pub fn names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|model| model.name)
}

/// The manifest of this name.
///
/// # Errors
/// `Model` with the nearest name when there is none.
pub fn manifest(name: &str) -> Result<Manifest> {
    let Some(model) = MODELS.iter().find(|model| model.name == name) else {
        let known: Vec<_> = names().collect();
        let message = format!("there is no model called `{name}`");
        let hint = match nearest(name, names()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!(
                "the models are {}; or name the folder of one, as ./{name}",
                listed(&known)
            ),
        };
        return Err(Error::new(ErrorKind::Model, message).hint(hint));
    };
    Manifest::parse(model.place, model.manifest)
}

/// A file of a model that is built in.
pub fn file(model: &str, name: &str) -> Option<&'static [u8]> {
    let model = MODELS.iter().find(|known| known.name == model)?;
    let (_, bytes) = model.files.iter().find(|(file, _)| *file == name)?;
    Some(bytes)
}
