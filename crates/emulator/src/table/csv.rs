use super::column::Values;
use super::{Column, Strings, Table, TableError};

impl Table {
    /// Reads CSV with a header line. A column is of type `i` if all its values are
    /// integers of 32 bits, else `j` if of 64, else `f` if all are numbers, else
    /// `a`; empty cells are N/A and decide nothing. Numbers that would not come out
    /// as they went in (`007`, `+1`) make a column of text. Text need not be UTF-8.
    ///
    /// # Errors
    ///
    /// The CSV is ragged, or its header does not hold columns' names.
    pub fn from_csv(path: &str, csv: impl AsRef<[u8]>) -> Result<Self, TableError> {
        let mut reader = csv::Reader::from_reader(csv.as_ref());
        let names: Vec<String> = reader
            .byte_headers()?
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').to_owned())
            .collect();
        let mut texts = vec![Strings::default(); names.len()];
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record)? {
            for (text, field) in texts.iter_mut().zip(&record) {
                text.push(field);
            }
        }
        let columns = names.iter().zip(texts).map(|(name, texts)| column(name, texts));
        Self::new(path, columns)
    }
}

fn column(name: &str, texts: Strings) -> Column {
    if let Some(values) = numbers(&texts, integer::<i32>) {
        return Column::integer(name, values);
    }
    if let Some(values) = numbers(&texts, integer::<i64>) {
        return Column::big(name, values);
    }
    if let Some(values) = numbers(&texts, decimal) {
        return Column::decimal(name, values);
    }
    let widest = texts.iter().map(<[u8]>::len).max().unwrap_or_default();
    Column::new(name, &format!("type:char;width:{widest}"), Values::Text(texts))
}

/// All values, if each is a number or N/A, and at least one is a number.
fn numbers<T: Copy>(texts: &Strings, read: fn(&str) -> Option<T>) -> Option<Vec<Option<T>>> {
    let mut values = Vec::with_capacity(texts.len());
    for text in texts.iter() {
        values.push(match text {
            [] => None,
            text => Some(read(str::from_utf8(text).ok()?)?),
        });
    }
    values.iter().any(Option::is_some).then_some(values)
}

fn integer<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|value: &T| value.to_string() == text)
}

fn decimal(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches('-');
    let padded = digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit());
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'e' | b'E'));
    if padded || !plain { None } else { text.parse().ok().filter(|value: &f64| value.is_finite()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_column_is_the_narrowest_that_holds_all_values() {
        let rows = [
            ("1 -2 0", "i"),
            ("2147483647 -2147483647", "i"),
            ("2147483648", "j"),
            ("-9223372036854775807", "j"),
            ("9223372036854775808", "f"), // too long for 64 bits
            ("1.5 2 -3e5", "f"),
            ("1  3", "i"), // N/A between
            ("x 1", "a"),
            ("007", "a"),
            ("+1", "a"),
            ("-0", "f"),
            ("00.5", "a"),
            ("0.5 -0.5", "f"),
            ("inf", "a"),
            ("NaN", "a"),
            ("1e999", "a"),
            ("0x10", "a"),
            ("", "a"),
        ];
        for (cells, kind) in rows {
            let csv = format!("c,d\n{},0\n", cells.replace(' ', ",0\n"));
            let table = Table::from_csv("t", csv).unwrap();
            assert_eq!(table.columns()[0].kind(), kind, "{cells:?}");
            assert_eq!(table.rows(), cells.split(' ').count());
        }
    }

    #[test]
    fn what_cannot_be_a_table_is_said() {
        let rows = [
            ("t", "a,b\n1\n", "the CSV cannot be read"),
            ("t", "a,a\n", "there are two columns \"a\""),
            (
                "t",
                "a b\n",
                "\"a b\" is no column's name: letters, digits and underscores, the first no digit",
            ),
            (
                "t",
                "a,\n1,2\n",
                "\"\" is no column's name: letters, digits and underscores, the first no digit",
            ),
            (
                "a..b",
                "a\n",
                "\"a..b\" is no table's path: names of letters, digits and underscores, joined by dots, none of which begins with a digit",
            ),
            (
                "1a",
                "a\n",
                "\"1a\" is no table's path: names of letters, digits and underscores, joined by dots, none of which begins with a digit",
            ),
        ];
        for (path, csv, expected) in rows {
            let error = Table::from_csv(path, csv).unwrap_err();
            assert_eq!(error.to_string(), expected, "{path} {csv:?}");
        }
    }

    #[test]
    fn columns_of_different_lengths_are_no_table() {
        let columns = [Column::integer("a", [Some(1)]), Column::integer("b", [])];
        let error = Table::new("t", columns).unwrap_err();
        assert_eq!(error.to_string(), "column \"b\" has 0 values where the first has 1");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_name() {
        let table = Table::from_csv("t", "\u{feff}id\n1\n").unwrap();
        assert_eq!(table.columns()[0].name(), "id");
    }
}
