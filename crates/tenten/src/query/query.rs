use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::base::BaseQuery;
use super::column::Column;
use super::fetcher::{Fetcher, Size};
use super::recent::Recent;
use super::row::{ColumnIndex, Row};
use super::rows::{Rows, TypedRows};
use super::slice::{Slice, Values};
use super::value::Value;
use super::window::{Cells, Window};
use super::windows::Windows;
use crate::session::TentenSession;
use crate::wire::query;
use crate::{Error, Result, choices};

/// A query, and what is known of its result.
///
/// It is run by [`run`](Self::run), or when something of its result is first asked for.
/// The rows stay at the platform and are fetched in windows of
/// [`window_size`](Self::window_size) rows, aligned: row 120,030 brings 100,000 to
/// 149,999. Where a window has more values than the gateway sends at once, smaller ones
/// are asked for, and that is remembered.
///
/// A session has one current query at the gateway, the last it was given by whomever. So
/// each request for rows brings its query along, which costs the platform little, as it
/// keeps what it has computed. Several `Query`s may share a session, and several logins
/// may possess it: what comes is checked against what was announced, and another's rows
/// are never taken for its own.
///
/// ```no_run
/// # use sessionpool_tenten::{Query, Result, TentenSession};
/// # #[derive(serde::Deserialize)]
/// # struct Station { id: i64, name: String, elev: Option<f64> }
/// # async fn example(session: &mut TentenSession) -> Result<()> {
/// let mut query = Query::new("pub.demo.weather.stations", r#"<sel value="(elev&gt;10)"/>"#);
///
/// let mut rows = query.rows(session).await?;
/// while let Some(row) = rows.next().await {
///     let row = row?;
///     println!("{} {:?}", row.get::<String>("name")?, row.get::<Option<f64>>("elev")?);
/// }
/// drop(rows); // the session is free for something else
///
/// let mut stations = query.rows_as::<Station>(session).await?;
/// while let Some(station) = stations.next().await {
///     let Station { id, name, elev } = station?;
///     println!("{id} {name} {elev:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Query {
    base: Arc<BaseQuery>,
    pub(super) size: Size,
    found: Option<Found>,
    windows: Recent,
}

/// What running it found out.
#[derive(Clone, Debug)]
struct Found {
    rows: u64,
    columns: Arc<[Column]>,
}

impl Query {
    /// The operations, which may be none, on the table at that path. Sends nothing.
    #[must_use]
    pub fn new(table: impl Into<String>, ops: impl Into<String>) -> Self {
        BaseQuery::new(table, ops).into()
    }

    /// Asks for so many rows at once: few for picking single ones, many for reading on.
    /// At least 1. Default: 50,000.
    #[must_use]
    pub fn window_size(mut self, rows: u64) -> Self {
        self.size.rows = rows.max(1);
        self.windows.clear();
        self
    }

    /// The table and the operations.
    #[must_use]
    pub fn base(&self) -> &BaseQuery {
        &self.base
    }

    /// Runs it, or runs it again: what was known of its result is forgotten.
    ///
    /// # Errors
    ///
    /// The gateway refused it, or did not answer. A result with two columns of one name
    /// is an [`Error::Shape`].
    ///
    /// # Cancel safety
    ///
    /// The gateway may go on computing; the session waits for that before anything
    /// else, for at most one
    /// [`lifecycle_timeout`](crate::TentenBuilder::lifecycle_timeout).
    pub async fn run(&mut self, session: &mut TentenSession) -> Result<()> {
        self.found = None;
        self.windows.clear();
        session.begin().await?;
        let answer = query::define(&session.client, &session.ticket, &self.base).await;
        session.finish(&answer);
        let query::Defined { rows, columns } = answer?;
        no_duplicates(&columns)?;
        self.found = Some(Found { rows, columns: columns.into() });
        Ok(())
    }

    /// How many rows the result has; `None` before it was run.
    #[must_use]
    pub fn nrows(&self) -> Option<u64> {
        self.found.as_ref().map(|found| found.rows)
    }

    /// The result's columns, in order; none before it was run.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        self.found.as_ref().map_or(&[], |found| &*found.columns)
    }

    /// All rows, one after the other. While one window is consumed the next is fetched,
    /// and no more than that is held.
    ///
    /// # Errors
    ///
    /// The query could not be run.
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    pub async fn rows<'q>(&'q mut self, session: &'q mut TentenSession) -> Result<Rows<'q>> {
        self.ensure_run(session).await?;
        let fetcher = self.fetcher(session, Cells, None)?;
        session.begin().await?;
        Ok(Rows::new(Windows::new(&mut self.size, session, fetcher)))
    }

    /// All rows, each as a `T`, whose fields are named like columns.
    ///
    /// Numbers become numbers, 0 and 1 also `bool`; dates and times become text as ISO
    /// 8601 has it, which jiff's types read with its feature `serde`; N/A becomes
    /// `None`, and of text also the empty string.
    ///
    /// # Errors
    ///
    /// The query could not be run.
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    pub async fn rows_as<'q, T: DeserializeOwned>(
        &'q mut self,
        session: &'q mut TentenSession,
    ) -> Result<TypedRows<'q, T>> {
        Ok(TypedRows::new(self.rows(session).await?))
    }

    /// One row, counted from 0; `None` behind the last. Fetches the window that has it,
    /// unless that was fetched last.
    ///
    /// # Errors
    ///
    /// It could not be fetched.
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    pub async fn row(&mut self, session: &mut TentenSession, row: u64) -> Result<Option<Row>> {
        self.ensure_run(session).await?;
        if row >= self.nrows().unwrap_or(0) {
            return Ok(None);
        }
        Ok(Some(Row::new(self.window(session, None, row).await?, row)))
    }

    /// One value; `None` behind the last row. Fetches a window of that column only.
    ///
    /// # Errors
    ///
    /// There is no such column, or it could not be fetched.
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    pub async fn cell(
        &mut self,
        session: &mut TentenSession,
        column: impl ColumnIndex,
        row: u64,
    ) -> Result<Option<Value<'static>>> {
        self.ensure_run(session).await?;
        let column = column.find(self.columns())?;
        if row >= self.nrows().unwrap_or(0) {
            return Ok(None);
        }
        let window = self.window(session, Some(column), row).await?;
        let cell = window.cell(row, 0).ok_or_else(|| outside(row))?;
        cell.value().map(Value::into_owned).map(Some)
    }

    /// The values of one column, for rows counted from 0; what lies behind the last row
    /// is left out. Fetches that column only.
    ///
    /// # Errors
    ///
    /// There is no such column, it could not be fetched, or a value is not what its type
    /// says.
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    pub async fn column(
        &mut self,
        session: &mut TentenSession,
        column: impl ColumnIndex,
        rows: Range<u64>,
    ) -> Result<Values> {
        self.ensure_run(session).await?;
        let column = column.find(self.columns())?;
        let mut values = Values::of(&self.columns()[column]);
        let end = rows.end.min(self.nrows().unwrap_or(0));
        let mut row = rows.start;
        while row < end {
            let window = self.window(session, Some(column), row).await?;
            let to = window.to().min(end);
            values.take(&window, 0, row..to)?;
            row = to;
        }
        Ok(values)
    }

    /// All columns of some rows, counted from 0; what lies behind the last row is left
    /// out.
    ///
    /// # Errors
    ///
    /// They could not be fetched, or a value is not what its type says.
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    pub async fn slice(&mut self, session: &mut TentenSession, rows: Range<u64>) -> Result<Slice> {
        self.ensure_run(session).await?;
        let end = rows.end.min(self.nrows().unwrap_or(0));
        let mut slice = Slice::of(self.columns());
        let mut row = rows.start;
        while row < end {
            let window = self.window(session, None, row).await?;
            let to = window.to().min(end);
            slice.take(&window, row..to)?;
            row = to;
        }
        Ok(slice)
    }

    pub(super) async fn ensure_run(&mut self, session: &mut TentenSession) -> Result<()> {
        if self.found.is_some() { Ok(()) } else { self.run(session).await }
    }

    /// The aligned window of all columns, or of one, that has `row`.
    async fn window(
        &mut self,
        session: &mut TentenSession,
        column: Option<usize>,
        row: u64,
    ) -> Result<Arc<Window>> {
        if let Some(window) = self.windows.get(column, row) {
            return Ok(Arc::clone(window));
        }
        session.begin().await?;
        let mut fetcher = self.fetcher(session, Cells, column)?;
        // An old one goes before the new one comes.
        self.windows.make_room(column);
        let answer = fetcher.around(row).await;
        session.finish(&answer);
        self.size = fetcher.size;
        let window = Arc::new(answer?);
        self.windows.put(column, &window);
        Ok(window)
    }

    pub(super) fn fetcher<F>(
        &self,
        session: &TentenSession,
        form: F,
        column: Option<usize>,
    ) -> Result<Fetcher<F>> {
        let Some(found) = &self.found else { return Err(Error::Unusable("it has not been run")) };
        let columns = match column {
            Some(column) => found.columns[column..=column].into(),
            None => Arc::clone(&found.columns),
        };
        let row_bytes = columns.len() as u64 * LIKELY_CELL;
        Ok(Fetcher {
            form,
            client: session.client.clone(),
            ticket: session.ticket.clone(),
            base: Arc::clone(&self.base),
            columns,
            rows: found.rows,
            size: self.size,
            row_bytes,
        })
    }
}

impl From<BaseQuery> for Query {
    fn from(base: BaseQuery) -> Self {
        Self {
            base: Arc::new(base),
            size: Size { rows: choices::WINDOW, cells: u64::MAX },
            found: None,
            windows: Recent::default(),
        }
    }
}

/// How long a cell is with its tags, before one was seen.
const LIKELY_CELL: u64 = 20;

/// Columns are asked for by name.
fn no_duplicates(columns: &[Column]) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    match columns.iter().find(|column| !seen.insert(column.name.as_str())) {
        Some(column) => Err(Error::Shape(format!("result has two columns {:?}", column.name))),
        None => Ok(()),
    }
}

pub(super) fn outside(row: u64) -> Error {
    Error::Shape(format!("row {row} is outside of its window"))
}
