#![allow(async_fn_in_trait, reason = "a check runs on one thread")]

use sessionpool_core::{Backend, SessionError, Transactional};

use super::Capabilities;

/// The session of a harness's backend.
pub type SessionOf<H> = <<H as Harness>::Backend as Backend>::Session;

/// The error of a harness's backend.
pub type ErrorOf<H> = SessionError<<H as Harness>::Backend>;

/// What a backend crate supplies to be checked; one value serves one check.
///
/// A hook panics when it cannot do what it is for.
pub trait Harness {
    /// The backend under test.
    type Backend: Backend;

    /// Says which of the capability traits are implemented: the suite fails when
    /// its list differs.
    fn capabilities(&self) -> Capabilities;

    /// Connects to a remote end that starts out empty.
    async fn backend(&self) -> Self::Backend;

    /// Has the remote end answer with `number`, in one request that leaves
    /// nothing behind.
    ///
    /// # Errors
    ///
    /// The session is not fit for it; the suite decides whether it should be.
    async fn ask(&self, session: &mut SessionOf<Self>, number: u32) -> Result<u32, ErrorOf<Self>>;

    /// Starts a request and drops its future, or its stream, before its end.
    /// [`cut`](super::cut()) helps.
    async fn interrupt(&self, session: &mut SessionOf<Self>);
}

/// The remote end can be asked how many sessions it has.
pub trait CountsSessions: Harness {
    /// Counts the sessions logged in, without asking the sessions.
    async fn live(&self) -> usize;
}

/// A login can be made to fail.
pub trait RefusesLogins: CountsSessions {
    /// A backend of the same remote end whose every `open` fails, as late as can
    /// be arranged.
    async fn refusing(&self) -> Self::Backend;
}

/// A session has settings of its own, which `release` puts back.
pub trait ResetsState: Harness {
    /// Leaves something of a borrower's on the session, by requests like a
    /// borrower's.
    async fn disturb(&self, session: &mut SessionOf<Self>);

    /// True if nothing of what [`disturb`](Self::disturb) leaves is there.
    async fn undisturbed(&self, session: &mut SessionOf<Self>) -> bool;
}

/// The remote end can be made to end a session on its side.
pub trait SeversSessions: Harness {
    /// Cuts the session off, without the session's doing.
    async fn sever(&self, session: &mut SessionOf<Self>);
}

/// Sessions group work into all-or-nothing units.
pub trait Transactions: Harness<Backend: Backend<Session: Transactional>> {
    /// Writes `row` in the session's open transaction.
    async fn write(&self, session: &mut SessionOf<Self>, row: &str);

    /// Looks for `row` from outside the session under test.
    async fn committed(&self, row: &str) -> bool;
}

/// An open transaction can be brought to where the remote end will not commit
/// it.
pub trait DoomsCommits: Transactions {
    /// Has the remote end refuse the commit to come: a constraint checked at the
    /// end, a conflict with another unit of work.
    async fn doom(&self, session: &mut SessionOf<Self>);
}

/// The answer to a commit can be made to get lost.
pub trait LosesAcks: Transactions {
    /// Has the commit to come reach the remote end, and its answer not come
    /// back.
    async fn lose_ack(&self, session: &mut SessionOf<Self>);
}
