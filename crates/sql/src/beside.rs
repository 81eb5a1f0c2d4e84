//! A connection beside the sessions, for what has to be said to their server while they
//! cannot.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use sqlx::Connection;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::failure::SqlFailure;

/// How long to wait until something is said, connecting included.
const LIMIT: Duration = Duration::from_secs(3);

/// One connection, which lives while anybody needs it.
#[derive(Debug)]
pub(crate) struct Beside<C> {
    connection: Mutex<Option<C>>,
    /// Who uses the connection or waits for it.
    users: AtomicUsize,
}

impl<C: Connection> Beside<C> {
    pub(crate) fn new() -> Self {
        Self { connection: Mutex::new(None), users: AtomicUsize::new(0) }
    }

    /// Has something said over the connection, made by `connect` if there is none.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, it may still be said.
    pub(crate) async fn say(
        &self,
        connect: BoxFuture<'_, sqlx::Result<C>>,
        say: impl for<'c> FnOnce(&'c mut C) -> BoxFuture<'c, sqlx::Result<()>> + Send,
    ) -> sqlx::Result<()> {
        let _user = User::of(self);
        timeout(LIMIT, self.say_in_turn(connect, say))
            .await
            .unwrap_or_else(|_| Err(SqlFailure::NotCancelled { limit: LIMIT }.into()))
    }

    async fn say_in_turn(
        &self,
        connect: BoxFuture<'_, sqlx::Result<C>>,
        say: impl for<'c> FnOnce(&'c mut C) -> BoxFuture<'c, sqlx::Result<()>> + Send,
    ) -> sqlx::Result<()> {
        let mut place = self.connection.lock().await;
        // Out of its place while in use: dropped half way, it is not used again.
        let mut connection = match place.take() {
            Some(connection) => connection,
            None => connect.await?,
        };
        say(&mut connection).await?;
        if self.users.load(Ordering::Acquire) > 1 {
            *place = Some(connection);
        } else {
            // It is said, whatever becomes of the connection.
            let _ = connection.close().await;
        }
        Ok(())
    }
}

/// One of those who keep the connection alive.
struct User<'b, C>(&'b Beside<C>);

impl<'b, C> User<'b, C> {
    fn of(beside: &'b Beside<C>) -> Self {
        beside.users.fetch_add(1, Ordering::AcqRel);
        Self(beside)
    }
}

impl<C> Drop for User<'_, C> {
    /// It may have been kept for one who has given up since.
    fn drop(&mut self) {
        if self.0.users.fetch_sub(1, Ordering::AcqRel) == 1
            && let Ok(mut place) = self.0.connection.try_lock()
        {
            *place = None;
        }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use futures_util::FutureExt;
    use sqlx::sqlite::SqliteConnection;
    use tokio::sync::oneshot;

    use super::*;

    fn connect() -> BoxFuture<'static, sqlx::Result<SqliteConnection>> {
        SqliteConnection::connect("sqlite::memory:").boxed()
    }

    #[tokio::test]
    async fn the_connection_is_not_kept_for_one_who_has_given_up() {
        let beside = Beside::new();
        let ((begin, begun), (answer, answered)) = (oneshot::channel(), oneshot::channel());
        let mut first = Box::pin(beside.say(connect(), |_| {
            begin.send(()).unwrap();
            answered.map(Result::unwrap).map(Ok).boxed()
        }));
        tokio::select! {
            said = &mut first => panic!("{said:?}"),
            begun = begun => begun.unwrap(),
        }
        let mut second = Box::pin(beside.say(connect(), |_| async { Ok(()) }.boxed()));
        assert!((&mut second).now_or_never().is_none());
        answer.send(()).unwrap();
        first.await.unwrap();
        drop(second);
        assert!(beside.connection.lock().await.is_none());
    }
}
