//! Azure's own emulator from npm, kept below the target directory.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::cloud::{Cloud, PATIENCE, course, destination};

const PACKAGE: &str = "azurite@3.37.0";

/// The account and the key that every emulator has.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A server that ends with the test.
pub struct Azurite {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Azurite {
    /// An emulator with the containers `raw` and `clean`.
    pub fn start() -> Self {
        let program = installed();
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = port.local_addr().expect("an address");
        drop(port);
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("node");
        command.arg(program).args([
            "--silent",
            "--skipApiVersionCheck",
            "--disableTelemetry",
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
        ]);
        command
            .arg(address.port().to_string())
            .arg("-l")
            .arg(folder.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let azurite = Self {
            child: child.expect("a server"),
            address: address.to_string(),
            _folder: folder,
        };
        let start = Instant::now();
        while TcpStream::connect(&azurite.address).is_err() {
            assert!(start.elapsed() < PATIENCE, "azurite does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        azurite.create("raw");
        azurite.create("clean");
        azurite
    }

    pub fn blob(&self, key: &str) -> String {
        format!("http://{}/{ACCOUNT}/{key}", self.address)
    }

    /// The test has the account and the address, the program is told that there is an emulator.
    pub fn cloud(&self) -> Cloud {
        let endpoint = format!("http://{}/{ACCOUNT}", self.address);
        let options = [
            ("azure_storage_account_name", ACCOUNT),
            ("azure_storage_account_key", KEY),
            ("azure_storage_endpoint", &endpoint),
            ("azure_allow_http", "true"),
        ];
        let mut cloud = Cloud::of("az", &options);
        cloud.environment = vec![
            ("AZURE_STORAGE_USE_EMULATOR".to_owned(), "true".to_owned()),
            (
                "AZURITE_BLOB_STORAGE_URL".to_owned(),
                format!("http://{}", self.address),
            ),
        ];
        cloud
    }

    fn create(&self, container: &str) {
        let date = chrono::Utc::now()
            .format("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        let version = "2021-08-06";
        let resource = format!("/{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container");
        let signed = format!(
            "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{version}\n{resource}"
        );
        let key = base64(KEY);
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).expect("a key");
        mac.update(signed.as_bytes());
        let signature = to_base64(&mac.finalize().into_bytes());
        let client = reqwest::blocking::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let answer = client
            .put(format!("{}?restype=container", self.blob(container)))
            .header("x-ms-date", date)
            .header("x-ms-version", version)
            .header("content-length", "0")
            .header("authorization", format!("SharedKey {ACCOUNT}:{signature}"))
            .send()
            .expect("an answer");
        let status = answer.status();
        assert!(
            status.is_success(),
            "{status} {}",
            answer.text().unwrap_or_default()
        );
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The emulator's script; the package is installed at most once.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm");
    std::fs::create_dir_all(&folder).expect("a folder");
    let making = File::create(folder.join("lock")).expect("a lock");
    making.lock().expect("a lock");
    let (note, script) = (
        folder.join("installed.txt"),
        folder.join("node_modules/azurite/dist/src/blob/main.js"),
    );
    if std::fs::read_to_string(&note).ok().as_deref() != Some(PACKAGE) {
        let mut command = Command::new("npm");
        command.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel",
            "error",
            "--prefix",
        ]);
        let made = command
            .arg(&folder)
            .arg(PACKAGE)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "npm cannot install {PACKAGE}; these tests need Node and its registry, `-- --skip real::` leaves them out"
        );
        std::fs::write(&note, PACKAGE).expect("a note of what is installed");
    }
    script
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0, 0_u32, Vec::new());
    for letter in text.trim_end_matches('=').bytes() {
        let value = LETTERS
            .iter()
            .position(|known| *known == letter)
            .expect("base64");
        held = (held << 6 | value as u32) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}

fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |place: usize| u32::from(three.get(place).copied().unwrap_or_default());
        let held = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            match place <= three.len() {
                true => text.push(LETTERS[(held >> (18 - 6 * place) & 63) as usize] as char),
                false => text.push('='),
            }
        }
    }
    text
}

#[test]
fn a_batch_between_containers_of_azure_is_gone_on_with() {
    course(&Azurite::start().cloud());
}

#[test]
fn a_destination_in_a_container_of_azure() {
    destination(&Azurite::start().cloud());
}
