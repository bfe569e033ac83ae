//! A command as a person writes it in a shell: words, quotes and backslashes, and nothing else of a shell.

use crate::error::{Error, ErrorKind, Result};

/// Characters that would do something in a shell, where no quotes stand around them.
const SHELL: &str = "|&;<>()$`*?#~";

/// The words of a command; `option` names it in messages.
///
/// # Errors
/// `Usage` when a quote is not closed, when there is no word, and where only a shell would know what is meant.
pub(super) fn split(text: &str, option: &str) -> Result<Vec<String>> {
    let wrong = |what: String| {
        Error::new(ErrorKind::Usage, format!("{option}: {what}")).hint(
            "write a command and its arguments, as in a shell; `sh -c '… \"$@\"' sh` runs what needs one",
        )
    };
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        None => return Err(wrong(format!("a {c} is not closed"))),
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => match characters.next() {
                            Some(quoted @ ('"' | '\\' | '$' | '`')) => word.push(quoted),
                            Some(other) => word.extend(['\\', other]),
                            None => return Err(wrong(format!("a {c} is not closed"))),
                        },
                        Some('$' | '`') if c == '"' => {
                            return Err(wrong("variables are not filled in".to_owned()));
                        }
                        Some(other) => word.push(other),
                    }
                }
            }
            '\\' => match characters.next() {
                Some(quoted) => word.get_or_insert_default().push(quoted),
                None => return Err(wrong("nothing stands behind the last \\".to_owned())),
            },
            // In the middle of a word these are what they are.
            '#' | '~' | '?' if word.is_some() => word.get_or_insert_default().push(c),
            c if SHELL.contains(c) => {
                return Err(wrong(format!("`{c}` would need a shell")));
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match words.first() {
        Some(first) if !first.is_empty() => Ok(words),
        _ => Err(wrong("there is no command".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, expected) in [
            ("source-faker", &["source-faker"][..]),
            (
                r#"docker run -i  -v "/my data:/data" airbyte/source:1.2 "#,
                &[
                    "docker",
                    "run",
                    "-i",
                    "-v",
                    "/my data:/data",
                    "airbyte/source:1.2",
                ],
            ),
            (
                r#"sh -c 'exec "$0" | cat' a"b"'c'\ d "" "\"\x\\""#,
                &["sh", "-c", r#"exec "$0" | cat"#, "abc d", "", r#""\x\"#],
            ),
            ("a --x=b?c#d", &["a", "--x=b?c#d"]),
        ] {
            assert_eq!(split(text, "--source").expect(text), expected);
        }
    }

    #[test]
    fn what_only_a_shell_knows_is_refused() {
        for (text, says) in [
            ("", "no command"),
            ("''", "no command"),
            ("a 'b", "' is not closed"),
            ("a \"b\\", "\" is not closed"),
            ("a \\", "the last \\"),
            ("a | b", "`|` would need a shell"),
            ("a $HOME", "`$` would need a shell"),
            ("a \"$HOME\"", "not filled in"),
            ("a > b", "`>`"),
            ("a *.json", "`*`"),
        ] {
            let error = split(text, "--source").expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.message().starts_with("--source: "), "{error}");
            assert!(error.message().contains(says), "{error}");
        }
    }
}
