//! From text to one checked expression: every limit is tested before anything recursive runs.

use datafusion_sql::sqlparser::ast::{Expr, VisitMut};
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::SqlProblem;
use super::check::{Checker, Reference};
use super::dialect::Bounded;

/// Characters an expression may have.
pub(super) const MAX_LENGTH: usize = 10_000;
/// How deep parentheses, calls and operators may nest.
pub(super) const MAX_DEPTH: usize = 100;
/// What the parser may recurse; it enters several of its levels for one of ours.
const PARSER_DEPTH: usize = 4 * MAX_DEPTH;

/// A parsed expression in canonical form, and the columns it names in the order of their appearance.
#[derive(Debug)]
pub(super) struct Parsed {
    pub expr: Expr,
    pub references: Vec<Reference>,
}

/// Parses one expression and checks that it is built of allowed parts only.
///
/// # Errors
/// Everything wrong with the text; a syntax error hides what follows it.
pub(super) fn parse(sql: &str) -> Result<Parsed, Vec<SqlProblem>> {
    let mut expr = expression(sql).map_err(|problem| vec![problem])?;
    let mut checker = Checker::default();
    let _ = expr.visit(&mut checker);
    if checker.problems.is_empty() {
        let references = checker.references;
        Ok(Parsed { expr, references })
    } else {
        Err(checker.problems)
    }
}

fn expression(sql: &str) -> Result<Expr, SqlProblem> {
    let length = sql.chars().count();
    if length > MAX_LENGTH {
        let message = format!("the expression has {length} characters, more than {MAX_LENGTH}");
        return Err(SqlProblem::start(message).hint("split it into several rules or stages"));
    }
    let dialect = Bounded::default();
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| SqlProblem::at(error.location, lower_first(&error.message)))?;
    check_brackets(&tokens)?;
    if let Some(first) = tokens
        .iter()
        .find(|t| !matches!(t.token, Token::Whitespace(_)))
    {
        check_start(first)?;
    } else {
        return Err(SqlProblem::start("the expression is empty"));
    }
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(PARSER_DEPTH)
        .with_tokens_with_locations(tokens);
    let expr = parser.parse_expr().map_err(syntax)?;
    match parser.peek_token() {
        TokenWithSpan {
            token: Token::EOF, ..
        } => Ok(expr),
        extra => {
            let message = format!("`{}` follows the end of the expression", extra.token);
            Err(SqlProblem::at(extra.span.start, message)
                .hint("write one expression; combine conditions with AND or OR"))
        }
    }
}

fn check_brackets(tokens: &[TokenWithSpan]) -> Result<(), SqlProblem> {
    let mut depth = 0_usize;
    for token in tokens {
        match token.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(too_deep(token.span.start));
        }
    }
    Ok(())
}

/// A statement is recognised by its first word, so that the answer is better than a syntax error.
fn check_start(first: &TokenWithSpan) -> Result<(), SqlProblem> {
    const STATEMENTS: &[&str] = &[
        "ALTER", "COPY", "CREATE", "DELETE", "DROP", "EXPLAIN", "INSERT", "MERGE", "SELECT", "SET",
        "UPDATE", "WITH",
    ];
    match &first.token {
        Token::Word(word)
            if word.quote_style.is_none()
                && STATEMENTS.contains(&word.value.to_ascii_uppercase().as_str()) =>
        {
            let message = format!(
                "`{}` starts a statement, and only an expression is allowed",
                word.value
            );
            Err(SqlProblem::at(first.span.start, message)
                .hint("write the condition alone, as `age BETWEEN 0 AND 120`; quote a column of that name"))
        }
        _ => Ok(()),
    }
}

/// The problem of an expression that nests too deep at `at`.
pub(super) fn too_deep(at: Location) -> SqlProblem {
    SqlProblem::at(
        at,
        format!("the expression nests deeper than {MAX_DEPTH} levels"),
    )
    .hint("use `IN (…)` for a list of values, or split the expression")
}

fn syntax(error: ParserError) -> SqlProblem {
    let text = match error {
        ParserError::RecursionLimitExceeded => return too_deep(Location { line: 1, column: 1 }),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
    };
    let (message, at) = split_location(&text);
    let problem = SqlProblem::at(at, readable(message));
    if problem.message.contains(", found `") {
        problem.hint("a column whose name is a word of SQL is written in double quotes, text in single quotes")
    } else {
        problem
    }
}

/// Separates the parser's sentence from the position it appends.
fn split_location(text: &str) -> (&str, Location) {
    let start = Location { line: 1, column: 1 };
    let Some((message, position)) = text.rsplit_once(" at Line: ") else {
        return (text, start);
    };
    let numbers = position.split_once(", Column: ");
    match numbers.map(|(line, column)| (line.parse(), column.trim().parse())) {
        Some((Ok(line), Ok(column))) => (message, Location { line, column }),
        _ => (message, start),
    }
}

/// `Expected: an expression, found: EOF` as a sentence of ours.
fn readable(message: &str) -> String {
    if message.starts_with("No infix parser") {
        return "this is no operator".to_owned();
    }
    let Some(rest) = message.strip_prefix("Expected: ") else {
        return lower_first(message);
    };
    match rest.rsplit_once(", found: ") {
        Some((wanted, "EOF")) => format!("expected {wanted}, but the text ends"),
        Some((wanted, found)) => format!("expected {wanted}, found `{found}`"),
        None => format!("expected {rest}"),
    }
}

/// The sentence with its first letter in lower case, as messages are written here.
pub(super) fn lower_first(sentence: &str) -> String {
    let mut characters = sentence.chars();
    match characters.next() {
        Some(first) if !characters.as_str().starts_with(char::is_uppercase) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => sentence.to_owned(),
    }
}
