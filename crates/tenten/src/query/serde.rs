//! Rows as values of the caller's own types.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::cell::Cell;
use super::row::Row;
use super::value::Value;
use crate::Error;

/// An [`Error`] on its way through serde.
#[derive(Debug)]
pub(super) struct Failure(Error);

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Error::Shape(message.to_string()))
    }
}

/// A row as a map by column name, or as a sequence.
pub(super) struct RowDeserializer<'r> {
    row: &'r Row,
    column: usize,
}

impl<'r> RowDeserializer<'r> {
    pub(super) const fn new(row: &'r Row) -> Self {
        Self { row, column: 0 }
    }

    fn next(&mut self) -> Result<Option<CellDeserializer<'r>>, Failure> {
        if self.column >= self.row.columns().len() {
            return Ok(None);
        }
        self.column += 1;
        Ok(Some(CellDeserializer(self.row.cell(self.column - 1)?)))
    }
}

impl<'de> Deserializer<'de> for RowDeserializer<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let number = self.row.number();
        visitor.visit_map(self).map_err(|failure| at(number, failure))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let number = self.row.number();
        visitor.visit_seq(self).map_err(|failure| at(number, failure))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        columns: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let found = self.row.columns().len();
        if found != columns {
            let message = format!("row has {found} columns where {columns} were asked for");
            return Err(Error::Shape(message).into());
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        columns: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_tuple(columns, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct map struct enum identifier ignored_any
    }
}

/// What serde says of a type, with the row it is about.
fn at(number: u64, failure: Failure) -> Failure {
    match failure.0 {
        Error::Shape(message) => Failure(Error::Shape(format!("row {number}: {message}"))),
        error => Failure(error),
    }
}

impl<'de> MapAccess<'de> for RowDeserializer<'de> {
    type Error = Failure;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        let row: &'de Row = self.row;
        match row.columns().get(self.column) {
            Some(column) => seed.deserialize(BorrowedStrDeserializer::new(&column.name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Failure> {
        match self.next()? {
            Some(cell) => seed.deserialize(cell),
            None => Err(de::Error::custom("there is no further column")),
        }
    }
}

impl<'de> SeqAccess<'de> for RowDeserializer<'de> {
    type Error = Failure;

    fn next_element_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        self.next()?.map(|cell| seed.deserialize(cell)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.row.columns().len() - self.column)
    }
}

/// A cell as what its column's type and format make of it, or as what is asked for.
struct CellDeserializer<'r>(Cell<'r>);

impl<'de> CellDeserializer<'de> {
    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0.text()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }
}

impl<'de> Deserializer<'de> for CellDeserializer<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0.value()? {
            Value::Na => Err(self.0.is_no("value, and what takes it is no Option").into()),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Decimal(number) => visitor.visit_f64(number),
            Value::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Value::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Value::Date(date) => visitor.visit_string(date.to_string()),
            Value::Time(time) => visitor.visit_string(time.to_string()),
            Value::DateTime(moment) => visitor.visit_string(moment.to_string()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.0.is_na() || self.0.value()? == Value::Na {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0.integer()? {
            Some(0) => visitor.visit_bool(false),
            Some(1) => visitor.visit_bool(true),
            _ => Err(self.0.is_no("0 or 1").into()),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0.integer()? {
            Some(number) => visitor.visit_i64(number),
            None => Err(self.0.is_no("whole number").into()),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0.decimal()? {
            Some(number) => visitor.visit_f64(number),
            None => Err(self.0.is_no("decimal").into()),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0.bytes()? {
            Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
            Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let text: StringDeserializer<Failure> = self.0.text()?.into_owned().into_deserializer();
        visitor.visit_enum(text)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        // Dates too, as ISO 8601 has them: that is what reads them asks for.
        match self.0.value()? {
            Value::Na => self.text(visitor),
            Value::Integer(_) | Value::Decimal(_) => self.text(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 char unit_struct seq tuple tuple_struct map struct
        identifier
    }
}
