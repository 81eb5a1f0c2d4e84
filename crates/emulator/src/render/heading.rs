use crate::protocol::escape_heading;
use crate::table::Column;

/// `<cols>` with a `<th>` for each column.
pub(crate) fn cols<'a>(out: &mut Vec<u8>, columns: impl Iterator<Item = &'a Column>) {
    headings(out, columns, |_| "");
}

/// The same with what columns hold.
pub(crate) fn described_cols<'a>(out: &mut Vec<u8>, columns: impl Iterator<Item = &'a Column>) {
    headings(out, columns, |column| &column.description);
}

fn headings<'a>(
    out: &mut Vec<u8>,
    columns: impl Iterator<Item = &'a Column>,
    description: impl Fn(&'a Column) -> &'a str,
) {
    out.extend_from_slice(b"<cols>");
    for column in columns {
        out.extend_from_slice(b"<th");
        attribute(out, "name", &column.name);
        attribute(out, "type", column.kind());
        for (name, text) in [("format", column.format.as_str()), ("desc", description(column))] {
            if !text.is_empty() {
                attribute(out, name, text);
            }
        }
        out.push(b'>');
        escape_heading(out, column.heading.as_bytes());
        out.extend_from_slice(b"</th>");
    }
    out.extend_from_slice(b"</cols>");
}

fn attribute(out: &mut Vec<u8>, name: &str, text: &str) {
    out.extend_from_slice(format!(" {name}=\"").as_bytes());
    escape_heading(out, text.as_bytes());
    out.push(b'"');
}
