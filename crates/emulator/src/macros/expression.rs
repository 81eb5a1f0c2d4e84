use super::error::refuse;
use super::token::{self, Token};
use crate::protocol::Refusal;

/// A condition on a row, with columns by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    /// With `=`, one of several; with `<>`, none of them.
    Compare(Scalar, Comparison, Vec<Scalar>),
    /// Both ends count.
    Between(Scalar, Scalar, Scalar),
    /// Not zero, and not N/A.
    Holds(Scalar),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    Greater,
    AtMost,
    AtLeast,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Column(String),
    /// `i_`: the number of the row in what the operation is given, from 1.
    RowNumber,
    Integer(i64),
    Decimal(f64),
    Text(String),
}

const MAX_DEPTH: usize = 64;

/// Reads the `value` of a `sel`.
pub(super) fn read(expression: &str) -> Result<Condition, Refusal> {
    let tokens = token::tokens(expression)?;
    let mut parser = Parser { tokens: &tokens, depth: 0 };
    let condition = parser.node()?.into_condition();
    match parser.tokens.first() {
        None => Ok(condition),
        Some(token) => Err(refuse(format!("an expression that goes on at {token}"))),
    }
}

/// Both can stand in parentheses.
enum Node {
    Condition(Condition),
    Scalar(Scalar),
}

struct Parser<'t> {
    tokens: &'t [Token],
    depth: usize,
}

impl Node {
    fn into_condition(self) -> Condition {
        match self {
            Self::Condition(condition) => condition,
            Self::Scalar(scalar) => Condition::Holds(scalar),
        }
    }

    fn into_scalar(self) -> Result<Scalar, Refusal> {
        match self {
            Self::Scalar(scalar) => Ok(scalar),
            Self::Condition(_) => Err(refuse("a condition where a value belongs")),
        }
    }
}

impl Parser<'_> {
    /// Terms joined by `&` or by `|`; not by both, since nothing says which binds
    /// tighter.
    fn node(&mut self) -> Result<Node, Refusal> {
        let first = self.term()?;
        let Some(joint @ (Token::Mark("&") | Token::Mark("|"))) = self.tokens.first() else {
            return Ok(first);
        };
        let mut terms = vec![first.into_condition()];
        while self.take_token(joint) {
            terms.push(self.term()?.into_condition());
        }
        match (joint, self.tokens.first()) {
            (_, Some(Token::Mark("&" | "|"))) => {
                Err(refuse("& and | side by side: set parentheses"))
            }
            (Token::Mark("&"), _) => Ok(Node::Condition(Condition::All(terms))),
            _ => Ok(Node::Condition(Condition::Any(terms))),
        }
    }

    fn term(&mut self) -> Result<Node, Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(refuse(format!("an expression nested deeper than {MAX_DEPTH}")));
        }
        let term = if self.take("~") {
            Node::Condition(Condition::Not(Box::new(self.term()?.into_condition())))
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(term)
    }

    fn comparison(&mut self) -> Result<Node, Refusal> {
        let left = self.operand()?;
        let Some(comparison) = self.comparison_mark() else { return Ok(left) };
        let left = left.into_scalar()?;
        let mut right = vec![self.operand()?.into_scalar()?];
        while matches!(
            self.tokens.first(),
            Some(Token::Text(_) | Token::Integer(_) | Token::Decimal(_))
        ) {
            right.push(self.operand()?.into_scalar()?);
        }
        let is_list = right.len() > 1;
        if is_list && !matches!(comparison, Comparison::Equal | Comparison::Unequal) {
            return Err(refuse("a list of values on the right of < or >"));
        }
        Ok(Node::Condition(Condition::Compare(left, comparison, right)))
    }

    fn comparison_mark(&mut self) -> Option<Comparison> {
        let Token::Mark(mark) = self.tokens.first()? else { return None };
        let comparison = match *mark {
            "=" => Comparison::Equal,
            "<>" => Comparison::Unequal,
            "<" => Comparison::Less,
            ">" => Comparison::Greater,
            "<=" => Comparison::AtMost,
            ">=" => Comparison::AtLeast,
            _ => return None,
        };
        self.tokens = &self.tokens[1..];
        Some(comparison)
    }

    fn operand(&mut self) -> Result<Node, Refusal> {
        let Some((token, rest)) = self.tokens.split_first() else {
            return Err(refuse("an expression that ends too early"));
        };
        self.tokens = rest;
        Ok(match token {
            Token::Integer(value) => Node::Scalar(Scalar::Integer(*value)),
            Token::Decimal(value) => Node::Scalar(Scalar::Decimal(*value)),
            Token::Text(text) => Node::Scalar(Scalar::Text(text.clone())),
            Token::Mark("-") => Node::Scalar(self.negative()?),
            Token::Mark("(") => {
                let inner = self.node()?;
                self.expect(")")?;
                inner
            }
            Token::Name(name) => self.named(name)?,
            Token::Mark(mark) => return Err(refuse(format!("{mark} at this place"))),
        })
    }

    fn negative(&mut self) -> Result<Scalar, Refusal> {
        let negated = match self.tokens.first() {
            Some(Token::Integer(value)) => Scalar::Integer(-value),
            Some(Token::Decimal(value)) => Scalar::Decimal(-value),
            _ => return Err(refuse("arithmetic: - stands before a number only")),
        };
        self.tokens = &self.tokens[1..];
        Ok(negated)
    }

    fn named(&mut self, name: &str) -> Result<Node, Refusal> {
        if !self.take("(") {
            return Ok(Node::Scalar(match name {
                "i_" => Scalar::RowNumber,
                _ => Scalar::Column(name.to_owned()),
            }));
        }
        match name {
            "i_" => {
                self.expect(")")?;
                Ok(Node::Scalar(Scalar::RowNumber))
            }
            "between" => {
                let value = self.node()?.into_scalar()?;
                self.expect(";")?;
                let low = self.node()?.into_scalar()?;
                self.expect(";")?;
                let high = self.node()?.into_scalar()?;
                self.expect(")")?;
                Ok(Node::Condition(Condition::Between(value, low, high)))
            }
            _ => Err(refuse(format!("the function {name}()"))),
        }
    }

    fn take(&mut self, mark: &'static str) -> bool {
        self.take_token(&Token::Mark(mark))
    }

    fn take_token(&mut self, token: &Token) -> bool {
        let taken = self.tokens.first() == Some(token);
        if taken {
            self.tokens = &self.tokens[1..];
        }
        taken
    }

    fn expect(&mut self, mark: &'static str) -> Result<(), Refusal> {
        if self.take(mark) {
            Ok(())
        } else {
            Err(refuse(format!("an expression without its {mark}")))
        }
    }
}
