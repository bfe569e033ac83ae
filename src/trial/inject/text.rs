//! Errors in text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::DataType;
use chrono::{Days, NaiveDate};

use super::Draw;
use super::moment::days_off;

/// A character is lost, doubled, swapped with the next, or another of its kind.
pub(super) fn typo(column: &ArrayRef, seed: u64) -> Option<ArrayRef> {
    each(column, |row, text| {
        let mut draw = Draw::new(seed, row);
        let mut characters: Vec<char> = text.chars().collect();
        let at = draw.below(characters.len());
        let here = *characters.get(at)?;
        match draw.below(4) {
            0 if characters.len() > 1 => {
                characters.remove(at);
            }
            1 => characters.insert(at, here),
            2 if characters.get(at + 1).is_some_and(|next| *next != here) => {
                characters.swap(at, at + 1);
            }
            _ => characters[at] = neighbour(here, &mut draw),
        }
        Some(characters.into_iter().collect())
    })
}

/// Another character of the same kind.
fn neighbour(character: char, draw: &mut Draw) -> char {
    let (first, count) = match character {
        '0'..='9' => (b'0', 10),
        'A'..='Z' => (b'A', 26),
        _ => (b'a', 26),
    };
    let own = u8::try_from(character).map_or(0, |byte| usize::from(byte.wrapping_sub(first)));
    let step = 1 + draw.below(count - 1);
    char::from(first + ((own % count + step) % count) as u8)
}

/// A number in text, a thousand times as much.
pub(super) fn wrong_unit(column: &ArrayRef) -> Option<ArrayRef> {
    each(column, |_, text| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = whole.strip_prefix('-').unwrap_or(whole);
        if unsigned.is_empty() || !digits(unsigned) || !digits(fraction) {
            return None;
        }
        let (moved, rest) = match fraction.get(..3) {
            Some(moved) => (moved.to_owned(), &fraction[3..]),
            None => (format!("{fraction:0<3}"), ""),
        };
        let point = if rest.is_empty() { "" } else { "." };
        Some(format!("{whole}{moved}{point}{rest}"))
    })
}

/// What gets in front of text or behind it.
const EXTRA: [&str; 8] = [" ", "\t", "#", "?", "\"", "\u{a0}", "--", ";"];

/// Characters before or behind that do not belong there.
pub(super) fn extraneous(column: &ArrayRef, seed: u64) -> Option<ArrayRef> {
    each(column, |row, text| {
        let mut draw = Draw::new(seed, row);
        let extra = draw.one(&EXTRA)?;
        let before = draw.flip();
        Some(if before {
            format!("{extra}{text}")
        } else {
            format!("{text}{extra}")
        })
    })
}

/// What UTF-8 looks like to a reader of Latin-1. Of text in ASCII one letter is taken for an accented one.
pub(super) fn mojibake(column: &ArrayRef, seed: u64) -> Option<ArrayRef> {
    each(column, |row, text| {
        if !text.is_ascii() {
            return Some(text.bytes().map(char::from).collect());
        }
        let letters: Vec<usize> = (text.bytes().enumerate())
            .filter(|(_, byte)| byte.is_ascii_alphabetic())
            .map(|(at, _)| at)
            .collect();
        let at = *Draw::new(seed, row).one(&letters)?;
        Some(format!("{}\u{c3}\u{a9}{}", &text[..at], &text[at + 1..]))
    })
}

/// A date that begins a text, some weeks to years off; what follows it stays.
pub(super) fn shift_date(column: &ArrayRef, seed: u64) -> Option<ArrayRef> {
    each(column, |row, text| {
        let day = NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?;
        let off = days_off(seed, row);
        let days = Days::new(off.unsigned_abs());
        let shifted = if off < 0 {
            day.checked_sub_days(days)
        } else {
            day.checked_add_days(days)
        };
        Some(format!("{}{}", shifted?.format("%Y-%m-%d"), &text[10..]))
    })
}

/// Every text by a function of its row, which may leave it as it is. Nothing for other types, or where no text
/// changes.
fn each(column: &ArrayRef, change: impl Fn(usize, &str) -> Option<String>) -> Option<ArrayRef> {
    if column.data_type() != &DataType::Utf8View {
        return None;
    }
    let texts = column.as_string_view().iter().enumerate();
    let changed = texts.map(|(row, text)| {
        let text = text?;
        Some(change(row, text).unwrap_or_else(|| text.to_owned()))
    });
    Some(Arc::new(changed.collect::<StringViewArray>()))
}
