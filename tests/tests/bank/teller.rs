use std::future::Future;

use sessionpool::Transactional;
use sessionpool::sql::{MySqlSession, PgSession};

use crate::plan::Move;

/// A session that moves money.
pub(crate) trait Teller: Transactional<Error = sqlx::Error> {
    /// Takes it from the one, and notes the move.
    fn take(&mut self, it: &Move) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Gives it to the other.
    fn give(&mut self, it: &Move) -> impl Future<Output = sqlx::Result<()>> + Send;
}

macro_rules! impl_teller {
    ($session:ty, $insert:literal, $update:literal) => {
        impl Teller for $session {
            async fn take(&mut self, it: &Move) -> sqlx::Result<()> {
                let note = sqlx::query($insert);
                note.bind(it.id)
                    .bind(it.source)
                    .bind(it.target)
                    .bind(it.amount)
                    .execute(&mut *self)
                    .await?;
                sqlx::query($update).bind(-it.amount).bind(it.source).execute(self).await.map(drop)
            }

            async fn give(&mut self, it: &Move) -> sqlx::Result<()> {
                sqlx::query($update).bind(it.amount).bind(it.target).execute(self).await.map(drop)
            }
        }
    };
}

impl_teller!(
    PgSession,
    "insert into moves values ($1, $2, $3, $4)",
    "update accounts set balance = balance + $1 where id = $2"
);

impl_teller!(
    MySqlSession,
    "insert into moves values (?, ?, ?, ?)",
    "update accounts set balance = balance + ? where id = ?"
);
