//! The configuration that Airbyte keeps for the destination.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::runtime::bucket::Bucket;
use crate::runtime::kept::{self, Secret};

/// What the user filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the stage lies.
    pub stage: String,
    /// The configuration of midflight, as YAML text; without it, personal data is redacted wherever it is found.
    #[serde(default)]
    pub config: Option<String>,
    /// Settings of the store, by the names that its tools use.
    #[serde(default)]
    pub store: Store,
    /// Variables that the configuration's `keys` name.
    #[serde(default)]
    pub secrets: Vec<Secret>,
}

/// Where a bucket's keys and addresses come from.
#[derive(Debug, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Store {
    /// A directory, or what the environment says.
    #[default]
    Environment,
    S3 {
        #[serde(default)]
        access_key_id: Option<String>,
        #[serde(default)]
        secret_access_key: Option<String>,
        #[serde(default)]
        session_token: Option<String>,
        #[serde(default)]
        region: Option<String>,
        #[serde(default)]
        endpoint: Option<String>,
        #[serde(default)]
        allow_http: bool,
    },
    Gcs {
        service_account_key: String,
        #[serde(default)]
        endpoint: Option<String>,
    },
    Azure {
        account_name: String,
        #[serde(default)]
        access_key: Option<String>,
        #[serde(default)]
        sas_token: Option<String>,
        #[serde(default)]
        endpoint: Option<String>,
        #[serde(default)]
        allow_http: bool,
    },
}

impl Settings {
    /// Reads the file that Airbyte gives.
    ///
    /// # Errors
    /// `Config` when it cannot be read or says what is not known.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |what: &str| {
            Error::new(ErrorKind::Config, format!("{} {what}", path.display()))
                .hint("`midflight destination spec` prints what it may hold")
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong("cannot be read").because(error))?;
        kept::parse(&text).map_err(|what| wrong(&what))
    }

    /// Opens the place of the stage.
    ///
    /// # Errors
    /// `Config` when it is none.
    pub fn bucket(&self) -> Result<Bucket> {
        Bucket::open(&self.stage, &self.store.options())
    }

    /// The variables of the secrets.
    pub fn variables(&self) -> BTreeMap<String, String> {
        kept::variables(&self.secrets)
    }
}

impl Store {
    fn options(&self) -> BTreeMap<String, String> {
        let given: Vec<(&str, Option<String>)> = match self {
            Self::Environment => Vec::new(),
            Self::S3 {
                access_key_id,
                secret_access_key,
                session_token,
                region,
                endpoint,
                allow_http,
            } => vec![
                ("aws_access_key_id", access_key_id.clone()),
                ("aws_secret_access_key", secret_access_key.clone()),
                ("aws_session_token", session_token.clone()),
                ("aws_region", region.clone()),
                ("aws_endpoint", endpoint.clone()),
                ("aws_allow_http", Some(allow_http.to_string())),
            ],
            Self::Gcs {
                service_account_key,
                endpoint,
            } => vec![
                (
                    "google_service_account_key",
                    Some(service_account_key.clone()),
                ),
                ("google_base_url", endpoint.clone()),
            ],
            Self::Azure {
                account_name,
                access_key,
                sas_token,
                endpoint,
                allow_http,
            } => vec![
                ("azure_storage_account_name", Some(account_name.clone())),
                ("azure_storage_account_key", access_key.clone()),
                ("azure_storage_sas_key", sas_token.clone()),
                ("azure_storage_endpoint", endpoint.clone()),
                ("azure_allow_http", Some(allow_http.to_string())),
            ],
        };
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        given.filter(|(_, value)| !value.is_empty()).collect()
    }
}
