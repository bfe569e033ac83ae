//! Texts as they stand in records, with and without personal data, run through all recognisers.

use super::{Detector, FINDINGS_MAX, Finding, Library, kind_of_name};

fn detector() -> Detector {
    let library = Library::builtin().expect("the built-in files are whole");
    Detector::compile(library, &[], &|_| true).expect("the patterns fit")
}

fn found(detector: &Detector, column: &str, text: &str) -> Vec<Finding> {
    let (column, mut scratch, mut found) = (
        detector.column("stream", column),
        detector.scratch(),
        Vec::new(),
    );
    detector.find(text, &column, &mut scratch, &mut found);
    if !found.is_empty() {
        assert!(
            detector.may_contain(text.as_bytes(), &column),
            "the gate refuses `{text}`"
        );
    }
    found
}

/// Values that are nobody's data, by the column they stand in.
const CLEAN: &[(&str, &[&str])] = &[
    (
        "body",
        &[
            "",
            " ",
            "open",
            "USD",
            "en_US",
            "true",
            "null",
            "N/A",
            "v1.2",
            "42",
            "3606.50",
            "-17.25",
            "1e-9",
            "100%",
            "19.99",
            "$1,234,567.89",
            "€ 12.50",
            "1 234 567",
            "12/24",
            "3/4",
            "0.5",
            "007",
            "1,000,000",
            "50,000.00 EUR",
            "2024-01-31",
            "2021-01-01T01:44:53.040Z",
            "2014-11-11T22:50:40.719+00:00",
            "2024-01-31 10:20:30 UTC",
            "20240131",
            "2024/01/31",
            "31.01.2024",
            "01/31/2024",
            "10:20:30",
            "10:20",
            "2024-W05",
            "Q3 2024",
            "FY2024-25",
            "1700000000",
            "1700000000123",
            "1700000000123456",
            "09cbf9f1-e369-41ec-a232-6a5797962127",
            "09cbf9f1e36941eca2326a5797962127",
            "d41d8cd98f00b204e9800998ecf8427e",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "690cce2",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "version 1.2.3",
            "1.2.3-beta.4+build.5",
            "v10.0.19041.1",
            "Chrome/120.0.0.0",
            "libssl 3.0.11-1",
            "ES2022",
            "H.264",
            "ORD-2024-000123",
            "INV-00012345",
            "PO 4500012345",
            "SKU 123-456-789",
            "A-1234-5678",
            "order 100200300400",
            "#123456789",
            "ticket #48213",
            "PROJ-1234",
            "ISBN 978-3-16-148410-0",
            "9780306406157",
            "4006381333931",
            "1Z999AA10123456784",
            "tracking 9400 1000 0000 0000 0000 00",
            "12345678901",
            "123456789",
            "1234567890",
            "000000000000",
            "1, 2, 3, 4, 5, 6, 7, 8, 9",
            "{\"k\": [1, 2]}",
            "[10, 20, 30]",
            "x=1;y=2;z=3",
            "a:1 b:2 c:3",
            "12x34x56",
            "1920x1080",
            "16:9",
            "300dpi",
            "64-bit",
            "10 GB",
            "5.5 kg",
            "-33.8688, 151.2093",
            "48.8566,2.3522",
            "90 km/h",
            "20°C",
            "#ff8800",
            "rgb(255, 136, 0)",
            "0xdeadbeef",
            "0x1F",
            "0b101",
            "1e10",
            "NaN",
            "https://example.com/a/b?id=123&x=4",
            "http://localhost:8080/path",
            "/var/log/app-2024.log",
            "C:\\temp\\file1.txt",
            "s3://bucket/key/2024/01/31/part-00000.parquet",
            "image@2x.png",
            "@handle",
            "#hashtag",
            "npm i @scope/name@1.2.3",
            "git@v2",
            "user@localhost",
            "5 @ 2.50",
            "std::vec::Vec",
            "a::b::c",
            "fe80::",
            "::1",
            "127.0.0.1",
            "0.0.0.0",
            "255.255.255.0",
            "1.2.3",
            "1.2.3.4.5",
            "section 1.2.3.4",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
            "application/json; charset=utf-8",
            "Basic plan",
            "Bearer of news",
            "basic understanding",
            "eyJ",
            "sk-learn",
            "the token expired",
            "password reset sent",
            "call me maybe",
            "phone broken",
            "the card was declined",
            "the order of 3 items arrived 2 days late",
            "Room 101, floor 3",
            "Chapter 12, page 345",
            "We waited 20 minutes on the road",
            "about 3 out of 10 places",
            "via 3 hops",
            "Rate it 5 stars",
            "In 2023 we grew 12.5% to 1,234 customers",
            "from 10 to 20",
            "1st, 2nd and 3rd place",
            "Version 2.10 of 12 March",
            "born to run",
            "the 4 of us met at 8",
            "10 years, 3 months",
            "RFC 2119",
            "ISO 27001:2022",
            "GB",
            "DE89",
            "AB12",
            "B2B",
            "covid-19",
            "MP3",
            "W3C",
            "U2",
            "T-1000",
            "R2-D2",
            "737-800",
            "A320-200",
            "F-150",
            "привет 12",
            "東京 2024",
            "مرحبا 100%",
            "naïve café 3",
            "🙏🏽 10/10",
        ],
    ),
    (
        "id",
        &[
            "1",
            "123456789",
            "4111111111111111",
            "536221234",
            "cus_Nf4x9K2aQ1",
        ],
    ),
    (
        "order_id",
        &["100-2003-004", "4111111111111111", "212555012"],
    ),
    ("app_version", &["1.2.3.4", "10.0.19041.1"]),
    (
        "created_at",
        &[
            "2024-01-31",
            "1700000000",
            "2024-01-31T00:00:00Z",
            "20240131",
        ],
    ),
    ("phone_verified", &["yes", "2024-01-31"]),
    ("email_count", &["12", "0"]),
    ("is_email_valid", &["true"]),
    ("password_updated_at", &["2024-01-31"]),
    ("country", &["DE", "United Kingdom"]),
    ("sku", &["AB123456C", "X1234567L", "S1234567D"]),
    ("amount", &["1234567.89", "12,34"]),
    ("address.country", &["FR"]),
    ("geo.lat", &["-56.884875"]),
];

#[test]
fn what_is_nobodys_data_stays() {
    let detector = detector();
    let mut wrong = Vec::new();
    for (column, texts) in CLEAN {
        for text in *texts {
            for one in found(&detector, column, text) {
                wrong.push(format!(
                    "{column}: {} sees `{}` in `{text}`",
                    detector.id(one.recogniser),
                    &text[one.start..one.end]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Texts of several findings: (column, text, findings as kind and part).
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const MIXED: &[Case] = &[
    (
        "body",
        "Hi, I'm at jane@example.com or +44 20 7946 0958; card 4111 1111 1111 1111, SSN 536-22-1234.",
        &[
            ("EMAIL", "jane@example.com"),
            ("PHONE", "+44 20 7946 0958"),
            ("CREDIT_CARD", "4111 1111 1111 1111"),
            ("US_SSN", "536-22-1234"),
        ],
    ),
    (
        "notes",
        "Пишите на ivan@example.org, IP 203.0.113.9 — IBAN DE89 3704 0044 0532 0130 00 🙏",
        &[
            ("EMAIL", "ivan@example.org"),
            ("IP_ADDRESS", "203.0.113.9"),
            ("IBAN", "DE89 3704 0044 0532 0130 00"),
        ],
    ),
    (
        "notes",
        "a@example.com,b@example.com;c@example.com",
        &[
            ("EMAIL", "a@example.com"),
            ("EMAIL", "b@example.com"),
            ("EMAIL", "c@example.com"),
        ],
    ),
    (
        "log",
        "GET https://bob:s3cret@example.com/x from 2001:db8::1",
        &[
            ("URL_CREDENTIALS", "https://bob:s3cret@example.com/x"),
            ("IP_ADDRESS", "2001:db8::1"),
        ],
    ),
    (
        "body",
        "line\nmy phone is 5551234567\nbye",
        &[("PHONE", "5551234567")],
    ),
    (
        "body",
        "2024-01-31 212-555-0123",
        &[("PHONE", "212-555-0123")],
    ),
    (
        "body",
        "(born 12.07.1943, Hauptstraße 12a, 10115 Berlin)",
        &[
            ("DATE_OF_BIRTH", "12.07.1943"),
            ("STREET_ADDRESS", "Hauptstraße 12a"),
        ],
    ),
    (
        "email",
        "Jane <jane@example.com>",
        &[("EMAIL", "jane@example.com")],
    ),
];

#[test]
fn several_findings_of_one_text() {
    let detector = detector();
    for (column, text, expected) in MIXED {
        let all = found(&detector, column, text);
        let seen: Vec<_> = all
            .iter()
            .map(|one| (detector.kind(one.recogniser), &text[one.start..one.end]))
            .collect();
        assert_eq!(&seen, expected, "{text}");
    }
}

#[test]
fn a_finding_is_seen_wherever_it_stands() {
    let detector = detector();
    let column = detector.column("stream", "body");
    let (mut scratch, mut all) = (detector.scratch(), Vec::new());
    let planted = [
        "jane@example.com",
        "+442079460958",
        "4111111111111111",
        "203.0.113.9",
        "AKIAIOSFODNN7EXAMPLE",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    ];
    for plant in planted {
        for pad in 0..150 {
            for word in ["é ", "ab "] {
                let text = format!("{}{plant} {}", word.repeat(pad), "tail ".repeat(pad % 7));
                detector.find(&text, &column, &mut scratch, &mut all);
                let parts: Vec<_> = all.iter().map(|one| &text[one.start..one.end]).collect();
                assert_eq!(parts, [plant], "behind {pad} of `{word}`");
            }
        }
    }
}

#[test]
fn pieces_of_a_long_text_join_without_a_seam() {
    let detector = detector();
    // The first piece ends inside an address wherever the filler puts it.
    for shift in 0..20 {
        let mut text = "x ".repeat((1 << 19) - 12);
        text.push_str(&" ".repeat(shift));
        text.push_str("jane@example.com and more");
        let all = found(&detector, "body", &text);
        let parts: Vec<_> = all.iter().map(|one| &text[one.start..one.end]).collect();
        assert_eq!(parts, ["jane@example.com"], "{shift}");
    }
}

#[test]
fn too_many_findings_take_the_rest_of_the_text() {
    let detector = detector();
    let text = "a1@example.com ".repeat(FINDINGS_MAX + 50);
    let all = found(&detector, "body", &text);
    assert_eq!(all.len(), FINDINGS_MAX);
    assert_eq!(all.last().map(|last| last.end), Some(text.len()));
}

#[test]
fn unwanted_kinds_are_not_found() {
    let library = Library::builtin().expect("the built-in files are whole");
    let detector =
        Detector::compile(library, &[], &|kind| kind == "EMAIL").expect("the patterns fit");
    let text = "jane@example.com 4111 1111 1111 1111";
    let kinds: Vec<_> = found(&detector, "body", text)
        .iter()
        .map(|one| detector.kind(one.recogniser))
        .collect();
    assert_eq!(kinds, ["EMAIL"]);
    let none = Detector::compile(library, &[], &|_| false).expect("nothing fits always");
    assert!(found(&none, "password", text).is_empty());
}

#[test]
fn names_of_columns() {
    let library = Library::builtin().expect("the built-in files are whole");
    for (name, kind) in [
        ("email", Some("EMAIL")),
        ("primary_email", Some("EMAIL")),
        ("emails[].value", Some("EMAIL")),
        ("EmailAddress", Some("EMAIL")),
        ("homePhone", Some("PHONE")),
        ("mobile", Some("PHONE")),
        ("phone_number", Some("PHONE")),
        ("first_name", Some("PERSON")),
        ("address.street", Some("STREET_ADDRESS")),
        ("shipping_address", Some("STREET_ADDRESS")),
        ("address.postal_code", Some("POSTCODE")),
        ("ip_address", Some("IP_ADDRESS")),
        ("last_login_ip", Some("IP_ADDRESS")),
        ("date_of_birth", Some("DATE_OF_BIRTH")),
        ("ssn", Some("US_SSN")),
        ("user.password", Some("API_KEY")),
        ("email_id", None),
        ("email_verified", None),
        ("is_email", None),
        ("phone_numbers.id", None),
        ("created_at", None),
        ("status", None),
        ("name", None),
        ("", None),
    ] {
        assert_eq!(kind_of_name(library, name), kind, "{name}");
    }
}
