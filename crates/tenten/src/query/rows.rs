use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::de::DeserializeOwned;
use tokio::task::coop;

use super::row::Row;
use super::window::{Cells, Window};
use super::windows::Windows;
use crate::Result;

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
    windows: Windows<'q, Cells>,
    rows: u64,
    next: u64,
    window: Option<Arc<Window>>,
}

impl<'q> Rows<'q> {
    pub(super) const fn new(windows: Windows<'q, Cells>) -> Self {
        Self { rows: windows.rows(), next: 0, window: None, windows }
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
                // The old one goes before the next one comes.
                self.window = None;
            }
            match ready!(self.windows.poll_window(cx)) {
                Some(Ok(window)) => self.window = Some(Arc::new(window)),
                Some(Err(error)) => {
                    self.rows = self.next;
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(None),
            }
        }
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
