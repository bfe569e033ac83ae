//! The ways an event can go: to a server, into a file, to stderr, or several of them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::append;
use crate::runtime::address::Address;
use crate::runtime::http::{Http, Patience, Payload};

/// Bytes of an answer that are read; what a server says about success is not looked at.
const ANSWER_BYTES: u64 = 1 << 20;

/// What a server is called in messages.
const SERVER: &str = "the lineage server";

/// Where events go, as configured.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Transport {
    Http(Server),
    File(Target),
    Console,
    Several(Several),
}

/// A server.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Server {
    pub address: Address,
    pub key: Option<Key>,
    /// Names and values.
    pub headers: Vec<(String, Key)>,
    pub gzip: bool,
    pub timeout: Duration,
    /// How often an event is sent again, and the wait before the first time.
    pub retries: u32,
    pub wait: Duration,
}

/// A secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key(pub String);

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Key")
    }
}

/// A file: one for all events, or one for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub path: PathBuf,
    pub append: bool,
}

/// Several ways, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Several {
    pub all: Vec<Transport>,
    pub continue_on_failure: bool,
    pub continue_on_success: bool,
}

impl Transport {
    /// What it is called in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Http(server) => format!("{SERVER} {}", server.address.url()),
            Self::File(target) => target.path.display().to_string(),
            Self::Console => "stderr".to_owned(),
            Self::Several(several) => {
                let names: Vec<_> = several.all.iter().map(Self::name).collect();
                names.join(" and ")
            }
        }
    }

    /// Makes ready what sends.
    pub fn open(self) -> Opened {
        match self {
            Self::Http(server) => match server.client() {
                Ok(http) => Opened::Http {
                    tries: server.retries + 1,
                    gzip: server.gzip,
                    http,
                },
                Err(note) => Opened::Broken(note),
            },
            Self::File(target) => Opened::File(target),
            Self::Console => Opened::Console,
            Self::Several(several) => Opened::Several {
                all: several.all.into_iter().map(Self::open).collect(),
                continue_on_failure: several.continue_on_failure,
                continue_on_success: several.continue_on_success,
            },
        }
    }
}

impl Server {
    fn client(&self) -> Result<Http, String> {
        let mut headers = HeaderMap::new();
        let bearer = self.key.as_ref().map(|key| format!("Bearer {}", key.0));
        let basic = self.address.credentials();
        let mut put = |name: &str, value: &str| {
            let name = HeaderName::try_from(name).ok()?;
            let mut value = HeaderValue::from_str(value).ok()?;
            value.set_sensitive(true);
            headers.insert(name, value);
            Some(())
        };
        if let Some(value) = bearer.or(basic) {
            put(AUTHORIZATION.as_str(), &value)
                .ok_or("lineage: the API key has characters that no header can hold")?;
        }
        for (name, value) in &self.headers {
            put(name, &value.0).ok_or_else(|| {
                format!("lineage: the header `{name}` or its value is none; nothing is sent")
            })?;
        }
        let patience = Patience {
            tries: self.retries + 1,
            wait: self.wait,
            wait_max: Duration::from_secs(10),
            timeout: self.timeout,
        };
        Http::with_headers(SERVER, &self.address.url(), headers, patience)
            .map_err(|error| format!("lineage: {error}"))
    }
}

/// What sends.
#[derive(Debug)]
pub(super) enum Opened {
    Http {
        gzip: bool,
        tries: u32,
        http: Http,
    },
    File(Target),
    Console,
    Several {
        all: Vec<Opened>,
        continue_on_failure: bool,
        continue_on_success: bool,
    },
    /// Why nothing is sent.
    Broken(String),
}

impl Opened {
    /// Sends an event, and gives what went wrong.
    pub fn send(&mut self, event: &str) -> Vec<String> {
        let failed = match self {
            Self::Http { gzip, tries, http } => {
                let payload = Payload::json(event.as_bytes().to_vec());
                let payload = match *gzip {
                    true => payload.zipped(),
                    false => payload,
                };
                match http.send("", &payload, ANSWER_BYTES) {
                    Ok(_) => {
                        http.trying(*tries);
                        None
                    }
                    Err(refused) => {
                        // It was waited for long enough; the next event is tried once.
                        if refused.status.is_none() {
                            http.trying(1);
                        }
                        Some(format!("lineage: {}", refused.error))
                    }
                }
            }
            Self::File(target) => target.write(event),
            Self::Console => {
                // Nobody needs to hear of it where stderr is closed.
                let _ = writeln!(std::io::stderr(), "{event}");
                None
            }
            Self::Several {
                all,
                continue_on_failure,
                continue_on_success,
            } => {
                let mut notes = Vec::new();
                for one in all {
                    let failed = one.send(event);
                    let over = match failed.is_empty() {
                        true => !*continue_on_success,
                        false => !*continue_on_failure,
                    };
                    notes.extend(failed);
                    if over {
                        break;
                    }
                }
                return notes;
            }
            Self::Broken(note) => Some(note.clone()),
        };
        failed.into_iter().collect()
    }
}

impl Target {
    fn write(&self, event: &str) -> Option<String> {
        let file = match self.append {
            true => self.path.clone(),
            false => {
                let now = Utc::now().format("%Y%m%d-%H%M%S.%6f");
                Path::new(&format!("{}-{now}.json", self.path.display())).to_owned()
            }
        };
        let failed = append(&file, event).err()?;
        Some(format!("lineage: {failed}"))
    }
}
