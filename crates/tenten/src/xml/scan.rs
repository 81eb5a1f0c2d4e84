//! What an answer brings in bulk, found without an event for each tag: a table's rows, or
//! its text as CSV.

use std::ops::Range;

use memchr::{memchr2, memmem};

use super::flaw::{Flaw, XmlError};
use super::grid::{Room, Span};
use super::limits::XmlLimits;

/// What stands in `<data>`.
#[derive(Debug)]
pub(super) struct Data {
    /// From the `<` of `<data>` to behind the `>` of `</data>`.
    pub(super) outer: Range<usize>,
    pub(super) spans: Vec<Span>,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// What stands in `<csv>`.
#[derive(Debug)]
pub(super) struct Csv {
    /// From the `<` of `<csv>` to behind the `>` of `</csv>`.
    pub(super) outer: Range<usize>,
    pub(super) inner: Range<usize>,
}

#[derive(Debug)]
pub(super) enum Bulk {
    Data(Data),
    Csv(Csv),
}

/// Finds `<data>` or `<csv>`, whichever comes first, and scans it; `None` if there is
/// neither.
pub(super) fn bulk(body: &[u8], limits: &XmlLimits, room: Room) -> Result<Option<Bulk>, XmlError> {
    let data = find(body, b"<data");
    // What a cell says is no tag, and neither is what stands in the CSV.
    let csv = find(&body[..data.unwrap_or(body.len())], b"<csv");
    let Some(start) = csv.or(data) else { return Ok(None) };
    let mut scanner = Scanner { body, at: start, row: None, limits };
    if csv.is_some() {
        return scanner.csv().map(|csv| Some(Bulk::Csv(csv)));
    }
    let mut data = Data { outer: start..start, spans: room.0, rows: 0, columns: 0 };
    if !scanner.open(b"<data")? {
        scanner.rows(&mut data)?;
    }
    data.outer.end = scanner.at;
    Ok(Some(Bulk::Data(data)))
}

fn find(body: &[u8], tag: &[u8]) -> Option<usize> {
    memmem::find_iter(body, tag).find(|at| ends_name(body.get(at + tag.len())))
}

/// True if a tag's name is over there.
fn ends_name(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n'))
}

struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
    row: Option<usize>,
    limits: &'a XmlLimits,
}

/// Between two cells, and between two rows, of an answer without white space.
const NEXT_CELL: &[u8] = b"</td><td>";
const NEXT_ROW: &[u8] = b"</td></tr><tr><td>";
const CDATA: &[u8] = b"<![CDATA[";

impl Scanner<'_> {
    /// All up to `</csv>`.
    fn csv(&mut self) -> Result<Csv, XmlError> {
        let start = self.at;
        if self.open(b"<csv")? {
            return Ok(Csv { outer: start..self.at, inner: self.at..self.at });
        }
        let inner = self.at..self.text_end(usize::MAX)?.0;
        self.at = inner.end;
        self.close(b"</csv")?;
        Ok(Csv { outer: start..self.at, inner })
    }

    /// All rows up to `</data>`.
    fn rows(&mut self, data: &mut Data) -> Result<(), XmlError> {
        loop {
            self.skip_space();
            if self.starts_with(b"</data") {
                self.row = None;
                return self.close(b"</data");
            }
            self.row = Some(data.rows);
            if self.open(b"<tr")? {
                self.end_row(data, data.spans.len())?;
            } else {
                self.row_run(data)?;
            }
        }
    }

    /// The cells of a row behind its `<tr>`, and of all that follow without a gap.
    fn row_run(&mut self, data: &mut Data) -> Result<(), XmlError> {
        let mut first = data.spans.len();
        loop {
            self.skip_space();
            if self.starts_with(b"</tr") {
                self.close(b"</tr")?;
                return self.end_row(data, first);
            }
            if self.open(b"<td")? {
                self.push(data, first, Span::new(self.at, self.at, true))?;
                continue;
            }
            // The way all cells of an answer without white space take.
            loop {
                let start = self.at;
                let (end, is_plain) = self.text_end(self.limits.max_text)?;
                self.push(data, first, Span::new(start, end, is_plain))?;
                let rest = &self.body[end..];
                if rest.starts_with(NEXT_CELL) {
                    self.at = end + NEXT_CELL.len();
                } else if rest.starts_with(NEXT_ROW) {
                    self.at = end + NEXT_ROW.len();
                    self.end_row(data, first)?;
                    first = data.spans.len();
                } else {
                    self.at = end;
                    self.close(b"</td")?;
                    break;
                }
            }
        }
    }

    #[inline]
    fn push(&self, data: &mut Data, first: usize, span: Span) -> Result<(), XmlError> {
        let found = data.spans.len() - first + 1;
        let expected = if data.rows == 0 { self.limits.max_columns } else { data.columns };
        if found > expected {
            return Err(self.error(match data.rows {
                0 => Flaw::TooMuch { what: "columns", limit: expected },
                _ => Flaw::Ragged { expected, found },
            }));
        }
        data.spans.push(span);
        Ok(())
    }

    #[inline]
    fn end_row(&mut self, data: &mut Data, first: usize) -> Result<(), XmlError> {
        let found = data.spans.len() - first;
        if data.rows == 0 {
            if found == 0 {
                return Err(self.error(Flaw::Unexpected("a row without cells")));
            }
            data.columns = found;
        } else if found != data.columns {
            return Err(self.error(Flaw::Ragged { expected: data.columns, found }));
        }
        data.rows += 1;
        self.row = Some(data.rows);
        Ok(())
    }

    /// Where the text that begins here ends, CDATA sections and all: at a tag. Also
    /// whether it stands for itself, without a section or a reference.
    #[inline]
    fn text_end(&self, limit: usize) -> Result<(usize, bool), XmlError> {
        let (mut at, mut is_plain) = (self.at, true);
        loop {
            let Some(found) = memchr2(b'<', b'&', &self.body[at..]) else {
                return Err(self.truncated());
            };
            at += found;
            if at - self.at > limit {
                return Err(self.error(Flaw::TooMuch { what: "bytes in a cell", limit }));
            }
            if self.body[at] == b'&' {
                (at, is_plain) = (at + 1, false);
                continue;
            }
            if !self.body[at..].starts_with(CDATA) {
                return Ok((at, is_plain));
            }
            is_plain = false;
            let inside = at + CDATA.len();
            let Some(end) = memmem::find(&self.body[inside..], b"]]>") else {
                return Err(self.truncated());
            };
            at = inside + end + 3;
        }
    }

    /// Takes a start tag, attributes unread; true if it closes itself.
    fn open(&mut self, tag: &'static [u8]) -> Result<bool, XmlError> {
        self.take_name(tag)?;
        let tag = &self.body[self.at..self.body.len().min(self.at + self.limits.max_text)];
        let Some(end) = tag_end(tag) else { return Err(self.truncated()) };
        if tag.starts_with(b"/") && end != 1 {
            return Err(self.unexpected("a tag with a slash in it"));
        }
        self.at += end + 1;
        Ok(end > 0 && tag[end - 1] == b'/')
    }

    fn close(&mut self, tag: &'static [u8]) -> Result<(), XmlError> {
        self.take_name(tag)?;
        self.skip_space();
        if self.body.get(self.at) != Some(&b'>') {
            return Err(self.unexpected("an end tag that goes on"));
        }
        self.at += 1;
        Ok(())
    }

    fn take_name(&mut self, tag: &'static [u8]) -> Result<(), XmlError> {
        let rest = &self.body[self.at..];
        if !rest.starts_with(tag) {
            let cut_off = rest.len() < tag.len() && tag.starts_with(rest);
            return Err(match cut_off {
                true => self.truncated(),
                false => self.unexpected("something that is no row and no cell"),
            });
        }
        if !ends_name(rest.get(tag.len())) {
            return Err(self.unexpected("something that is no row and no cell"));
        }
        self.at += tag.len();
        Ok(())
    }

    fn skip_space(&mut self) {
        let rest = &self.body[self.at..];
        let space = rest.iter().position(|byte| !byte.is_ascii_whitespace());
        self.at += space.unwrap_or(rest.len());
    }

    fn starts_with(&self, tag: &[u8]) -> bool {
        self.body[self.at..].starts_with(tag)
    }

    fn truncated(&self) -> XmlError {
        XmlError { at: self.body.len(), row: self.row, flaw: Flaw::Truncated }
    }

    fn unexpected(&self, what: &'static str) -> XmlError {
        match self.at >= self.body.len() {
            true => self.truncated(),
            false => self.error(Flaw::Unexpected(what)),
        }
    }

    fn error(&self, flaw: Flaw) -> XmlError {
        XmlError { at: self.at, row: self.row, flaw }
    }
}

/// Where a start tag's `>` is; one in an attribute's value does not count.
fn tag_end(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    tag.iter().position(|&byte| {
        match quote {
            Some(open) if open == byte => quote = None,
            None if byte == b'>' => return true,
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            _ => {}
        }
        false
    })
}
