//! Finds ONNX Runtime's library, and fetches it when a run needs it and it is nowhere.

use std::path::{Path, PathBuf};

use super::archive::Measure;
use super::fetch::{self, Parcel};
use crate::document::{self, Fields, Node, Problems};
use crate::error::{Error, ErrorKind, Result};
use crate::model::manifest::{self, ModelFile, Source};

/// The release that is fetched.
pub const RELEASE: &str = "1.31.1";
/// Its name beside those of the models.
pub const NAME: &str = "onnxruntime";

const MANIFEST: &str = include_str!("../../../models/onnxruntime/manifest.yaml");
/// The variable that names a library of the user's own.
const VARIABLE: &str = "ORT_DYLIB_PATH";

#[cfg(target_os = "macos")]
const LIBRARY: &str = "libonnxruntime.dylib";
#[cfg(not(target_os = "macos"))]
const LIBRARY: &str = "libonnxruntime.so";

/// A library and who put it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    pub path: PathBuf,
    pub place: Place,
}

/// Where the library is looked for, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `ORT_DYLIB_PATH` names it.
    Named,
    /// Beside the program.
    Beside,
    /// In the cache: the release that is known, fetched or put there by hand.
    Cached,
}

/// What is known of the release: for every platform the library and the package it comes in.
#[derive(Debug)]
pub struct Release {
    pub version: String,
    pub licence: String,
    pub attribution: String,
    /// `None` where nobody packages a library for this platform.
    pub package: Option<(Source, ModelFile)>,
}

/// The library, if there is one: what `ORT_DYLIB_PATH` names, beside the program, or in the cache.
///
/// # Errors
/// `Model` when `ORT_DYLIB_PATH` names no file, or there is no folder for a cache.
pub fn find() -> Result<Option<Library>> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(named);
        if !path.is_file() {
            let message = format!("{VARIABLE} names {}, which is no file", path.display());
            return Err(Error::new(ErrorKind::Model, message)
                .hint("unset it, or name ONNX Runtime's library"));
        }
        let place = Place::Named;
        return Ok(Some(Library { path, place }));
    }
    let beside = beside().map(|path| (path, Place::Beside));
    let places = beside.into_iter().chain([(cached()?, Place::Cached)]);
    let libraries = places.map(|(path, place)| Library { path, place });
    Ok(libraries.into_iter().find(|library| library.path.is_file()))
}

/// The library, fetched if it is nowhere.
///
/// # Errors
/// `Model` when it is nowhere and cannot be fetched.
pub fn obtain() -> Result<PathBuf> {
    match find()? {
        Some(library) => Ok(library.path),
        None => fetch(&Release::known()?),
    }
}

/// The library, fetched if it is nowhere or the one in the cache is damaged. Also says whether it was fetched.
///
/// # Errors
/// As [`obtain`].
pub fn pull() -> Result<(Library, bool)> {
    let found = find()?;
    let release = Release::known()?;
    match found {
        Some(library) if damage(&library, &release)?.is_none() => Ok((library, false)),
        _ => {
            let (path, place) = (fetch(&release)?, Place::Cached);
            Ok((Library { path, place }, true))
        }
    }
}

/// What is wrong with the cached library. One that the user brought is the user's to judge.
///
/// # Errors
/// `Model` when it cannot be read.
pub fn damage(library: &Library, release: &Release) -> Result<Option<String>> {
    let (Place::Cached, Some((_, file))) = (library.place, &release.package) else {
        return Ok(None);
    };
    let found = Measure::of(&library.path).map_err(|error| {
        let message = format!("{} cannot be read", library.path.display());
        Error::new(ErrorKind::Model, message).because(error)
    })?;
    Ok((!found.is_of(file)).then(|| {
        format!(
            "{} is not the library of release {}",
            library.path.display(),
            release.version
        )
    }))
}

fn fetch(release: &Release) -> Result<PathBuf> {
    let cached = cached()?;
    let folder = cached.parent().unwrap_or(Path::new("")).to_owned();
    let otherwise = format!(
        "set {VARIABLE} to the library of ONNX Runtime 1.22 or later; or put {LIBRARY} of release {RELEASE} into {} yourself; a run without the tagger (`tagger: none`) does not need it",
        folder.display()
    );
    let Some((source, file)) = &release.package else {
        let message = format!("nobody packages ONNX Runtime for {}", platform());
        return Err(Error::new(ErrorKind::Model, message).hint(otherwise));
    };
    fetch::fetch(&Parcel {
        what: "ONNX Runtime, which runs the models,",
        source,
        files: std::slice::from_ref(file),
        into: folder,
        beside: super::cache()?,
        otherwise,
    })?;
    Ok(cached)
}

fn beside() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.join(LIBRARY))
}

fn cached() -> Result<PathBuf> {
    Ok(super::cache()?
        .join(format!("onnxruntime-{RELEASE}"))
        .join(LIBRARY))
}

fn platform() -> String {
    // The packages' libraries are made for glibc.
    let libc = if cfg!(target_env = "musl") {
        "-musl"
    } else {
        ""
    };
    format!("{}-{}{libc}", std::env::consts::OS, std::env::consts::ARCH)
}

impl Release {
    /// The release that is fetched, as its manifest describes it.
    ///
    /// # Errors
    /// `Config` when the manifest has problems, which is a defect.
    pub fn known() -> Result<Self> {
        Self::parse(MANIFEST, &platform())
    }

    fn parse(text: &str, platform: &str) -> Result<Self> {
        let file = "models/onnxruntime/manifest.yaml";
        let mut problems = Problems::new();
        let root = document::parse(file, text, &mut problems);
        let release = root.and_then(|root| read(&root, platform, file, &mut problems));
        problems.into_result()?;
        release.ok_or_else(|| Error::new(ErrorKind::Config, format!("{file} is no manifest")))
    }
}

fn read(root: &Node, platform: &str, file: &str, problems: &mut Problems) -> Option<Release> {
    let mut fields = Fields::of(root, "the manifest", file, problems)?;
    let mut text =
        |name, problems: &mut Problems| fields.require_text(name, problems).map(str::to_owned);
    let version = text("version", problems);
    let licence = text("licence", problems);
    let attribution = text("attribution", problems);
    let libraries = fields
        .require("libraries", problems)
        .and_then(|node| node.read_list(file, problems));
    let mut package = None;
    for node in libraries.unwrap_or_default() {
        let mut fields = Fields::of(node, "a library", file, problems)?;
        let this = fields.require_text("platform", problems) == Some(platform);
        let (source, files) = manifest::read_files(&mut fields, problems);
        fields.finish(problems);
        if let (true, Some(source), Some(file)) = (this, source, files.into_iter().next()) {
            package = Some((source, file));
        }
    }
    fields.finish(problems);
    Some(Release {
        version: version?,
        licence: licence?,
        attribution: attribution?,
        package,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_the_release_in_a_package_of_its_own() {
        let mut packages = std::collections::BTreeSet::new();
        for (platform, library) in [
            ("linux-x86_64", "libonnxruntime.so"),
            ("linux-aarch64", "libonnxruntime.so"),
            ("macos-aarch64", "libonnxruntime.dylib"),
        ] {
            let release = Release::parse(MANIFEST, platform).expect("a manifest");
            let (source, file) = release.package.expect("a package");
            assert_eq!(
                (release.version.as_str(), source.version.as_str()),
                (RELEASE, RELEASE)
            );
            assert_eq!(file.name, library);
            assert!(file.member.is_some_and(|member| member.contains(RELEASE)));
            packages.insert(source.sha256);
        }
        assert_eq!(packages.len(), 3);
        let elsewhere = Release::parse(MANIFEST, "plan9-mips").expect("a manifest");
        assert!(elsewhere.package.is_none());
    }
}
