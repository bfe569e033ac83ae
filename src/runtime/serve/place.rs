//! Places of objects, however they are spelt, and which of them are left alone.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Staged;

/// A segment of keys that only our own files have.
const OWN: &str = "_midflight";

/// A bucket with a key or a prefix. Two spellings of one place are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    store: Store,
    /// The host of the account, where the spelling has one.
    account: Option<String>,
    bucket: String,
    key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    S3,
    Google,
    Azure,
    Folder,
}

impl Place {
    /// A directory's path is a place too; a scheme that is not known gives none.
    fn parse(text: &str) -> Option<Self> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Some(Self::of(Store::Folder, None, "", text));
        };
        let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "s3" | "s3a" | "s3n" => Some(Self::of(Store::S3, None, authority, key)),
            "gs" | "gcs" => Some(Self::of(Store::Google, None, authority, key)),
            "az" | "azure" | "adl" | "abfs" | "abfss" | "wasb" | "wasbs" => {
                let (container, host) = authority.split_once('@').unwrap_or((authority, ""));
                let account = (!host.is_empty()).then_some(host);
                Some(Self::of(Store::Azure, account, container, key))
            }
            "http" | "https" => Self::of_web(text),
            "file" => Some(Self::of(Store::Folder, None, "", key)),
            _ => None,
        }
    }

    /// The web addresses by which the stores' own pages name a place.
    fn of_web(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let host = url.host_str()?;
        let path = percent_decode_str(url.path()).decode_utf8().ok()?;
        let path = path.trim_start_matches('/');
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        if host.contains(".blob.") || host.contains(".dfs.") {
            return Some(Self::of(Store::Azure, Some(host), first, rest));
        }
        if host == "storage.googleapis.com" {
            return Some(Self::of(Store::Google, None, first, rest));
        }
        let host = host.strip_suffix(".amazonaws.com")?;
        match host.find(".s3.").or_else(|| host.find(".s3-")) {
            Some(end) => Some(Self::of(Store::S3, None, &host[..end], path)),
            None => match host.strip_suffix(".s3") {
                Some(bucket) => Some(Self::of(Store::S3, None, bucket, path)),
                None => Some(Self::of(Store::S3, None, first, rest)),
            },
        }
    }

    fn of(store: Store, account: Option<&str>, bucket: &str, key: &str) -> Self {
        let segments = key.split('/').filter(|segment| !segment.is_empty());
        Self {
            store,
            account: account.map(|host| host.to_ascii_lowercase().replacen(".blob.", ".dfs.", 1)),
            bucket: bucket.to_ascii_lowercase(),
            key: segments.collect::<Vec<_>>().join("/"),
        }
    }

    /// Whether this may lie in `other` or be it: an account that a spelling leaves out is any.
    fn may_be_within(&self, other: &Self) -> bool {
        let name = |place: &Self| {
            let host = place.account.as_deref()?;
            host.split('.').next().map(str::to_owned)
        };
        let accounts = match (name(self), name(other)) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        accounts && self.is_below(other)
    }

    /// Whether this lies in `other` or is it, for sure.
    fn is_within(&self, other: &Self) -> bool {
        self.account == other.account && self.is_below(other)
    }

    fn is_below(&self, other: &Self) -> bool {
        let rest = self.key.strip_prefix(&other.key);
        let below = rest
            .is_some_and(|rest| other.key.is_empty() || rest.is_empty() || rest.starts_with('/'));
        self.store == other.store && self.bucket == other.bucket && below
    }
}

/// Which objects are processed.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    output: Vec<Place>,
    allowed: Vec<Place>,
}

/// What a [`Guard`] says about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Welcome,
    /// It is our own output: processing it would never end.
    Own(&'static str),
    /// Nobody allowed its place.
    Foreign,
}

impl Guard {
    /// Objects below `output` are our own; others must lie below one of `allowed`, unless it is empty. The result
    /// is the first place that cannot be read, if there is one.
    pub(super) fn new(output: &[String], allowed: &[String]) -> Result<Self, String> {
        let places = |texts: &[String]| -> Result<Vec<Place>, String> {
            let read = |text: &String| Place::parse(text).ok_or_else(|| text.clone());
            texts.iter().map(read).collect()
        };
        Ok(Self {
            output: places(output)?,
            allowed: places(allowed)?,
        })
    }

    pub(super) fn judge(&self, object: &Staged) -> Verdict {
        let Some(place) = Place::parse(&object.url) else {
            return Verdict::Foreign;
        };
        if place.key.split('/').any(|segment| segment == OWN) {
            return Verdict::Own("it is a file of midflight's own");
        }
        if self.output.iter().any(|output| place.may_be_within(output)) {
            return Verdict::Own("it lies below the place that is written to");
        }
        let known =
            self.allowed.is_empty() || self.allowed.iter().any(|known| place.is_within(known));
        match known {
            true => Verdict::Welcome,
            false => Verdict::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(output: &[&str], allowed: &[&str], url: &str) -> Verdict {
        let owned = |texts: &[&str]| {
            texts
                .iter()
                .map(|&text| text.to_owned())
                .collect::<Vec<_>>()
        };
        let guard = Guard::new(&owned(output), &owned(allowed)).expect("places");
        let url = url.to_owned();
        guard.judge(&Staged {
            url,
            ..Staged::default()
        })
    }

    #[test]
    fn what_is_written_is_not_read_however_it_is_spelt() {
        for (output, url) in [
            ("s3://b/clean", "s3://b/clean/x"),
            ("s3a://b/clean/", "s3://b/clean/a/x"),
            ("S3://B/clean", "s3://b/clean/x"),
            ("s3://b", "s3://b/x"),
            ("s3://b//clean", "s3://b/clean/x"),
            (
                "https://b.s3.eu-west-1.amazonaws.com/clean",
                "s3://b/clean/x",
            ),
            (
                "https://s3.eu-west-1.amazonaws.com/b/clean",
                "s3://b/clean/x",
            ),
            ("gs://b/clean", "gs://b/clean/x"),
            (
                "az://c/clean",
                "abfss://c@acct.dfs.core.windows.net/clean/x",
            ),
            (
                "abfs://c@acct.blob.core.windows.net/clean",
                "abfss://c@acct.dfs.core.windows.net/clean/x",
            ),
            (
                "https://acct.blob.core.windows.net/c/clean",
                "abfss://c@acct.dfs.core.windows.net/clean/x",
            ),
            ("/data/clean", "file:///data/clean/x"),
        ] {
            let own = matches!(judge(&[output], &[], url), Verdict::Own(_));
            assert!(own, "{output} {url}");
        }
    }

    #[test]
    fn neighbours_are_read() {
        for (output, url) in [
            ("s3://b/clean", "s3://b/cleaner/x"),
            ("s3://b/clean", "s3://c/clean/x"),
            ("s3://b/clean", "gs://b/clean/x"),
            (
                "abfss://c@one.dfs.core.windows.net/clean",
                "abfss://c@two.dfs.core.windows.net/clean/x",
            ),
            ("s3://b/clean", "s3://b/_midflight.json"),
        ] {
            assert_eq!(
                judge(&[output], &[], url),
                Verdict::Welcome,
                "{output} {url}"
            );
        }
        let own = judge(&[], &[], "s3://b/a/_midflight/log/1");
        assert!(matches!(own, Verdict::Own(_)));
    }

    #[test]
    fn only_allowed_places_are_read() {
        let allowed = ["s3://b/in", "gs://g", "abfss://c@acct.dfs.core.windows.net"];
        for (url, verdict) in [
            ("s3://b/in/x", Verdict::Welcome),
            ("gs://g/x", Verdict::Welcome),
            ("abfss://c@acct.dfs.core.windows.net/x", Verdict::Welcome),
            ("abfss://c@other.dfs.core.windows.net/x", Verdict::Foreign),
            ("abfss://c@acct.dfs.example.com/x", Verdict::Foreign),
            ("s3://b/inner/x", Verdict::Foreign),
            ("s3://other/in/x", Verdict::Foreign),
            ("ftp://b/in/x", Verdict::Foreign),
        ] {
            assert_eq!(judge(&[], &allowed, url), verdict, "{url}");
        }
        let wrong = Guard::new(&[], &["ftp://b".to_owned()]);
        assert_eq!(wrong.err().as_deref(), Some("ftp://b"));
    }
}
