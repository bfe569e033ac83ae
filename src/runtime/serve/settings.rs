//! How a server runs, and what it takes from its surroundings: where to listen, which configuration.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use super::auth::Secret;
use super::place::Guard;
use super::pool::Size;
use crate::error::{Error, ErrorKind, Result};

/// The settings of a server; of those, an invocation of Lambda needs no secret and no limits of HTTP.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What senders must know.
    pub secret: Option<Secret>,
    /// Whether anybody may send events, though others than this machine can reach the server.
    pub open: bool,
    /// Whether a subscription of SNS is confirmed.
    pub confirm_sns: bool,
    /// The places that are written to: objects below them are not processed.
    pub output: Vec<String>,
    /// The places whose objects are processed; all, if none is named.
    pub allow: Vec<String>,
    /// Threads that process objects; 0 is one for each core.
    pub workers: usize,
    /// Objects that may wait for a thread.
    pub queue: usize,
    /// How long a request may last before it is answered though work goes on.
    pub answer_within: Duration,
    /// How long work may go on once the server is to stop.
    pub stop_within: Duration,
    /// What must be left of an invocation's time for an object to be begun.
    pub margin: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            secret: None,
            open: false,
            confirm_sns: false,
            output: Vec::new(),
            allow: Vec::new(),
            workers: 0,
            queue: 64,
            // Senders wait ten minutes at most.
            answer_within: Duration::from_secs(9 * 60),
            // Cloud Run kills after ten seconds, and the answers must be out before.
            stop_within: Duration::from_secs(9),
            margin: Duration::from_secs(10),
        }
    }
}

impl Settings {
    /// Which objects are processed.
    ///
    /// # Errors
    /// `Config` when a place is no URL of a store.
    pub(super) fn guard(&self) -> Result<Guard> {
        Guard::new(&self.output, &self.allow).map_err(|place| {
            let message = format!("`{place}` is no place for objects");
            Error::new(ErrorKind::Config, message)
        })
    }

    pub(super) fn size(&self) -> Size {
        Size {
            workers: crate::runtime::threads(self.workers),
            queue: self.queue,
        }
    }

    /// Whether it is safe to listen there.
    ///
    /// # Errors
    /// `Usage` when others could reach a server that asks for no secret.
    pub fn safe_at(&self, address: SocketAddr) -> Result<()> {
        if self.secret.is_some() || self.open || address.ip().is_loopback() {
            return Ok(());
        }
        let message = format!("{address} can be reached by others, and no secret is set");
        Err(Error::new(ErrorKind::Usage, message).hint(
            "give --secret-env or --secret-file, or --no-auth where something in front asks who is there",
        ))
    }
}

/// Where to listen: `asked` for, or where the platform that started us sends its requests, or this machine alone.
///
/// # Errors
/// `Usage` when an address or a port is none.
pub fn listen(
    asked: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<SocketAddr> {
    if let Some(text) = asked {
        let text = text.replace("localhost:", "127.0.0.1:");
        return text.parse().map_err(|_| {
            Error::new(ErrorKind::Usage, format!("`{text}` is no address"))
                .hint("as in 127.0.0.1:8080 or [::1]:8080")
        });
    }
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
    // Azure Functions asks its handler on the same machine, Cloud Run from outside.
    for (name, ip) in [("FUNCTIONS_CUSTOMHANDLER_PORT", own), ("PORT", any)] {
        if let Some(port) = variable(name) {
            let port = port.parse().map_err(|_| {
                let message = format!("the environment variable `{name}` holds no port");
                Error::new(ErrorKind::Usage, message)
            })?;
            return Ok(SocketAddr::new(ip, port));
        }
    }
    Ok(SocketAddr::new(own, 8080))
}

/// A listener at this address, if it is safe to listen there.
///
/// # Errors
/// `Usage` when it is not, `Input` when the address is taken.
pub fn listener(settings: &Settings, address: SocketAddr) -> Result<TcpListener> {
    settings.safe_at(address)?;
    TcpListener::bind(address).map_err(|error| {
        Error::new(ErrorKind::Input, format!("{address} cannot be listened on")).because(error)
    })
}

/// Where the configuration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configuration {
    /// Nowhere: the default one.
    Default,
    File(PathBuf),
    /// Here, as YAML.
    Text(String),
}

/// The configuration that is `named`, or that the environment names with `MIDFLIGHT_CONFIG` (a path) or holds in
/// `MIDFLIGHT_CONFIG_YAML`.
///
/// # Errors
/// `Usage` when the environment has both.
pub fn configuration(
    named: Option<PathBuf>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Configuration> {
    if let Some(path) = named {
        return Ok(Configuration::File(path));
    }
    let given = |name| variable(name).filter(|text| !text.trim().is_empty());
    match (given("MIDFLIGHT_CONFIG"), given("MIDFLIGHT_CONFIG_YAML")) {
        (None, None) => Ok(Configuration::Default),
        (Some(path), None) => Ok(Configuration::File(path.into())),
        (None, Some(text)) => Ok(Configuration::Text(text)),
        (Some(_), Some(_)) => Err(Error::new(
            ErrorKind::Usage,
            "both MIDFLIGHT_CONFIG and MIDFLIGHT_CONFIG_YAML are set",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn the_platform_says_where_to_listen() {
        for (asked, variables, address) in [
            (None, &[][..], Some("127.0.0.1:8080")),
            (None, &[("PORT", "9000")], Some("0.0.0.0:9000")),
            (
                None,
                &[("PORT", "9000"), ("FUNCTIONS_CUSTOMHANDLER_PORT", "7071")],
                Some("127.0.0.1:7071"),
            ),
            (Some("[::1]:80"), &[("PORT", "9000")], Some("[::1]:80")),
            (Some("localhost:81"), &[], Some("127.0.0.1:81")),
            (Some("nowhere"), &[], None),
            (None, &[("PORT", "many")], None),
        ] {
            let found = listen(asked, &of(variables)).ok();
            let address = address.map(|text| text.parse().expect("an address"));
            assert_eq!(found, address, "{asked:?} {variables:?}");
        }
    }

    #[test]
    fn others_must_know_a_secret() {
        let mut settings = Settings::default();
        let (own, any) = ("127.0.0.1:1", "0.0.0.0:1");
        let safe = |settings: &Settings, at: &str| {
            settings.safe_at(at.parse().expect("an address")).is_ok()
        };
        assert!(safe(&settings, own) && safe(&settings, "[::1]:1"));
        assert!(!safe(&settings, any) && !safe(&settings, "[::]:1"));
        settings.open = true;
        assert!(safe(&settings, any));
        settings.open = false;
        settings.secret = Secret::new("correct horse battery", "a test").ok();
        assert!(safe(&settings, any));
    }

    #[test]
    fn a_configuration_is_named_or_in_the_environment() {
        let file = |path: &str| Some(Configuration::File(path.into()));
        let (path, yaml) = (
            ("MIDFLIGHT_CONFIG", "/a"),
            ("MIDFLIGHT_CONFIG_YAML", "version: 1"),
        );
        for (named, variables, found) in [
            (Some("/b"), &[path][..], file("/b")),
            (None, &[path], file("/a")),
            (
                None,
                &[yaml],
                Some(Configuration::Text("version: 1".to_owned())),
            ),
            (None, &[], Some(Configuration::Default)),
            (
                None,
                &[("MIDFLIGHT_CONFIG", "")],
                Some(Configuration::Default),
            ),
            (None, &[path, yaml], None),
        ] {
            let got = configuration(named.map(PathBuf::from), &of(variables)).ok();
            assert_eq!(got, found, "{named:?} {variables:?}");
        }
    }
}
