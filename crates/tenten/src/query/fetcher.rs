use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use super::base::BaseQuery;
use super::column::Column;
use crate::client::{Client, Likely};
use crate::wire::Ticket;
use crate::wire::query::{self, Fetched, Request};
use crate::{Error, Result};

/// Fetches windows of one query's rows; owned, so that it can do so in a task.
#[derive(Debug)]
pub(super) struct Fetcher<F> {
    pub(super) form: F,
    pub(super) client: Client,
    pub(super) ticket: Ticket,
    pub(super) base: Arc<BaseQuery>,
    /// The columns to fetch.
    pub(super) columns: Arc<[Column]>,
    /// How many rows the result has.
    pub(super) rows: u64,
    pub(super) size: Size,
    /// How long a row was in the last answer.
    pub(super) row_bytes: u64,
}

/// What rows come as.
pub(super) trait Form: Send + Sync + 'static {
    /// Some of them.
    type Window: Send + 'static;

    /// Whether they are cells, whose places take room.
    const HAS_CELLS: bool;

    /// How that is asked for.
    fn format(&self) -> Cow<'static, str>;

    /// Takes what came for the rows `from..to`, if it is all of that and nothing else.
    fn window(
        &self,
        place: Place,
        fetched: Fetched,
    ) -> impl Future<Output = Result<Self::Window>> + Send;

    /// The row behind a window's last.
    fn end(window: &Self::Window) -> u64;
}

/// Where a window belongs.
#[derive(Debug)]
pub(super) struct Place {
    /// The first row, from 0.
    pub(super) from: u64,
    /// The row behind the last.
    pub(super) to: u64,
    pub(super) columns: Arc<[Column]>,
}

/// How much to ask for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Rows, as the caller wants it.
    pub(super) rows: u64,
    /// Cells, as far as the gateway is known to send that many.
    pub(super) cells: u64,
}

impl Size {
    /// Rows of so many columns.
    pub(super) fn rows_of(self, columns: usize) -> u64 {
        self.rows.min(self.cells / (columns as u64).max(1)).max(1)
    }

    /// So many rows of so many columns were too much.
    fn shrink(&mut self, rows: u64, columns: usize) {
        self.cells = (rows.saturating_mul(columns as u64) / 2).max(1);
    }
}

impl<F: Form> Fetcher<F> {
    /// Fetches the aligned window that has `row`.
    pub(super) async fn around(&mut self, row: u64) -> Result<F::Window> {
        self.shrinking(|size| {
            let from = row / size * size;
            (from, from.saturating_add(size))
        })
        .await
    }

    /// Fetches the window that begins with `row`.
    pub(super) async fn onwards(&mut self, row: u64) -> Result<F::Window> {
        self.shrinking(|size| (row, row.saturating_add(size))).await
    }

    /// Fetches a window whose place depends on its size, as large as the gateway sends.
    async fn shrinking(&mut self, place: impl Fn(u64) -> (u64, u64)) -> Result<F::Window> {
        loop {
            let size = self.size.rows_of(self.columns.len());
            let (from, to) = place(size);
            match self.fetch(from, to.min(self.rows)).await {
                Err(Error::TooMuchData(_)) if size > 1 => {
                    self.size.shrink(size, self.columns.len());
                }
                answer => return answer,
            }
        }
    }

    async fn fetch(&mut self, from: u64, to: u64) -> Result<F::Window> {
        let fetched = match self.ask(from, to).await {
            // It was not answered at all, and to read twice changes nothing.
            Err(broken @ Error::Transport { answered: false, .. }) => {
                match self.ask(from, to).await {
                    // The first may run still.
                    Err(error) if error.was_not_sent() => return Err(broken),
                    answer => answer?,
                }
            }
            answer => answer?,
        };
        let (was, rows) = (self.rows, fetched.rows);
        if rows != was {
            return Err(Error::Shape(format!(
                "result had {was} rows and now has {rows}; run it again"
            )));
        }
        self.row_bytes = fetched.bytes() as u64 / (to - from).max(1);
        let place = Place { from, to, columns: Arc::clone(&self.columns) };
        self.form.window(place, fetched).await
    }

    async fn ask(&self, from: u64, to: u64) -> Result<Fetched> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let rows = to - from;
        let likely = Likely {
            // A sixteenth more, for the rows are not all the same.
            bytes: usize::try_from(rows.saturating_mul(self.row_bytes) / 16 * 17).unwrap_or(0),
            cells: match F::HAS_CELLS {
                true => usize::try_from(rows).unwrap_or(0).saturating_mul(names.len()),
                false => 0,
            },
        };
        let format = self.form.format();
        let request =
            Request { base: &self.base, names: &names, from, to, format: &format, likely };
        query::fetch(&self.client, &self.ticket, &request).await
    }
}
