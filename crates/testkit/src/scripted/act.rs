use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use sessionpool_core::Fault;

use super::Verb;

/// What a [`Scripted`](crate::Scripted) backend does when it is called: how long
/// it takes, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an act does nothing until it is given to `next` or `always`"]
pub struct Act {
    yields: usize,
    takes: Duration,
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Answer(Answer),
    Hang,
    Panic,
}

/// How a call that came to its end was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Success,
    Failure(Fault),
    RolledBack,
    Lost,
}

impl Act {
    /// Does as it is asked, at once.
    pub const fn succeed() -> Self {
        Self::ending(Ending::Answer(Answer::Success))
    }

    /// Fails with `fault`, at once; the call has no effect. A
    /// fault that [ends the session](Fault::ends_session) breaks it.
    ///
    /// A commit that fails because the session was lost, or with
    /// [`Fault::OutcomeUnknown`], ends as `Unknown`, and nothing is durable; with
    /// any other fault as `RolledBack`.
    pub const fn fail(fault: Fault) -> Self {
        Self::ending(Ending::Answer(Answer::Failure(fault)))
    }

    /// Never answers.
    pub const fn hang() -> Self {
        Self::ending(Ending::Hang)
    }

    /// Panics, with the message `scripted panic in <verb>`.
    pub const fn panic() -> Self {
        Self::ending(Ending::Panic)
    }

    /// Takes a while of tokio's time and succeeds.
    pub const fn take(time: Duration) -> Self {
        let mut act = Self::succeed();
        act.takes = time;
        act
    }

    /// Gives way `times` times and succeeds: as many points to drop the future
    /// at, without a clock.
    pub const fn yields(times: usize) -> Self {
        let mut act = Self::succeed();
        act.yields = times;
        act
    }

    /// Answers a commit with `RolledBack`, without a cause. For other verbs it
    /// is a success.
    pub const fn roll_back() -> Self {
        Self::ending(Ending::Answer(Answer::RolledBack))
    }

    /// Does as it is asked and loses the answer, and the session with it: a
    /// commit is durable and ends as `Unknown`, anything else takes effect and
    /// fails with [`Fault::OutcomeUnknown`].
    pub const fn lose_ack() -> Self {
        Self::ending(Ending::Answer(Answer::Lost))
    }

    /// Ends as `act` does, after this one's time.
    pub const fn then(mut self, act: &Self) -> Self {
        self.yields += act.yields;
        self.takes = self.takes.saturating_add(act.takes);
        self.ending = act.ending;
        self
    }

    /// Fails with `fault` in the end.
    pub const fn then_fail(self, fault: Fault) -> Self {
        self.then(&Self::fail(fault))
    }

    /// Panics in the end.
    pub const fn then_panic(self) -> Self {
        self.then(&Self::panic())
    }

    const fn ending(ending: Ending) -> Self {
        Self { yields: 0, takes: Duration::ZERO, ending }
    }

    pub(super) async fn play(self, verb: Verb) -> Answer {
        for _ in 0..self.yields {
            tokio::task::yield_now().await;
        }
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        match self.ending {
            Ending::Answer(answer) => answer,
            Ending::Hang => pending().await,
            Ending::Panic => panic!("scripted panic in {verb}"),
        }
    }

    /// [`play`](Self::play) for a call that cannot wait, nor be answered.
    pub(super) fn play_at_once(&self, verb: Verb) {
        assert!(
            self.ending != Ending::Panic || std::thread::panicking(),
            "scripted panic in {verb}"
        );
    }
}

impl Default for Act {
    fn default() -> Self {
        Self::succeed()
    }
}

/// The acts of one verb: those queued, then the standing one.
#[derive(Debug, Default)]
pub(super) struct Part {
    queue: VecDeque<Act>,
    standing: Act,
}

impl Part {
    pub(super) fn queue(&mut self, act: Act) {
        self.queue.push_back(act);
    }

    pub(super) fn stand(&mut self, act: Act) {
        self.standing = act;
    }

    pub(super) fn next(&mut self) -> Act {
        self.queue.pop_front().unwrap_or_else(|| self.standing.clone())
    }
}
