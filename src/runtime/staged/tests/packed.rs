//! Packed text: gzip and zstd, whole and cut.

use std::io::Write;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).expect("gzip");
    packed.finish().expect("gzip")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 3).expect("zstd")
}

fn text() -> Vec<u8> {
    let line = |number: u64| {
        format!(
            "{{\"n\":{number},\"h\":\"{:x}\"}}\n",
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        )
    };
    (0..20_000).map(line).collect::<String>().into_bytes()
}

#[test]
fn packed_lines_are_unpacked() {
    let text = text();
    let (first, second) = text.split_at(text.len() / 3);
    let plain = Staged::new("a.jsonl", &text)
        .part(&Part::Whole)
        .expect("the text")
        .1;
    for (name, bytes) in [
        ("a.jsonl.gz", gzip(&text)),
        (
            "a.jsonl.gz",
            [gzip(first), gzip(b""), gzip(second)].concat(),
        ),
        // As a store gives what was put with a content encoding.
        ("a.jsonl", gzip(&text)),
        ("a.jsonl.gz-3", gzip(&text)),
        ("a.ndjson.zst", zstd(&text)),
        ("a.json.zst", [zstd(first), zstd(second)].concat()),
    ] {
        let staged = Staged::new(name, &bytes);
        let parts = divide(&staged.bucket, &staged.object, 10).expect("parts");
        assert_eq!(parts, [Part::Whole], "{name}");
        assert_eq!(staged.part(&Part::Whole).expect(name).1, plain, "{name}");
    }
}

#[test]
fn what_was_cut_is_an_error() {
    let text = text();
    for (name, bytes) in [("a.jsonl.gz", gzip(&text)), ("a.jsonl.zst", zstd(&text))] {
        for cut in [bytes.len() - 1, bytes.len() - 9, bytes.len() / 2, 30, 10] {
            let wrong = Staged::new(name, &bytes[..cut]).wrong(None);
            assert_eq!(wrong, "is cut off", "{name} {cut}");
        }
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        let wrong = Staged::new(name, &damaged).wrong(None);
        assert!(!wrong.is_empty(), "{name}");
    }
    let trailing = [gzip(&text), b"something else behind it".to_vec()].concat();
    assert_eq!(
        Staged::new("a.jsonl.gz", &trailing).wrong(None),
        "is damaged: it cannot be unpacked"
    );
    for name in ["a.jsonl.gz", "a.csv.zst"] {
        for bytes in [&b"{}\n"[..], b""] {
            let wrong = Staged::new(name, bytes).wrong(None);
            assert!(wrong.ends_with("as its name says"), "{name}: {wrong}");
        }
    }
}
