//! Inputs that are too large, or too odd, to lie in the repository as they are.
//!
//! A recipe is text, one step a line; every step writes bytes and nothing between them:
//!
//! ```text
//! # a comment
//! text {"type":"RECORD"        the text behind the first blank
//! line {"type":"LOG"}          the text and a newline
//! repeat 1000 ab               the text, this often
//! hex 00 ff 0d 0a              bytes
//! ```

use std::io::Write;

/// The steps of a recipe.
pub struct Recipe(Vec<Step>);

struct Step {
    bytes: Vec<u8>,
    times: usize,
}

impl Recipe {
    /// Reads a recipe; a step it does not know is a mistake of the test.
    pub fn parse(text: &str) -> Self {
        let steps = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(
            steps
                .map(|step| parse_step(step).unwrap_or_else(|| panic!("no such step: {step}")))
                .collect(),
        )
    }

    /// A recipe of these bytes as they are.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(vec![Step { bytes, times: 1 }])
    }

    /// Writes what the steps say.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        const AT_ONCE: usize = 1 << 16;
        for Step { bytes, times } in &self.0 {
            let per_block = (AT_ONCE / bytes.len().max(1)).clamp(1, (*times).max(1));
            let block = bytes.repeat(per_block);
            for _ in 0..times / per_block {
                out.write_all(&block)?;
            }
            out.write_all(&bytes.repeat(times % per_block))?;
        }
        out.flush()
    }

    /// All bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).expect("memory takes everything");
        bytes
    }
}

fn parse_step(step: &str) -> Option<Step> {
    let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
    let (bytes, times) = match verb {
        "text" => (rest.as_bytes().to_vec(), 1),
        "line" => (format!("{rest}\n").into_bytes(), 1),
        "repeat" => {
            let (times, text) = rest.split_once(' ')?;
            (text.as_bytes().to_vec(), times.parse().ok()?)
        }
        "hex" => {
            let bytes = rest
                .split_whitespace()
                .map(|byte| u8::from_str_radix(byte, 16));
            (bytes.collect::<Result<_, _>>().ok()?, 1)
        }
        _ => return None,
    };
    Some(Step { bytes, times })
}

#[test]
fn every_step_writes_its_bytes() {
    let recipe = Recipe::parse("# a comment\ntext a b \nline c\n\nrepeat 3 xy\nhex 00 ff\n");
    assert_eq!(recipe.bytes(), b"a b c\nxyxyxy\x00\xff");
    assert_eq!(Recipe::parse("repeat 100000 ab").bytes().len(), 200_000);
}
