//! Regular expressions and LIKE patterns, compiled once per plan.
//!
//! The kernels of Arrow compile a literal pattern again for every batch, which at a few hundred rows per
//! batch costs more than the matching. [`compile`] replaces such a comparison with a function that owns
//! its automaton, and turns an invalid pattern into an error of the plan instead of one of every row.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, Result, ScalarValue, exec_err, plan_datafusion_err};
use datafusion_expr::expr::{BinaryExpr, Like, ScalarFunction};
use datafusion_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

/// Bytes one automaton may take.
const SIZE_LIMIT: usize = 4 << 20;

/// Replaces every comparison with a literal pattern by its compiled form.
///
/// # Errors
/// A pattern that is no regular expression, or whose automaton is too large.
pub(super) fn compile(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(expr
        .transform_up(|node| {
            Ok(match pattern_of(&node, schema) {
                Some((text, pattern)) => {
                    let function = ScalarUDF::from(Matches::new(&pattern)?);
                    let call = ScalarFunction::new_udf(Arc::new(function), vec![text]);
                    Transformed::yes(Expr::ScalarFunction(call))
                }
                None => Transformed::no(node),
            })
        })?
        .data)
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Pattern {
    regex: String,
    ignore_case: bool,
    negated: bool,
    /// Whether `.` and the wildcards of LIKE match a line feed.
    dot_all: bool,
}

/// The text operand and the pattern of a comparison that Arrow would compile per batch.
fn pattern_of(node: &Expr, schema: &DFSchema) -> Option<(Expr, Pattern)> {
    let (text, pattern) = match node {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (ignore_case, negated) = match op {
                Operator::RegexMatch => (false, false),
                Operator::RegexIMatch => (true, false),
                Operator::RegexNotMatch => (false, true),
                Operator::RegexNotIMatch => (true, true),
                _ => return None,
            };
            let regex = literal(right)?.to_owned();
            let dot_all = false;
            (
                left,
                Pattern {
                    regex,
                    ignore_case,
                    negated,
                    dot_all,
                },
            )
        }
        Expr::Like(Like {
            negated,
            expr,
            pattern,
            escape_char,
            case_insensitive,
        }) => {
            let pattern = literal(pattern)?;
            if escape_char.is_none() && !needs_automaton(pattern, *case_insensitive) {
                return None;
            }
            let regex = from_like(pattern, escape_char.unwrap_or('\\'));
            let (ignore_case, negated) = (*case_insensitive, *negated);
            (
                expr,
                Pattern {
                    regex,
                    ignore_case,
                    negated,
                    dot_all: true,
                },
            )
        }
        _ => return None,
    };
    let texts = matches!(
        text.get_type(schema),
        Ok(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    );
    texts.then(|| (text.as_ref().clone(), pattern))
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)),
            _,
        ) => Some(text),
        _ => None,
    }
}

/// Arrow answers equality, prefix, suffix and substring patterns without an automaton, except that it has
/// no substring search that ignores case.
fn needs_automaton(pattern: &str, ignore_case: bool) -> bool {
    let inner = pattern.strip_prefix('%').unwrap_or(pattern);
    let inner = inner.strip_suffix('%').unwrap_or(inner);
    let plain = !inner.contains(['%', '_', '\\']);
    let both_ends = pattern.len() - inner.len() == 2;
    !(plain && !(ignore_case && (both_ends || !pattern.is_ascii())))
}

/// The anchored regular expression of a LIKE pattern.
fn from_like(pattern: &str, escape: char) -> String {
    let mut regex = String::with_capacity(pattern.len() * 2 + 4);
    regex.push_str("^(?:");
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            _ if c == escape => push_literal(&mut regex, characters.next().unwrap_or(escape)),
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            _ => push_literal(&mut regex, c),
        }
    }
    regex.push_str(")$");
    regex
}

fn push_literal(regex: &mut String, c: char) {
    if c.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(c);
}

/// `matches(text)`: whether the text contains a match of the pattern; NULL for NULL.
#[derive(Debug)]
struct Matches {
    pattern: Pattern,
    regex: Regex,
    signature: Signature,
}

impl Matches {
    fn new(pattern: &Pattern) -> Result<Self> {
        let syntax = syntax::Config::new()
            .case_insensitive(pattern.ignore_case)
            .dot_matches_new_line(pattern.dot_all);
        let limits = Regex::config()
            .nfa_size_limit(Some(SIZE_LIMIT))
            .hybrid_cache_capacity(SIZE_LIMIT);
        let regex = Regex::builder()
            .syntax(syntax)
            .configure(limits)
            .build(&pattern.regex)
            .map_err(|error| match (error.syntax_error(), error.size_limit()) {
                (_, Some(_)) => plan_datafusion_err!("the pattern needs too large an automaton"),
                (Some(error), _) => plan_datafusion_err!(
                    "the pattern is no regular expression: {}",
                    last_line(&error.to_string())
                ),
                _ => plan_datafusion_err!("the pattern is no regular expression"),
            })?;
        Ok(Self {
            pattern: pattern.clone(),
            regex,
            signature: Signature::any(1, Volatility::Immutable),
        })
    }

    fn of(&self, text: &str) -> bool {
        self.regex.is_match(text) != self.pattern.negated
    }

    fn of_array(&self, texts: &ArrayRef) -> Result<BooleanArray> {
        Ok(match texts.data_type() {
            DataType::Utf8View => texts
                .as_string_view()
                .iter()
                .map(|t| t.map(|t| self.of(t)))
                .collect(),
            DataType::Utf8 => texts
                .as_string::<i32>()
                .iter()
                .map(|t| t.map(|t| self.of(t)))
                .collect(),
            DataType::LargeUtf8 => texts
                .as_string::<i64>()
                .iter()
                .map(|t| t.map(|t| self.of(t)))
                .collect(),
            other => return exec_err!("a pattern matches text, not {other}"),
        })
    }
}

/// The sentence of a syntax error; the lines before it draw the pattern.
fn last_line(message: &str) -> &str {
    let line = message.lines().last().unwrap_or(message);
    line.strip_prefix("error: ").unwrap_or(line)
}

impl PartialEq for Matches {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for Matches {}

impl Hash for Matches {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pattern.hash(state);
    }
}

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &str {
        "matches"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(texts)] => {
                Ok(ColumnarValue::Array(Arc::new(self.of_array(texts)?)))
            }
            [ColumnarValue::Scalar(text)] => {
                let answer = self.of_array(&text.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                    &answer, 0,
                )?))
            }
            _ => exec_err!("a pattern takes one text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns_become_anchored_expressions() {
        for (pattern, ignore_case, yes, no) in [
            ("a_c", false, "abc", "abbc"),
            ("a%c%", false, "a\nc", "xac"),
            ("%@%.%", false, "x@y.z", "x@yz"),
            ("10\\%", false, "10%", "10x"),
            ("%É%", true, "café", "cafe"),
            ("%.com%", true, "A.COM/", "a-com"),
        ] {
            assert!(needs_automaton(pattern, ignore_case), "{pattern}");
            let pattern = Pattern {
                regex: from_like(pattern, '\\'),
                ignore_case,
                negated: false,
                dot_all: true,
            };
            let matches = Matches::new(&pattern).expect("a pattern");
            assert!(matches.of(yes), "{pattern:?} {yes}");
            assert!(!matches.of(no), "{pattern:?} {no}");
        }
        for plain in ["abc", "abc%", "%abc", "%abc%", "%", ""] {
            assert!(!needs_automaton(plain, false), "{plain}");
        }
    }

    #[test]
    fn an_invalid_or_huge_pattern_is_an_error() {
        for regex in ["(", "[z-a]", r"(?:\w{900}){900}"] {
            let pattern = Pattern {
                regex: regex.to_owned(),
                ignore_case: false,
                negated: false,
                dot_all: false,
            };
            assert!(Matches::new(&pattern).is_err(), "{regex}");
        }
    }
}
