use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};

use super::column::{Column, ColumnType, Meaning};
use super::number::{date_of, date_time_of, parse_decimal, parse_integer, time_of};
use super::value::Value;
use crate::xml::{self, Raw};
use crate::{Error, Result};

/// One value of a result, where it stands.
///
/// N/A is an empty cell; for text, where the platform knows no other empty text, that
/// is the empty string.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    raw: Raw<'a>,
    column: &'a Column,
    row: u64,
}

const TEXT: &str = "text with known references";

impl<'a> Cell<'a> {
    pub(crate) const fn new(raw: Raw<'a>, column: &'a Column, row: u64) -> Self {
        Self { raw, column, row }
    }

    /// The bytes as they stand in the answer, references unresolved.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw.bytes()
    }

    /// The bytes it holds, whatever their encoding.
    ///
    /// # Errors
    ///
    /// A reference in it means nothing.
    pub fn bytes(&self) -> Result<Cow<'a, [u8]>> {
        match self.raw {
            Raw::Plain(text) => Ok(Cow::Borrowed(text.as_bytes())),
            Raw::Other(raw) => xml::unescape(raw).map_err(|_| self.is_no(TEXT)),
        }
    }

    /// Its text: UTF-8, or Latin-1 where it is not that.
    ///
    /// # Errors
    ///
    /// As for [`bytes`](Self::bytes).
    #[inline]
    pub fn text(&self) -> Result<Cow<'a, str>> {
        match self.raw {
            Raw::Plain(text) => Ok(Cow::Borrowed(text)),
            Raw::Other(raw) => xml::text(raw).map_err(|_| self.is_no(TEXT)),
        }
    }

    /// True if it holds nothing: N/A, or the empty text.
    #[must_use]
    #[inline]
    pub fn is_na(&self) -> bool {
        match self.raw {
            Raw::Plain(text) => text.is_empty(),
            // Also `<![CDATA[]]>`.
            Raw::Other(raw) => match raw.first() {
                None => true,
                Some(b'<') => self.bytes().is_ok_and(|bytes| bytes.is_empty()),
                Some(_) => false,
            },
        }
    }

    /// A whole number; `None` for N/A.
    ///
    /// # Errors
    ///
    /// It is none, or does not fit.
    #[inline]
    pub fn integer(&self) -> Result<Option<i64>> {
        let raw = self.raw.bytes();
        let number = match parse_integer(raw) {
            Some(number) => number,
            None if raw.is_empty() => return Ok(None),
            None => match self.plain()?.as_slice() {
                b"" => return Ok(None),
                plain => parse_integer(plain).ok_or_else(|| self.is_no("whole number"))?,
            },
        };
        let na = match self.column.kind {
            ColumnType::Integer => i64::from(i32::MIN),
            _ => i64::MIN,
        };
        Ok((number != na).then_some(number))
    }

    /// A decimal, or a whole number as one; `None` for N/A.
    ///
    /// # Errors
    ///
    /// It is none.
    #[inline]
    pub fn decimal(&self) -> Result<Option<f64>> {
        if matches!(self.column.kind, ColumnType::Integer | ColumnType::BigInteger) {
            #[expect(clippy::cast_precision_loss, reason = "it was asked for as a decimal")]
            return Ok(self.integer()?.map(|number| number as f64));
        }
        let raw = self.raw.bytes();
        if raw.is_empty() {
            return Ok(None);
        }
        match parse_decimal(raw) {
            Some(number) => Ok((!number.is_nan()).then_some(number)),
            None => match self.plain()?.as_slice() {
                b"" => Ok(None),
                plain => {
                    let number = parse_decimal(plain).ok_or_else(|| self.is_no("decimal"))?;
                    Ok((!number.is_nan()).then_some(number))
                }
            },
        }
    }

    /// The day that a whole number `YYYYMMDD` stands for; `None` for N/A, and for a
    /// number that is no day.
    ///
    /// # Errors
    ///
    /// It is no whole number.
    pub fn date(&self) -> Result<Option<Date>> {
        Ok(self.integer()?.and_then(date_of))
    }

    /// The time of day that a whole number `HHMMSS` stands for; `None` for N/A, and for
    /// a number that is none.
    ///
    /// # Errors
    ///
    /// It is no whole number.
    pub fn time(&self) -> Result<Option<Time>> {
        Ok(self.integer()?.and_then(time_of))
    }

    /// The moment that a decimal stands for: days since 2035 began, to the millisecond.
    /// `None` for N/A, and for what is out of the calendar.
    ///
    /// # Errors
    ///
    /// It is no decimal.
    pub fn date_time(&self) -> Result<Option<DateTime>> {
        Ok(self.decimal()?.and_then(date_time_of))
    }

    /// What its column's type and format make of it.
    ///
    /// # Errors
    ///
    /// It does not hold what the type says.
    pub fn value(&self) -> Result<Value<'a>> {
        let value = match self.column.meaning() {
            Meaning::Text => Some(Value::Text(self.text()?)),
            Meaning::Date => self.date()?.map(Value::Date),
            Meaning::Time => self.time()?.map(Value::Time),
            Meaning::DateTime => self.date_time()?.map(Value::DateTime),
            Meaning::Number if self.column.kind == ColumnType::Decimal => {
                self.decimal()?.map(Value::Decimal)
            }
            Meaning::Number => self.integer()?.map(Value::Integer),
        };
        Ok(value.unwrap_or(Value::Na))
    }

    /// Its column.
    #[must_use]
    pub const fn column(&self) -> &'a Column {
        self.column
    }

    pub(super) fn is_no(&self, wanted: &'static str) -> Error {
        let raw = self.raw.bytes();
        let begin = &raw[..raw.len().min(100)];
        let value = xml::decode(begin).chars().take(50).collect();
        Error::Cell { row: self.row, column: self.column.name.clone(), value, wanted }
    }

    /// References resolved and white space cut, for what is no number as it stands.
    fn plain(&self) -> Result<Vec<u8>> {
        Ok(self.bytes()?.trim_ascii().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::FromCell;

    fn value(kind: &str, format: &str, raw: &str) -> std::result::Result<Value<'static>, String> {
        let column = Column::new("c", "C", kind, format);
        let cell = Cell::new(Raw::Other(raw.as_bytes()), &column, 7);
        cell.value().map(Value::into_owned).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_are_read_to_their_limits() {
        for (kind, raw, expected) in [
            ("i", "3103", Value::Integer(3103)),
            ("i", "-7", Value::Integer(-7)),
            ("i", " 12 ", Value::Integer(12)),
            ("i", "2147483647", Value::Integer(i64::from(i32::MAX))),
            ("j", "9223372036854775807", Value::Integer(i64::MAX)),
            ("j", "-9223372036854775807", Value::Integer(i64::MIN + 1)),
            ("j", "-2147483648", Value::Integer(i64::from(i32::MIN))),
            ("f", "1.5e300", Value::Decimal(1.5e300)),
            ("f", "5", Value::Decimal(5.0)),
            ("f", "0i", Value::Decimal(f64::INFINITY)),
            ("f", "-0i", Value::Decimal(f64::NEG_INFINITY)),
            ("f", "inf", Value::Decimal(f64::INFINITY)),
            ("f", "-inf", Value::Decimal(f64::NEG_INFINITY)),
        ] {
            assert_eq!(value(kind, "", raw), Ok(expected), "{kind} {raw}");
        }
    }

    #[test]
    fn n_a_is_empty_or_the_values_kept_for_it() {
        for (kind, raw) in [
            ("i", ""),
            ("j", ""),
            ("f", ""),
            ("i", "-2147483648"),
            ("j", "-9223372036854775808"),
            ("f", "NaN"),
        ] {
            assert_eq!(value(kind, "", raw), Ok(Value::Na), "{kind} {raw:?}");
        }
        assert_eq!(value("a", "", ""), Ok(Value::Text("".into())));
        assert!(Value::Text("".into()).is_na());
    }

    #[test]
    fn what_a_cell_is_not_is_said_with_its_place() {
        for (kind, raw) in
            [("i", "12x"), ("i", "1.5"), ("j", "9223372036854775808"), ("f", "1,5"), ("i", "-")]
        {
            let said = value(kind, "", raw).expect_err(raw);
            assert!(said.starts_with(&format!("row 7, column \"c\": \"{raw}\" is no ")), "{said}");
        }
        assert!(value("a", "", "&nbsp;").is_err());
    }

    #[test]
    fn dates_and_times_follow_the_format() {
        assert_eq!(value("i", "type:date", "19900101"), Ok(Value::Date(date(1990, 1, 1))));
        assert_eq!(value("i", "type:date4y", "20240229"), Ok(Value::Date(date(2024, 2, 29))));
        assert_eq!(
            value("i", "type:hms12", "224556"),
            Ok(Value::Time(Time::constant(22, 45, 56, 0)))
        );
        let moment = |days| value("f", "type:datehms24", days);
        assert_eq!(moment("0"), Ok(Value::DateTime(date(2035, 1, 1).at(0, 0, 0, 0))));
        assert_eq!(moment("-0.5"), Ok(Value::DateTime(date(2034, 12, 31).at(12, 0, 0, 0))));
        assert_eq!(moment("1.25"), Ok(Value::DateTime(date(2035, 1, 2).at(6, 0, 0, 0))));
    }

    #[test]
    fn what_is_no_date_is_n_a() {
        for (kind, format, raw) in [
            ("i", "type:date", "20230229"),
            ("i", "type:date", "0"),
            ("i", "type:date", "-19900101"),
            ("i", "type:date", "999999999999"),
            ("i", "type:hm24", "250000"),
            ("i", "type:hm24", "126000"),
            ("f", "type:date", "1e300"),
            ("f", "type:date", "0i"),
        ] {
            assert_eq!(value(kind, format, raw), Ok(Value::Na), "{raw}");
        }
    }

    #[test]
    fn a_cell_is_read_as_what_is_asked_for() {
        let column = Column::new("c", "C", "i", "type:date");
        let cell = Cell::new(Raw::Plain("19900101"), &column, 0);
        assert_eq!(i32::from_cell(&cell).expect("fits"), 19_900_101);
        assert_eq!(Date::from_cell(&cell).expect("a day"), date(1990, 1, 1));
        assert_eq!(String::from_cell(&cell).expect("text"), "19900101");
        assert_eq!(Vec::<u8>::from_cell(&cell).expect("bytes"), b"19900101");
        let empty = Cell::new(Raw::Plain(""), &column, 0);
        assert!(i32::from_cell(&empty).is_err());
        assert_eq!(Option::<i32>::from_cell(&empty).expect("N/A"), None);
        let no_day = Cell::new(Raw::Plain("1"), &column, 0);
        assert_eq!(Option::<Date>::from_cell(&no_day).expect("N/A"), None);
        assert_eq!(Option::<i64>::from_cell(&no_day).expect("a number"), Some(1));
        let text = Column::new("t", "T", "a", "");
        assert!(Option::<i32>::from_cell(&Cell::new(Raw::Plain("x"), &text, 0)).is_err());
    }
}
