//! Steps through the objects and arrays of one indexed line, one separator at a time.

use super::scan::Fault;

/// Why a line cannot be read; `at` counts bytes from the start of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    pub at: u32,
    pub what: &'static str,
}

impl Malformed {
    /// A lexical fault of the line that starts at `at`.
    pub fn fault(fault: Fault, at: usize) -> Self {
        Self {
            at: at as u32,
            what: fault.text(),
        }
    }
}

/// A key and where its member begins.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The brace or comma before the member.
    pub before: u32,
    /// First byte inside the quotes.
    pub start: u32,
    /// The closing quote.
    pub end: u32,
}

/// A value; containers end where the walker says after skipping or entering them.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    /// A string, number or literal, without the blanks around it.
    Scalar {
        start: u32,
        end: u32,
    },
    Object {
        start: u32,
    },
    Array {
        start: u32,
    },
}

/// What stands behind a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    More,
    Closed,
}

const KEY_IN_ARRAY: &str = "has a key inside an array";
const CROSSED: &str = "closes a brace or bracket with one of the other kind";

/// The containers that are open, one bit each. In a line that closes them crosswise, a member could hide
/// inside a value that is passed over.
#[derive(Default)]
struct Nesting {
    /// The innermost in the lowest bit; set for an object.
    kinds: u64,
    depth: u32,
    deepest: u32,
}

impl Nesting {
    #[inline(always)]
    fn push(&mut self, byte: u8) {
        self.kinds = self.kinds << 1 | u64::from(byte == b'{');
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    /// Takes a structural character; says whether it closes the outermost container.
    #[inline(always)]
    fn see(&mut self, byte: u8) -> Result<bool, &'static str> {
        match byte {
            b'{' | b'[' => self.push(byte),
            b'}' | b']' if self.pop(byte) => return Ok(self.depth == 0),
            b'}' | b']' => return Err(CROSSED),
            b':' if !self.in_object() => return Err(KEY_IN_ARRAY),
            _ => {}
        }
        Ok(false)
    }

    /// Whether the innermost container is an object, as far as that is known.
    #[inline(always)]
    fn in_object(&self) -> bool {
        self.kinds & 1 != 0 || self.deepest - self.depth >= u64::BITS
    }

    /// Whether the byte closes what was opened last. Bits that deeper containers have pushed out are taken
    /// to fit.
    #[inline(always)]
    fn pop(&mut self, byte: u8) -> bool {
        let known = self.deepest - self.depth < u64::BITS;
        let fits = (self.kinds & 1 != 0) == (byte == b'}');
        self.kinds >>= 1;
        self.depth -= 1;
        fits || !known
    }
}

/// A position in the structural index of a line.
pub struct Walker<'a> {
    bytes: &'a [u8],
    positions: &'a [u32],
    /// Index of the separator the walker stands on.
    at: usize,
}

impl<'a> Walker<'a> {
    /// Stands on structural character `at`.
    pub fn new(bytes: &'a [u8], positions: &'a [u32], at: usize) -> Self {
        Self {
            bytes,
            positions,
            at,
        }
    }

    /// Index of the structural character the walker stands on.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Byte offset of that character.
    #[inline(always)]
    pub fn here(&self) -> u32 {
        self.positions.get(self.at).copied().unwrap_or(0)
    }

    /// An error at the current place.
    #[cold]
    pub fn malformed(&self, what: &'static str) -> Malformed {
        let last = self.positions.len().saturating_sub(1);
        Malformed {
            at: self.positions.get(self.at.min(last)).copied().unwrap_or(0),
            what,
        }
    }

    #[inline(always)]
    fn peek(&self) -> Result<u32, Malformed> {
        match self.positions.get(self.at + 1) {
            Some(&position) => Ok(position),
            None => Err(self.malformed("is cut off")),
        }
    }

    /// From an opening brace or a comma to the next key; `None` when the object is empty.
    #[inline(always)]
    pub fn key(&mut self) -> Result<Option<Key>, Malformed> {
        let before = self.here();
        let next = self.peek()?;
        let (mut start, mut end) = (before as usize + 1, next as usize);
        if self.bytes[next as usize] != b':' {
            let blank = self.bytes[start..end].iter().all(u8::is_ascii_whitespace);
            if self.bytes[before as usize] == b'{' && self.bytes[end] == b'}' && blank {
                self.at += 1;
                return Ok(None);
            }
            return Err(self.malformed("has a member without a key or colon"));
        }
        if self.bytes[start] != b'"' {
            start = self.skip_blanks(start);
        }
        if self.bytes[end - 1] != b'"' {
            end = self.skip_blanks_back(start, end);
        }
        if end < start + 2 || self.bytes[start] != b'"' || self.bytes[end - 1] != b'"' {
            return Err(self.malformed("has a key that is not a string"));
        }
        self.at += 1;
        Ok(Some(Key {
            before,
            start: start as u32 + 1,
            end: end as u32 - 1,
        }))
    }

    /// From a colon, opening bracket or comma to the value behind it.
    ///
    /// A scalar is passed: the walker then stands on the separator behind it. For a container it stands on
    /// the opening character, to be entered or [skipped](Self::skip).
    #[inline(always)]
    pub fn value(&mut self) -> Result<Value, Malformed> {
        let next = self.peek()?;
        let mut start = self.here() as usize + 1;
        if self.bytes[start].is_ascii_whitespace() {
            start = self.skip_blanks(start);
        }
        self.at += 1;
        match self.bytes[start] {
            b'{' => Ok(Value::Object {
                start: start as u32,
            }),
            b'[' => Ok(Value::Array {
                start: start as u32,
            }),
            first => {
                let end = self.skip_blanks_back(start, next as usize);
                let last = end.checked_sub(1).map_or(0, |last| self.bytes[last]);
                if end <= start
                    || (first == b'"') != (last == b'"')
                    || first == b'"' && end < start + 2
                {
                    return Err(self.malformed("has a value that is not JSON"));
                }
                Ok(Value::Scalar {
                    start: start as u32,
                    end: end as u32,
                })
            }
        }
    }

    /// Whether the array the walker stands on is empty; if so it is passed, up to its closing bracket.
    pub fn empty_array(&mut self) -> Result<bool, Malformed> {
        let next = self.peek()? as usize;
        let inside = &self.bytes[self.here() as usize + 1..next];
        let empty = self.bytes[next] == b']' && inside.iter().all(u8::is_ascii_whitespace);
        self.at += usize::from(empty);
        Ok(empty)
    }

    /// From an opening character to the closing one that belongs to it.
    #[inline]
    pub fn skip(&mut self) -> Result<(), Malformed> {
        let mut open = Nesting::default();
        while let Some(&position) = self.positions.get(self.at) {
            let byte = self.bytes[position as usize];
            if open.see(byte).map_err(|what| self.malformed(what))? {
                return Ok(());
            }
            self.at += 1;
        }
        Err(self.malformed("is cut off"))
    }

    /// From the closing character of a container to the separator behind it.
    #[inline(always)]
    pub fn leave(&mut self) -> Result<(), Malformed> {
        let next = self.peek()? as usize;
        let between = &self.bytes[self.here() as usize + 1..next];
        if !between.is_empty() && !between.iter().all(u8::is_ascii_whitespace) {
            return Err(self.malformed("has text behind a closed value"));
        }
        self.at += 1;
        Ok(())
    }

    /// What the separator behind a value says.
    #[inline(always)]
    pub fn next(&self, close: u8) -> Result<Next, Malformed> {
        match self.bytes[self.here() as usize] {
            b',' => Ok(Next::More),
            byte if byte == close => Ok(Next::Closed),
            _ => Err(self.malformed("has a value without a separator behind it")),
        }
    }

    #[inline(always)]
    fn skip_blanks(&self, mut at: usize) -> usize {
        // A newline ends every line, so this stops.
        while matches!(self.bytes[at], b' ' | b'\t' | b'\r') {
            at += 1;
        }
        at
    }

    #[inline(always)]
    fn skip_blanks_back(&self, start: usize, mut end: usize) -> usize {
        while end > start && self.bytes[end - 1].is_ascii_whitespace() {
            end -= 1;
        }
        end
    }
}

impl Walker<'_> {
    /// Visits every scalar of the container the walker stands on, without recursion, with its own key or
    /// that of the array it stands in, and where the key of the object around it starts; ends on the closing
    /// character.
    pub fn scalars(
        &mut self,
        outer: Option<Key>,
        holder: u32,
        mut visit: impl FnMut(Option<Key>, u32, u32, u32),
    ) -> Result<(), Malformed> {
        let (mut open, mut key, mut holder) = (Nesting::default(), outer, holder);
        let mut outside = Outside::default();
        loop {
            let byte = self.bytes[self.here() as usize];
            if open.see(byte).map_err(|what| self.malformed(what))? {
                return Ok(());
            }
            match byte {
                b'{' | b'[' => {
                    outside.enter(key, holder);
                    if byte == b'{' {
                        holder = key.map_or(holder, |key| key.start);
                    }
                }
                b'}' | b']' => (key, holder) = outside.leave(key, holder),
                _ => {}
            }
            let (from, to) = (self.here() as usize + 1, self.peek()? as usize);
            let start = self.skip_blanks(from).min(to);
            let end = self.skip_blanks_back(start, to);
            if self.bytes[to] == b':' {
                if end < start + 2 || self.bytes[start] != b'"' || self.bytes[end - 1] != b'"' {
                    return Err(self.malformed("has a key that is not a string"));
                }
                key = Some(Key {
                    before: self.here(),
                    start: start as u32 + 1,
                    end: end as u32 - 1,
                });
            } else if start < end {
                visit(key, holder, start as u32, end as u32);
            }
            self.at += 1;
        }
    }
}

/// Keys of the containers around a place, as deep as names are of use.
#[derive(Default)]
struct Outside {
    keys: [(Option<Key>, u32); 16],
    depth: usize,
}

impl Outside {
    fn enter(&mut self, key: Option<Key>, holder: u32) {
        if let Some(place) = self.keys.get_mut(self.depth) {
            *place = (key, holder);
        }
        self.depth += 1;
    }

    fn leave(&mut self, key: Option<Key>, holder: u32) -> (Option<Key>, u32) {
        self.depth = self.depth.saturating_sub(1);
        self.keys.get(self.depth).copied().unwrap_or((key, holder))
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::{self, PADDING};
    use super::*;

    fn skipped(value: &str) -> (bool, bool) {
        let mut bytes = value.as_bytes().to_vec();
        bytes.resize(value.len() + PADDING, b'\n');
        let mut positions = Vec::new();
        scan::index(&bytes, 0, &mut positions);
        let whole = Walker::new(&bytes, &positions, 0).skip().is_ok();
        let visited = Walker::new(&bytes, &positions, 0)
            .scalars(None, 0, |_, _, _, _| {})
            .is_ok();
        (whole, visited)
    }

    #[test]
    fn containers_close_in_the_order_in_which_they_open() {
        let deep = |count: usize, inner: &str| {
            format!("{}{inner}{}", "[".repeat(count), "]".repeat(count))
        };
        for (value, fine) in [
            (r#"{"a":[{"b":[]},[]]}"#.to_owned(), true),
            (r#"[{"a":1]}"#.to_owned(), false),
            (r#"[[1},{2]]"#.to_owned(), false),
            (r#"{"x":["a":1]}"#.to_owned(), false),
            (deep(200, r#"{"a":[]}"#), true),
            (format!("[{},{{]]", deep(20, "")), false),
        ] {
            assert_eq!(skipped(&value), (fine, fine), "{value}");
        }
    }
}
