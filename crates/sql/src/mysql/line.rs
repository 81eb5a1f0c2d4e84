use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_core::future::BoxFuture;
use futures_core::stream::{BoxStream, Stream};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use sqlx::mysql::{MySql, MySqlConnection, MySqlQueryResult, MySqlRow, MySqlStatement};
use sqlx::{Connection, Either, Error, Executor, SqlStr};
use sqlx_core::describe::Describe;

use crate::call::Call;

/// A connection whose requests outlive whoever made them.
///
/// sqlx's own connection cannot be used again once a request of its was dropped: it
/// reads a packet in two steps, and forgets between them where it was; and it takes
/// the answer to a `PREPARE` for the end of a statement. So no request is dropped
/// here. It owns the connection while it runs, and is kept; who made it only watches.
pub(super) struct Line {
    idle: Option<MySqlConnection>,
    /// The request under way. At its end it gives the connection back, and the last
    /// error nobody was there to hear.
    running: Mutex<Option<Running>>,
}

/// In a lock that nobody takes: only who has the line to himself may poll it, and the
/// line can still be shared.
type Running = BoxFuture<'static, (MySqlConnection, Option<Error>)>;

impl Line {
    pub(super) const fn new(connection: MySqlConnection) -> Self {
        Self { idle: Some(connection), running: Mutex::new(None) }
    }

    /// Brings what runs to its end, and gives the error nobody has heard.
    ///
    /// # Cancel safety
    ///
    /// Another call goes on.
    pub(super) async fn finish(&mut self) -> Option<Error> {
        poll_fn(|context| self.poll_finish(context)).await
    }

    fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<Option<Error>> {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(request) = running else { return Poll::Ready(None) };
        let (connection, unheard) = ready!(request.as_mut().poll(context));
        *running = None;
        self.idle = Some(connection);
        Poll::Ready(unheard)
    }

    /// The connection itself, if nothing runs.
    pub(super) fn idle(&mut self) -> sqlx::Result<&mut MySqlConnection> {
        self.idle.as_mut().ok_or_else(still_running)
    }

    pub(super) async fn close(self) -> sqlx::Result<()> {
        match self.idle {
            Some(connection) => connection.close().await,
            None => Ok(()), // dropping it shuts the line
        }
    }

    pub(super) fn fetch_many(
        &mut self,
        call: Call<MySql>,
    ) -> BoxStream<'_, sqlx::Result<Either<MySqlQueryResult, MySqlRow>>> {
        self.start(move |connection| connection.fetch_many(call)).boxed()
    }

    /// The first row, once all have come: an error after it is the statement's, too.
    pub(super) fn fetch_optional(
        &mut self,
        call: Call<MySql>,
    ) -> BoxFuture<'_, sqlx::Result<Option<MySqlRow>>> {
        let mut answers = self.fetch_many(call);
        let first_row = async move {
            let mut first = None;
            while let Some(answer) = answers.try_next().await? {
                first = first.or_else(|| answer.right());
            }
            Ok(first)
        };
        first_row.boxed()
    }

    pub(super) fn prepare_with<T>(
        &mut self,
        sql: SqlStr,
        _: &[T],
    ) -> BoxFuture<'_, sqlx::Result<MySqlStatement>> {
        self.once(move |connection| connection.prepare_with(sql, &[]))
    }

    pub(super) fn describe(&mut self, sql: SqlStr) -> BoxFuture<'_, sqlx::Result<Describe<MySql>>> {
        self.once(move |connection| connection.describe(sql))
    }

    pub(super) fn ping(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        self.once(|connection| connection.ping().boxed())
    }

    /// Runs a text without parameters.
    pub(super) fn fetch_text(
        &mut self,
        sql: SqlStr,
    ) -> BoxStream<'_, sqlx::Result<Either<MySqlQueryResult, MySqlRow>>> {
        self.start(move |connection| connection.fetch_many(sql)).boxed()
    }

    pub(super) fn execute(&mut self, sql: SqlStr) -> BoxFuture<'_, sqlx::Result<()>> {
        self.fetch_text(sql).try_for_each(async |_| Ok(())).boxed()
    }

    fn once<T: Send + 'static>(
        &mut self,
        request: impl for<'c> FnOnce(&'c mut MySqlConnection) -> BoxFuture<'c, sqlx::Result<T>>
        + Send
        + 'static,
    ) -> BoxFuture<'_, sqlx::Result<T>> {
        let mut answers = self.start(|connection| request(connection).into_stream().boxed());
        let answer = async move {
            let answer = answers.next().await.unwrap_or_else(|| Err(still_running()));
            answers.next().await; // the end, for the connection to be free
            answer
        };
        answer.boxed()
    }

    fn start<T: Send + 'static>(
        &mut self,
        request: impl for<'c> FnOnce(&'c mut MySqlConnection) -> BoxStream<'c, sqlx::Result<T>>
        + Send
        + 'static,
    ) -> Answers<'_, T> {
        let slot = Slot::default();
        match self.idle.take() {
            Some(connection) => {
                let running = serve(connection, request, Slot::clone(&slot)).boxed();
                self.running = Mutex::new(Some(running));
            }
            None => slot.locked().answer = Some(Err(still_running())),
        }
        Answers { line: self, slot }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.idle.is_some() { "idle" } else { "running" };
        f.debug_tuple("Line").field(&state).finish()
    }
}

/// Passes the answers on for as long as somebody listens, and reads the rest.
async fn serve<T>(
    mut connection: MySqlConnection,
    request: impl for<'c> FnOnce(&'c mut MySqlConnection) -> BoxStream<'c, sqlx::Result<T>>,
    slot: Slot<T>,
) -> (MySqlConnection, Option<Error>) {
    let mut answers = request(&mut connection);
    let mut unheard = None;
    while let Some(answer) = answers.next().await {
        if let Some(Err(error)) = slot.put(answer).await {
            unheard = Some(error);
        }
    }
    drop(answers);
    (connection, unheard)
}

/// The answers to the request under way. Dropped early, the request goes on when the
/// line is asked to [`finish`](Line::finish).
struct Answers<'l, T> {
    line: &'l mut Line,
    slot: Slot<T>,
}

impl<T> Stream for Answers<'_, T> {
    type Item = sqlx::Result<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let mut answer = this.slot.take();
        if answer.is_none() {
            // Not done, it has left an answer, or will wake us.
            let is_done = this.line.poll_finish(context).is_ready();
            answer = this.slot.take();
            if answer.is_none() && !is_done {
                return Poll::Pending;
            }
        }
        if let Some(Err(_)) = answer {
            // Nothing comes after an error, and few ask.
            let _ = this.line.poll_finish(context);
        }
        Poll::Ready(answer)
    }
}

impl<T> Drop for Answers<'_, T> {
    fn drop(&mut self) {
        self.slot.locked().is_heard = false;
    }
}

/// Where an answer lies until it is taken. Both sides are polled by the same task, one
/// after the other, so that neither has to wake the other.
struct Slot<T>(Arc<Mutex<Held<T>>>);

struct Held<T> {
    answer: Option<sqlx::Result<T>>,
    is_heard: bool,
}

impl<T> Slot<T> {
    fn locked(&self) -> MutexGuard<'_, Held<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<sqlx::Result<T>> {
        self.locked().answer.take()
    }

    /// Waits until the answer is taken, and gives it back if nobody will.
    async fn put(&self, answer: sqlx::Result<T>) -> Option<sqlx::Result<T>> {
        self.locked().answer = Some(answer);
        poll_fn(|_| {
            let mut held = self.locked();
            match held.answer {
                Some(_) if held.is_heard => Poll::Pending,
                _ => Poll::Ready(held.answer.take()),
            }
        })
        .await
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Held { answer: None, is_heard: true })))
    }
}

/// Only if somebody asks before he has brought to its end what was left half way.
fn still_running() -> Error {
    Error::Protocol("a statement is still running on this connection".to_owned())
}
