use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::{AcquireOptions, Session};

/// A session that can group work into all-or-nothing units.
///
/// A backend without transactions does not implement it, and asking such a
/// session to commit does not compile.
///
/// # Contract
///
/// In addition to [`Session`]'s; checked by the same suite.
///
/// 1. **An open transaction is never `Clean`.** From before `begin` talks to the
///    remote end until a commit or rollback is confirmed, `condition` is not
///    `Clean`, so that a dropped lease is rolled back before anyone else gets it.
/// 2. **`commit` names its outcome.** `Committed` means durable, `RolledBack` that
///    nothing of the unit is or will be visible, `Unknown` that nobody can tell.
///    A unit with a write in it whose future was dropped half way is rolled back:
///    its borrower does not know what he would commit.
///    After each of the three no transaction is open on the session, or the
///    session is `Broken`.
///    Without a transaction, `commit` never answers `Committed`.
/// 3. **`rollback` needs no transaction.** Without one it does nothing.
/// 4. **Savepoints nest.** Ending one ends those inside it. A savepoint's name is
///    never used twice on a session.
/// 5. **A conflict is remembered.** From a statement that met
///    [`Fault::Conflict`](crate::Fault::Conflict) to the transaction's end,
///    `has_conflict` is true.
pub trait Transactional: Session {
    /// True if a statement of the open transaction lost against another one:
    /// running the unit again may succeed. No I/O.
    fn has_conflict(&self) -> bool;

    /// How many statements its borrowers have sent since it was opened, those of their
    /// savepoints among them, if it counts them; not what begins and ends transactions. No
    /// I/O. Default: it does not count.
    ///
    /// A unit's span tells how many were its own.
    fn statements(&self) -> Option<u64> {
        None
    }

    /// Starts a transaction. The pool never calls it inside another one.
    ///
    /// # Errors
    ///
    /// No transaction is open then, or the session is not `Clean`.
    fn begin(
        this: &mut Self,
        options: &TxOptions,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Makes the transaction's work permanent, and says whether it did.
    ///
    /// # Cancel safety
    ///
    /// The outcome is unknown when the future is dropped half way.
    fn commit(this: &mut Self) -> impl Future<Output = CommitOutcome<Self::Error>> + Send;

    /// Undoes the transaction's work.
    ///
    /// # Errors
    ///
    /// The remote end did not confirm; the session is not `Clean` then.
    fn rollback(this: &mut Self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Marks a point inside the transaction to come back to.
    ///
    /// # Errors
    ///
    /// The savepoint was not set; the transaction is as it was, or the session
    /// says otherwise.
    fn savepoint(this: &mut Self) -> impl Future<Output = Result<Savepoint, Self::Error>> + Send;

    /// Keeps the work done since `savepoint` and forgets the mark.
    ///
    /// # Errors
    ///
    /// The work since the mark is in doubt; roll the transaction back.
    fn release_savepoint(
        this: &mut Self,
        savepoint: Savepoint,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Undoes the work done since `savepoint` and forgets the mark.
    ///
    /// # Errors
    ///
    /// The work since the mark is in doubt; roll the transaction back.
    fn rollback_to(
        this: &mut Self,
        savepoint: Savepoint,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// How a commit ended.
#[derive(Debug)]
#[must_use = "a commit that did not happen is easily taken for one that did"]
#[allow(clippy::exhaustive_enums, reason = "a commit has these three outcomes and no fourth")]
pub enum CommitOutcome<E> {
    /// Durable.
    Committed,
    /// Nothing of the unit is or will be visible; the cause where there is one.
    RolledBack(Option<E>),
    /// The acknowledgement was lost: the work is there, or it is not.
    Unknown(E),
}

/// A mark inside a transaction, numbered by the session that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Savepoint(u64);

impl Savepoint {
    /// A savepoint of this number; numbers are not used twice on a session.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number given to [`new`](Self::new).
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What a transaction should be like. The default asks for nothing: the remote
/// end's own isolation, reading and writing.
///
/// A backend that cannot satisfy something asked for refuses to begin, and says
/// what it was: a tenant's setting that is silently left out would be worse.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TxOptions {
    /// The isolation asked for; `None` leaves the remote end's default.
    pub isolation: Option<Isolation>,
    /// True if writing is to be refused by the remote end.
    pub read_only: bool,
    /// How its session is acquired.
    pub acquire: AcquireOptions,
    /// True if the transaction may wait for a moment at which it cannot conflict.
    pub deferrable: bool,
    /// How long the remote end lets one statement run; `None` leaves its default.
    pub statement_timeout: Option<Duration>,
    /// How long a statement waits for a lock; `None` leaves the remote end's default.
    pub lock_timeout: Option<Duration>,
    /// How long the transaction may lie idle between two statements before the
    /// remote end gives it up; `None` leaves its default.
    pub idle_timeout: Option<Duration>,
    /// Names and values of settings that hold inside the transaction alone.
    pub settings: Vec<(Cow<'static, str>, String)>,
}

impl fmt::Debug for TxOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of settings are left out: tenants, tokens.
        let settings: Vec<_> = self.settings.iter().map(|(name, _)| name).collect();
        f.debug_struct("TxOptions")
            .field("isolation", &self.isolation)
            .field("read_only", &self.read_only)
            .field("acquire", &self.acquire)
            .field("deferrable", &self.deferrable)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("settings", &settings)
            .finish()
    }
}

impl TxOptions {
    /// Asks for nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for this isolation or a stronger one. Default: the remote end's own.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }

    /// Has the remote end refuse writes. Default: writing is allowed.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Acquires the session with these options: for a class of work, say, or with a
    /// time of its own. Default: as [`Pool::acquire`](crate::Pool::acquire) does.
    #[must_use]
    pub fn acquire(mut self, options: AcquireOptions) -> Self {
        self.acquire = options;
        self
    }

    /// Lets a serializable, read-only transaction wait at its beginning until it can
    /// neither conflict nor make others do so. Default: it does not wait.
    #[must_use]
    pub fn deferrable(mut self) -> Self {
        self.deferrable = true;
        self
    }

    /// Has the remote end stop a statement that runs longer, in whole milliseconds;
    /// zero: never. Default: the remote end's own.
    #[must_use]
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        self.statement_timeout = Some(limit);
        self
    }

    /// Has a statement fail that waits longer for a lock, in whole milliseconds;
    /// zero: never. Default: the remote end's own.
    #[must_use]
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.lock_timeout = Some(limit);
        self
    }

    /// Has the remote end give up a transaction that lies idle longer, in whole
    /// milliseconds; zero: never. Default: the remote end's own.
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = Some(limit);
        self
    }

    /// Sets something at the remote end inside the transaction alone: the tenant, the
    /// role, the schemas, the application's name. Default: nothing.
    ///
    /// Without it no work is done: if the remote end refuses the setting, the
    /// transaction does not begin.
    #[must_use]
    pub fn setting(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }
}

/// How much a transaction sees of others, weakest first. Named as in the SQL
/// standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Isolation {
    /// May see what others have not committed.
    ReadUncommitted,
    /// Each statement sees what was committed before it began.
    ReadCommitted,
    /// The whole transaction sees what was committed before it began.
    RepeatableRead,
    /// As if transactions ran one after another.
    Serializable,
}
