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
        let _user = User::of(&self.users);
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
struct User<'c>(&'c AtomicUsize);

impl<'c> User<'c> {
    fn of(users: &'c AtomicUsize) -> Self {
        users.fetch_add(1, Ordering::AcqRel);
        Self(users)
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
