//! One span for each unit of work, for whoever traces.
//!
//! Without a subscriber that wants it, nothing is measured and nothing kept: no clock is
//! read, no statement counted.

use std::future::Future;
use std::panic::Location;

use crate::{AcquireOptions, Transactional, TxError};

/// How a unit ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Committed,
    RolledBack,
    Unknown,
    /// No session was lent.
    NotAcquired,
    /// The session could not begin.
    NotBegun,
}

impl Outcome {
    /// How a unit ended that was to end as `wanted`.
    pub(crate) const fn of(answer: &Result<(), TxError>, wanted: Self) -> Self {
        match answer {
            Ok(()) => wanted,
            Err(TxError::OutcomeUnknown { .. }) => Self::Unknown,
            // What was not confirmed ends with the session, and that is not lent again.
            Err(_) => Self::RolledBack,
        }
    }
}

#[cfg(feature = "tracing")]
pub(crate) use traced::{Inside, UnitSpan};
#[cfg(not(feature = "tracing"))]
pub(crate) use untraced::{Inside, UnitSpan};

#[cfg(feature = "tracing")]
mod traced {
    use std::panic::{self, AssertUnwindSafe};

    use tokio::time::Instant;
    use tracing::field::{Empty, debug};
    use tracing::{Instrument, Span};

    use super::{AcquireOptions, Future, Location, Outcome, Transactional};

    /// A unit's span, from before its session is acquired to its end.
    pub(crate) struct UnitSpan(Option<Measured>);

    struct Measured {
        span: Span,
        began: Instant,
        lent: Option<Instant>,
        /// How many statements the session had been sent when the unit began.
        sent_before: Option<u64>,
    }

    /// The inside of a unit's span.
    pub(crate) struct Inside(Span);

    impl Inside {
        pub(crate) fn around<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
            work.instrument(self.0)
        }
    }

    impl UnitSpan {
        pub(crate) fn new(
            pool: Option<&str>,
            site: &'static Location<'static>,
            options: &AcquireOptions,
        ) -> Self {
            let span = tracing::debug_span!(
                target: "sessionpool::unit",
                "unit",
                pool,
                %site,
                class = options.class.as_deref(),
                waited = Empty,
                held = Empty,
                statements = Empty,
                outcome = Empty,
            );
            let measured = || {
                let began = Instant::now();
                Measured { span: span.clone(), began, lent: None, sent_before: None }
            };
            Self((!span.is_disabled()).then(measured))
        }

        /// Where the unit's work is done.
        pub(crate) fn inside(&self) -> Inside {
            Inside(self.0.as_ref().map_or_else(Span::none, |it| it.span.clone()))
        }

        /// The session was lent.
        pub(crate) fn lent(&mut self) {
            if let Some(Measured { span, began, lent, .. }) = &mut self.0 {
                let now = *lent.insert(Instant::now());
                span.record("waited", debug(now.saturating_duration_since(*began)));
            }
        }

        /// The transaction has begun.
        pub(crate) fn begun<S: Transactional>(&mut self, session: &S) {
            if let Some(measured) = &mut self.0 {
                measured.sent_before = statements(session);
            }
        }

        /// Nothing more is sent but what ends the transaction.
        pub(crate) fn done<S: Transactional>(&mut self, session: Option<&S>) {
            let Some(Measured { span, sent_before: before @ Some(_), .. }) = &mut self.0 else {
                return;
            };
            let sent = session.and_then(statements);
            if let (Some(before), Some(sent)) = (before.take(), sent) {
                span.record("statements", sent.saturating_sub(before));
            }
        }

        /// The unit is over. Only the first word on that counts.
        pub(crate) fn end(&mut self, outcome: Outcome) {
            self.conclude(outcome.as_str());
        }

        fn conclude(&mut self, outcome: &'static str) {
            let Some(Measured { span, lent, .. }) = self.0.take() else { return };
            if let Some(lent) = lent {
                span.record("held", debug(Instant::now().saturating_duration_since(lent)));
            }
            span.record("outcome", outcome);
        }
    }

    impl Drop for UnitSpan {
        fn drop(&mut self) {
            // Nobody ended it: its future or its owner was dropped.
            self.conclude("dropped");
        }
    }

    /// How many a session was sent. Asking must not panic, and this runs in drops, so a
    /// session that breaks the rule is taken for one that does not count.
    fn statements<S: Transactional>(session: &S) -> Option<u64> {
        panic::catch_unwind(AssertUnwindSafe(|| session.statements())).unwrap_or_default()
    }

    impl Outcome {
        const fn as_str(self) -> &'static str {
            match self {
                Self::Committed => "committed",
                Self::RolledBack => "rolled back",
                Self::Unknown => "unknown",
                Self::NotAcquired => "not acquired",
                Self::NotBegun => "not begun",
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod untraced {
    use super::{AcquireOptions, Future, Location, Outcome, Transactional};

    /// Nobody can trace.
    pub(crate) struct UnitSpan;

    pub(crate) struct Inside;

    impl Inside {
        pub(crate) fn around<F: Future>(self, work: F) -> F {
            work
        }
    }

    #[allow(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "as if somebody did")]
    impl UnitSpan {
        pub(crate) const fn new(
            _: Option<&str>,
            _: &'static Location<'static>,
            _: &AcquireOptions,
        ) -> Self {
            Self
        }

        pub(crate) const fn inside(&self) -> Inside {
            Inside
        }

        pub(crate) const fn lent(&mut self) {}

        pub(crate) const fn begun<S: Transactional>(&mut self, _: &S) {}

        pub(crate) const fn done<S: Transactional>(&mut self, _: Option<&S>) {}

        pub(crate) const fn end(&mut self, _: Outcome) {}
    }
}
