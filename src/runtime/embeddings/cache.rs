//! Vectors kept from run to run, in a folder or a bucket, by what they were made of: an incremental sync
//! embeds only what has changed, and two syncs over one text pay once.
//!
//! An entry's name is the SHA-256 of the text and of everything else that decides its vector. It holds the
//! numbers as 32-bit little-endian floats behind 16 bytes that prove name and numbers; an entry that is cut
//! short, damaged, or stands under another name is made again.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::error::{Error, ErrorKind, Result};
use crate::model::embedding::Counts;
use crate::model::{Embedder, Vector};

/// Changes when entries are named or written otherwise.
const FORMAT: &str = "midflight embedding 1";
/// Bytes that prove an entry.
const PROOF_BYTES: usize = 16;
/// Entries that are on their way at once.
const AT_ONCE: usize = 32;

/// What decides a vector besides the text. Chunks are texts of their own, so their size is in the text; the
/// windows are how a text is read that is longer than the model's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub model: String,
    pub version: String,
    pub dimensions: usize,
    pub normalized: bool,
    /// Tokens of a window, and of the overlap of two.
    pub windows: (usize, usize),
}

impl Identity {
    /// The name of a text's entry.
    fn name(&self, text: &str) -> [u8; 32] {
        let numbers = format!(
            "{} {} {} {}",
            self.dimensions, self.normalized, self.windows.0, self.windows.1
        );
        let mut hash = Sha256::new();
        for part in [FORMAT, &self.model, &self.version, &numbers, text] {
            // With their lengths, so that no two sets of parts are one.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// An embedder with a cache.
#[derive(Debug)]
pub(super) struct Cached {
    inner: Arc<dyn Embedder>,
    identity: Identity,
    store: Store,
    counts: Arc<Counts>,
}

/// Where entries lie, opened when it is first needed.
#[derive(Debug)]
struct Store {
    /// As the configuration names it.
    place: String,
    /// The folder, unless it is a bucket.
    folder: Option<std::path::PathBuf>,
    opened: OnceLock<Result<Opened>>,
}

#[derive(Debug)]
struct Opened {
    objects: Arc<dyn ObjectStore>,
    /// What stands before every name.
    prefix: Place,
    runtime: Runtime,
}

impl Cached {
    /// A cache at `place` in front of `inner`. Nothing is opened yet.
    ///
    /// # Errors
    /// `Config` when `place` is the URL of something that cannot be a cache.
    pub fn new(
        inner: Arc<dyn Embedder>,
        place: &str,
        folder: &Path,
        identity: Identity,
        counts: Arc<Counts>,
    ) -> Result<Self> {
        let bucket = place.split_once("://").map(|(scheme, _)| scheme);
        if let Some(scheme) = bucket
            && !["s3", "s3a", "gs", "az", "abfs", "abfss"].contains(&scheme)
        {
            let message = format!("a cache cannot lie at `{scheme}://`");
            return Err(Error::new(ErrorKind::Config, message)
                .hint("name a folder, or a bucket as s3://, gs:// or az://"));
        }
        let store = Store {
            place: place.to_owned(),
            folder: bucket.is_none().then(|| folder.join(place)),
            opened: OnceLock::new(),
        };
        Ok(Self {
            inner,
            identity,
            store,
            counts,
        })
    }
}

impl Embedder for Cached {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>> {
        let opened = self.store.get()?;
        if texts.is_empty() {
            return self.inner.embed(texts);
        }
        let names: Vec<[u8; 32]> = texts.iter().map(|text| self.identity.name(text)).collect();
        let mut vectors = self.store.read(opened, &names, self.identity.dimensions)?;
        let open: Vec<usize> = (0..texts.len())
            .filter(|&at| vectors[at].is_none())
            .collect();
        let cached = (texts.len() - open.len()) as u64;
        self.counts.cached.fetch_add(cached, Ordering::Relaxed);
        if !open.is_empty() {
            let unknown: Vec<&str> = open.iter().map(|&at| texts[at]).collect();
            let made = self.inner.embed(&unknown)?;
            let entries = open
                .iter()
                .zip(&made)
                .map(|(&at, vector)| (names[at], entry(&names[at], vector)));
            self.store.write(opened, entries.collect())?;
            for (&at, vector) in open.iter().zip(made) {
                vectors[at] = Some(vector);
            }
        }
        let vectors: Option<Vec<Vector>> = vectors.into_iter().collect();
        vectors.ok_or_else(|| Error::new(ErrorKind::Internal, "fewer vectors than texts"))
    }
}

/// Why a store failed, in one line: its own errors quote whole answers, several times.
fn reason(error: &object_store::Error) -> String {
    match error {
        object_store::Error::NotFound { .. } => "there is no such bucket".to_owned(),
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => {
            "the credentials do not allow it".to_owned()
        }
        other => {
            let mut cause: &dyn std::error::Error = other;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            cause
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned()
        }
    }
}

/// An entry's bytes.
fn entry(name: &[u8; 32], vector: &[f32]) -> Vec<u8> {
    let numbers: Vec<u8> = vector
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let mut bytes = proof(name, &numbers).to_vec();
    bytes.extend(numbers);
    bytes
}

fn proof(name: &[u8; 32], numbers: &[u8]) -> [u8; PROOF_BYTES] {
    let whole = Sha256::new()
        .chain_update(name)
        .chain_update(numbers)
        .finalize();
    let mut proof = [0; PROOF_BYTES];
    proof.copy_from_slice(&whole[..PROOF_BYTES]);
    proof
}

/// The vector of an entry; `None` when it is damaged.
fn vector(name: &[u8; 32], bytes: &[u8], dimensions: usize) -> Option<Vector> {
    let (given, numbers) = bytes.split_at_checked(PROOF_BYTES)?;
    let whole = numbers.len() == dimensions * size_of::<f32>() && given == proof(name, numbers);
    whole.then(|| {
        let values = numbers.as_chunks().0.iter();
        values.map(|&bytes| f32::from_le_bytes(bytes)).collect()
    })
}

impl Store {
    fn get(&self) -> Result<&Opened> {
        let opened = self.opened.get_or_init(|| self.open());
        opened.as_ref().map_err(Error::again)
    }

    /// Opens the store and proves that it can be written.
    fn open(&self) -> Result<Opened> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| self.unwritable().because(error))?;
        let (objects, prefix): (Arc<dyn ObjectStore>, Place) = match &self.folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|error| self.unwritable().because(error))?;
                let objects = LocalFileSystem::new_with_prefix(folder);
                let objects = objects.map_err(|error| self.unwritable().because(error))?;
                (Arc::new(objects), Place::default())
            }
            None => {
                let wrong = || {
                    Error::new(
                        ErrorKind::Config,
                        format!("the cache `{}` is no bucket's URL", self.place),
                    )
                };
                let url = self.place.parse().map_err(|error| wrong().because(error))?;
                // Credentials, regions and endpoints come from the variables that these services know.
                let variables = std::env::vars_os().filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                });
                let (objects, prefix) = object_store::parse_url_opts(&url, variables)
                    .map_err(|error| wrong().because(error))?;
                (Arc::from(objects), prefix)
            }
        };
        let opened = Opened {
            objects,
            prefix,
            runtime,
        };
        let about = (
            opened.place("about.txt"),
            format!("{FORMAT}\n").into_bytes(),
        );
        self.put(&opened, vec![about])?;
        Ok(opened)
    }

    fn unwritable(&self) -> Error {
        let message = format!(
            "the cache of embeddings at `{}` cannot be written",
            self.place
        );
        Error::new(ErrorKind::Output, message).hint("give it room and rights, or leave `cache` out")
    }

    /// The vectors of these names, where there are whole ones.
    fn read(
        &self,
        opened: &Opened,
        names: &[[u8; 32]],
        dimensions: usize,
    ) -> Result<Vec<Option<Vector>>> {
        let mut vectors: Vec<Option<Vector>> = vec![None; names.len()];
        for (group, names) in names.chunks(AT_ONCE).enumerate() {
            let found = opened.runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for (at, name) in names.iter().enumerate() {
                    let (objects, place) = (Arc::clone(&opened.objects), opened.entry(name));
                    tasks.spawn(async move {
                        let bytes = match objects.get(&place).await {
                            Ok(found) => found.bytes().await.map(Some),
                            Err(object_store::Error::NotFound { .. }) => Ok(None),
                            Err(error) => Err(error),
                        };
                        (at, bytes)
                    });
                }
                tasks.join_all().await
            });
            for (at, bytes) in found {
                let bytes = bytes.map_err(|error| {
                    let message =
                        format!("the cache of embeddings at `{}` cannot be read", self.place);
                    Error::new(ErrorKind::Input, message).because(reason(&error))
                })?;
                vectors[group * AT_ONCE + at] =
                    bytes.and_then(|bytes| vector(&names[at], &bytes, dimensions));
            }
        }
        Ok(vectors)
    }

    fn write(&self, opened: &Opened, entries: Vec<([u8; 32], Vec<u8>)>) -> Result<()> {
        let entries = entries
            .into_iter()
            .map(|(name, bytes)| (opened.entry(&name), bytes));
        self.put(opened, entries.collect())
    }

    fn put(&self, opened: &Opened, mut entries: Vec<(Place, Vec<u8>)>) -> Result<()> {
        while !entries.is_empty() {
            let group = entries.split_off(entries.len().saturating_sub(AT_ONCE));
            let written = opened.runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for (place, bytes) in group {
                    let objects = Arc::clone(&opened.objects);
                    tasks.spawn(async move { objects.put(&place, bytes.into()).await });
                }
                tasks.join_all().await
            });
            for written in written {
                written.map_err(|error| self.unwritable().because(reason(&error)))?;
            }
        }
        Ok(())
    }
}

impl Opened {
    fn place(&self, name: &str) -> Place {
        name.split('/')
            .fold(self.prefix.clone(), |place, part| place.clone().join(part))
    }

    /// Entries are spread over 256 folders: file systems do not like a million names in one.
    fn entry(&self, name: &[u8; 32]) -> Place {
        let name = hex::encode(name);
        self.place(&format!("{}/{}", &name[..2], &name[2..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Gives the lengths of texts, and notes what it was asked.
    #[derive(Debug, Default)]
    struct Lengths(Mutex<Vec<String>>);

    impl Embedder for Lengths {
        fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>> {
            let mut asked = self.0.lock().expect("no panic");
            asked.extend(texts.iter().map(|text| (*text).to_owned()));
            #[expect(clippy::cast_precision_loss, reason = "short texts")]
            Ok(texts
                .iter()
                .map(|text| vec![text.len() as f32, 0.5].into())
                .collect())
        }
    }

    impl Lengths {
        fn asked(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().expect("no panic"))
        }
    }

    fn identity() -> Identity {
        Identity {
            model: "m".to_owned(),
            version: "1".to_owned(),
            dimensions: 2,
            normalized: true,
            windows: (128, 16),
        }
    }

    fn cached(inner: &Arc<Lengths>, folder: &Path, identity: Identity) -> Cached {
        Cached::new(inner.clone(), "vectors", folder, identity, Arc::default()).expect("a folder")
    }

    fn files(folder: &Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => found.extend(files(&path)),
                false if path.ends_with("about.txt") => {}
                false => found.push(path),
            }
        }
        found
    }

    #[test]
    fn a_later_run_makes_only_what_is_new() {
        let (folder, inner) = (
            tempfile::tempdir().expect("a folder"),
            Arc::new(Lengths::default()),
        );
        let first = cached(&inner, folder.path(), identity());
        let vectors = first.embed(&["a", "bb"]).expect("vectors");
        assert_eq!(inner.asked(), ["a", "bb"]);
        let second = cached(&inner, folder.path(), identity());
        assert_eq!(
            second.embed(&["bb", "ccc", "a"]).expect("vectors")[2],
            vectors[0]
        );
        assert_eq!(inner.asked(), ["ccc"]);
        assert_eq!(second.counts.cached.load(Ordering::Relaxed), 2);
        let hundred: Vec<String> = (0..100).map(|number| "x".repeat(number + 1)).collect();
        let hundred: Vec<&str> = hundred.iter().map(String::as_str).collect();
        let made = second.embed(&hundred).expect("vectors");
        inner.asked();
        assert_eq!(
            cached(&inner, folder.path(), identity())
                .embed(&hundred)
                .expect("vectors"),
            made
        );
        assert!(inner.asked().is_empty());
    }

    #[test]
    fn what_decides_a_vector_decides_its_name() {
        let base = identity();
        let others = [
            Identity {
                model: "n".to_owned(),
                ..base.clone()
            },
            Identity {
                version: "2".to_owned(),
                ..base.clone()
            },
            Identity {
                dimensions: 3,
                ..base.clone()
            },
            Identity {
                normalized: false,
                ..base.clone()
            },
            Identity {
                windows: (64, 16),
                ..base.clone()
            },
            Identity {
                model: "m1".to_owned(),
                version: String::new(),
                ..base.clone()
            },
        ];
        assert!(others.iter().all(|other| other.name("t") != base.name("t")));
        assert_ne!(base.name("t"), base.name("u"));
        assert_eq!(base.name("t"), identity().name("t"));
    }

    #[test]
    fn damaged_entries_are_made_again() {
        let (folder, inner) = (
            tempfile::tempdir().expect("a folder"),
            Arc::new(Lengths::default()),
        );
        let good = cached(&inner, folder.path(), identity())
            .embed(&["a", "bb"])
            .expect("vectors");
        let entries = files(folder.path());
        assert_eq!(entries.len(), 2);
        let whole = std::fs::read(&entries[0]).expect("an entry");
        let flipped: Vec<u8> = whole.iter().map(|byte| byte ^ 1).collect();
        let other = std::fs::read(&entries[1]).expect("an entry");
        for bytes in [&flipped[..], &whole[..whole.len() - 1], &[], &other[..]] {
            std::fs::write(&entries[0], bytes).expect("damage");
            inner.asked();
            let again = cached(&inner, folder.path(), identity())
                .embed(&["a", "bb"])
                .expect("vectors");
            assert_eq!((again, inner.asked().len()), (good.clone(), 1));
            assert_eq!(std::fs::read(&entries[0]).expect("an entry"), whole);
        }
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_told_at_the_start() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("vectors"), "a file").expect("a file");
        let inner = Arc::new(Lengths::default());
        let error = cached(&inner, folder.path(), identity())
            .embed(&[])
            .expect_err("no folder");
        assert_eq!(error.kind(), ErrorKind::Output);
        let refused = Cached::new(
            inner,
            "ftp://x/y",
            folder.path(),
            identity(),
            Arc::default(),
        );
        assert_eq!(refused.expect_err("no bucket").kind(), ErrorKind::Config);
    }
}
