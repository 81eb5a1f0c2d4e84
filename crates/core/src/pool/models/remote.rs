//! The remote end of the models' pools.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc as StdArc, Mutex as StdMutex};

use crate::sync::stage::{self, dawdle};
use crate::{Backend, Condition, Fault, Session};

/// What the remote end saw. Only `live` is of the stage: between what the books say and
/// what happens there, others may run.
#[derive(Debug, Default)]
pub(super) struct Remote {
    /// How many sessions it takes.
    room: usize,
    /// Whether it hangs up on who asks.
    pub(super) hangs_up: AtomicBool,
    /// Whether it refuses some of those who come.
    #[cfg(sessionpool_shuttle)]
    pub(super) refuses_some: AtomicBool,
    live: stage::AtomicUsize,
    most: AtomicUsize,
    /// How often each session was ended.
    ends: StdMutex<Vec<usize>>,
}

impl Remote {
    pub(super) fn with_room_for(sessions: usize) -> Self {
        Self { room: sessions, ..Self::default() }
    }

    /// How many sessions were ended.
    #[cfg(sessionpool_loom)]
    pub(super) fn ended(&self) -> usize {
        self.ends.lock().expect("no panic under the lock").iter().sum()
    }

    fn end(&self, token: &Token) {
        if token.is_ours {
            self.live.fetch_sub(1, Ordering::Relaxed);
        }
        self.ends.lock().expect("no panic under the lock")[token.number] += 1;
    }

    /// Every session was ended once, and there was room for all there were.
    pub(super) fn check(&self) {
        let ends = self.ends.lock().expect("no panic under the lock");
        assert!(ends.iter().all(|times| *times == 1), "{ends:?}");
        assert!(self.most.load(Ordering::Relaxed) <= self.room, "{self:?}");
    }
}

/// What it says to those it does not let in.
#[cfg_attr(sessionpool_loom, allow(dead_code, reason = "it lets all in there"))]
#[derive(Debug, thiserror::Error)]
#[error("refused: {0}")]
pub(super) struct Refused(Fault);

pub(super) struct Door(pub(super) StdArc<Remote>);

impl Backend for Door {
    type Session = Token;

    async fn open(&self) -> Result<Token, Refused> {
        dawdle().await;
        let remote = StdArc::clone(&self.0);
        #[cfg(sessionpool_shuttle)]
        if remote.refuses_some.load(Ordering::Relaxed) {
            super::crowd::let_in()?;
        }
        let live = remote.live.fetch_add(1, Ordering::Relaxed) + 1;
        remote.most.fetch_max(live, Ordering::Relaxed);
        let number = {
            let mut ends = remote.ends.lock().expect("no panic under the lock");
            ends.push(0);
            ends.len() - 1
        };
        Ok(Token { number, condition: Condition::Clean, is_ours: true, remote })
    }

    async fn check(&self, token: &mut Token) -> Result<(), Refused> {
        dawdle().await;
        if self.0.hangs_up.load(Ordering::Relaxed) {
            token.condition = Condition::Broken(Fault::Other);
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) number: usize,
    pub(super) condition: Condition,
    /// True while it is one of those the pool may have open.
    is_ours: bool,
    remote: StdArc<Remote>,
}

#[cfg(sessionpool_shuttle)]
impl Refused {
    pub(super) const fn with(fault: Fault) -> Self {
        Self(fault)
    }
}

#[cfg(sessionpool_shuttle)]
impl Token {
    /// From now on it is not the pool's: one more may be open.
    pub(super) fn leave_the_pool(&mut self) {
        self.remote.live.fetch_sub(1, Ordering::Relaxed);
        self.is_ours = false;
    }
}

impl Session for Token {
    type Error = Refused;

    fn condition(&self) -> Condition {
        self.condition
    }

    fn classify(error: &Refused) -> Fault {
        error.0
    }

    async fn release(this: &mut Self) -> Result<(), Refused> {
        dawdle().await;
        this.condition = Condition::Clean;
        Ok(())
    }

    async fn close(this: Self) -> Result<(), Refused> {
        let ending = Ending(this);
        dawdle().await;
        drop(ending);
        Ok(())
    }

    fn abort(this: Self) {
        this.remote.end(&this);
    }
}

/// A session being closed, which ends it even if that is cut off.
struct Ending(Token);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.remote.end(&self.0);
    }
}
