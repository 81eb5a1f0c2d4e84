//! A pool for tests, within a transaction that is never committed.

use std::future::Future;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sessionpool_core::call::{CallFailure, try_bounded};
use sessionpool_core::{AcquireError, Backend, Pool, Session, TxOptions};
use sqlx::{AssertSqlSafe, Error};

use crate::conversation::{Conversation, name};
use crate::driver::{Driver, Verdict};
use crate::effect::{Control, Effect};
use crate::failure::SqlFailure;

/// A pool's sandbox: the best friend of tests.
///
/// ```
/// # use sessionpool_core::{Pool, TxError};
/// # use sessionpool_sql::{Sandbox, Sqlite};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let pool = Pool::builder(Sqlite::memory("sandbox")).build()?;
/// # sqlx::query("create table item (name text)").execute(&mut *pool.acquire().await?).await?;
/// let sandbox = pool.sandbox().await?; // give it to the application in place of the pool
///
/// sandbox.transaction(async |tx| {
///     sqlx::query("insert into item values ('tea')").execute(&mut **tx).await?;
///     Ok::<_, Failed>(())
/// })
/// .await?;
/// let mut lease = sandbox.acquire().await?;
/// let items = sqlx::query("select name from item").fetch_all(&mut *lease).await?;
/// assert_eq!(items.len(), 1);
///
/// drop((lease, sandbox)); // and nothing of it has been
/// # Ok(())
/// # }
/// # #[derive(Debug, thiserror::Error)]
/// # enum Failed {
/// #     #[error(transparent)] Sql(#[from] sqlx::Error),
/// #     #[error(transparent)] Tx(#[from] TxError),
/// # }
/// ```
pub trait Sandbox<S: Session> {
    /// A pool of one session inside a transaction that is never committed.
    ///
    /// All that a program does with a pool goes on in it as ever: its own transactions
    /// and units begin, commit and roll back (as savepoints), statements outside of them
    /// are kept one by one, and later ones see what earlier ones have written. Nobody else
    /// does. When the last handle is dropped, or the sandbox
    /// [closed](Pool::close), nothing of it is left; its session is ended, not given back.
    ///
    /// What is different from the pool itself: there is one session, so whoever holds it
    /// and asks for a second one waits for himself; a unit has the isolation of the
    /// sandbox, whatever it asks for; a `BEGIN`, `COMMIT` or `ROLLBACK` of one's own is
    /// refused ([`SqlFailure::InsideSandbox`]), as are MySQL's statements that commit by
    /// themselves; only PostgreSQL holds a unit to reading, and puts back what a borrower
    /// touched; sequences, as ever, do not roll back. Several statements in one text are
    /// refused in the same way where MySQL or SQLite would run them, and so is the raw
    /// connection (`connection()` of the session), where nobody could tell. If the session is
    /// lost the sandbox is, and says so ([`SqlFailure::SandboxLost`]).
    ///
    /// # Errors
    ///
    /// The pool lent no session, or its transaction could not be begun within 30 s.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, the session it took goes back to the pool, which cleans it.
    fn sandbox(&self) -> impl Future<Output = Result<Pool<S>, SandboxError>> + Send {
        self.sandbox_within(LIMIT)
    }

    /// [`sandbox`](Self::sandbox) with another limit for beginning its transaction, once
    /// the pool has lent a session, for which it has its own.
    ///
    /// # Errors
    ///
    /// As for [`sandbox`](Self::sandbox).
    ///
    /// # Cancel safety
    ///
    /// As for [`sandbox`](Self::sandbox).
    fn sandbox_within(
        &self,
        limit: Duration,
    ) -> impl Future<Output = Result<Pool<S>, SandboxError>> + Send;
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The pool lent no session.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    /// The transaction around it could not be begun.
    #[error("the sandbox could not be begun")]
    Begin(#[source] Error),
}

/// Gives out the one session it has.
#[derive(Debug)]
struct Only<S> {
    session: Mutex<Option<S>>,
}

impl<S: Session<Error = Error> + Sync> Backend for Only<S> {
    type Session = S;

    async fn open(&self) -> Result<S, Error> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.take().ok_or_else(|| SqlFailure::SandboxLost.into())
    }

    async fn check(&self, _: &mut S) -> Result<(), Error> {
        Ok(())
    }
}

/// A pool of a session that is in a sandbox already.
pub(crate) fn pool_of<S: Session<Error = Error> + Sync>(session: S) -> Pool<S> {
    Pool::builder(Only { session: Mutex::new(Some(session)) })
        .name("sandbox")
        .max_size(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .check_after_idle(None)
        .build()
        .expect("one session is a valid size, and the rest is switched off")
}

/// How long the beginning of a sandbox may take if nobody says.
const LIMIT: Duration = Duration::from_secs(30);

/// Begins a sandbox. What came of it half way is the pool's to undo.
pub(crate) async fn enter<D: Driver>(
    talk: &mut Conversation<D>,
    limit: Duration,
) -> Result<(), SandboxError> {
    try_bounded("beginning a sandbox", limit, talk.enter_sandbox()).await.map_err(|failure| {
        SandboxError::Begin(match failure {
            CallFailure::Answered(error) => error,
            CallFailure::Silent(silent) => Error::Io(io::Error::other(silent)),
        })
    })
}

impl<D: Driver> Conversation<D> {
    /// Begins the transaction around all that will be done.
    pub(crate) async fn enter_sandbox(&mut self) -> sqlx::Result<()> {
        self.begin_anyway(&TxOptions::new()).await?;
        let kept = self.savepoint().await?;
        self.mark.settle();
        self.kept = Some(kept);
        Ok(())
    }

    /// Keeps what was done outside of units statement by statement, as a session does
    /// without a transaction.
    pub(crate) async fn admit_inside(&mut self, effect: &Effect) -> sqlx::Result<()> {
        if matches!(effect.control, Control::Any | Control::Ends(_)) {
            return Err(SqlFailure::InsideSandbox.into());
        }
        if !self.mark.is_ours() {
            self.keep_or_undo().await?;
            self.mark.suspect();
        }
        Ok(())
    }

    pub(crate) async fn begin_inside(&mut self, options: &TxOptions) -> sqlx::Result<()> {
        let text = self.driver.begin_inside(options);
        if text.is_empty() { Ok(()) } else { self.send_inside(text).await }
    }

    pub(crate) async fn commit_inside(&mut self) -> Verdict {
        let text = self.keep();
        let verdict = D::commit_inside(self, text).await;
        let next = self.keeping.take();
        if matches!(verdict, Verdict::Committed) {
            self.kept = next;
        }
        verdict
    }

    pub(crate) async fn roll_back_inside(&mut self) -> sqlx::Result<()> {
        let Some(kept) = self.kept else { return Ok(()) };
        let mut text = format!("ROLLBACK TO SAVEPOINT {}", name(kept));
        let undo = self.driver.undo_inside();
        if !undo.is_empty() {
            text.push_str("; ");
            text.push_str(&undo);
        }
        self.send_inside(text).await
    }

    /// Ends what the borrower left, and puts back what he touched.
    pub(crate) async fn clean_inside(&mut self) -> sqlx::Result<()> {
        self.keep_or_undo().await?;
        let reset = self.driver.reset_inside();
        if self.mark.touched().is_some() && !reset.is_empty() {
            self.send_inside(reset).await?;
            self.keep_on().await?;
        }
        Ok(())
    }

    /// Keeps what was done since the last time; a unit that was not committed, and a
    /// statement that failed, are undone.
    async fn keep_or_undo(&mut self) -> sqlx::Result<()> {
        if self.mark.is_ours() || self.mark.has_failed() {
            self.roll_back_inside().await?;
        } else if self.mark.is_open() {
            self.keep_on().await?;
        }
        self.mark.settle();
        Ok(())
    }

    async fn keep_on(&mut self) -> sqlx::Result<()> {
        let text = self.keep();
        self.send_inside(text).await?;
        self.kept = self.keeping.take();
        Ok(())
    }

    /// How to get to the next point up to which all is kept. It is remembered before that
    /// is sent: dropped half way, the sandbox gets there all the same.
    fn keep(&mut self) -> String {
        let next = self.next_savepoint();
        self.keeping = Some(next);
        let kept = self.kept.map(|kept| format!("RELEASE SAVEPOINT {}; ", name(kept)));
        format!("{}SAVEPOINT {}", kept.unwrap_or_default(), name(next))
    }

    /// Sends what must not fail, or the sandbox is lost.
    async fn send_inside(&mut self, text: String) -> sqlx::Result<()> {
        let sent = self.send(Effect::READ, AssertSqlSafe(text)).await;
        if sent.is_err() {
            self.lose();
        }
        sent
    }
}

/// [`Sandbox`] for the pool of a session whose field `talk` is its conversation.
macro_rules! impl_sandbox {
    ($session:ty) => {
        impl $crate::sandbox::Sandbox<$session> for sessionpool_core::Pool<$session> {
            async fn sandbox_within(
                &self,
                limit: std::time::Duration,
            ) -> Result<Self, $crate::sandbox::SandboxError> {
                let mut lease = self.acquire().await?;
                $crate::sandbox::enter(&mut lease.talk, limit).await?;
                Ok($crate::sandbox::pool_of(sessionpool_core::Lease::detach(lease)))
            }
        }
    };
}

pub(crate) use impl_sandbox;
