use std::fmt;

use super::error::refuse;
use crate::protocol::Refusal;

/// A piece of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Integer(i64),
    Decimal(f64),
    /// `( ) ; = <> < > <= >= & | ~ -`
    Mark(&'static str),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Decimal(value) => write!(f, "{value}"),
            Self::Mark(mark) => f.write_str(mark),
        }
    }
}

/// Longer marks first.
const MARKS: [&str; 13] = ["<>", "<=", ">=", "(", ")", ";", "=", "<", ">", "&", "|", "~", "-"];
const MAX_TOKENS: usize = 4_000;

/// Cuts an expression into tokens.
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        if tokens.len() == MAX_TOKENS {
            return Err(refuse(format!("an expression of more than {MAX_TOKENS} parts")));
        }
        let (token, after) = match first {
            '\'' | '"' => text(rest, first)?,
            '0'..='9' | '.' => number(rest)?,
            _ if first.is_alphabetic() || first == '_' => name(rest),
            _ => mark(rest)?,
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn text(rest: &str, quote: char) -> Result<(Token, &str), Refusal> {
    let inner = &rest[1..];
    match inner.split_once(quote) {
        Some((text, after)) => Ok((Token::Text(text.to_owned()), after)),
        None => Err(refuse(format!("a text without its closing {quote}"))),
    }
}

fn number(rest: &str) -> Result<(Token, &str), Refusal> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut end = digits(rest);
    if rest[end..].starts_with('.') {
        end += 1 + digits(&rest[end + 1..]);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent = digits(&rest[end + 1 + sign..]);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let (written, after) = rest.split_at(end);
    let token = match (written.parse(), written.parse()) {
        (Ok(integer), _) => Token::Integer(integer),
        (_, Ok(decimal)) if f64::is_finite(decimal) => Token::Decimal(decimal),
        _ => return Err(refuse(format!("the number {written}"))),
    };
    Ok((token, after))
}

fn name(rest: &str) -> (Token, &str) {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    (Token::Name(name.to_owned()), after)
}

fn mark(rest: &str) -> Result<(Token, &str), Refusal> {
    let found = MARKS.iter().find_map(|mark| Some((*mark, rest.strip_prefix(mark)?)));
    found.map(|(mark, after)| (Token::Mark(mark), after)).ok_or_else(|| {
        refuse(format!("the sign {:?} in an expression", rest.chars().next().unwrap_or(' ')))
    })
}
