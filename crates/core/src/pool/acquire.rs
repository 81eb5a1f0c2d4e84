//! Waiting for a session.

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime;
use tokio::time::{self, Instant, Sleep};

use super::classes::ClassId;
use super::clock;
use super::ledger::Refusal;
use super::outage::Failure;
use super::parcel::Parcel;
use super::queue::{Request, Ticket, Verdict};
use super::shared::{Ask, Entry, Shared, Sight};
use crate::sync::Arc;
use crate::{AcquireError, Lease, Session};

/// What one acquire asks for; see [`Pool::acquire_with`](crate::Pool::acquire_with).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcquireOptions {
    /// The time this acquire is given; `None` is the pool's `acquire_timeout`.
    pub timeout: Option<Duration>,
    /// The class of work it is for; `None` is none.
    pub class: Option<Cow<'static, str>>,
}

impl AcquireOptions {
    /// Asks for nothing in particular.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives this acquire its own time, over queueing and opening together.
    /// Zero takes an idle session or times out at once, without joining the
    /// queue; `Duration::MAX` waits for ever. Default: the pool's
    /// [`acquire_timeout`](crate::PoolBuilder::acquire_timeout), or what it has set for
    /// the class. One second or more may end a few milliseconds early, as is said there.
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Says what the session is for, by the name of a
    /// [`limit`](crate::PoolBuilder::limit) the pool has. Default: no class.
    #[must_use]
    pub fn class(mut self, class: impl Into<Cow<'static, str>>) -> Self {
        self.class = Some(class.into());
        self
    }
}

/// The future of [`Pool::acquire`](crate::Pool::acquire). Dropped while queued it
/// leaves the queue, and passes on what was granted to it in that very moment.
pub(crate) struct Acquire<'a, S: Session> {
    shared: &'a Arc<Shared<S>>,
    limit: Duration,
    class: Option<ClassId>,
    site: &'static Location<'static>,
    progress: Progress,
    /// Only where the janitor's clock cannot be relied on: it lives on another
    /// runtime.
    own_time: Option<Pin<Box<Sleep>>>,
}

enum Progress {
    New,
    /// It asked for what cannot be.
    Refused(Box<AcquireError>),
    Queued {
        ticket: Ticket,
        janitor_replaced: bool,
    },
    Done,
}

impl<'a, S: Session> Acquire<'a, S> {
    #[inline]
    pub(crate) fn new(
        shared: &'a Arc<Shared<S>>,
        options: &AcquireOptions,
        site: &'static Location<'static>,
    ) -> Self {
        let (class, progress) = match &options.class {
            None => (None, Progress::New),
            Some(name) => match shared.settings.class(name) {
                Some(class) => (Some(class), Progress::New),
                None => (None, Progress::Refused(Box::new(shared.unknown_class(name)))),
            },
        };
        let limit = options.timeout.unwrap_or_else(|| shared.settings.acquire_timeout(class));
        Self { shared, limit, class, site, progress, own_time: None }
    }

    fn join(&mut self, cx: &mut Context<'_>) -> Poll<Result<Lease<S>, AcquireError>> {
        let Self { site, class, limit, .. } = *self;
        let waker = cx.waker().clone();
        let ask = Ask { waker, site, class, task: tokio::task::try_id(), limit };
        match self.shared.lend_or_join(ask) {
            Ok(Entry::Lent { place, parcel, .. }) => {
                Poll::Ready(Ok(Lease::new(self.shared, place, parcel)))
            }
            Ok(Entry::Queued { ticket, elsewhere }) => {
                self.progress = Progress::Queued { ticket, janitor_replaced: false };
                if elsewhere { self.look(cx) } else { Poll::Pending }
            }
            Err(refusal) => Poll::Ready(Err(self.turned_away(refusal))),
        }
    }

    fn turned_away(&self, refusal: Refusal) -> AcquireError {
        match refusal {
            Refusal::Closed => AcquireError::Closed,
            Refusal::Paused => AcquireError::Paused,
            Refusal::QueueFull { max_waiters, status } => {
                AcquireError::QueueFull { pool: self.name(), max_waiters, status }
            }
            Refusal::Rejected(failure) => self.failed(*failure),
            Refusal::NoTime(borrower) => {
                let request = Request::new(Waker::noop().clone(), *borrower, self.limit);
                AcquireError::TimedOut(Box::new(self.shared.diagnose(&request)))
            }
            Refusal::NoRuntime => AcquireError::NoRuntime,
        }
    }

    /// Looks what became of the wait.
    fn look(&mut self, cx: &mut Context<'_>) -> Poll<Result<Lease<S>, AcquireError>> {
        let Progress::Queued { ticket, janitor_replaced } = self.progress else {
            unreachable!("looks only while queued")
        };
        if self.own_time.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
            self.own_time = None;
            self.shared.expire_waiters();
        }
        match self.shared.see(ticket, cx.waker()) {
            Sight::Granted(place, parcel) => {
                self.progress = Progress::Done;
                Poll::Ready(Ok(Lease::new(self.shared, place, parcel)))
            }
            Sight::Told(told) => {
                self.progress = Progress::Done;
                let (request, verdict) = *told;
                Poll::Ready(self.conclude(&request, verdict))
            }
            Sight::StillQueued { janitor, deadline } => self.wait_on(janitor, deadline, cx),
            Sight::Orphaned => self.go_on_without_janitor(ticket, janitor_replaced, cx),
        }
    }

    /// Waits on. Where the janitor's clock may stand still, with a clock of its own.
    fn wait_on(
        &mut self,
        janitor: Option<runtime::Id>,
        deadline: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Lease<S>, AcquireError>> {
        let here = runtime::Handle::try_current().ok().map(|runtime| runtime.id());
        match deadline {
            Some(at) if self.own_time.is_none() && here.is_some() && here != janitor => {
                if !clock::is_here() {
                    return self.leave_without_runtime();
                }
                self.own_time = Some(Box::pin(time::sleep_until(at)));
                self.look(cx)
            }
            _ => Poll::Pending,
        }
    }

    /// The janitor's runtime is gone. Once, another one is started on this one.
    fn go_on_without_janitor(
        &mut self,
        ticket: Ticket,
        replaced: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Lease<S>, AcquireError>> {
        if !replaced {
            match self.shared.ensure_janitor() {
                Ok(true) => {
                    self.progress = Progress::Queued { ticket, janitor_replaced: true };
                    return Poll::Pending;
                }
                Ok(false) => return self.look(cx),
                Err(_) => {}
            }
        }
        self.leave_without_runtime()
    }

    fn leave_without_runtime(&mut self) -> Poll<Result<Lease<S>, AcquireError>> {
        if let Progress::Queued { ticket, .. } =
            std::mem::replace(&mut self.progress, Progress::Done)
        {
            self.shared.leave(ticket, false);
        }
        Poll::Ready(Err(AcquireError::NoRuntime))
    }

    fn refuse(&mut self) -> Poll<Result<Lease<S>, AcquireError>> {
        match std::mem::replace(&mut self.progress, Progress::Done) {
            Progress::Refused(error) => Poll::Ready(Err(*error)),
            _ => unreachable!("refuses only what was asked for in vain"),
        }
    }

    fn failed(&self, Failure { fault, cause, .. }: Failure) -> AcquireError {
        AcquireError::Failed { pool: self.name(), fault, cause }
    }

    fn name(&self) -> Option<StdArc<str>> {
        self.shared.settings.name.clone()
    }

    fn conclude(
        &self,
        request: &Request,
        verdict: Verdict<Parcel<S>>,
    ) -> Result<Lease<S>, AcquireError> {
        match verdict {
            Verdict::Granted(place, parcel) => Ok(Lease::new(self.shared, place, parcel)),
            Verdict::Failed(failure) => Err(self.failed(*failure)),
            Verdict::Closed => Err(AcquireError::Closed),
            Verdict::Paused => Err(AcquireError::Paused),
            Verdict::TimedOut => {
                Err(AcquireError::TimedOut(Box::new(self.shared.diagnose(request))))
            }
        }
    }
}

impl<S: Session> Future for Acquire<'_, S> {
    type Output = Result<Lease<S>, AcquireError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.progress {
            Progress::New => {
                self.progress = Progress::Done;
                match if self.shared.is_crowded() {
                    None
                } else {
                    self.shared.lend(self.site, self.class)
                } {
                    Some((place, parcel)) => {
                        Poll::Ready(Ok(Lease::new(self.shared, place, parcel)))
                    }
                    None => self.join(cx),
                }
            }
            Progress::Queued { .. } => self.look(cx),
            Progress::Refused(_) => self.refuse(),
            Progress::Done => panic!("an acquire was polled after it had answered"),
        }
    }
}

impl<S: Session> Drop for Acquire<'_, S> {
    fn drop(&mut self) {
        if let Progress::Queued { ticket, .. } = self.progress {
            self.shared.leave(ticket, true);
        }
    }
}
