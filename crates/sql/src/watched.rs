//! Rows on their way.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::{BoxStream, Stream};
use sqlx::Error;

use crate::conversation::answer;
use crate::driver::Driver;
use crate::mark::{Answer, Mark};

/// Rows on their way: the session is busy until their end.
///
/// The end is the end of the stream or its first error, after which a database
/// sends nothing more for the statement.
pub(crate) struct Watched<'e, D, T> {
    pub(crate) rows: BoxStream<'e, Result<T, Error>>,
    pub(crate) mark: &'e mut Mark,
    pub(crate) driver: &'e D,
}

impl<D: Driver, T> Stream for Watched<'_, D, T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let next = ready!(this.rows.as_mut().poll_next(cx));
        match &next {
            Some(Ok(_)) => {}
            Some(Err(error)) => this.mark.leave(answer(this.driver, this.mark, error)),
            None => this.mark.leave(Answer::Done),
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}
