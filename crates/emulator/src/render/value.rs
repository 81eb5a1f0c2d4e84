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
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
}
