//! The input of every benchmark: the same bytes on every machine, made once by `gen_messages.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::buffer::Buffer;
use midflight::decode::Chunk;
use midflight::plan::Plan;
use midflight::protocol::scan::PADDING;
use midflight::runtime::{Files, load};

const SEED: &str = "7";
const MEGABYTES: &str = "16";
/// What the program takes at once.
const CHUNK_BYTES: usize = 192 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

/// 16 MB of messages of three streams.
///
/// # Panics
/// When they are not there yet and `python3` cannot make them.
pub fn messages() -> Vec<u8> {
    let directory = folder().with_file_name("target").join("bench-data");
    let path = directory.join(format!("m{MEGABYTES}.jsonl"));
    if !path.exists() {
        std::fs::create_dir_all(&directory).expect("a folder for the data");
        // Under another name first, so that a run cut short leaves nothing that looks whole.
        let unfinished = path.with_extension(std::process::id().to_string());
        let made = Command::new("python3")
            .arg(folder().join("gen_messages.py"))
            .args(["--seed", SEED, "--mb", MEGABYTES, "--out"])
            .arg(&unfinished)
            .status()
            .expect("python3, to make the data");
        assert!(made.success(), "gen_messages.py failed");
        std::fs::rename(&unfinished, &path).expect("the data in its place");
    }
    std::fs::read(path).expect("the data")
}

/// Cuts messages into chunks of the size the program works on.
#[allow(dead_code, reason = "each benchmark binary uses a part of this module")]
pub fn chunks(messages: &[u8]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut rest = messages;
    while !rest.is_empty() {
        let most = &rest[..rest.len().min(CHUNK_BYTES)];
        let len = memchr::memrchr(b'\n', most).expect("lines shorter than a chunk") + 1;
        let mut bytes = rest[..len].to_vec();
        bytes.resize(len + PADDING, b'\n');
        chunks.push(Chunk {
            bytes: Buffer::from_vec(bytes),
            len,
            number: chunks.len() as u64,
            offset: 0,
        });
        rest = &rest[len..];
    }
    chunks
}

/// The plan of `configs/NAME.yaml`, or the default plan.
pub fn plan(config: Option<&str>) -> Plan {
    let files = Files {
        config: config.map(|name| folder().join("configs").join(name).with_extension("yaml")),
        catalog: Some(folder().join("gen_catalog.json")),
        ..Files::default()
    };
    load(&files).expect("a sound configuration")
}
