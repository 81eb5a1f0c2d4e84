//! Sessions with transactions, in which nothing happens.

use std::convert::Infallible;
use std::future::{Future, ready};

use sessionpool_core::{
    Backend, CommitOutcome, Condition, Fault, Pool, Savepoint, Session, Transactional, TxOptions,
};

pub(super) struct Noop;

/// Says whether a transaction is open, and does nothing else.
#[derive(Debug)]
pub(super) struct NoopTx {
    open: bool,
}

pub(super) fn pool() -> Pool<NoopTx> {
    Pool::builder(Noop).max_size(8).build().expect("a valid size")
}

type Answer = Result<(), Infallible>;

impl Backend for Noop {
    type Session = NoopTx;

    async fn open(&self) -> Result<NoopTx, Infallible> {
        Ok(NoopTx { open: false })
    }

    async fn check(&self, _: &mut NoopTx) -> Answer {
        Ok(())
    }
}

impl Session for NoopTx {
    type Error = Infallible;

    fn condition(&self) -> Condition {
        if self.open { Condition::Dirty } else { Condition::Clean }
    }

    fn classify(error: &Infallible) -> Fault {
        match *error {}
    }

    async fn release(this: &mut Self) -> Answer {
        this.open = false;
        Ok(())
    }

    async fn close(_: Self) -> Answer {
        Ok(())
    }

    fn abort(_: Self) {}
}

impl Transactional for NoopTx {
    fn has_conflict(&self) -> bool {
        false
    }

    fn begin(this: &mut Self, _: &TxOptions) -> impl Future<Output = Answer> + Send {
        this.open = true;
        ready(Ok(()))
    }

    fn commit(this: &mut Self) -> impl Future<Output = CommitOutcome<Infallible>> + Send {
        this.open = false;
        ready(CommitOutcome::Committed)
    }

    async fn rollback(this: &mut Self) -> Answer {
        this.open = false;
        Ok(())
    }

    async fn savepoint(_: &mut Self) -> Result<Savepoint, Infallible> {
        Ok(Savepoint::new(0))
    }

    async fn release_savepoint(_: &mut Self, _: Savepoint) -> Answer {
        Ok(())
    }

    async fn rollback_to(_: &mut Self, _: Savepoint) -> Answer {
        Ok(())
    }
}
