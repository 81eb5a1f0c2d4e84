//! What is different from database to database.

use std::fmt::Debug;
use std::future::{self, Future};
use std::time::Duration;

use futures_core::future::BoxFuture;
use sessionpool_core::{Fault, TxOptions};
use sqlx::{Error, SqlStr};

use crate::conversation::Conversation;
use crate::effect::Effect;
use crate::failure::{FirstError, SqlFailure};
use crate::mark::{Answer, Mark};

/// What is different from database to database; its value is what a session has
/// besides its connection.
pub(crate) trait Driver: Debug + Sized + Send + Sync + 'static {
    type Connection: Debug + Send + 'static;

    /// What an error means to a session in this state.
    fn judge(&self, error: &Error, mark: &Mark) -> Fault;

    /// What is left to say of an error that has made its transaction useless.
    fn aborts(&self, _: &Error) -> Option<FirstError> {
        None
    }

    /// True if the database does not know a statement that the connection has
    /// prepared.
    fn is_stale(_: &Error) -> bool {
        false
    }

    /// True if a commit that was answered so may have happened all the same.
    fn leaves_commit_in_doubt(error: &Error) -> bool;

    /// True if a session is ended rather than cleaned when its borrower left what no
    /// rollback undoes.
    fn discards(&self) -> bool;

    /// Sends a text without parameters and awaits its end.
    fn execute(connection: &mut Self::Connection, sql: SqlStr) -> BoxFuture<'_, sqlx::Result<()>>;

    /// True if what was dropped is left to come to its end when its borrower goes on,
    /// since to cancel it would cost a transaction that may be committed yet.
    fn spares(dropped: &Effect, mark: &Mark) -> bool {
        mark.is_ours() && !dropped.writes
    }

    /// Brings what was left half way to its end; has it cancelled if it takes longer
    /// than `patience`, where that is possible. Answers what its error means, if it had one.
    ///
    /// An error means that the session is not fit for anything any more.
    fn settle(
        talk: &mut Conversation<Self>,
        patience: Option<Duration>,
    ) -> impl Future<Output = sqlx::Result<Option<Answer>>> + Send;

    /// Why a statement may not be sent, beyond what the mark says; once everything
    /// before it is settled.
    fn refuses(&self, effect: &Effect, mark: &Mark) -> Option<SqlFailure>;

    /// Makes the connection fit for a statement that will be sent.
    fn prepare(
        _: &mut Self::Connection,
        _: &mut Mark,
    ) -> impl Future<Output = sqlx::Result<()>> + Send {
        future::ready(Ok(()))
    }

    /// Why a unit like this may not begin.
    fn refuses_unit(&self, options: &TxOptions) -> Option<SqlFailure>;

    /// Begins a transaction. After an error it is rolled back.
    fn begin(
        talk: &mut Conversation<Self>,
        options: &TxOptions,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Commits our transaction, against which nothing speaks that is known here.
    fn commit(talk: &mut Conversation<Self>) -> impl Future<Output = Verdict> + Send;

    /// Rolls back whatever transaction is open, ours or the borrower's own, and does
    /// not mind if there is none.
    fn roll_back(talk: &mut Conversation<Self>) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Undoes whatever the borrower has left.
    fn clean(talk: &mut Conversation<Self>) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// What a unit inside a sandbox begins with; empty if with nothing.
    fn begin_inside(&mut self, options: &TxOptions) -> String;

    /// Finds out whether our transaction could be committed, and sends `keep` instead.
    fn commit_inside(
        talk: &mut Conversation<Self>,
        keep: String,
    ) -> impl Future<Output = Verdict> + Send;

    /// What going back to a savepoint does not undo of a unit inside a sandbox.
    fn undo_inside(&mut self) -> String {
        String::new()
    }

    /// Undoes whatever the borrower has left inside a sandbox, but for its rows; empty if
    /// that cannot be done.
    fn reset_inside(&self) -> String {
        String::new()
    }

    /// Whether something of our transaction was committed though its commit was not
    /// sent; `None` if that cannot be seen, but only guessed from the statements.
    fn saw_commit(&self) -> Option<bool> {
        None
    }
}

/// What the database answered to a commit.
#[derive(Debug)]
pub(crate) enum Verdict {
    Committed,
    /// Nothing was or will be committed, or, where it says so, some of it was by the
    /// borrower himself. A transaction may still be open.
    Refused {
        error: Error,
        in_part: bool,
    },
    /// Nobody can tell.
    Unknown(Error),
}
