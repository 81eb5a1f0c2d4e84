use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::column::Column;
use super::fetcher::{Form, Place};
use super::query::Query;
use super::record::Records;
use super::windows::Windows;
use crate::aside::look_through;
use crate::session::TentenSession;
use crate::wire::query::Fetched;
use crate::{Error, Result, choices};

/// How a result is written as CSV: for [`Query::csv`](super::Query::csv) and
/// [`Query::write_csv`](super::Query::write_csv).
///
/// ```
/// use sessionpool_tenten::Csv;
///
/// let for_people = Csv::new().separator('|').formatted(true);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    separator: char,
    formatted: bool,
    header: bool,
}

impl Csv {
    /// Values as they are stored, between commas, below a line with the columns' names.
    #[must_use]
    pub const fn new() -> Self {
        Self { separator: ',', formatted: false, header: true }
    }

    /// What stands between two values: a tab, or a punctuation mark of ASCII other than
    /// the quote. Default: a comma.
    #[must_use]
    pub const fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Whether values are as the platform shows them, `1,234.50` and `01/31/2024`; or as
    /// they are stored, `1234.5` and `20240131`. Default: as they are stored.
    #[must_use]
    pub const fn formatted(mut self, formatted: bool) -> Self {
        self.formatted = formatted;
        self
    }

    /// Whether the first line has the columns' names. Default: yes.
    #[must_use]
    pub const fn header(mut self, header: bool) -> Self {
        self.header = header;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        match self.separator {
            '\t' => Ok(()),
            mark if mark.is_ascii_punctuation() && mark != '"' => Ok(()),
            _ => Err(Error::Unusable("a separator is a tab or a mark of ASCII, and no quote")),
        }
    }

    /// The line with the names.
    fn head(&self, columns: &[Column]) -> Bytes {
        let names: Vec<_> = columns.iter().map(|column| self.field(&column.name)).collect();
        (names.join(&self.separator.to_string()) + "\n").into()
    }

    fn field<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match text.contains([self.separator, '"', '\n', '\r']) {
            true => Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))),
            false => Cow::Borrowed(text),
        }
    }
}

impl Default for Csv {
    fn default() -> Self {
        Self::new()
    }
}

impl Query {
    /// All rows as CSV, written by the gateway, as they come: window by window, the next
    /// one fetched meanwhile. What is no row more or less than announced, with a value for
    /// each column, is an error.
    ///
    /// Text is passed on byte by byte, whatever its encoding. N/A is nothing between two
    /// separators.
    ///
    /// # Errors
    ///
    /// The query could not be run, or the separator cannot be one.
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    pub async fn csv<'q>(
        &'q mut self,
        session: &'q mut TentenSession,
        csv: &Csv,
    ) -> Result<CsvText<'q>> {
        csv.check()?;
        self.ensure_run(session).await?;
        let fetcher = self.fetcher(session, csv.clone(), None)?;
        session.begin().await?;
        let columns = Arc::clone(&fetcher.columns);
        let windows = Windows::new(&mut self.size, session, fetcher);
        Ok(CsvText::new(windows, csv, &columns))
    }

    /// Writes all rows as CSV, as [`csv`](Self::csv) gives them, and flushes. Answers how
    /// many there were, the line with the columns' names not among them.
    ///
    /// ```no_run
    /// # use sessionpool_tenten::{Csv, Query, Result, TentenSession};
    /// # async fn example(session: &mut TentenSession) -> Result<()> {
    /// let mut file = Vec::new(); // or a `tokio::fs::File`
    /// let mut query = Query::new("pub.demo.weather.stations", "");
    /// let rows = query.write_csv(session, &Csv::new(), &mut file).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`csv`](Self::csv), and [`Error::Output`] when it cannot be written. What
    /// came before is written.
    ///
    /// # Cancel safety
    ///
    /// What was written is. For the rest, as for [`run`](Self::run).
    pub async fn write_csv(
        &mut self,
        session: &mut TentenSession,
        csv: &Csv,
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64> {
        let mut text = self.csv(session, csv).await?;
        while let Some(lines) = text.next().await {
            writer.write_all(&lines?).await.map_err(Error::Output)?;
        }
        writer.flush().await.map_err(Error::Output)?;
        Ok(text.rows())
    }
}

/// Some rows as lines, each with its end.
pub(super) struct Lines {
    text: Bytes,
    rows: u64,
    end: u64,
}

impl Form for Csv {
    type Window = Lines;

    const HAS_CELLS: bool = false;

    fn format(&self) -> Cow<'static, str> {
        Cow::Owned(choices::csv_format(self.formatted, self.separator))
    }

    async fn window(&self, place: Place, fetched: Fetched) -> Result<Lines> {
        let text = fetched.csv()?;
        let separator = self.separator as u8; // `check` has seen it
        look_through(text.len(), move || lines(&text, &place, separator)).await?
    }

    fn end(lines: &Lines) -> u64 {
        lines.end
    }
}

/// The lines below the headings, if they are as many as there should be, and each has a
/// value for each column.
fn lines(text: &Bytes, place: &Place, separator: u8) -> Result<Lines> {
    let Place { from, to, columns } = place;
    let mut records = Records::of(text, separator);
    if records.next().is_none() {
        return Err(Error::Shape("CSV has no headings".to_owned()));
    }
    let begin = records.place();
    let mut found = 0;
    for fields in records {
        if fields != columns.len() {
            let row = from + found;
            let expected = columns.len();
            let message = format!("row {row} has {fields} fields where {expected} belong");
            return Err(Error::Shape(message));
        }
        found += 1;
    }
    if found != to - from {
        return Err(Error::RowCount { from: *from, to: *to, expected: to - from, found });
    }
    let text = text.slice(begin..);
    Ok(Lines { text: with_an_end(text), rows: found, end: *to })
}

/// The last line may lack its end.
fn with_an_end(text: Bytes) -> Bytes {
    match text.last() {
        None | Some(b'\n') => text,
        Some(_) => [&text, b"\n".as_slice()].concat().into(),
    }
}

/// A result as CSV, piece by piece, each of whole lines: [`Query::csv`](super::Query::csv).
///
/// A [`Stream`], and [`next`](Self::next) for those who have no use for that. After an
/// error it is over.
///
/// # Cancel safety
///
/// [`next`](Self::next) loses nothing when it is dropped. When the stream is dropped
/// while a window is on its way, the session waits for that before anything else.
pub struct CsvText<'q> {
    windows: Windows<'q, Csv>,
    head: Option<Bytes>,
    rows: u64,
}

impl<'q> CsvText<'q> {
    pub(super) fn new(windows: Windows<'q, Csv>, csv: &Csv, columns: &[Column]) -> Self {
        let head = csv.header.then(|| csv.head(columns));
        Self { windows, head, rows: 0 }
    }

    /// How many rows were given by now.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The next lines; `None` behind the last, and after an error.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| self.poll_lines(cx)).await
    }

    fn poll_lines(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(head)));
        }
        let window = ready!(self.windows.poll_window(cx));
        Poll::Ready(window.map(|window| {
            window.map(|lines| {
                self.rows += lines.rows;
                lines.text
            })
        }))
    }
}

impl Stream for CsvText<'_> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_lines(cx)
    }
}

impl fmt::Debug for CsvText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvText").field("rows", &self.rows).finish_non_exhaustive()
    }
}
