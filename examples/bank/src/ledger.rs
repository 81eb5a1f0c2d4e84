//! The accounts, as SQL both databases understand.

use std::future::Future;

use sessionpool::Transactional;
use sessionpool::sql::{PgSession, SqliteSession};

/// What the bank does with a session, whichever database it is of.
pub(crate) trait Ledger: Transactional<Error = sqlx::Error> + Sync {
    /// Makes the table, with that many accounts of a balance each.
    fn found(
        &mut self,
        accounts: i64,
        balance: i64,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
    /// Opens an account.
    fn open(&mut self, account: i64, balance: i64)
    -> impl Future<Output = sqlx::Result<()>> + Send;
    /// What stands in an account.
    fn balance(&mut self, account: i64) -> impl Future<Output = sqlx::Result<i64>> + Send;
    /// Adds to an account, or takes from it.
    fn add(&mut self, account: i64, amount: i64) -> impl Future<Output = sqlx::Result<()>> + Send;
    /// What stands in all accounts together.
    fn total(&mut self) -> impl Future<Output = sqlx::Result<i64>> + Send;
}

macro_rules! ledger {
    ($($session:ty),+) => {
        $(impl Ledger for $session {
            async fn found(&mut self, accounts: i64, balance: i64) -> sqlx::Result<()> {
                sqlx::query("drop table if exists account").execute(&mut *self).await?;
                let create = "create table account (id bigint primary key, balance bigint not null)";
                sqlx::query(create).execute(&mut *self).await?;
                for account in 0..accounts {
                    self.open(account, balance).await?;
                }
                Ok(())
            }

            async fn open(&mut self, account: i64, balance: i64) -> sqlx::Result<()> {
                let insert = sqlx::query("insert into account values ($1, $2)");
                insert.bind(account).bind(balance).execute(self).await.map(drop)
            }

            async fn balance(&mut self, account: i64) -> sqlx::Result<i64> {
                let select = sqlx::query_scalar("select balance from account where id = $1");
                select.bind(account).fetch_one(self).await
            }

            async fn add(&mut self, account: i64, amount: i64) -> sqlx::Result<()> {
                let update = sqlx::query("update account set balance = balance + $2 where id = $1");
                update.bind(account).bind(amount).execute(self).await.map(drop)
            }

            async fn total(&mut self) -> sqlx::Result<i64> {
                let select = "select cast(sum(balance) as bigint) from account";
                sqlx::query_scalar(select).fetch_one(self).await
            }
        })+
    };
}

ledger!(PgSession, SqliteSession);
