use crate::protocol::escape_heading;
use crate::table::Column;

/// `<cols>` with a `<th>` for each column.
pub(crate) fn cols<'a>(out: &mut Vec<u8>, columns: impl Iterator<Item = &'a Column>) {
    out.extend_from_slice(b"<cols>");
    for column in columns {
        out.extend_from_slice(b"<th name=\"");
        escape_heading(out, column.name.as_bytes());
        out.extend_from_slice(b"\" type=\"");
        out.extend_from_slice(column.kind().as_bytes());
        if !column.format.is_empty() {
            out.extend_from_slice(b"\" format=\"");
            escape_heading(out, column.format.as_bytes());
        }
        out.extend_from_slice(b"\">");
        escape_heading(out, column.heading.as_bytes());
        out.extend_from_slice(b"</th>");
    }
    out.extend_from_slice(b"</cols>");
}
