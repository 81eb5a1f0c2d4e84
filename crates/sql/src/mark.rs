//! A session's own state, and the wrapper that keeps it right around a stream of
//! rows.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::{BoxStream, Stream};
use sessionpool_core::{Condition, Fault};
use sqlx::Error;

/// What a session knows about itself: the answer to
/// [`condition`](sessionpool_core::Session::condition).
///
/// `in_flight` is set before every await that talks to the database and cleared
/// when the answer is complete. Nothing clears it when a future is dropped: that
/// *is* how a dropped future is noticed.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    in_flight: Option<Effect>,
    /// A statement of the open transaction that may have written was dropped half
    /// way. Only the end of the transaction settles that.
    abandoned: bool,
    /// A transaction is open, or may be.
    open: bool,
    /// The open transaction lost against another one.
    conflict: bool,
    touched: Option<&'static str>,
    lost: Option<Fault>,
}

/// What a statement may leave behind on its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing at all: it only reads.
    Read,
    /// Nothing a later borrower could meet.
    Nothing,
    /// An open transaction.
    Transaction,
    /// Something no rollback undoes; by which kind of statement.
    Touch(&'static str),
}

impl Mark {
    pub(crate) const fn condition(&self) -> Condition {
        match self {
            Self { lost: Some(fault), .. } => Condition::Broken(*fault),
            Self { in_flight: Some(_), .. } => Condition::Busy,
            Self { open: true, .. } | Self { touched: Some(_), .. } => Condition::Dirty,
            _ => Condition::Clean,
        }
    }

    /// To be called when a request is about to be sent.
    pub(crate) const fn enter(&mut self, effect: Effect) {
        self.abandoned = self.has_abandoned();
        self.in_flight = Some(effect);
        match effect {
            Effect::Read | Effect::Nothing => {}
            Effect::Transaction => self.open(),
            Effect::Touch(by) => self.touch(by),
        }
    }

    /// To be called when its answer is complete; `fault` is what its error means.
    pub(crate) fn leave(&mut self, fault: Option<Fault>) {
        self.in_flight = None;
        self.conflict |= self.open && fault == Some(Fault::Conflict);
        if let Some(fault) = fault.filter(|fault| fault.ends_session()) {
            self.lose(fault);
        }
    }

    /// Notes that the borrower left something that no rollback undoes.
    pub(crate) const fn touch(&mut self, by: &'static str) {
        if self.touched.is_none() {
            self.touched = Some(by);
        }
    }

    /// Notes that the session is not fit for anybody any more.
    pub(crate) const fn lose(&mut self, fault: Fault) {
        self.lost = Some(fault);
    }

    /// Notes that a transaction is about to be opened.
    pub(crate) const fn open(&mut self) {
        self.open = true;
    }

    /// Notes that no transaction is open.
    pub(crate) const fn settle(&mut self) {
        self.open = false;
        self.abandoned = false;
        self.conflict = false;
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.in_flight.is_some()
    }

    /// True if the open transaction has a write in it that was dropped half way.
    pub(crate) const fn has_abandoned(&self) -> bool {
        let dropped = matches!(self.in_flight, Some(effect) if !matches!(effect, Effect::Read));
        self.abandoned || (self.open && dropped)
    }

    pub(crate) const fn has_conflict(&self) -> bool {
        self.conflict
    }

    pub(crate) const fn touched(&self) -> Option<&'static str> {
        self.touched
    }
}

/// Rows on their way: marks the session busy from the first poll to the end.
///
/// The end is the end of the stream or its first error, after which a database
/// sends nothing more for the statement.
pub(crate) struct Watched<'e, T> {
    rows: BoxStream<'e, Result<T, Error>>,
    mark: &'e mut Mark,
    /// `None` once polled.
    effect: Option<Effect>,
    classify: fn(&Error) -> Fault,
}

impl<'e, T> Watched<'e, T> {
    pub(crate) fn new(
        mark: &'e mut Mark,
        effect: Effect,
        classify: fn(&Error) -> Fault,
        rows: BoxStream<'e, Result<T, Error>>,
    ) -> Self {
        Self { rows, mark, effect: Some(effect), classify }
    }
}

impl<T> Stream for Watched<'_, T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(effect) = this.effect.take() {
            this.mark.enter(effect);
        }
        let next = ready!(this.rows.as_mut().poll_next(cx));
        match &next {
            Some(Ok(_)) => {}
            Some(Err(error)) => this.mark.leave(Some((this.classify)(error))),
            None => this.mark.leave(None),
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first() {
        let mut mark = Mark::default();
        assert_eq!(mark.condition(), Condition::Clean);
        mark.enter(Effect::Transaction);
        assert_eq!(mark.condition(), Condition::Busy);
        mark.leave(Some(Fault::Conflict));
        assert_eq!(mark.condition(), Condition::Dirty);
        mark.settle();
        assert_eq!(mark.condition(), Condition::Clean);
        mark.enter(Effect::Nothing);
        mark.leave(Some(Fault::SessionLost));
        assert_eq!(mark.condition(), Condition::Broken(Fault::SessionLost));
    }

    #[test]
    fn a_write_dropped_half_way_is_remembered_to_the_end_of_its_transaction() {
        let mut mark = Mark::default();
        mark.open();
        mark.enter(Effect::Read); // dropped
        mark.enter(Effect::Nothing);
        mark.leave(None);
        assert!(!mark.has_abandoned());
        mark.enter(Effect::Nothing); // dropped
        assert!(mark.has_abandoned());
        mark.enter(Effect::Read);
        mark.leave(None);
        assert!(mark.has_abandoned());
        mark.settle();
        assert!(!mark.has_abandoned());
    }

    #[test]
    fn a_touch_stays_and_the_first_is_named() {
        let mut mark = Mark::default();
        mark.enter(Effect::Touch("PRAGMA"));
        mark.touch("ATTACH");
        mark.leave(None);
        mark.settle();
        assert_eq!(mark.condition(), Condition::Dirty);
        assert_eq!(mark.touched(), Some("PRAGMA"));
    }
}
