//! JSON as text: every way of writing a value that the grammar allows, kept as it is written.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A value as written.
#[derive(Clone)]
pub enum Json {
    /// A string with its quotes, a number or a literal.
    Scalar(String),
    /// The text stands behind every separator and before every closing character.
    Array(Vec<Json>, &'static str),
    Object(Vec<(Key, Json)>, &'static str),
}

/// A key: what it reads, and the bytes between its quotes.
#[derive(Debug, Clone)]
pub struct Key {
    pub text: String,
    pub raw: String,
}

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Key(&'static str),
    Items,
}

/// What a mask leaves of a value, given as text.
pub type Masked<'a> = &'a dyn Fn(&str) -> String;

impl Json {
    /// Writes the value; what stands at `path` is handed to `masked`, and so is a value of another shape on
    /// the way there.
    pub fn write(&self, path: Option<&[Step]>, masked: Masked<'_>, out: &mut String) {
        let fits = match (path.map(<[_]>::first), self) {
            (None, _)
            | (Some(Some(Step::Items)), Self::Array(..))
            | (Some(Some(Step::Key(_))), Self::Object(..)) => true,
            (Some(_), _) => false,
        };
        if !fits {
            let mut text = String::new();
            self.write(None, masked, &mut text);
            out.push_str(&masked(&text));
            return;
        }
        let (first, rest) = path.and_then(|path| path.split_first()).unzip();
        match self {
            Self::Scalar(text) => out.push_str(text),
            Self::Array(items, blank) => {
                out.push('[');
                out.push_str(blank);
                let below = rest.filter(|_| first == Some(&Step::Items));
                for (i, item) in items.iter().enumerate() {
                    separate(i, blank, out);
                    item.write(below, masked, out);
                }
                out.push_str(blank);
                out.push(']');
            }
            Self::Object(members, blank) => {
                out.push('{');
                out.push_str(blank);
                for (i, (key, value)) in members.iter().enumerate() {
                    separate(i, blank, out);
                    out.extend(["\"", &key.raw, "\"", blank, ":", blank]);
                    let here = matches!(first, Some(Step::Key(name)) if *name == key.text);
                    value.write(rest.filter(|_| here), masked, out);
                }
                out.push_str(blank);
                out.push('}');
            }
        }
    }

    /// The text as it is.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(None, &|text| text.to_owned(), &mut out);
        out
    }
}

impl std::fmt::Debug for Json {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.text())
    }
}

fn separate(i: usize, blank: &'static str, out: &mut String) {
    if i > 0 {
        out.extend([blank, ",", blank]);
    }
}

/// Blanks as a source may write them.
pub fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 2 => Just(" "), 1 => select(vec!["\t", "  ", "\r", " \t\r "])]
}

/// A string with its quotes.
pub fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9 @._-]{1,6}",
        1 => select(vec![
            "{", "}", "[", "]", ",", ":", "}{", "\"type\":", "é", "ß", "日本", "😀", "\u{2028}", "\u{7f}", "\u{0301}",
        ]).prop_map(|text| text.replace('"', "\\\"")),
        1 => select(vec![
            r"\n", r"\r", r"\t", r"\b", r"\f", r"\/", r"\\", r#"\""#, r"\\\\", r#"\\\""#, r"\u0000", r"\u000a",
            r"\u0022", r"\u005C", r"\u0041", r"\u00e9", r"\u00E9", r"\uD83D\uDE00", r"\uFFFF", r"\u2028",
        ]).prop_map(str::to_owned),
        1 => select(vec![r"\ud800", r"\uDC00", r"\udc00\ud800", r"\ud83d\ud83d\ude00"]).prop_map(str::to_owned),
    ];
    vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// A number as written.
pub fn number() -> impl Strategy<Value = String> {
    let odd = select(vec![
        "0",
        "-0",
        "-0.0",
        "0e0",
        "1.10",
        "1E+5",
        "1e-400",
        "1e400",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551616",
        "1.7976931348623157e+308",
        "0.1000000000000000055511151231257827",
        "10.50",
        "2.0",
    ]);
    prop_oneof![
        odd.prop_map(str::to_owned),
        any::<i32>().prop_map(|number| number.to_string()),
        "-?[1-9][0-9]{30,45}",
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?",
    ]
}

/// A string, number or literal.
pub fn scalar() -> impl Strategy<Value = Json> {
    let literal = select(vec!["null", "true", "false"]).prop_map(str::to_owned);
    prop_oneof![4 => string(), 2 => number(), 1 => literal].prop_map(Json::Scalar)
}

/// A key out of a few, so that keys repeat; each character may be spelt as an escape.
pub fn key() -> impl Strategy<Value = Key> {
    let texts = select(vec![
        "email",
        "email",
        "address",
        "items",
        "street",
        "id",
        "Email",
        "email ",
        "",
        "a.b",
        "e",
        "stream",
        "data",
        "namespace",
        "type",
        "record",
        "日",
        "😀",
        "a\"b",
        "a\\b",
        "a\nb",
        "*",
        "[]",
    ]);
    (texts, any::<u8>(), 0..4_u8)
        .prop_map(|(text, which, style)| spelt(text, if style == 0 { which } else { 0 }))
}

/// The key spelt so that the character of every set bit is an escape.
pub fn spelt(text: &str, escaped: u8) -> Key {
    let mut raw = String::new();
    for (i, character) in text.chars().enumerate() {
        let mut units = [0; 2];
        if escaped >> (i & 7) & 1 != 0 {
            let upper = i & 1 == 0;
            for unit in character.encode_utf16(&mut units) {
                raw += &if upper {
                    format!("\\u{unit:04X}")
                } else {
                    format!("\\u{unit:04x}")
                };
            }
        } else {
            let quoted = serde_json::to_string(&character).expect("a character is JSON");
            raw += &quoted[1..quoted.len() - 1];
        }
    }
    Key {
        text: text.to_owned(),
        raw,
    }
}

/// Any value, at times nested deeper than most readers allow.
pub fn value() -> impl Strategy<Value = Json> {
    prop_oneof![20 => shallow(), 1 => (1..300_usize, any::<bool>()).prop_map(|(depth, array)| deep(depth, array))]
}

/// A value that every reader can parse.
pub fn shallow() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..5), blank())
                .prop_map(|(items, blank)| Json::Array(items, blank)),
            (vec((key(), inner), 0..5), blank())
                .prop_map(|(members, blank)| Json::Object(members, blank)),
        ]
    })
}

fn deep(depth: usize, array: bool) -> Json {
    (0..depth).fold(
        Json::Scalar("\"email\"".to_owned()),
        |inner, _| match array {
            true => Json::Array(vec![inner], ""),
            false => Json::Object(vec![(spelt("email", 0), inner)], ""),
        },
    )
}
