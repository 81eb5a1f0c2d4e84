use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};

/// What a cell holds, by its column's type and format.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Nothing; of any column but text.
    Na,
    /// A whole number.
    Integer(i64),
    /// A decimal, which may be infinite.
    Decimal(f64),
    /// Text; empty for N/A.
    Text(Cow<'a, str>),
    /// A day.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A day and a time of it, without a zone.
    DateTime(DateTime),
}

impl Value<'_> {
    /// The same, borrowing from nothing.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Na => Value::Na,
            Self::Integer(number) => Value::Integer(number),
            Self::Decimal(number) => Value::Decimal(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Date(date) => Value::Date(date),
            Self::Time(time) => Value::Time(time),
            Self::DateTime(moment) => Value::DateTime(moment),
        }
    }

    /// True for [`Value::Na`] and for the empty text.
    #[must_use]
    pub fn is_na(&self) -> bool {
        match self {
            Self::Na => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }
}
