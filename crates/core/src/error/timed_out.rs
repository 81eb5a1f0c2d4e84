use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Cause, Chain, Name};
use crate::Fault;
use crate::status::{ClassStatus, Holder, Status};

/// What an acquire was waiting for when its time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// For somebody to give a session back.
    Queueing,
    /// For an idle session to answer whether it is still alive.
    Checking,
    /// For a session to be opened.
    Opening,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queueing => "queueing",
            Self::Checking => "checking",
            Self::Opening => "opening",
        })
    }
}

/// An acquire's time ran out: what the pool knows about why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TimedOut {
    /// The pool's name, where it has one.
    pub pool: Option<Arc<str>>,
    /// The time this acquire was given.
    pub limit: Duration,
    /// What it was waiting for at the end.
    pub phase: Phase,
    /// How long it waited for others to give a session back.
    pub queueing: Duration,
    /// How long it waited while idle sessions were being checked.
    pub checking: Duration,
    /// How long it waited while sessions were being opened, or while the pool
    /// held back from trying again.
    pub opening: Duration,
    /// The class it was for, as it was then; time during which that was full counts as
    /// queueing.
    pub class: Option<ClassStatus>,
    /// True if the runtime the pool works on did not run during the wait: it is
    /// blocked, or nobody drives it.
    pub runtime_stalled: bool,
    /// The pool as it was when this error was made.
    pub status: Status,
    /// The last opening that failed, however long ago.
    pub last_failure: Option<LastFailure>,
    /// Who has held a session the longest, at most five.
    pub holders: Vec<Holder>,
    /// How many sessions of this pool the very task held that asked for one
    /// more. Above zero, the task may be waiting for itself. Zero where there is no
    /// task to tell: in the root future of a runtime's `block_on`.
    pub held_by_this_task: usize,
    pub(crate) task_is_known: bool,
}

/// The last opening that failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LastFailure {
    /// What kind of failure it was.
    pub fault: Fault,
    /// What the remote end, or the opening, said.
    pub cause: Cause,
    /// How long ago.
    pub age: Duration,
    /// How many openings in a row have failed; zero if one succeeded since.
    pub streak: u32,
    /// For how long still no other one is tried, if that is so.
    pub retry_in: Option<Duration>,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lent no session within {:?}: ", Name(&self.pool), self.limit)?;
        self.write_verdict(f)?;
        let mut separator = "; waited";
        for (phase, time) in
            [("queueing", self.queueing), ("checking", self.checking), ("opening", self.opening)]
        {
            if !time.is_zero() {
                write!(f, "{separator} {time:.1?} {phase}")?;
                separator = " and";
            }
        }
        write!(f, "; {}", self.status)?;
        self.write_holders(f)?;
        self.write_nesting(f)
    }
}

impl TimedOut {
    /// The failure that kept this acquire waiting: no opening succeeded since.
    pub(super) fn standing_failure(&self) -> Option<&LastFailure> {
        self.last_failure.as_ref().filter(|last| last.streak > 0)
    }

    fn write_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = &self.status;
        if self.runtime_stalled {
            return f.write_str(
                "the runtime it works on has not run meanwhile, being blocked or not driven",
            );
        }
        if status.paused {
            return f.write_str("it is paused");
        }
        if let Some(full) = self.class.as_ref().filter(|class| class.is_full()) {
            let (name, leased) = (&full.name, full.leased);
            return write!(f, "all {leased} that \"{name}\" may have are lent");
        }
        match (self.standing_failure(), self.phase) {
            (Some(last), Phase::Opening) => fmt::Display::fmt(last, f),
            (None, Phase::Opening) => write!(
                f,
                "the backend takes longer than that to open one ({} being opened)",
                status.opening
            ),
            (_, Phase::Checking) => f.write_str("an idle one was asked whether it is alive"),
            (_, Phase::Queueing) if status.leased == status.max_size => match status.max_size {
                1 => f.write_str("its only session is lent and did not come back in time"),
                all => write!(f, "all {all} are lent and none came back in time"),
            },
            (_, Phase::Queueing) => f.write_str("none became free in time"),
        }
    }

    fn write_holders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "; held longest: ";
        for holder in &self.holders {
            write!(f, "{separator}{holder}")?;
            separator = "; ";
        }
        match self.status.leased.saturating_sub(self.holders.len()) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }

    fn write_nesting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.held_by_this_task {
            0 if !self.task_is_known && self.holders.iter().any(|holder| holder.task.is_none()) => {
                f.write_str(
                    "; the holders may be this very code, which runs in no task to tell it by",
                )
            }
            0 => Ok(()),
            held => write!(
                f,
                "; this task already holds {held} session{} of this pool, and may be waiting for itself",
                if held == 1 { "" } else { "s" }
            ),
        }
    }
}

/// `the last 3 openings failed, the latest 0.2s ago (transient failure: connection
/// refused)`.
impl fmt::Display for LastFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.streak {
            0 | 1 => f.write_str("the last opening failed, ")?,
            streak => write!(f, "the last {streak} openings failed, the latest ")?,
        }
        write!(f, "{:.1?} ago ({}: {})", self.age, self.fault, Chain(&*self.cause))
    }
}
