use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::task::{Context, Poll};

use axum::extract::FromRequestParts;
use axum::http::Request;
use axum::http::request::Parts;
use sessionpool_core::{AcquireError, AcquireOptions, Lease, Pool, ReleaseError, Session};
use tower::{Layer, Service};

use crate::Problem;

/// A plain lease as an extractor: a session without a unit, taken when first used and
/// given back when this is dropped.
///
/// For sessions that know no transactions, and for reading. It wants a [`LeaseLayer`].
/// What is written through it is written at once, whatever the response will be. Each
/// extraction is a lease of its own: two of them in one request wait for two sessions.
///
/// Moved into a response's body it is held for as long as the client takes to read, which
/// nothing limits: read first and answer then, or stream with
/// [`Work::keep_for_body`](crate::Work::keep_for_body), which has a limit.
#[must_use = "nothing is lent until its session is used"]
pub struct Borrowed<S: Session> {
    lender: Lender<S>,
    lease: Option<Lease<S>>,
}

impl<S: Session> Borrowed<S> {
    /// The session, taken from the pool if that has yet to happen.
    ///
    /// # Errors
    ///
    /// As for [`Pool::acquire_with`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Pool::acquire_with`].
    ///
    /// # Panics
    ///
    /// Never: the lease was there, or has just come.
    #[track_caller]
    pub fn session(&mut self) -> impl Future<Output = Result<&mut S, AcquireError>> + Send {
        let Self { lender: Lender { pool, options }, lease } = self;
        let acquire = match lease {
            None => Some(pool.acquire_with(options.clone())),
            Some(_) => None,
        };
        async move {
            if let Some(acquire) = acquire {
                *lease = Some(acquire.await?);
            }
            Ok(&mut **lease.as_mut().expect("it was there, or came a line ago"))
        }
    }

    /// Gives the session back, if one was taken, and tells if it could not be made fit
    /// for the next borrower. Dropping does the same in the background.
    ///
    /// # Errors
    ///
    /// As for [`Lease::release`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Lease::release`].
    pub async fn release(self) -> Result<(), ReleaseError> {
        match self.lease {
            Some(lease) => lease.release().await,
            None => Ok(()),
        }
    }
}

impl<S: Session> fmt::Debug for Borrowed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrowed").field("lease", &self.lease).finish_non_exhaustive()
    }
}

impl<S: Session, T: Sync> FromRequestParts<T> for Borrowed<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &T) -> Result<Self, Problem> {
        match parts.extensions.get::<Lender<S>>() {
            Some(lender) => Ok(Self { lender: lender.clone(), lease: None }),
            None => Err(Problem::missing::<S>("LeaseLayer")),
        }
    }
}

/// Says which pool a [`Borrowed`] borrows from.
///
/// It is a layer of its own because a [`UnitLayer`](crate::UnitLayer) may set things up
/// for each request, a tenant for one, which a plain lease would be without: routes have
/// both when somebody has said so.
pub struct LeaseLayer<S: Session> {
    lender: Lender<S>,
}

struct Lender<S: Session> {
    pool: Pool<S>,
    options: AcquireOptions,
}

impl<S: Session> LeaseLayer<S> {
    /// Leases of this pool.
    #[must_use]
    pub fn new(pool: Pool<S>) -> Self {
        Self { lender: Lender { pool, options: AcquireOptions::new() } }
    }

    /// Acquires with these options: for a class of work, with a time of its own.
    /// Default: as [`Pool::acquire`] does.
    #[must_use]
    pub fn acquire(mut self, options: AcquireOptions) -> Self {
        self.lender.options = options;
        self
    }
}

impl<S: Session> Clone for Lender<S> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), options: self.options.clone() }
    }
}

impl<S: Session> Clone for LeaseLayer<S> {
    fn clone(&self) -> Self {
        Self { lender: self.lender.clone() }
    }
}

impl<S: Session> fmt::Debug for LeaseLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseLayer").field("pool", &self.lender.pool).finish_non_exhaustive()
    }
}

impl<S: Session, V> Layer<V> for LeaseLayer<S> {
    type Service = LeaseService<S, V>;

    fn layer(&self, inner: V) -> LeaseService<S, V> {
        LeaseService { lender: self.lender.clone(), inner }
    }
}

/// A service whose requests may borrow: what [`LeaseLayer`] makes.
pub struct LeaseService<S: Session, V> {
    lender: Lender<S>,
    inner: V,
}

impl<S: Session, V: Service<Request<B>>, B> Service<Request<B>> for LeaseService<S, V> {
    type Response = V::Response;
    type Error = V::Error;
    type Future = V::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), V::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> V::Future {
        request.extensions_mut().insert(self.lender.clone());
        self.inner.call(request)
    }
}

impl<S: Session, V: Clone> Clone for LeaseService<S, V> {
    fn clone(&self) -> Self {
        Self { lender: self.lender.clone(), inner: self.inner.clone() }
    }
}

impl<S: Session, V> fmt::Debug for LeaseService<S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseService").field("inner", &type_name::<V>()).finish_non_exhaustive()
    }
}
