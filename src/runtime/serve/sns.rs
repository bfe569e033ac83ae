//! Confirming a subscription of SNS: only at SNS itself, and only where the operator said so.

use std::time::Duration;

use reqwest::blocking::Client;
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// How long SNS may take.
const ANSWER: Duration = Duration::from_secs(10);

/// The URL, if it is one of SNS: whoever may send us a message could have us ask anywhere otherwise.
pub(super) fn of_sns(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let plain = url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let host = url.host_str()?;
    let host = host.strip_suffix(".cn").unwrap_or(host);
    let region = host.strip_prefix("sns.")?.strip_suffix(".amazonaws.com")?;
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (plain && !region.is_empty() && region.chars().all(letter)).then_some(url)
}

/// Asks for the URL. Blocks.
///
/// # Errors
/// `Input` when it cannot be reached or refuses.
pub(super) fn confirm(url: &Url) -> Result<()> {
    let failed = |error: reqwest::Error| {
        let message = "the subscription cannot be confirmed";
        Error::new(ErrorKind::Input, message).because(error.without_url())
    };
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWER)
        .build()
        .map_err(failed)?;
    let answer = client.get(url.clone()).send().map_err(failed)?;
    match answer.status().is_success() {
        true => Ok(()),
        false => {
            let message = format!("the subscription cannot be confirmed: {}", answer.status());
            Err(Error::new(ErrorKind::Input, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_addresses_of_sns_are_asked() {
        for good in [
            "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
            "https://sns.cn-north-1.amazonaws.com.cn/?Action=ConfirmSubscription",
        ] {
            assert!(of_sns(good).is_some(), "{good}");
        }
        for bad in [
            "http://sns.eu-west-1.amazonaws.com/",
            "https://sns.eu-west-1.amazonaws.com:8443/",
            "https://a@sns.eu-west-1.amazonaws.com/",
            "https://sns.eu-west-1.amazonaws.com.example.com/",
            "https://sns.x.s3.amazonaws.com/",
            "https://sns..amazonaws.com/",
            "https://sns.amazonaws.com/",
            "https://evil-sns.eu-west-1.amazonaws.com/",
            "https://169.254.169.254/",
            "sns.eu-west-1.amazonaws.com",
        ] {
            assert!(of_sns(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!(
            "http://{}/?Token=1",
            listener.local_addr().expect("an address")
        );
        let server = std::thread::spawn(move || {
            for status in ["200 OK", "403 Forbidden"] {
                let (mut stream, _) = listener.accept().expect("a connection");
                let _ = stream.read(&mut [0; 1024]).expect("a request");
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
                .expect("an answer");
            }
        });
        let url = Url::parse(&url).expect("a URL");
        assert!(confirm(&url).is_ok());
        let told = confirm(&url).expect_err("refused").to_string();
        assert!(told.contains("403") && !told.contains("Token"), "{told}");
        server.join().expect("it ends");
    }
}
