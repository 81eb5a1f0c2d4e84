use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::{JoinError, JoinHandle};

use super::fetcher::{Fetcher, Form, Size};
use crate::session::TentenSession;
use crate::{Error, Result};

/// A result's windows, one after the other. While one is consumed the next is fetched,
/// and none beyond that.
pub(super) struct Windows<'q, F: Form> {
    /// Where the query remembers what the gateway sends at once.
    size: &'q mut Size,
    session: &'q mut TentenSession,
    rows: u64,
    fetching: Option<Fetching<F>>,
}

type Fetching<F> = JoinHandle<(Fetcher<F>, Result<<F as Form>::Window>)>;

impl<'q, F: Form> Windows<'q, F> {
    /// Begins to fetch the first one, of a session that is busy from here on.
    pub(super) fn new(
        size: &'q mut Size,
        session: &'q mut TentenSession,
        fetcher: Fetcher<F>,
    ) -> Self {
        let mut this = Self { size, session, rows: fetcher.rows, fetching: None };
        match this.rows {
            0 => this.session.not_begun(),
            _ => this.fetch(fetcher, 0),
        }
        this
    }

    /// How many rows all of them have.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// The next one, and has the one after it fetched; nothing behind the last, and after
    /// an error.
    pub(super) fn poll_window(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<F::Window>>> {
        let Some(fetching) = &mut self.fetching else { return Poll::Ready(None) };
        let fetched = ready!(Pin::new(fetching).poll(cx));
        self.fetching = None;
        Poll::Ready(Some(self.take(fetched)))
    }

    fn take(
        &mut self,
        fetched: std::result::Result<(Fetcher<F>, Result<F::Window>), JoinError>,
    ) -> Result<F::Window> {
        let (fetcher, answer) =
            fetched.map_err(|error| Error::Start { what: "a fetch", source: error.into() })?;
        self.session.finish(&answer);
        *self.size = fetcher.size;
        let window = answer?;
        let next = F::end(&window);
        if next < self.rows {
            self.fetch(fetcher, next);
        }
        Ok(window)
    }

    fn fetch(&mut self, mut fetcher: Fetcher<F>, from: u64) {
        self.session.begun();
        self.fetching = Some(tokio::spawn(async move {
            let answer = fetcher.onwards(from).await;
            (fetcher, answer)
        }));
    }
}

impl<F: Form> Drop for Windows<'_, F> {
    fn drop(&mut self) {
        if let Some(fetching) = self.fetching.take() {
            fetching.abort();
        }
    }
}
