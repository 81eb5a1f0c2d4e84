use std::cmp::Ordering;

use super::error::refuse;
use super::expression::{Comparison, Condition, Scalar};
use crate::protocol::Refusal;
use crate::render::Format;
use crate::table::{Cell, Column, View};

/// A condition with its columns found and its literals fit to them.
#[derive(Debug)]
pub(super) enum Bound<'a> {
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Compare(Operand<'a>, Comparison, Vec<Operand<'a>>),
    Between(Operand<'a>, Operand<'a>, Operand<'a>),
    Holds(Operand<'a>),
}

#[derive(Debug)]
pub(super) enum Operand<'a> {
    Column(&'a Column),
    RowNumber,
    Number(Cell<'static>),
    Text(&'a str),
}

impl<'a> Bound<'a> {
    pub(super) fn bind(condition: &'a Condition, view: &'a View) -> Result<Self, Refusal> {
        let bind = |condition| Self::bind(condition, view);
        Ok(match condition {
            Condition::Not(inner) => Self::Not(Box::new(bind(inner)?)),
            Condition::All(terms) => Self::All(terms.iter().map(bind).collect::<Result<_, _>>()?),
            Condition::Any(terms) => Self::Any(terms.iter().map(bind).collect::<Result<_, _>>()?),
            Condition::Compare(left, comparison, right) => {
                let mut left = Operand::bind(left, view)?;
                let mut bound = Vec::with_capacity(right.len());
                for right in right {
                    let mut right = Operand::bind(right, view)?;
                    left.fit(&mut right)?;
                    bound.push(right);
                }
                Self::Compare(left, *comparison, bound)
            }
            Condition::Between(value, low, high) => {
                let mut value = Operand::bind(value, view)?;
                let (mut low, mut high) = (Operand::bind(low, view)?, Operand::bind(high, view)?);
                value.fit(&mut low)?;
                value.fit(&mut high)?;
                Self::Between(value, low, high)
            }
            Condition::Holds(scalar) => match Operand::bind(scalar, view)? {
                operand if operand.is_text() => {
                    return Err(refuse("a text where a condition belongs"));
                }
                operand => Self::Holds(operand),
            },
        })
    }

    /// `row` is the row in the table, `number` its number in the view, from 1.
    pub(super) fn is_true(&self, row: usize, number: usize) -> bool {
        match self {
            Self::Not(inner) => !inner.is_true(row, number),
            Self::All(terms) => terms.iter().all(|term| term.is_true(row, number)),
            Self::Any(terms) => terms.iter().any(|term| term.is_true(row, number)),
            Self::Compare(left, comparison, right) => {
                let left = left.cell(row, number);
                let mut equal = right.iter().map(|right| order(left, right.cell(row, number)));
                match comparison {
                    Comparison::Equal => equal.any(Ordering::is_eq),
                    Comparison::Unequal => equal.all(Ordering::is_ne),
                    Comparison::Less => equal.all(Ordering::is_lt),
                    Comparison::Greater => equal.all(Ordering::is_gt),
                    Comparison::AtMost => equal.all(Ordering::is_le),
                    Comparison::AtLeast => equal.all(Ordering::is_ge),
                }
            }
            Self::Between(value, low, high) => {
                let value = value.cell(row, number);
                order(value, low.cell(row, number)).is_ge()
                    && order(value, high.cell(row, number)).is_le()
            }
            Self::Holds(operand) => match operand.cell(row, number) {
                Cell::Na | Cell::Text(_) => false,
                Cell::Integer(value) => value != 0,
                Cell::Decimal(value) => value != 0.0,
            },
        }
    }
}

impl<'a> Operand<'a> {
    fn bind(scalar: &'a Scalar, view: &'a View) -> Result<Self, Refusal> {
        Ok(match scalar {
            Scalar::RowNumber => Self::RowNumber,
            Scalar::Integer(value) => Self::Number(Cell::Integer(*value)),
            Scalar::Decimal(value) => Self::Number(Cell::Decimal(*value)),
            Scalar::Text(text) => Self::Text(text),
            Scalar::Column(name) => {
                let index = view.column(name);
                let index = index.ok_or_else(|| refuse(format!("the unknown column {name}")))?;
                Self::Column(&view.table.columns[index])
            }
        })
    }

    /// Numbers may be quoted, and dates written as dates: both sides become of one
    /// kind, or are refused.
    fn fit(&mut self, other: &mut Self) -> Result<(), Refusal> {
        match (self.is_text(), other.is_text()) {
            (false, true) => other.unquote(self),
            (true, false) => self.unquote(other),
            _ => Ok(()),
        }
    }

    fn is_text(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Column(column) => column.kind() == "a",
            Self::RowNumber | Self::Number(_) => false,
        }
    }

    fn unquote(&mut self, number: &Operand<'_>) -> Result<(), Refusal> {
        let Self::Text(text) = self else {
            return Err(refuse("a text compared with a number"));
        };
        let is_date =
            matches!(number, Operand::Column(column) if Format::read(&column.format).is_date());
        let integer = text.parse().map(Cell::Integer).ok();
        let read = integer.or_else(|| text.parse().map(Cell::Decimal).ok());
        let read = read.or_else(|| if is_date { date(text) } else { None });
        let shown = if text.is_empty() { Some(Cell::Na) } else { read };
        *self = Self::Number(shown.ok_or_else(|| refuse(format!("{text:?} as a number")))?);
        Ok(())
    }

    #[inline]
    fn cell(&self, row: usize, number: usize) -> Cell<'_> {
        match self {
            Self::Column(column) => column.cell(row),
            Self::RowNumber => Cell::Integer(number as i64),
            Self::Number(cell) => *cell,
            Self::Text("") => Cell::Na,
            Self::Text(text) => Cell::Text(text.as_bytes()),
        }
    }
}

/// N/A comes before everything, and equals itself. Text is ordered by its bytes.
pub(super) fn order(left: Cell<'_>, right: Cell<'_>) -> Ordering {
    match (left, right) {
        (Cell::Integer(left), Cell::Integer(right)) => left.cmp(&right),
        (Cell::Text(left), Cell::Text(right)) => left.cmp(right),
        (Cell::Na, Cell::Na) => Ordering::Equal,
        (Cell::Na, _) => Ordering::Less,
        (_, Cell::Na) => Ordering::Greater,
        _ => number(left).total_cmp(&number(right)),
    }
}

fn number(cell: Cell<'_>) -> f64 {
    match cell {
        Cell::Integer(value) => value as f64,
        Cell::Decimal(value) => value + 0.0, // there is one zero
        Cell::Na | Cell::Text(_) => f64::NAN,
    }
}

/// `1/31/2014` as 20140131.
fn date(text: &str) -> Option<Cell<'static>> {
    let mut parts = text.split('/').map(|part| part.parse::<u16>().ok());
    let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
    let is_date = parts.next().is_none() && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_date
        .then(|| Cell::Integer(i64::from(year) * 10_000 + i64::from(month) * 100 + i64::from(day)))
}
