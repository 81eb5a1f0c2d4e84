//! Values as they are stored: what `values="raw"` shows.

use crate::table::Cell;

#[inline]
pub(crate) fn write(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Na => {}
        Cell::Integer(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Cell::Decimal(value) => decimal(out, value),
        Cell::Text(text) => out.extend_from_slice(text),
    }
}

/// The shortest text that reads back as the same number; infinities as the platform
/// displays them.
#[inline]
pub(crate) fn decimal(out: &mut Vec<u8>, value: f64) {
    if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"0i" } else { b"-0i" });
        return;
    }
    if let Some(hundredths) = hundredths(value) {
        return short(out, hundredths);
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
}

/// How many hundredths a value is, if so few digits say it exactly: decimals of up to
/// fifteen digits are all different values, so what reads back is the shortest, too.
#[inline]
fn hundredths(value: f64) -> Option<i64> {
    const MOST: f64 = 1e14;
    let hundredths = (value * 100.0).round();
    let exact = hundredths.abs() < MOST && hundredths / 100.0 == value;
    // Zero has a sign.
    (exact && hundredths != 0.0).then_some(hundredths as i64)
}

#[inline]
fn short(out: &mut Vec<u8>, hundredths: i64) {
    let (whole, rest) = (hundredths.unsigned_abs() / 100, (hundredths.unsigned_abs() % 100) as u8);
    if hundredths < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    match (rest / 10, rest % 10) {
        (0, 0) => {}
        (tenths, 0) => out.extend_from_slice(&[b'.', b'0' + tenths]),
        (tenths, hundredths) => out.extend_from_slice(&[b'.', b'0' + tenths, b'0' + hundredths]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        decimal(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    fn shortest(value: f64) -> String {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        text.strip_suffix(".0").unwrap_or(text).to_owned()
    }

    #[test]
    fn few_digits_are_written_as_many_are() {
        for value in
            [0.0, -0.0, 0.01, -0.01, 0.1, 1.0, -1.5, 12.05, 99.99, 1e11, 999_999_999_999.99]
        {
            assert_eq!(written(value), shortest(value), "{value:e}");
        }
    }

    proptest! {
        #[test]
        fn hundredths_are_written_as_all_decimals_are(hundredths in -100_000_000_000_000_i64..100_000_000_000_000) {
            let value = hundredths as f64 / 100.0;
            prop_assert_eq!(written(value), shortest(value));
        }

        #[test]
        fn any_decimal_reads_back(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            prop_assert_eq!(written(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
