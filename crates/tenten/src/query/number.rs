//! Numbers as the gateway writes them, and what they stand for.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, date};

#[inline]
pub(super) fn parse_integer(raw: &[u8]) -> Option<i64> {
    let (negative, digits) = match raw {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut number = 0_i64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Downwards, where there is room for one more.
        number = number.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative { Some(number) } else { number.checked_neg() }
}

pub(super) fn parse_decimal(raw: &[u8]) -> Option<f64> {
    if let Some(number) = parse_short_decimal(raw) {
        return Some(number);
    }
    match raw {
        b"0i" => Some(f64::INFINITY),
        b"-0i" => Some(f64::NEG_INFINITY),
        _ => std::str::from_utf8(raw).ok()?.parse().ok(),
    }
}

/// As many digits as a decimal certainly keeps.
const EXACT_DIGITS: usize = 15;

/// Powers of ten that are exact.
const POWERS: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Digits, with a point among them or not, so few that they and the power of ten that
/// they are divided by are both exact: then so is the rounding of the one division.
/// That is most of what there is, and a third of the work.
#[inline]
fn parse_short_decimal(raw: &[u8]) -> Option<f64> {
    let (negative, digits) = match raw {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > EXACT_DIGITS {
        return None;
    }
    let (mut number, mut point) = (0_u64, None);
    for (at, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            number = number * 10 + u64::from(digit);
        } else if *byte == b'.' && point.is_none() && digits.len() > 1 {
            point = Some(digits.len() - 1 - at);
        } else {
            return None;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "fifteen digits are exact")]
    let number = number as f64 / POWERS[point.unwrap_or(0)];
    Some(if negative { -number } else { number })
}

pub(super) fn date_of(number: i64) -> Option<Date> {
    let day = i8::try_from(number % 100).ok()?;
    let month = i8::try_from(number / 100 % 100).ok()?;
    Date::new(i16::try_from(number / 10_000).ok()?, month, day).ok()
}

pub(super) fn time_of(number: i64) -> Option<Time> {
    let part = |by: i64| i8::try_from(number / by % 100).ok();
    if !(0..240_000).contains(&number) {
        return None;
    }
    Time::new(part(10_000)?, part(100)?, part(1)?, 0).ok()
}

/// Where the platform's calendar begins.
const EPOCH: DateTime = date(2035, 1, 1).at(0, 0, 0, 0);
const MILLISECONDS_A_DAY: f64 = 86_400_000.0;

#[expect(clippy::cast_possible_truncation, reason = "what is too far off is no date either")]
pub(super) fn date_time_of(days: f64) -> Option<DateTime> {
    let milliseconds = (days * MILLISECONDS_A_DAY).round();
    if !milliseconds.is_finite() {
        return None;
    }
    EPOCH.checked_add(SignedDuration::from_millis(milliseconds as i64)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_decimal_is_what_the_standard_library_reads(
            text in "-?[0-9]{0,17}(\\.[0-9]{0,17})?(e-?[0-9]{1,2})?"
        ) {
            let expected = text.parse::<f64>().ok().map(f64::to_bits);
            prop_assert_eq!(parse_decimal(text.as_bytes()).map(f64::to_bits), expected);
        }
    }
}
