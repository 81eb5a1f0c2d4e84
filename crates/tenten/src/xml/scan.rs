//! The rows of a table, found without an event for each tag.

use std::ops::Range;

use memchr::{memchr, memmem};

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

/// Finds `<data>` and scans the rows in it; `None` if there is none.
pub(super) fn data(body: &[u8], limits: &XmlLimits, room: Room) -> Result<Option<Data>, XmlError> {
    let Some(start) = find_data(body) else { return Ok(None) };
    let mut scanner = Scanner { body, at: start, row: None, limits };
    let mut data = Data { outer: start..start, spans: room.0, rows: 0, columns: 0 };
    if !scanner.open(b"<data")? {
        scanner.rows(&mut data)?;
    }
    data.outer.end = scanner.at;
    Ok(Some(data))
}

fn find_data(body: &[u8]) -> Option<usize> {
    memmem::find_iter(body, b"<data").find(|at| ends_name(body.get(at + b"<data".len())))
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
                self.push(data, first, self.at, self.at)?;
                continue;
            }
            // The way all cells of an answer without white space take.
            loop {
                let start = self.at;
                let end = self.cell_end()?;
                self.push(data, first, start, end)?;
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
    fn push(
        &self,
        data: &mut Data,
        first: usize,
        start: usize,
        end: usize,
    ) -> Result<(), XmlError> {
        let found = data.spans.len() - first + 1;
        let expected = if data.rows == 0 { self.limits.max_columns } else { data.columns };
        if found > expected {
            return Err(self.error(match data.rows {
                0 => Flaw::TooMuch { what: "columns", limit: expected },
                _ => Flaw::Ragged { expected, found },
            }));
        }
        // A body's length fits, by the limit it was read with.
        data.spans.push((start as u32, end as u32));
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

    /// Where the cell that begins here ends: at its `</td`.
    #[inline]
    fn cell_end(&self) -> Result<usize, XmlError> {
        let mut at = self.at;
        loop {
            let Some(found) = memchr(b'<', &self.body[at..]) else {
                return Err(self.truncated());
            };
            at += found;
            if at - self.at > self.limits.max_text {
                let limit = self.limits.max_text;
                return Err(self.error(Flaw::TooMuch { what: "bytes in a cell", limit }));
            }
            if !self.body[at..].starts_with(CDATA) {
                return Ok(at);
            }
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
