//! What the name model sees of a column: hashed features of its stream, its parents and its own name.
//!
//! `models/columns/features.py` does the same, byte for byte: the model was trained on its features. The
//! test of `name.rs` against `models/columns/check.tsv` shows that they agree.

use std::iter::once;

/// Words that say nothing by themselves: `phones.value`. The words before them do.
const EMPTY: &[&str] = &[
    "value",
    "text",
    "raw",
    "formatted",
    "string",
    "data",
    "number",
    "nr",
    "num",
    "no",
    "field",
    "current",
    "primary",
    "main",
    "original",
    "normalized",
];

/// Parents that only hold fields: in `customers: properties.name` the stream is whose name it is.
const BOXES: &[&str] = &[
    "attribute",
    "property",
    "field",
    "data",
    "value",
    "detail",
    "merge",
    "meta",
    "metadata",
    "record",
    "item",
    "payload",
    "info",
    "result",
    "node",
];

/// Accented small letters, and the plain one each counts as.
const ACCENTED: &[(char, &str)] = &[
    ('a', "àáâãäåāăą"),
    ('c', "çćĉċč"),
    ('d', "ďđ"),
    ('e', "èéêëēĕėęě"),
    ('g', "ĝğġģ"),
    ('h', "ĥħ"),
    ('i', "ìíîïĩīĭįı"),
    ('k', "ķ"),
    ('l', "ĺļľŀł"),
    ('n', "ñńņň"),
    ('o', "òóôõöøōŏő"),
    ('r', "ŕŗř"),
    ('s', "śŝşš"),
    ('t', "ţťŧ"),
    ('u', "ùúûüũūŭůűų"),
    ('y', "ýÿŷ"),
    ('z', "źżž"),
];

/// What a run of digits counts as.
const DIGITS: &str = "#";

/// The hashes of all features; one may occur several times.
pub(super) fn hashes(stream: &str, path: &str) -> Vec<u32> {
    let stems = |key: &[String]| key.iter().map(|word| stem(word)).collect::<Vec<_>>();
    let source = stems(&words(stream));
    let mut keys = keys(path);
    let leaf = keys.pop().unwrap_or_else(|| vec![DIGITS.to_owned()]);
    let parents: Vec<Vec<String>> = keys.iter().map(|key| stems(key)).collect();
    let own = stems(&leaf);
    let holds_only = |key: &&Vec<String>| key.iter().all(|word| BOXES.contains(&word.as_str()));
    let above = parents.iter().rev().find(|key| !holds_only(key));
    let above = above.unwrap_or(&source);
    let says_nothing = |word: &String| EMPTY.contains(&word.as_str()) || word == DIGITS;
    let name = if own.iter().all(says_nothing) {
        [above.as_slice(), &own].concat()
    } else {
        own.clone()
    };
    let whole = name.join("_");
    let noun = above.last().map_or("", String::as_str);
    let first = name.first().map_or("", String::as_str);
    let last = name.last().map_or("", String::as_str);
    let own_last = own.last().map_or("", String::as_str);

    let mut out = Vec::with_capacity(32 + 4 * whole.len());
    out.extend(name.iter().map(|word| fnv(&["w", word])));
    out.extend(
        name.iter()
            .zip(name.iter().skip(1))
            .map(|(one, two)| fnv(&["b", one, "_", two])),
    );
    out.extend(parents.iter().flatten().map(|word| fnv(&["p", word])));
    out.extend(source.iter().map(|word| fnv(&["s", word])));
    out.extend([
        fnv(&["f", first]),
        fnv(&["l", last]),
        fnv(&["t", own_last]),
        fnv(&["L", &whole]),
        fnv(&["C", &leaf.concat()]),
        fnv(&["P", noun, "|", &whole]),
        fnv(&["R", noun, "|", own_last]),
        fnv(&["q", noun]),
        fnv(&["n", &name.len().min(4).to_string()]),
    ]);
    grams(&format!("_{whole}_"), &mut out);
    out
}

/// The runs of three, four and five characters.
fn grams(text: &str, out: &mut Vec<u32>) {
    let places: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain(once(text.len()))
        .collect();
    for size in 3..=5 {
        let ends = places.iter().skip(size);
        let runs = places
            .iter()
            .zip(ends)
            .filter_map(|(from, to)| text.get(*from..*to));
        out.extend(runs.map(|run| fnv(&["g", run])));
    }
}

/// The words of each key of a path. Keys without a letter, as the places of arrays, are left out.
fn keys(path: &str) -> Vec<Vec<String>> {
    path.split(['.', '[', ']'])
        .map(words)
        .filter(|key| key.iter().any(|word| word != DIGITS))
        .collect()
}

/// What a character is to a word.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Other,
    Digit,
    Small,
    Capital,
}

/// The words of a name in small plain letters. `camelCase`, `HTTPServer` and digits are taken apart.
fn words(name: &str) -> Vec<String> {
    let (mut found, mut word, mut before) = (Vec::new(), String::new(), Sort::Other);
    let mut rest = name.chars();
    while let Some(char) = rest.next() {
        if ('\u{300}'..='\u{36f}').contains(&char) {
            continue; // An accent on its own.
        }
        let small = lower(char);
        let sort = match char {
            '0'..='9' => Sort::Digit,
            'a'..='z' | 'A'..='Z' | '\u{80}'.. if char == small => Sort::Small,
            'a'..='z' | 'A'..='Z' | '\u{80}'.. => Sort::Capital,
            _ => Sort::Other,
        };
        let ends_capitals = || {
            rest.clone()
                .next()
                .is_some_and(|after| after.is_ascii_lowercase())
        };
        let begins = match (before, sort) {
            (Sort::Capital, Sort::Small) => false,
            (Sort::Capital, Sort::Capital) => ends_capitals(),
            _ => sort != before,
        };
        if begins && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        match sort {
            Sort::Digit => DIGITS.clone_into(&mut word),
            Sort::Other => {}
            Sort::Small | Sort::Capital => word.push(plain(small)),
        }
        before = sort;
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// The small letter; a character with none, or with several, stays.
fn lower(char: char) -> char {
    let mut small = char.to_lowercase();
    match (small.next(), small.next()) {
        (Some(one), None) => one,
        _ => char,
    }
}

/// A small letter without its accent.
fn plain(small: char) -> char {
    if small.is_ascii() {
        return small;
    }
    let row = ACCENTED.iter().find(|(_, row)| row.contains(small));
    row.map_or(small, |(plain, _)| *plain)
}

/// The singular, roughly.
fn stem(word: &str) -> String {
    let plural = word.chars().count() >= 4 && !word.ends_with("ss");
    let Some(cut) = word.strip_suffix('s').filter(|_| plural) else {
        return word.to_owned();
    };
    if let Some(cut) = word.strip_suffix("es").filter(|cut| cut.ends_with("ss")) {
        return cut.to_owned();
    }
    match word.strip_suffix("ies") {
        Some(cut) => format!("{cut}y"),
        None => cut.to_owned(),
    }
}

/// FNV-1a over the bytes of the parts.
fn fnv(parts: &[&str]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_taken_apart() {
        for (name, expected) in [
            ("homePhone", "home phone"),
            ("SSNHash", "ssn hash"),
            ("address_line12", "address line #"),
            ("ADDR1City", "addr # city"),
            ("Straße und Hausnummer", "straße und hausnummer"),
            ("pre\u{301}nom Élu", "prenom elu"),
            ("电话-号码", "电话 号码"),
            ("__", ""),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn paths_taken_apart() {
        for (path, expected) in [
            ("contacts.*.emails[0].value", "contacts/emails/value"),
            ("messages[].text", "messages/text"),
            ("items.0.1", "items"),
            ("*", ""),
        ] {
            let keys: Vec<String> = keys(path).iter().map(|key| key.join(" ")).collect();
            assert_eq!(keys.join("/"), expected, "{path}");
        }
    }

    #[test]
    fn plurals_cut() {
        for (word, expected) in [
            ("emails", "email"),
            ("addresses", "address"),
            ("cities", "city"),
            ("address", "address"),
            ("gps", "gps"),
            ("größen", "größen"),
        ] {
            assert_eq!(stem(word), expected);
        }
    }
}
