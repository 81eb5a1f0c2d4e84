//! What a statement may leave behind on its session.

use crate::statement::Tokens;

/// What a statement may leave behind on its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    /// It may write: dropped half way, it dooms its transaction.
    pub(crate) writes: bool,
    /// What it does to transactions.
    pub(crate) control: Control,
    /// It leaves something no rollback undoes; by which kind of statement.
    pub(crate) touch: Option<&'static str>,
    /// It may change which statements the connection has prepared.
    pub(crate) unprepares: bool,
    /// It takes several round trips, which have to meet the same server session.
    pub(crate) spans: bool,
}

/// What a statement does to transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// Nothing.
    None,
    /// Whatever it likes: one may be open afterwards.
    Any,
    /// It ends the open one.
    Ends(End),
    /// It goes back to a savepoint.
    Rewinds,
}

/// How a borrower's own statement ended a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Commit,
    /// The statement commits whatever is open before it is tried itself, so that it
    /// does even where it fails.
    ImplicitCommit,
    Rollback,
}

impl Effect {
    /// It only reads.
    pub(crate) const READ: Self = Self {
        writes: false,
        control: Control::None,
        touch: None,
        unprepares: false,
        spans: false,
    };

    /// It writes, and leaves nothing a later borrower could meet.
    pub(crate) const WRITE: Self = Self { writes: true, ..Self::READ };

    pub(crate) const fn control(control: Control) -> Self {
        Self { control, ..Self::WRITE }
    }

    /// True if something of an open transaction may be committed by it.
    pub(crate) const fn may_commit(&self) -> bool {
        matches!(self.control, Control::Any | Control::Ends(End::Commit | End::ImplicitCommit))
    }

    pub(crate) const fn touch(by: &'static str) -> Self {
        Self { touch: Some(by), ..Self::WRITE }
    }

    /// Of several statements, what any of them may do; given what one does.
    pub(crate) fn of_all(mut statements: Tokens<'_>, of_one: fn(Tokens<'_>) -> Self) -> Self {
        if statements.clone().next().is_none() {
            return Self::READ;
        }
        let mut effect = of_one(statements.clone());
        while statements.next_statement() {
            effect = effect.and(of_one(statements.clone()));
        }
        effect
    }

    /// The effect of two statements of one text.
    pub(crate) fn and(self, next: Self) -> Self {
        let controls = self.control != Control::None || next.control != Control::None;
        Self {
            writes: self.writes || next.writes,
            control: if controls { Control::Any } else { Control::None },
            touch: self.touch.or(next.touch),
            unprepares: self.unprepares || next.unprepares,
            spans: self.spans || next.spans,
        }
    }
}
