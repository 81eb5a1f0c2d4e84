use crate::table::Cell;

/// How a column is displayed: what `type:num;width:8;dec:2` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Format {
    kind: Kind,
    dec: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Num,
    NoCommas,
    Currency,
    Char,
    Date,
    Date4y,
    Hms12,
    Hm24,
}

const MAX_DECIMALS: usize = 20;

impl Format {
    /// Reads a format; what is not understood counts for nothing.
    pub(crate) fn read(format: &str) -> Self {
        let mut read = Self::default();
        for (key, value) in format.split(';').filter_map(|pair| pair.split_once(':')) {
            match key.trim() {
                "type" => read.kind = Kind::read(value.trim()),
                "dec" => {
                    read.dec = value.trim().parse().ok().map(|dec: usize| dec.min(MAX_DECIMALS))
                }
                _ => {}
            }
        }
        read
    }

    pub(crate) const fn is_date(self) -> bool {
        matches!(self.kind, Kind::Date | Kind::Date4y)
    }

    /// Writes a cell as it is displayed.
    pub(crate) fn write(self, out: &mut Vec<u8>, cell: Cell<'_>) {
        match cell {
            Cell::Na => {}
            Cell::Text(text) => out.extend_from_slice(text),
            Cell::Integer(value) => out.extend_from_slice(self.integer(value).as_bytes()),
            Cell::Decimal(value) if value.is_infinite() => super::value::decimal(out, value),
            Cell::Decimal(value) => out.extend_from_slice(self.decimal(value).as_bytes()),
        }
    }

    fn integer(self, value: i64) -> String {
        match self.kind {
            Kind::NoCommas | Kind::Char => self.fraction(value.to_string()),
            Kind::Num => self.fraction(commas(&value.to_string())),
            Kind::Currency => currency(&self.fraction(commas(&value.to_string()))),
            Kind::Date | Kind::Date4y | Kind::Hms12 | Kind::Hm24 => self.moment(value),
        }
    }

    fn decimal(self, value: f64) -> String {
        let dec = self.dec.unwrap_or(2);
        match self.kind {
            Kind::NoCommas | Kind::Char => format!("{value:.dec$}"),
            Kind::Num => commas(&format!("{value:.dec$}")),
            Kind::Currency => currency(&commas(&format!("{value:.dec$}"))),
            Kind::Date | Kind::Date4y | Kind::Hms12 | Kind::Hm24 => self.moment(value as i64),
        }
    }

    fn fraction(self, whole: String) -> String {
        match self.dec {
            None | Some(0) => whole,
            Some(dec) => format!("{whole}.{:0<dec$}", ""),
        }
    }

    /// Dates are numbers YYYYMMDD, times HHMMSS.
    fn moment(self, value: i64) -> String {
        let (first, second, third) = (value / 10_000, value / 100 % 100, value % 100);
        match self.kind {
            _ if value < 0 => value.to_string(),
            Kind::Date => format!("{second:02}/{third:02}/{:02}", first % 100),
            Kind::Date4y => format!("{second:02}/{third:02}/{first:04}"),
            Kind::Hms12 => {
                let half = if first < 12 { 'a' } else { 'p' };
                format!("{}:{second:02}:{third:02}{half}", (first + 11) % 12 + 1)
            }
            _ => rounded_to_minutes(first, second, third),
        }
    }
}

impl Kind {
    fn read(name: &str) -> Self {
        match name {
            "nocommas" => Self::NoCommas,
            "currency" => Self::Currency,
            "char" => Self::Char,
            "date" => Self::Date,
            "date4y" => Self::Date4y,
            "hms12" => Self::Hms12,
            "hm24" => Self::Hm24,
            _ => Self::Num,
        }
    }
}

/// 22:45:56 is shown as 22:46.
fn rounded_to_minutes(hour: i64, minute: i64, second: i64) -> String {
    let minutes = hour * 60 + minute + i64::from(second >= 30);
    format!("{}:{:02}", minutes / 60 % 24, minutes % 60)
}

fn currency(number: &str) -> String {
    match number.strip_prefix('-') {
        Some(number) => format!("-${number}"),
        None => format!("${number}"),
    }
}

fn commas(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::with_capacity(number.len() + whole.len() / 3);
    grouped.push_str(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_displayed_as_their_format_says() {
        let shown = [
            ("type:num;width:8", Cell::Integer(-1_234_567), "-1,234,567"),
            ("type:num;dec:2", Cell::Integer(7), "7.00"),
            ("type:nocommas;width:6", Cell::Integer(1_234_567), "1234567"),
            ("type:num;width:8;dec:1", Cell::Decimal(6902.04), "6,902.0"),
            ("type:num", Cell::Decimal(0.5), "0.50"),
            ("type:currency;dec:2", Cell::Decimal(-1234.5), "-$1,234.50"),
            ("type:date", Cell::Integer(19_900_101), "01/01/90"),
            ("type:date4y;width:10", Cell::Integer(19_900_101), "01/01/1990"),
            ("type:hms12", Cell::Integer(224_556), "10:45:56p"),
            ("type:hms12", Cell::Integer(501), "12:05:01a"),
            ("type:hm24", Cell::Integer(224_556), "22:46"),
            ("type:hm24", Cell::Integer(235_959), "0:00"),
            ("type:char", Cell::Text(b"a,b"), "a,b"),
            ("", Cell::Integer(1000), "1,000"),
            ("type:num;dec:99999999999", Cell::Integer(1), "1.00000000000000000000"),
            ("type:num", Cell::Decimal(f64::INFINITY), "0i"),
            ("type:num", Cell::Na, ""),
        ];
        for (format, cell, expected) in shown {
            let mut out = Vec::new();
            Format::read(format).write(&mut out, cell);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{format} of {cell:?}");
        }
    }
}
