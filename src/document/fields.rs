//! Reads a map strictly: what is asked for is taken, and what nobody asked for is a problem.

use super::{Key, Node, Position, Problems, nearest};

/// A map being read. Ask for every key it may have, then call [`Fields::finish`].
#[derive(Debug)]
pub struct Fields<'a> {
    what: &'a str,
    file: &'a str,
    at: Position,
    entries: &'a [(Key, Node)],
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Begins to read `node`, a map, or reports that it is none; `what` names it in messages, as
    /// `the stage `mask``.
    pub fn of(
        node: &'a Node,
        what: &'a str,
        file: &'a str,
        problems: &mut Problems,
    ) -> Option<Self> {
        Some(Self {
            what,
            file,
            at: node.at,
            entries: node.read_map(file, problems)?,
            known: Vec::new(),
        })
    }

    /// Where the map begins.
    pub fn at(&self) -> Position {
        self.at
    }

    /// The file the map stands in.
    pub fn file(&self) -> &'a str {
        self.file
    }

    /// The value of a key that may be left out.
    pub fn take(&mut self, name: &'static str) -> Option<&'a Node> {
        self.take_entry(name).map(|(_, node)| node)
    }

    /// The key and value of an entry that may be left out.
    pub fn take_entry(&mut self, name: &'static str) -> Option<(&'a Key, &'a Node)> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.entries
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(key, node)| (key, node))
    }

    /// The value of a key that must be there.
    pub fn require(&mut self, name: &'static str, problems: &mut Problems) -> Option<&'a Node> {
        let found = self.take(name);
        if found.is_none() {
            problems.push_at(
                self.file,
                self.at,
                format!("{} needs the key `{name}`", self.what),
            );
        }
        found
    }

    /// Text that may be left out.
    pub fn text(&mut self, name: &'static str, problems: &mut Problems) -> Option<&'a str> {
        self.take(name)?.read_text(self.file, problems)
    }

    /// Text that must be there.
    pub fn require_text(&mut self, name: &'static str, problems: &mut Problems) -> Option<&'a str> {
        self.require(name, problems)?.read_text(self.file, problems)
    }

    /// An integer that may be left out.
    pub fn integer(&mut self, name: &'static str, problems: &mut Problems) -> Option<i64> {
        self.take(name)?.read_integer(self.file, problems)
    }

    /// An integer of a range that may be left out.
    pub fn integer_within(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<i64>,
        problems: &mut Problems,
    ) -> Option<i64> {
        let node = self.take(name)?;
        let number = node.read_integer(self.file, problems)?;
        if !range.contains(&number) {
            let (least, most) = range.into_inner();
            problems.push_at(
                self.file,
                node.at,
                format!("`{name}` must lie between {least} and {most}"),
            );
            return None;
        }
        Some(number)
    }

    /// A finite number that may be left out.
    pub fn number(&mut self, name: &'static str, problems: &mut Problems) -> Option<f64> {
        self.take(name)?.read_number(self.file, problems)
    }

    /// A boolean that may be left out.
    pub fn boolean(&mut self, name: &'static str, problems: &mut Problems) -> Option<bool> {
        self.take(name)?.read_bool(self.file, problems)
    }

    /// A list of text, or one text, that may be left out.
    pub fn texts(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<Vec<(&'a str, Position)>> {
        self.take(name)?.read_texts(self.file, problems)
    }

    /// One of a closed set of words that may be left out; `None` with a problem for any other word.
    pub fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&'static str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        self.take(name)?.read_choice(words, self.file, problems)
    }

    /// The entries nobody has asked for yet; asking is left to the caller.
    pub fn rest(&self) -> impl Iterator<Item = &'a (Key, Node)> {
        self.entries
            .iter()
            .filter(|(key, _)| !self.known.contains(&key.name.as_str()))
    }

    /// Reports every key that nobody asked for, with the nearest valid name or all of them.
    pub fn finish(self, problems: &mut Problems) {
        self.finish_with(problems, |_| None);
    }

    /// As [`Fields::finish`]; `explain` may say more about a name than that it is unknown.
    pub fn finish_with(self, problems: &mut Problems, explain: impl Fn(&str) -> Option<String>) {
        for (key, _) in self.rest() {
            if let Some(message) = explain(&key.name) {
                problems.push_at(self.file, key.at, message);
                continue;
            }
            let hint = match nearest(&key.name, self.known.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None if self.known.is_empty() => format!("{} takes no keys", self.what),
                None => format!("the keys of {} are {}", self.what, listed(&self.known)),
            };
            let message = format!("unknown key `{}`", key.name);
            problems.push_hint(self.file, key.at, message, hint);
        }
    }
}

impl Node {
    /// The meaning of one of a closed set of words; any other word, or no word, is a problem.
    pub fn read_choice<T: Copy>(
        &self,
        words: &[(&'static str, T)],
        file: &str,
        problems: &mut Problems,
    ) -> Option<T> {
        let word = self.read_text(file, problems)?;
        let found = words.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
            let hint = match nearest(word, names.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("valid are {}", listed(&names)),
            };
            problems.push_hint(file, self.at, format!("unknown word `{word}`"), hint);
        }
        found.map(|(_, meaning)| *meaning)
    }
}

/// The names for a message: `` `a`, `b` and `c` ``.
pub fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    fn read(text: &str) -> (Vec<String>, Option<String>) {
        let mut problems = Problems::new();
        let node = parse("f.yaml", text, &mut problems).expect("well-formed");
        let mut name = None;
        if let Some(mut fields) = Fields::of(&node, "the test", "f.yaml", &mut problems) {
            name = fields
                .require_text("name", &mut problems)
                .map(str::to_owned);
            fields.integer_within("count", 1..=9, &mut problems);
            fields.boolean("flag", &mut problems);
            fields.number("part", &mut problems);
            fields.texts("columns", &mut problems);
            fields.choice("mode", &[("fast", 1), ("slow", 2)], &mut problems);
            fields.finish(&mut problems);
        }
        problems.sort();
        (problems.iter().map(ToString::to_string).collect(), name)
    }

    #[test]
    fn every_wrong_field_is_told() {
        for (text, expected) in [
            (
                "{name: a, count: 9, flag: true, part: 1, columns: x, mode: slow}",
                vec![],
            ),
            ("{name: a, columns: [x, y]}", vec![]),
            ("[1]", vec!["f.yaml:1:1: expected a map, found a list"]),
            ("{}", vec!["f.yaml:1:1: the test needs the key `name`"]),
            (
                "name: 12",
                vec!["f.yaml:1:7: expected text, found an integer; quote it to make it text"],
            ),
            ("name: [a]", vec!["f.yaml:1:7: expected text, found a list"]),
            (
                "{name: a, count: 0}",
                vec!["f.yaml:1:18: `count` must lie between 1 and 9"],
            ),
            (
                "{name: a, count: x}",
                vec!["f.yaml:1:18: expected an integer, found text"],
            ),
            (
                "{name: a, flag: yes}",
                vec!["f.yaml:1:17: expected true or false, found text"],
            ),
            (
                "{name: a, part: .nan}",
                vec!["f.yaml:1:17: expected a finite number"],
            ),
            (
                "{name: a, columns: []}",
                vec!["f.yaml:1:20: the list is empty"],
            ),
            (
                "{name: a, columns: [x, 2, {}]}",
                vec![
                    "f.yaml:1:24: expected text, found an integer; quote it to make it text",
                    "f.yaml:1:27: expected text, found a map",
                ],
            ),
            (
                "{name: a, mode: slwo}",
                vec!["f.yaml:1:17: unknown word `slwo`; did you mean `slow`?"],
            ),
            (
                "{name: a, mode: turbo}",
                vec!["f.yaml:1:17: unknown word `turbo`; valid are `fast` and `slow`"],
            ),
            (
                "name: a\ncolum: b\nzebra: c",
                vec![
                    "f.yaml:2:1: unknown key `colum`; did you mean `columns`?",
                    "f.yaml:3:1: unknown key `zebra`; the keys of the test are `name`, `count`, `flag`, `part`, `columns` and `mode`",
                ],
            ),
        ] {
            assert_eq!(read(text).0, expected, "{text}");
        }
        assert_eq!(read("name: no").1.as_deref(), Some("no"));
    }
}
