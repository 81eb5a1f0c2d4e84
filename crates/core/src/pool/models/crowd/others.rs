//! Operators, the remote end, and runtimes that die.

use std::time::Duration;

use tokio::time::Instant;

use super::super::LATER;
use super::super::remote::{Refused, Token};
use super::SIZE;
use super::schedules::{dice, linger};
use crate::sync::stage::block_on;
use crate::{Fault, Pause, Pool};

pub(super) fn pause_and_resume(pool: Pool<Token>) {
    for _ in 0..3 {
        linger();
        pool.pause([Pause::Wait, Pause::Fail][dice(2)]);
        linger();
        pool.resume();
    }
}

pub(super) fn resize(pool: Pool<Token>) {
    for size in [1 + dice(SIZE), 1 + dice(SIZE), 1 + dice(SIZE), SIZE] {
        linger();
        pool.resize(size).expect("a valid size");
    }
}

pub(super) fn flush(pool: Pool<Token>) {
    for _ in 0..2 {
        linger();
        pool.flush();
    }
}

pub(super) fn recall(pool: Pool<Token>) {
    for _ in 0..3 {
        linger();
        pool.shared().recall_idle(1 + dice(2));
    }
}

/// The remote end has room again, as often as it likes.
pub(super) fn make_room(pool: Pool<Token>) {
    for _ in 0..3 {
        linger();
        pool.shared().open_again();
    }
}

/// The remote end lets two of three in.
pub(in super::super) fn let_in() -> Result<(), Refused> {
    if dice(3) > 0 {
        return Ok(());
    }
    let busy = Fault::Busy { retry_after: None };
    let faults = [Fault::Transient, busy, LATER, Fault::Rejected, Fault::BackendLost];
    Err(Refused::with(faults[dice(faults.len())]))
}

pub(super) fn close(pool: Pool<Token>) {
    linger();
    linger();
    pool.shared().close();
    block_on(pool.drained());
}

/// Its runtime is gone; another one takes over at once.
pub(super) fn lose_the_janitor(pool: Pool<Token>) {
    linger();
    pool.shared().ledger(|ledger, aftermath| {
        aftermath.call(ledger.seat.call());
        ledger.janitor_lost(Instant::now(), ledger.seat.home(), aftermath);
        ledger.seat.take(None);
    });
}

/// Whatever is idle is checked from now on.
pub(super) fn check(pool: Pool<Token>) {
    linger();
    pool.shared().ledger(|ledger, _| ledger.limits.check_after_idle = Some(Duration::ZERO));
}
