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
