//! A directory, or a prefix in a bucket of S3, GCS or Azure: the one place where objects are read and written.
//!
//! Calls block; the network runs on two threads of its own. Every key enters through [`Path::parse`], which keeps
//! it as it is spelt. Objects are never copied or renamed: one of the stores gets that wrong.

mod failure;
mod limits;
mod local;
mod spelling;
mod upload;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, ObjectStore, ObjectStoreExt, PutMode, RetryConfig,
};
use tokio::runtime::Runtime;

use crate::error::{Error, ErrorKind, Result};

use limits::Limits;

pub use failure::{failed, reason};
pub use object_store::ObjectMeta;
pub use upload::Upload;

/// Schemes of buckets.
const SCHEMES: [&str; 7] = ["s3", "s3a", "gs", "az", "azure", "abfs", "abfss"];

/// What the names of variables that hold settings of a store begin with.
const VARIABLES: [&str; 5] = ["aws_", "google_", "azure_", "msi_", limits::PREFIX];

/// Times that a request is made once more which the store's client would not repeat, as it does not know whether
/// the one before was carried out; and the pause before it.
const AGAIN: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// A directory or a prefix in a bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    objects: Arc<dyn ObjectStore>,
    /// What stands before every key.
    prefix: Path,
    /// The URL without the key, as `s3://bucket/`; empty for directories.
    root: String,
    /// The directory, if it is one.
    folder: Option<PathBuf>,
    limits: Limits,
    /// An upload could not be given up in time: others need not try.
    deaf: Arc<AtomicBool>,
}

impl Bucket {
    /// Opens `place`: a directory's path, `file://`, or the URL of a prefix. `options` are settings of the store
    /// by the names that its tools use (`aws_endpoint`, `google_service_account`, …); the environment's variables
    /// of those names hold where they say nothing. `midflight_store_answer_seconds` (30) bounds one answer,
    /// `midflight_store_tries_seconds` (120) and `midflight_store_retries` (6) all tries of a request. A directory
    /// need not exist yet.
    ///
    /// # Errors
    /// `Config` when the URL or an option is wrong.
    pub fn open(place: &str, options: &BTreeMap<String, String>) -> Result<Self> {
        if let Some(path) = folder(place) {
            let folder = std::path::absolute(path).map_err(|error| wrong(place, error))?;
            let objects = LocalFileSystem::new().with_automatic_cleanup(false);
            let text = folder.to_string_lossy();
            let prefix =
                Path::parse(text.trim_matches('/')).map_err(|error| wrong(place, error))?;
            return Ok(Self {
                objects: Arc::new(objects),
                prefix,
                root: String::new(),
                folder: Some(folder),
                limits: Limits::default(),
                deaf: Arc::default(),
            });
        }
        let Some((scheme, rest)) = place
            .split_once("://")
            .filter(|(scheme, _)| SCHEMES.contains(scheme))
        else {
            let message = format!("`{place}` is no place that can be opened");
            return Err(Error::new(ErrorKind::Config, message)
                .hint("give a directory, or a URL with s3://, gs://, az:// or abfss://"));
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let given: Vec<_> = variables().chain(options.clone()).collect();
        let root = spelling::root(scheme, bucket, &given);
        let url = url::Url::parse(&root).map_err(|error| wrong(place, error))?;
        let mut limits = Limits::default();
        let mut settings = Vec::new();
        for (name, value) in given {
            if !limits.set(&name, &value)? {
                settings.push((name, value));
            }
        }
        let objects = store(&url, settings, limits).map_err(|error| {
            let message = format!("`{root}` cannot be opened");
            Error::new(ErrorKind::Config, message).because(reason(&error))
        })?;
        let prefix = Path::parse(key.trim_matches('/')).map_err(|error| wrong(place, error))?;
        Ok(Self {
            objects,
            prefix,
            root,
            folder: None,
            limits,
            deaf: Arc::default(),
        })
    }

    /// The same store from another prefix on, given as a key below this one.
    pub fn below(&self, key: &str) -> Result<Self> {
        Ok(Self {
            prefix: self.path(key)?,
            folder: self.folder.as_ref().map(|folder| folder.join(key)),
            ..self.clone()
        })
    }

    /// Its URL, or the path of its directory.
    pub fn url(&self) -> String {
        self.url_of(&self.prefix)
    }

    /// The URL of an object, or the path of its file.
    pub fn url_of(&self, path: &Path) -> String {
        match &self.folder {
            Some(_) => format!("/{path}"),
            None => format!("{}{path}", self.root),
        }
    }

    /// The whole path of a key below this place.
    ///
    /// # Errors
    /// `Config` when it is no key, as `a//b` or `..`.
    pub fn path(&self, key: &str) -> Result<Path> {
        let whole = match self.prefix.as_ref() {
            "" => key.to_owned(),
            prefix => format!("{prefix}/{key}"),
        };
        Path::parse(&whole).map_err(|error| wrong(key, error))
    }

    /// The key of an object below this place; `None` when it lies elsewhere.
    pub fn key<'p>(&self, path: &'p Path) -> Option<&'p str> {
        match self.prefix.as_ref() {
            "" => Some(path.as_ref()),
            prefix => path.as_ref().strip_prefix(prefix)?.strip_prefix('/'),
        }
    }

    /// The directory, if it is one.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// A whole object; `None` when there is none.
    ///
    /// # Errors
    /// `Input` with the store's reason.
    pub fn get(&self, path: &Path) -> Result<Option<Bytes>> {
        let read = block_on(async { self.objects.get(path).await?.bytes().await })?;
        self.read(path, read)
    }

    /// Bytes of an object, which must not have changed since it had this tag.
    ///
    /// # Errors
    /// `Input` with the store's reason, also when the object has changed or gone.
    pub fn get_range(&self, path: &Path, range: Range<u64>, tag: Option<&str>) -> Result<Bytes> {
        if self.folder.is_some() {
            return self.pread(path, range, tag);
        }
        let options = GetOptions {
            range: Some(range.into()),
            if_match: tag.map(str::to_owned),
            ..GetOptions::default()
        };
        block_on(async { self.objects.get_opts(path, options).await?.bytes().await })?
            .map_err(|error| failed(ErrorKind::Input, &self.url_of(path), "read", &error))
    }

    /// The same of a file, without the detour over the network's threads.
    fn pread(&self, path: &Path, range: Range<u64>, tag: Option<&str>) -> Result<Bytes> {
        let failed = |error: std::io::Error| {
            let message = format!("{} cannot be read", self.url_of(path));
            Error::new(ErrorKind::Input, message).because(error)
        };
        let same = |meta: Option<ObjectMeta>| meta.is_some_and(|meta| meta.e_tag.as_deref() == tag);
        let file = std::path::Path::new("/").join(path.as_ref());
        let mut file = std::fs::File::open(file).map_err(failed)?;
        file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
        let wanted = range.end - range.start;
        let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
        file.take(wanted).read_to_end(&mut bytes).map_err(failed)?;
        // Asked afterwards: it may change while it is being read.
        if tag.is_some() && !same(self.head(path)?) {
            return Err(failed(std::io::Error::other(
                "it has changed since it was listed",
            )));
        }
        Ok(bytes.into())
    }

    /// What an object is; `None` when there is none.
    ///
    /// # Errors
    /// `Input` with the store's reason.
    pub fn head(&self, path: &Path) -> Result<Option<ObjectMeta>> {
        let read = block_on(self.objects.head(path))?;
        self.read(path, read)
    }

    /// Every object below a path, in the store's order, which is by key in buckets.
    ///
    /// # Errors
    /// `Input` with the store's reason.
    pub fn list(&self, below: &Path) -> Result<Vec<ObjectMeta>> {
        self.list_after(below, None)
    }

    /// Every object below a path whose key comes after another.
    ///
    /// # Errors
    /// `Input` with the store's reason.
    pub fn list_after(&self, below: &Path, after: Option<&Path>) -> Result<Vec<ObjectMeta>> {
        let mut tries = 1;
        loop {
            let listed = match after {
                Some(after) => self.objects.list_with_offset(Some(below), after),
                None => self.objects.list(Some(below)),
            };
            let error = match block_on(listed.try_collect::<Vec<_>>())? {
                Ok(listed) => return Ok(listed),
                Err(object_store::Error::NotFound { .. }) if self.folder.is_some() => {
                    return Ok(Vec::new());
                }
                Err(error) => error,
            };
            // The store's client does not ask again for a page of which half arrived.
            if tries >= AGAIN || failure::is_final(&error) || failure::is_busy(&error) {
                return Err(failed(
                    ErrorKind::Input,
                    &self.url_of(below),
                    "listed",
                    &error,
                ));
            }
            tries += 1;
            std::thread::sleep(PAUSE);
        }
    }

    /// Writes an object, whatever stood there.
    ///
    /// # Errors
    /// `Output` with the store's reason.
    pub fn put(&self, path: &Path, bytes: impl Into<Bytes>) -> Result<()> {
        let bytes = bytes.into();
        if let Some(file) = self.file(path) {
            return local::put(&file, &bytes).map_err(|error| self.unwritten(path, &error));
        }
        let written = block_on(self.objects.put(path, bytes.into()))?;
        written
            .map(drop)
            .map_err(|error| failed(ErrorKind::Output, &self.url_of(path), "written", &error))
    }

    /// Writes an object if there is none; says whether there was none. Of many that do this at once, one is told
    /// so. After an answer that was lost on its way, the object is read back: so no two may write the same bytes.
    ///
    /// # Errors
    /// `Output` with the store's reason.
    pub fn create(&self, path: &Path, bytes: impl Into<Bytes>) -> Result<bool> {
        let bytes = bytes.into();
        if let Some(file) = self.file(path) {
            let created = local::create(&file, &bytes);
            return created.map_err(|error| self.unwritten(path, &error));
        }
        let start = Instant::now();
        let mut tries = 0;
        loop {
            let mode = PutMode::Create.into();
            let error = match block_on(self.objects.put_opts(path, bytes.clone().into(), mode))? {
                Ok(_) => return Ok(true),
                Err(error) => error,
            };
            let told = failed(ErrorKind::Output, &self.url_of(path), "written", &error);
            if failure::is_final(&error) {
                return Err(told);
            }
            // What stands there may be ours. What does not may come, if the request is still on its way: then it
            // is found by the next try.
            match self.get(path) {
                Ok(Some(found)) => return Ok(found == bytes),
                Ok(None) => {}
                Err(_) => return Err(told),
            }
            tries += 1;
            if tries >= AGAIN || start.elapsed() > self.limits.tries || failure::is_busy(&error) {
                return Err(told);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Deletes objects; those that are not there are deleted.
    ///
    /// # Errors
    /// `Output` with the store's reason.
    pub fn delete(&self, paths: Vec<Path>) -> Result<()> {
        let objects = &self.objects;
        let delete = |path: Path| async move {
            let mut tries = 1;
            loop {
                let error = match objects.delete(&path).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => return Ok(()),
                    Err(error) => error,
                };
                if tries >= AGAIN || failure::is_final(&error) || failure::is_busy(&error) {
                    return Err((path, error));
                }
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
        };
        let deleted = block_on(
            futures::stream::iter(paths.into_iter().map(delete))
                .buffer_unordered(16)
                .try_collect::<()>(),
        )?;
        deleted.map_err(|(path, error)| {
            failed(ErrorKind::Output, &self.url_of(&path), "deleted", &error)
        })
    }

    /// Begins to write an object of any size, which appears when it is complete.
    pub fn upload(&self, path: Path) -> Upload {
        Upload::new(Arc::clone(&self.objects), path, self.clone())
    }

    /// The store, what stands before every key, and the URL of that: for a library that keeps its own objects here.
    ///
    /// # Errors
    /// `Config` when the place has no URL.
    #[cfg(feature = "delta")]
    pub(super) fn store(&self) -> Result<(Arc<dyn ObjectStore>, Path, url::Url)> {
        let url = match &self.folder {
            Some(folder) => url::Url::from_directory_path(folder).ok(),
            None => url::Url::parse(&self.root).ok().and_then(|mut url| {
                let keys = self.prefix.parts();
                let keys = keys
                    .map(|part| part.as_ref().to_owned())
                    .chain([String::new()]);
                url.path_segments_mut().ok()?.pop_if_empty().extend(keys);
                Some(url)
            }),
        };
        let url = url.ok_or_else(|| wrong(&self.root, "it has no URL"))?;
        Ok((Arc::clone(&self.objects), self.prefix.clone(), url))
    }

    fn read<T>(&self, path: &Path, read: object_store::Result<T>) -> Result<Option<T>> {
        match read {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(ErrorKind::Input, &self.url_of(path), "read", &error)),
        }
    }

    /// The file of an object, in a directory.
    fn file(&self, path: &Path) -> Option<PathBuf> {
        self.folder.as_ref()?;
        Some(std::path::Path::new("/").join(path.as_ref()))
    }

    /// Returns when an object that was written in pieces is on disk. Buckets answer only then; a directory keeps it
    /// in memory a while.
    pub(super) fn settle(&self, path: &Path) -> Result<()> {
        let Some(file) = self.file(path) else {
            return Ok(());
        };
        let synced = std::fs::File::open(&file).and_then(|file| file.sync_all());
        synced
            .and_then(|()| local::settle(&file))
            .map_err(|error| self.unwritten(path, &error))
    }

    fn unwritten(&self, path: &Path, error: &std::io::Error) -> Error {
        failure::of_file(&format!("{} cannot be written", self.url_of(path)), error)
    }
}

/// The path of a directory, unless `place` is the URL of something else.
fn folder(place: &str) -> Option<&str> {
    match place.split_once("://") {
        Some(("file", path)) => Some(path),
        Some(_) => None,
        None => Some(place),
    }
}

/// The environment's settings of stores. Stores know names like `token` and `region` too, which in an environment
/// are somebody else's.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?.to_ascii_lowercase();
        let known = VARIABLES.iter().any(|prefix| name.starts_with(prefix));
        known.then_some((name, value.into_string().ok()?))
    })
}

fn store(
    url: &url::Url,
    settings: Vec<(String, String)>,
    limits: Limits,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    use object_store::aws::AmazonS3Builder;
    use object_store::azure::MicrosoftAzureBuilder;
    use object_store::gcp::GoogleCloudStorageBuilder;
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: limits.retries,
        retry_timeout: limits.tries,
    };
    let mut client = ClientOptions::new().with_timeout(limits.answer);
    /// Every setting that the store knows; a name that it does not know belongs to someone else.
    macro_rules! built {
        ($builder:expr) => {{
            let mut builder = $builder.with_url(url.as_str()).with_retry(retry);
            for (name, value) in settings {
                let Ok(key) = name.parse() else { continue };
                // Set twice, a client's option would be lost with the client's own ones.
                match key {
                    // There is no setting of Google's own for that.
                    _ if name == "google_base_url" && value.starts_with("http://") => {
                        client = client.with_allow_http(true);
                        builder = builder.with_config(key, value);
                    }
                    _ if name.ends_with("allow_http") => {
                        client = client.with_allow_http(value == "true" || value == "1");
                    }
                    key => builder = builder.with_config(key, value),
                }
            }
            Arc::new(builder.with_client_options(client).build()?)
        }};
    }
    Ok(match url.scheme() {
        "s3" | "s3a" => built!(AmazonS3Builder::new()),
        "gs" => built!(GoogleCloudStorageBuilder::new()),
        _ => built!(MicrosoftAzureBuilder::new()),
    })
}

fn wrong(place: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("`{place}` is no place for objects"),
    )
    .because(error)
}

/// Waits for what runs on the network's threads.
///
/// # Errors
/// `Internal` when the threads cannot be started.
pub(super) fn block_on<F: Future>(work: F) -> Result<F::Output> {
    Ok(network()?.block_on(work))
}

fn network() -> Result<&'static Runtime> {
    static NETWORK: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let network = NETWORK.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("network")
            .enable_all()
            .build()
    });
    network.as_ref().map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            "the threads of the network do not start",
        )
        .because(error.to_string())
    })
}
