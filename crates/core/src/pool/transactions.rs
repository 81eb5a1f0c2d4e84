//! Units of work on a pool's sessions: the two scopes, and units by hand.

use std::future::Future;
use std::panic::Location;

use super::Pool;
use crate::span::{Outcome, UnitSpan};
use crate::{Retry, Transactional, Tx, TxError, TxOptions, Unit};

impl<S: Transactional> Pool<S> {
    /// Runs `work` as one all-or-nothing unit: commits on `Ok`; rolls back on
    /// `Err`, on panic, and when the future is dropped. The session goes back in
    /// every case.
    ///
    /// `Ok` means committed: if the commit did not happen, or nobody can tell, the
    /// answer is a [`TxError`].
    ///
    /// # The work
    ///
    /// It is an `async |tx|` closure (`|tx| async move` is something else and does not
    /// compile). `tx` is a `&mut Tx<S>`, which dereferences to the session: where a
    /// `&mut S` is wanted, write `&mut **tx`.
    ///
    /// # The error type
    ///
    /// Any with `From<TxError>`: `anyhow::Error`, or an enum of yours. A driver's own
    /// error is not enough, since there is more to go wrong than the driver knows of.
    ///
    /// ```
    /// # use sessionpool_core::{AcquireError, TxError};
    /// # type SqlError = std::io::Error;
    /// #[derive(Debug, thiserror::Error)]
    /// enum AppError {
    ///     #[error(transparent)] Sql(#[from] SqlError),
    ///     #[error(transparent)] Tx(#[from] TxError),           // for transactions and units
    ///     #[error(transparent)] Acquire(#[from] AcquireError), // for leases
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// What `work` answered, or the [`TxError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before the commit is sent, nothing of the work is visible. Dropped
    /// during the commit, the outcome is unknown.
    #[track_caller]
    pub fn transaction<R, E>(
        &self,
        work: impl AsyncFnOnce(&mut Tx<S>) -> Result<R, E>,
    ) -> impl Future<Output = Result<R, E>>
    where
        E: From<TxError>,
    {
        self.transaction_at(TxOptions::new(), Location::caller(), work)
    }

    /// [`transaction`](Self::transaction) of a given kind.
    ///
    /// # Errors
    ///
    /// As for [`transaction`](Self::transaction).
    ///
    /// # Cancel safety
    ///
    /// As for [`transaction`](Self::transaction).
    #[track_caller]
    pub fn transaction_in<R, E>(
        &self,
        options: TxOptions,
        work: impl AsyncFnOnce(&mut Tx<S>) -> Result<R, E>,
    ) -> impl Future<Output = Result<R, E>>
    where
        E: From<TxError>,
    {
        self.transaction_at(options, Location::caller(), work)
    }

    /// [`transaction`](Self::transaction), run again from its beginning when it
    /// loses against another one.
    ///
    /// `work` is cloned for each run, so it may not capture anything by `&mut`: use an
    /// atomic, or return the value. That it lost is seen by the session, whatever
    /// `work` makes of the error. Nothing is run again after an unknown outcome.
    ///
    /// ```
    /// # use sessionpool_testkit::{Scripted, ScriptedSession};
    /// # use sessionpool_core::{Pool, Retry, TxError};
    /// # #[derive(Debug, thiserror::Error)]
    /// # enum Failed {
    /// #     #[error(transparent)] Write(#[from] sessionpool_testkit::ScriptedError),
    /// #     #[error(transparent)] Tx(#[from] TxError),
    /// # }
    /// # async fn f(pool: Pool<ScriptedSession>) -> Result<(), Failed> {
    /// pool.transaction_with(Retry::on_conflict(5), async |tx| {
    ///     tx.write("a row").await?;
    ///     Ok::<_, Failed>(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`transaction`](Self::transaction); of the last run.
    ///
    /// # Cancel safety
    ///
    /// As for [`transaction`](Self::transaction).
    #[track_caller]
    pub fn transaction_with<R, E, F>(
        &self,
        retry: Retry,
        work: F,
    ) -> impl Future<Output = Result<R, E>>
    where
        E: From<TxError>,
        F: AsyncFnOnce(&mut Tx<S>) -> Result<R, E> + Clone,
    {
        let site = Location::caller();
        async move {
            for failures in 0..retry.retries {
                match self.attempt(&retry.options, site, work.clone()).await {
                    Ok(answer) => return Ok(answer),
                    Err(Attempt { again: false, error }) => return Err(error),
                    Err(Attempt { again: true, .. }) => retry.back_off(failures).await,
                }
            }
            self.attempt(&retry.options, site, work).await.map_err(|attempt| attempt.error)
        }
    }

    async fn transaction_at<R, E>(
        &self,
        options: TxOptions,
        site: &'static Location<'static>,
        work: impl AsyncFnOnce(&mut Tx<S>) -> Result<R, E>,
    ) -> Result<R, E>
    where
        E: From<TxError>,
    {
        self.attempt(&options, site, work).await.map_err(|attempt| attempt.error)
    }

    async fn attempt<R, E>(
        &self,
        options: &TxOptions,
        site: &'static Location<'static>,
        work: impl AsyncFnOnce(&mut Tx<S>) -> Result<R, E>,
    ) -> Result<R, Attempt<E>>
    where
        E: From<TxError>,
    {
        let mut tx = self.begin_at(options, site).await.map_err(Attempt::failed)?;
        match tx.inside().around(work(&mut tx)).await {
            Ok(answer) => {
                tx.commit().await.map_err(Attempt::failed)?;
                Ok(answer)
            }
            Err(error) => {
                let again = tx.has_conflict();
                // The work's own error is the one to tell. A rollback that fails
                // ends the session, and the remote end rolls back by itself.
                let _ = tx.rollback().await;
                Err(Attempt { again, error })
            }
        }
    }

    pub(crate) async fn begin_at(
        &self,
        options: &TxOptions,
        site: &'static Location<'static>,
    ) -> Result<Tx<S>, TxError> {
        let mut span = UnitSpan::new(self.name(), site, &options.acquire);
        let acquire = self.acquire_at(&options.acquire, site);
        match span.inside().around(acquire).await {
            Ok(lease) => {
                span.lent();
                Tx::begin(lease, options, span).await
            }
            Err(error) => {
                span.end(Outcome::NotAcquired);
                Err(error.into())
            }
        }
    }

    /// A unit of work by hand: takes a session and begins when first used.
    pub fn unit(&self) -> Unit<S> {
        self.unit_in(TxOptions::new())
    }

    /// [`unit`](Self::unit) whose transactions are of a given kind.
    pub fn unit_in(&self, options: TxOptions) -> Unit<S> {
        Unit::new(self.clone(), options)
    }
}

/// A run of a transaction that failed.
struct Attempt<E> {
    /// It lost against another one, and may be run again.
    again: bool,
    error: E,
}

impl<E: From<TxError>> Attempt<E> {
    fn failed(error: TxError) -> Self {
        Self { again: error.is_conflict(), error: error.into() }
    }
}
