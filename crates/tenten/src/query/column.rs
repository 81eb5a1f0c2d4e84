/// One column of a result, as the gateway describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// What it is asked for by.
    pub name: String,
    /// Its heading, for people; lines are separated by line feeds.
    pub label: String,
    /// What its cells hold.
    pub kind: ColumnType,
    /// How they are meant to be shown, word for word: `type:num;width:8;dec:2`.
    pub format: String,
    meaning: Meaning,
}

/// The types the gateway knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnType {
    /// `i`: whole numbers of 32 bits.
    Integer,
    /// `j`: whole numbers of 64 bits.
    BigInteger,
    /// `f`: decimals, 64 bits wide.
    Decimal,
    /// `a`: text.
    Text,
    /// A type we do not know. Its cells can be had as text and as bytes.
    Unknown,
}

/// What a column's numbers stand for; there is no type for it on the wire, the format
/// says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Number,
    Text,
    Date,
    Time,
    DateTime,
}

impl Column {
    pub(crate) fn new(name: &str, label: &str, kind: &str, format: &str) -> Self {
        let kind = match kind {
            "i" => ColumnType::Integer,
            "j" => ColumnType::BigInteger,
            "f" => ColumnType::Decimal,
            "a" => ColumnType::Text,
            _ => ColumnType::Unknown,
        };
        let meaning = meaning(kind, shape(format));
        let (name, label) = (name.to_owned(), label.trim().to_owned());
        Self { name, label, kind, format: format.to_owned(), meaning }
    }

    pub(crate) const fn meaning(&self) -> Meaning {
        self.meaning
    }
}

/// The `type` of a format string.
fn shape(format: &str) -> &str {
    let mut parts = format.split(';').filter_map(|part| part.split_once(':'));
    parts.find(|(key, _)| key.trim() == "type").map_or("", |(_, value)| value.trim())
}

fn meaning(kind: ColumnType, shape: &str) -> Meaning {
    let (date, time) = (shape.starts_with("date"), shape.starts_with("hm"));
    match kind {
        ColumnType::Integer | ColumnType::BigInteger if date => Meaning::Date,
        ColumnType::Integer | ColumnType::BigInteger if time => Meaning::Time,
        ColumnType::Decimal if date || time => Meaning::DateTime,
        ColumnType::Integer | ColumnType::BigInteger | ColumnType::Decimal => Meaning::Number,
        ColumnType::Text | ColumnType::Unknown => Meaning::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_says_what_numbers_stand_for() {
        for (kind, format, expected) in [
            ("i", "type:date4y;width:10", Meaning::Date),
            ("i", "width:8; type:date", Meaning::Date),
            ("i", "type:hms12", Meaning::Time),
            ("j", "type:hm24", Meaning::Time),
            ("f", "type:datehms24", Meaning::DateTime),
            ("i", "type:nocommas;width:6", Meaning::Number),
            ("f", "", Meaning::Number),
            ("a", "type:char;width:20", Meaning::Text),
            ("z", "", Meaning::Text),
        ] {
            assert_eq!(Column::new("c", "C", kind, format).meaning(), expected, "{kind} {format}");
        }
    }
}
