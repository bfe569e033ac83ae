//! What `midflight models` speaks of: every model that is known, models in folders, and ONNX Runtime, each with
//! where it is and whether it is whole.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::archive::Measure;
use super::library::{self, Library, Place, Release};
use super::{Models, builtin, trial};
use crate::document::{listed, nearest};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Engine;
use crate::model::manifest::{Manifest, Source, Task};

/// A model, or what runs models.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is a handful of them")]
pub enum Item {
    /// ONNX Runtime.
    Runtime(Release),
    /// A model, and the shelf it stands on.
    Model(Models, Box<Manifest>),
}

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Part of the program.
    BuiltIn,
    /// In the cache: fetched, or put there by hand.
    Cached(PathBuf),
    /// Where the user put it.
    Own(PathBuf),
    /// Not here, or not all of it.
    Missing,
}

impl Item {
    /// ONNX Runtime and every model that is known.
    ///
    /// # Errors
    /// `Config` when a manifest has problems, which is a defect.
    pub fn all() -> Result<Vec<Self>> {
        builtin::names()
            .chain([library::NAME])
            .map(Self::named)
            .collect()
    }

    /// The item of this name; a name with a slash is the folder of a model.
    ///
    /// # Errors
    /// `Model` with the nearest name when there is none; `Config` when a folder's manifest has problems.
    pub fn named(name: &str) -> Result<Self> {
        if name == library::NAME {
            return Ok(Self::Runtime(Release::known()?));
        }
        let models = match name.contains(std::path::is_separator) {
            true => Models::of_folder(Path::new(name)),
            false if builtin::names().any(|known| known == name) => Models::standard(),
            false => return Err(unknown(name)),
        };
        let manifest = Box::new(models.manifest(name)?);
        Ok(Self::Model(models, manifest))
    }

    /// The name it is asked for by.
    pub fn name(&self) -> &str {
        match self {
            Self::Runtime(_) => library::NAME,
            Self::Model(_, manifest) => &manifest.name,
        }
    }

    /// Whether it is what all models need.
    pub fn is_runtime(&self) -> bool {
        matches!(self, Self::Runtime(_))
    }

    /// What it does, in one word.
    pub fn task(&self) -> &'static str {
        match self {
            Self::Runtime(_) => "run",
            Self::Model(_, manifest) => match manifest.task {
                Task::Tag => "tag",
                Task::Embed => "embed",
            },
        }
    }

    /// The release of the library, the version of the model.
    pub fn version(&self) -> &str {
        match self {
            Self::Runtime(release) => &release.version,
            Self::Model(_, manifest) => &manifest.version,
        }
    }

    /// The licence's SPDX name.
    pub fn licence(&self) -> &str {
        match self {
            Self::Runtime(release) => &release.licence,
            Self::Model(_, manifest) => &manifest.licence,
        }
    }

    /// Who made it.
    pub fn attribution(&self) -> Option<&str> {
        match self {
            Self::Runtime(release) => Some(&release.attribution),
            Self::Model(_, manifest) => manifest.attribution.as_deref(),
        }
    }

    /// Bytes of all its files; `None` when nothing is known of them.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::Runtime(release) => release.package.as_ref().map(|(_, file)| file.bytes),
            Self::Model(_, manifest) => Some(manifest.files.iter().map(|file| file.bytes).sum()),
        }
    }

    /// The package it is fetched in.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Runtime(release) => release.package.as_ref().map(|(source, _)| source),
            Self::Model(_, manifest) => manifest.source.as_ref(),
        }
    }

    /// Where it is. Files are looked for, not read.
    ///
    /// # Errors
    /// `Model` when there is no folder to look in.
    pub fn state(&self) -> Result<State> {
        let (models, manifest) = match self {
            Self::Runtime(_) => {
                return Ok(match library::find()? {
                    None => State::Missing,
                    Some(library) if library.place == Place::Cached => State::Cached(library.path),
                    Some(library) => State::Own(library.path),
                });
            }
            Self::Model(models, manifest) => (models, manifest),
        };
        let built_in = |name: &str| models.built_in(manifest, name).is_some();
        if manifest.files.iter().all(|file| built_in(&file.name)) {
            return Ok(State::BuiltIn);
        }
        let folder = models.place(manifest)?;
        let there = |name: &str| built_in(name) || folder.join(name).is_file();
        Ok(match manifest.files.iter().all(|file| there(&file.name)) {
            false => State::Missing,
            true if models.folder.is_some() => State::Own(folder),
            true => State::Cached(folder),
        })
    }

    /// Makes sure that it is here and whole; fetches it if need be, and says whether it did.
    ///
    /// # Errors
    /// `Model` when it cannot be fetched.
    pub fn pull(&self) -> Result<bool> {
        match self {
            Self::Runtime(_) => library::pull().map(|(_, fetched)| fetched),
            Self::Model(models, manifest) => {
                let fetched = models.pull(manifest)?;
                self.prove_files()?;
                Ok(fetched)
            }
        }
    }

    /// Reads every file and compares it with its hash, then tries the whole thing: the library is loaded, a
    /// model is run once. Nothing is fetched.
    ///
    /// # Errors
    /// `Model` with what is wrong and what to do.
    pub fn verify(&self) -> Result<()> {
        self.prove_files()?;
        let engine = engine()?;
        match self {
            Self::Runtime(_) => Ok(()),
            Self::Model(models, manifest) => trial::run(models, manifest, engine),
        }
    }

    fn prove_files(&self) -> Result<()> {
        match self {
            Self::Runtime(release) => prove_library(release).map(drop),
            Self::Model(models, manifest) => {
                for file in &manifest.files {
                    match models.built_in(manifest, &file.name) {
                        Some(bytes) if Measure::of_bytes(bytes).is_of(file) => {}
                        Some(_) => return Err(swapped(manifest, &file.name)),
                        None => drop(super::read(&models.place(manifest)?, manifest, file)?),
                    }
                }
                Ok(())
            }
        }
    }
}

/// ONNX Runtime, proved whole before any of its code runs.
fn engine() -> Result<&'static Engine> {
    static PROVED: OnceLock<Result<&'static Engine>> = OnceLock::new();
    let proved = PROVED.get_or_init(|| {
        let library = prove_library(&Release::known()?)?;
        Engine::load(&library.path)
    });
    proved.as_ref().map(|engine| *engine).map_err(Error::again)
}

fn prove_library(release: &Release) -> Result<Library> {
    let pull = format!("run `midflight models pull {}`", library::NAME);
    let Some(library) = library::find()? else {
        return Err(Error::new(ErrorKind::Model, "ONNX Runtime is not fetched yet").hint(pull));
    };
    match library::damage(&library, release)? {
        None => Ok(library),
        Some(wrong) => Err(Error::new(ErrorKind::Model, wrong).hint(pull)),
    }
}

fn swapped(manifest: &Manifest, file: &str) -> Error {
    let message = format!(
        "model `{}`: {file} in this program is not the file that its manifest describes",
        manifest.name
    );
    Error::new(ErrorKind::Model, message).hint("build or fetch the program again")
}

fn unknown(name: &str) -> Error {
    let known: Vec<_> = builtin::names().chain([library::NAME]).collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!(
            "valid are {}, or the folder of a model, as ./{name}",
            listed(&known)
        ),
    };
    Error::new(
        ErrorKind::Usage,
        format!("there is no model called `{name}`"),
    )
    .hint(hint)
}
