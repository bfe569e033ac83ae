//! Words that speak for or against a finding: in the text around it and in the column's name.
//!
//! Phrases of every recogniser share one table keyed by the hash of their words, so a text is read
//! word by word once, whatever the number of phrases. Case does not count in ASCII and Latin-1; a plural `s` is dropped on both sides. `*straße` is any word that ends so
//! and stands before a number.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::library::{Library, RECOGNISERS_MAX};
use super::words::{EMPTY, Word, Words, chain, spaced};

/// How far before a match a word still speaks for it, in bytes.
pub(super) const REACH_BEFORE: usize = 64;
/// How far after a match a word still speaks for it, in bytes.
pub(super) const REACH_AFTER: usize = 32;
/// How far before a match a word speaks against it, in bytes.
pub(super) const REACH_AGAINST: usize = 16;
/// The most words of one phrase.
const PHRASE_WORDS: usize = 5;

/// A set of recognisers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Set([u64; RECOGNISERS_MAX / 64]);

impl Set {
    pub(super) fn insert(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    pub(super) fn has(&self, at: u16) -> bool {
        let at = usize::from(at);
        self.0
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(other.0)
            .any(|(word, more)| word & more != 0)
    }
}

/// What a phrase says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Voice {
    /// The recognisers it speaks for.
    pub(super) pro: Set,
    /// The recognisers it speaks against.
    pub(super) contra: Set,
    /// Whether a longer phrase begins with it.
    more: bool,
    /// Whether it is a phrase itself.
    whole: bool,
}

/// The hashes are good already.
#[derive(Default)]
struct Keep(u64);

impl Hasher for Keep {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// A phrase found in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) voice: Voice,
}

/// Hashes that may be there, 8,192 bits.
#[derive(Debug)]
struct Filter([u64; 128]);

impl Default for Filter {
    fn default() -> Self {
        Self([0; 128])
    }
}

impl Filter {
    fn place(hash: u64) -> (usize, u64) {
        let at = hash >> 51;
        (usize::try_from(at >> 6).unwrap_or(0), 1 << (at & 63))
    }

    fn add(&mut self, hash: u64) {
        let (word, bit) = Self::place(hash);
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= bit;
        }
    }

    fn has(&self, hash: u64) -> bool {
        let (word, bit) = Self::place(hash);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }
}

/// Phrases by hash. Text and column names each have their own.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    table: HashMap<u64, Voice, BuildHasherDefault<Keep>>,
    /// A bit for the hash of every first word: most words of a text are not in the table.
    filter: Filter,
    endings: Vec<(Vec<u8>, Voice)>,
}

impl Vocabulary {
    /// The phrases that count inside a text.
    pub(super) fn of_text(library: &Library, wanted: &Set) -> Self {
        Self::build(library, wanted, false)
    }

    /// The phrases that count in a column's name.
    pub(super) fn of_columns(library: &Library, wanted: &Set) -> Self {
        Self::build(library, wanted, true)
    }

    fn build(library: &Library, wanted: &Set, columns: bool) -> Self {
        let mut vocabulary = Self::default();
        for (at, recogniser) in library.recognisers.iter().enumerate() {
            let context = &recogniser.context;
            if !u16::try_from(at).is_ok_and(|at| wanted.has(at)) {
                continue;
            }
            let names: &[String] = if columns { &context.columns } else { &[] };
            for phrase in context.words.iter().chain(names) {
                vocabulary.add(phrase, |voice| voice.pro.insert(at));
            }
            for phrase in &context.against {
                vocabulary.add(phrase, |voice| voice.contra.insert(at));
            }
        }
        vocabulary
    }

    fn add(&mut self, phrase: &str, mut speak: impl FnMut(&mut Voice)) {
        if let Some(ending) = phrase.strip_prefix('*') {
            let mut voice = Voice::default();
            speak(&mut voice);
            self.endings.push((ending.as_bytes().to_vec(), voice));
            return;
        }
        let mut whole = EMPTY;
        let mut joined = Vec::with_capacity(phrase.len());
        let words: Vec<_> = Words::of(phrase.as_bytes()).collect();
        if let Some(first) = words.first() {
            self.filter.add(first.hash);
        }
        for (place, word) in words.iter().enumerate() {
            joined.extend_from_slice(
                phrase
                    .as_bytes()
                    .get(word.start..word.end)
                    .unwrap_or_default(),
            );
            whole = chain(whole, word.hash);
            let voice = self.table.entry(whole).or_default();
            if place + 1 < words.len() {
                voice.more = true;
            } else {
                voice.whole = true;
                speak(voice);
            }
        }
        // `dateofbirth` and `phonenumber` are written as often as with a separator.
        if words.len() > 1
            && let Some(word) = Words::of(&joined).next()
        {
            self.filter.add(word.hash);
            let voice = self.table.entry(chain(EMPTY, word.hash)).or_default();
            voice.whole = true;
            speak(voice);
        }
    }

    /// Every phrase in `text[from..to]`, as a list of where it stands and what it says.
    pub(super) fn hear(&self, text: &[u8], from: usize, to: usize, heard: &mut Vec<Heard>) {
        let mut words = Words::within(text, from, to);
        while let Some(word) = words.next() {
            self.hear_ending(text, word, heard);
            if !self.filter.has(word.hash) {
                continue;
            }
            let Some(first) = self.table.get(&chain(EMPTY, word.hash)) else {
                continue;
            };
            if first.whole {
                heard.push(Heard {
                    start: word.start,
                    end: word.end,
                    voice: *first,
                });
            }
            if first.more {
                self.hear_more(word, words.clone(), heard);
            }
        }
    }

    /// Endings belong to street names, so they count right before a number only.
    fn hear_ending(&self, text: &[u8], word: Word, heard: &mut Vec<Heard>) {
        let after = text.get(word.end..).unwrap_or_default();
        if !matches!(
            after,
            [b' ', b'0'..=b'9', ..] | [b'.', b' ', b'0'..=b'9', ..]
        ) {
            return;
        }
        let letters = text.get(word.start..word.end).unwrap_or_default();
        let last = letters.last();
        for (ending, voice) in &self.endings {
            if ending.last() == last && letters.len() > ending.len() && letters.ends_with(ending) {
                heard.push(Heard {
                    start: word.start,
                    end: word.end,
                    voice: *voice,
                });
            }
        }
    }

    fn hear_more(&self, first: Word, rest: Words<'_>, heard: &mut Vec<Heard>) {
        let mut hash = chain(EMPTY, first.hash);
        let mut end = first.end;
        for word in rest.take(PHRASE_WORDS) {
            if word.start > end + 3 {
                return;
            }
            hash = chain(hash, word.hash);
            end = word.end;
            let Some(voice) = self.table.get(&hash) else {
                return;
            };
            if voice.whole {
                heard.push(Heard {
                    start: first.start,
                    end,
                    voice: *voice,
                });
            }
            if !voice.more {
                return;
            }
        }
    }

    /// What a column's name says: all its phrases together.
    pub(super) fn name(&self, path: &str) -> Voice {
        let spaced = spaced(path);
        let mut heard = Vec::new();
        self.hear(spaced.as_bytes(), 0, spaced.len(), &mut heard);
        heard.iter().fold(Voice::default(), |mut all, one| {
            all.pro.join(&one.voice.pro);
            all.contra.join(&one.voice.contra);
            all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(phrases: &[&str]) -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        for (at, phrase) in phrases.iter().enumerate() {
            vocabulary.add(phrase, |voice| voice.pro.insert(at));
        }
        vocabulary
    }

    #[test]
    fn phrases_are_heard_where_they_stand() {
        let vocabulary = vocabulary(&["date of birth", "birth", "Straße", "*weg"]);
        let mut heard = Vec::new();
        let text = "Her Date-of-Birth; rebirth. births, Straße 5 Heideweg 4, weg 3, Holzweg";
        vocabulary.hear(text.as_bytes(), 0, text.len(), &mut heard);
        let found: Vec<_> = heard.iter().map(|one| &text[one.start..one.end]).collect();
        assert_eq!(
            found,
            ["Date-of-Birth", "Birth", "births", "Straße", "Heideweg"]
        );
    }

    #[test]
    fn a_word_cut_by_the_window_is_not_heard() {
        let vocabulary = vocabulary(&["phone"]);
        let mut heard = Vec::new();
        vocabulary.hear(b"telephone 5", 4, 11, &mut heard);
        assert!(heard.is_empty());
    }

    #[test]
    fn column_names_in_every_spelling() {
        let vocabulary = vocabulary(&["phone number", "ssn", "date of birth", "class"]);
        for (name, expected) in [
            ("phone_number", Some(0)),
            ("PhoneNumbers", Some(0)),
            ("user.phoneNumber", Some(0)),
            ("PHONENUMBER", Some(0)),
            ("userSSN", Some(1)),
            ("SSNHash", Some(1)),
            ("date-of-birth", Some(2)),
            ("dateofbirth", Some(2)),
            ("phone.number", Some(0)),
            ("megaphone_numberless", None),
            ("class", Some(3)),
            ("clas", None),
        ] {
            let mut expect = Set::default();
            if let Some(at) = expected {
                expect.insert(at);
            }
            assert_eq!(vocabulary.name(name).pro, expect, "{name}");
        }
    }

    #[test]
    fn sets() {
        let mut set = Set::default();
        set.insert(200);
        assert!(set.has(200) && !set.has(199) && set.meets(&set) && !set.meets(&Set::default()));
        assert!(set != Set::default());
    }
}
