use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::de::DeserializeOwned;
use tokio::task::{JoinHandle, coop};

use super::fetcher::{Fetcher, Size};
use super::row::Row;
use super::window::Window;
use crate::session::TentenSession;
use crate::{Error, Result};

/// The rows of a result, one after the other: [`Query::rows`](super::Query::rows).
///
/// A [`Stream`], and [`next`](Self::next) for those who have no use for that. After an
/// error it is over.
///
/// # Cancel safety
///
/// [`next`](Self::next) loses nothing when it is dropped. When the stream is dropped
/// while a window is on its way, the session waits for that before anything else.
pub struct Rows<'q> {
    /// Where the query remembers what the gateway sends at once.
    size: &'q mut Size,
    session: &'q mut TentenSession,
    rows: u64,
    next: u64,
    window: Option<Arc<Window>>,
    fetching: Option<Fetching>,
    /// Between two fetches.
    fetcher: Option<Fetcher>,
}

type Fetching = JoinHandle<(Fetcher, Result<Window>)>;

impl<'q> Rows<'q> {
    pub(super) fn new(
        size: &'q mut Size,
        session: &'q mut TentenSession,
        fetcher: Fetcher,
    ) -> Self {
        let (rows, fetcher) = (fetcher.rows, Some(fetcher));
        let (window, fetching) = (None, None);
        let mut this = Self { size, session, rows, next: 0, window, fetching, fetcher };
        if rows == 0 {
            this.session.not_begun();
        } else {
            this.fetch(0);
        }
        this
    }

    /// How many rows are left.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.rows - self.next
    }

    /// The next row; `None` behind the last, and after an error.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Result<Row>> {
        poll_fn(|cx| self.poll_row(cx)).await
    }

    fn poll_row(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Row>>> {
        loop {
            if let Some(window) = &self.window {
                if window.has(self.next) {
                    // Rows that are there already must not keep the runtime from fetching
                    // those to come.
                    ready!(coop::poll_proceed(cx)).made_progress();
                    let row = Row::new(Arc::clone(window), self.next);
                    self.next += 1;
                    return Poll::Ready(Some(Ok(row)));
                }
                self.window = None;
            }
            let Some(fetching) = &mut self.fetching else { return Poll::Ready(None) };
            let fetched = ready!(Pin::new(fetching).poll(cx));
            self.fetching = None;
            if let Err(error) = self.fetched(fetched) {
                self.rows = self.next;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Takes a window, and has the next one fetched meanwhile.
    fn fetched(
        &mut self,
        fetched: std::result::Result<(Fetcher, Result<Window>), tokio::task::JoinError>,
    ) -> Result<()> {
        let (fetcher, answer) = match fetched {
            Ok(fetched) => fetched,
            Err(error) => return Err(Error::Start { what: "a fetch", source: error.into() }),
        };
        self.session.finish(&answer);
        *self.size = fetcher.size;
        let window = answer?;
        let next = window.to();
        self.window = Some(Arc::new(window));
        self.fetcher = Some(fetcher);
        if next < self.rows {
            self.fetch(next);
        }
        Ok(())
    }

    fn fetch(&mut self, from: u64) {
        let Some(mut fetcher) = self.fetcher.take() else { return };
        self.session.begun();
        self.fetching = Some(tokio::spawn(async move {
            let answer = fetcher.onwards(from).await;
            (fetcher, answer)
        }));
    }
}

impl Stream for Rows<'_> {
    type Item = Result<Row>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_row(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, usize::try_from(self.left()).ok())
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        if let Some(fetching) = self.fetching.take() {
            fetching.abort();
        }
    }
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("next", &self.next)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// The rows of a result as values of a type of the caller's:
/// [`Query::rows_as`](super::Query::rows_as).
pub struct TypedRows<'q, T> {
    rows: Rows<'q>,
    kind: PhantomData<fn() -> T>,
}

impl<'q, T: DeserializeOwned> TypedRows<'q, T> {
    pub(super) const fn new(rows: Rows<'q>) -> Self {
        Self { rows, kind: PhantomData }
    }

    /// The next one; `None` behind the last, and after an error of the gateway's. A row
    /// that is no `T` is an error, and the one after it comes all the same.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Result<T>> {
        Some(self.rows.next().await?.and_then(|row| row.read()))
    }
}

impl<T: DeserializeOwned> Stream for TypedRows<'_, T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let row = ready!(self.rows.poll_row(cx));
        Poll::Ready(row.map(|row| row.and_then(|row| row.read())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl<T> fmt::Debug for TypedRows<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedRows").field(&self.rows).finish()
    }
}
