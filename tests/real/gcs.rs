//! What Google Cloud Storage's XML API is to its clients, as far as ours uses it, in memory on a port of this
//! machine. No package offers one.

use std::collections::{BTreeMap, HashMap};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use super::cloud::{Cloud, course, destination};

/// A server that lives as long as the tests.
pub struct Google(Arc<Mutex<Store>>, String);

#[derive(Default)]
struct Store {
    /// By bucket and key.
    objects: BTreeMap<String, Object>,
    uploads: HashMap<String, BTreeMap<u32, Bytes>>,
    generation: u64,
    /// Methods and paths, as they were asked for.
    asked: Vec<String>,
    /// Objects that were put together from pieces.
    composed: usize,
}

#[derive(Clone)]
struct Object {
    bytes: Bytes,
    generation: u64,
}

impl Object {
    fn tag(&self) -> String {
        format!("\"g{}\"", self.generation)
    }
}

impl Google {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let store = Arc::new(Mutex::new(Store::default()));
        let routes = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&store));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build();
            runtime.expect("threads").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a port");
                axum::serve(listener, routes).await
            })
        });
        Self(store, url)
    }

    pub fn cloud(&self) -> Cloud {
        let key = r#"{"private_key": "", "private_key_id": "", "client_email": "", "disable_oauth": true}"#;
        let options = [
            ("google_base_url", self.1.as_str()),
            ("google_service_account_key", key),
        ];
        Cloud::of("gs", &options)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().expect("no panic")
    }

    /// The generation of an object.
    pub fn generation(&self, key: &str) -> u64 {
        self.store().objects[key].generation
    }
}

async fn answer(State(store): State<Arc<Mutex<Store>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 30).await.expect("a body");
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    let key = path.trim_start_matches('/').to_owned();
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let query: HashMap<String, String> = query.into_owned().collect();
    let mut store = store.lock().expect("no panic");
    store.asked.push(format!("{} {key}", parts.method));
    let upload = query.get("uploadId").map(String::as_str);
    match (parts.method, upload) {
        (Method::GET, None) if !key.contains('/') => store.list(&key, &query),
        (Method::GET, None) => store.get(&key, &parts.headers, true),
        (Method::HEAD, None) => store.get(&key, &parts.headers, false),
        // Copies are never asked for: the client gets their conditions wrong.
        (Method::PUT, None) if !parts.headers.contains_key("x-goog-copy-source") => {
            store.put(key, body, &parts.headers)
        }
        (Method::DELETE, None) => match store.objects.remove(&key) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        (Method::POST, None) if query.contains_key("uploads") => {
            store.generation += 1;
            let id = format!("u{}", store.generation);
            store.uploads.insert(id.clone(), BTreeMap::new());
            format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>").into_response()
        }
        (method, Some(id)) => store.piece(&method, key, id, &query, body, &parts.headers),
        _ => StatusCode::NOT_IMPLEMENTED.into_response(),
    }
}

impl Store {
    fn put(&mut self, key: String, bytes: Bytes, headers: &HeaderMap) -> Response {
        let present = self.objects.get(&key).map_or(0, |object| object.generation);
        let wanted = headers.get("x-goog-if-generation-match");
        if wanted.is_some_and(|wanted| *wanted != *present.to_string()) {
            return StatusCode::PRECONDITION_FAILED.into_response();
        }
        self.generation += 1;
        let generation = self.generation;
        let object = Object { bytes, generation };
        let tag = object.tag();
        self.objects.insert(key, object);
        let told = [
            ("etag", tag.clone()),
            ("x-goog-generation", generation.to_string()),
        ];
        let tag = tag.replace('"', "&quot;");
        let body = format!(
            "<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>"
        );
        (told, body).into_response()
    }

    fn get(&self, key: &str, headers: &HeaderMap, with_body: bool) -> Response {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(object) = self.objects.get(key) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        if text("if-match").is_some_and(|tag| tag != object.tag()) {
            return StatusCode::PRECONDITION_FAILED.into_response();
        }
        let whole = object.bytes.len();
        let (mut from, mut to, mut status) = (0, whole, StatusCode::OK);
        if let Some(range) = text("range") {
            let (first, last) = range
                .strip_prefix("bytes=")
                .and_then(|range| range.split_once('-'))
                .expect("a range");
            from = first.parse().expect("no suffix is asked for");
            if !last.is_empty() {
                to = whole.min(last.parse::<usize>().expect("a number") + 1);
            }
            status = StatusCode::PARTIAL_CONTENT;
        }
        if from > to || (from >= whole && status == StatusCode::PARTIAL_CONTENT) {
            return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
        }
        let mut answer = Response::builder()
            .status(status)
            .header("etag", object.tag())
            .header("x-goog-generation", object.generation)
            .header("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT")
            .header("content-length", to - from);
        if status == StatusCode::PARTIAL_CONTENT {
            answer = answer.header("content-range", format!("bytes {from}-{}/{whole}", to - 1));
        }
        let body = match with_body {
            true => Body::from(object.bytes.slice(from..to)),
            false => Body::empty(),
        };
        answer.body(body).expect("an answer")
    }

    /// A thousand keys at most, of a prefix and behind a token.
    fn list(&self, bucket: &str, query: &HashMap<String, String>) -> Response {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
        let of = |name: &str| query.get(name).map_or("", String::as_str);
        let after = match of("continuation-token") {
            "" => of("start-after"),
            token => token,
        };
        let (prefix, after) = (
            format!("{bucket}/{}", of("prefix")),
            format!("{bucket}/{after}"),
        );
        let (mut listed, mut last) = (String::new(), "");
        let mut found = self
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix) && **key > after);
        for (key, object) in found.by_ref().take(1000) {
            last = &key[bucket.len() + 1..];
            listed.push_str(&format!(
                "<Contents><Key>{}</Key><Size>{}</Size><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>{}</ETag></Contents>",
                escaped(last), object.bytes.len(), object.tag().replace('"', "&quot;"),
            ));
        }
        if found.next().is_some() {
            listed.push_str(&format!(
                "<NextContinuationToken>{}</NextContinuationToken>",
                escaped(last)
            ));
        }
        format!("<?xml version=\"1.0\"?><ListBucketResult>{listed}</ListBucketResult>")
            .into_response()
    }

    fn piece(
        &mut self,
        method: &Method,
        key: String,
        id: &str,
        query: &HashMap<String, String>,
        body: Bytes,
        headers: &HeaderMap,
    ) -> Response {
        let Some(pieces) = self.uploads.get_mut(id) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        match *method {
            Method::PUT => {
                let number = query["partNumber"].parse().expect("a number");
                pieces.insert(number, body);
                [("etag", format!("\"p{number}\""))].into_response()
            }
            Method::POST => {
                let whole: Vec<u8> = pieces.values().flatten().copied().collect();
                self.uploads.remove(id);
                self.composed += 1;
                self.put(key, whole.into(), headers)
            }
            _ => {
                self.uploads.remove(id);
                StatusCode::NO_CONTENT.into_response()
            }
        }
    }
}

#[test]
fn a_batch_between_buckets_of_google_is_gone_on_with() {
    let google = Google::start();
    let cloud = google.cloud();
    course(&cloud);
    let before = google.store().asked.len();
    let folder = tempfile::tempdir().expect("a folder");
    let further = ["--share-bytes", "100000"];
    let ended = cloud.batch("clean/stage", folder.path(), &further).run("");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let store = google.store();
    let asked = store.asked[before..].iter();
    let read: Vec<&String> = asked
        .filter(|asked| asked.starts_with("GET raw/"))
        .collect();
    // The columns are told by the first object; whether the large one is packed, by its first bytes.
    let looked_at = [
        "GET raw/airbyte/users/00 +ü.jsonl",
        "GET raw/airbyte/users/large.jsonl",
    ];
    assert_eq!(read, looked_at, "nothing that was done is read again");
}

#[test]
fn a_destination_in_a_bucket_of_google() {
    let google = Google::start();
    destination(&google.cloud());
    assert!(google.store().composed > 0);
    assert!(google.store().uploads.is_empty());
}
