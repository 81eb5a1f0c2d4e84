use super::{Format, value};
use crate::protocol::escape_text;
use crate::table::{Cell, Column};

/// What `<format>` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) layout: Layout,
    pub(crate) formatted: bool,
    pub(crate) infinity_is_na: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Xml,
    Csv(Csv),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Csv {
    pub(crate) sep: String,
    pub(crate) linesep: String,
    pub(crate) quotes: bool,
}

/// A column, and how its cells are written.
#[derive(Debug)]
pub(crate) struct Pen<'a> {
    column: &'a Column,
    format: Option<Format>,
}

impl Style {
    pub(crate) fn pen<'a>(&self, column: &'a Column) -> Pen<'a> {
        Pen { column, format: self.formatted.then(|| Format::read(&column.format)) }
    }

    #[inline]
    pub(crate) fn row(&self, out: &mut Vec<u8>, pens: &[Pen<'_>], row: usize) {
        match &self.layout {
            Layout::Xml => self.xml_row(out, pens, row),
            Layout::Csv(csv) => self.csv_row(csv, out, pens, row),
        }
    }

    #[inline]
    fn xml_row(&self, out: &mut Vec<u8>, pens: &[Pen<'_>], row: usize) {
        let mut between: &[u8] = b"<tr><td>";
        for pen in pens {
            out.extend_from_slice(between);
            match self.cell(pen, row) {
                Cell::Text(text) => escape_text(out, text),
                cell => pen.write(out, cell),
            }
            between = b"</td><td>";
        }
        out.extend_from_slice(b"</td></tr>");
    }

    fn csv_row(&self, csv: &Csv, out: &mut Vec<u8>, pens: &[Pen<'_>], row: usize) {
        let mut field = Vec::new();
        for (index, pen) in pens.iter().enumerate() {
            if index > 0 {
                csv.separate(out);
            }
            field.clear();
            pen.write(&mut field, self.cell(pen, row));
            csv.field(out, &field);
        }
        csv.end_line(out);
    }

    #[inline]
    fn cell<'a>(&self, pen: &Pen<'a>, row: usize) -> Cell<'a> {
        match pen.column.cell(row) {
            Cell::Decimal(value) if value.is_infinite() && self.infinity_is_na => Cell::Na,
            cell => cell,
        }
    }
}

impl Pen<'_> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>, cell: Cell<'_>) {
        match self.format {
            None => value::write(out, cell),
            Some(format) => format.write(out, cell),
        }
    }
}

impl Csv {
    /// The header line.
    pub(crate) fn header<'a>(&self, out: &mut Vec<u8>, names: impl Iterator<Item = &'a str>) {
        for (index, name) in names.enumerate() {
            if index > 0 {
                self.separate(out);
            }
            self.field(out, name.as_bytes());
        }
        self.end_line(out);
    }

    fn separate(&self, out: &mut Vec<u8>) {
        cdata(out, self.sep.as_bytes());
    }

    fn end_line(&self, out: &mut Vec<u8>) {
        cdata(out, self.linesep.as_bytes());
    }

    /// Quoted as RFC 4180 asks, where the text would be misread otherwise.
    fn field(&self, out: &mut Vec<u8>, text: &[u8]) {
        if !self.quotes || !self.is_special(text) {
            return cdata(out, text);
        }
        let mut quoted = Vec::with_capacity(text.len() + 2);
        quoted.push(b'"');
        for byte in text {
            quoted.extend(std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 }));
        }
        quoted.push(b'"');
        cdata(out, &quoted);
    }

    fn is_special(&self, text: &[u8]) -> bool {
        text.iter().any(|byte| matches!(byte, b'"' | b'\n' | b'\r'))
            || contains(text, self.sep.as_bytes())
            || contains(text, self.linesep.as_bytes())
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

/// Inside a CDATA section only its end is special: it is divided over two.
fn cdata(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        // What stood before the start of this piece is not known.
        if *byte == b'>' && (out.len() < 2 || out.ends_with(b"]]")) {
            out.extend_from_slice(b"]]><![CDATA[");
        }
        out.push(*byte);
    }
}
