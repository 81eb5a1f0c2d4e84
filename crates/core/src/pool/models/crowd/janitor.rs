//! The janitor's part.

use std::future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

use shuttle::thread;
use tokio::time::Instant;

use super::super::remote::Token;
use super::super::{DAY, audit_whatever_size, join, wait_to_be_called};
use crate::pool::errand::Runner;
use crate::pool::ledger::{Errand, Round};
use crate::pool::parcel::Parcel;
use crate::pool::shared::Shared;
use crate::sync::Arc;
use crate::sync::stage::block_on;

/// Sits until nothing is open and nobody will come. Whenever it looks, the time has come for
/// whatever it was to look for.
pub(super) fn sit(shared: &Arc<Shared<Token>>, is_over: &AtomicBool) {
    let mut now = Instant::now();
    let mut errands = Vec::new();
    loop {
        let Round { errands: sent, next, over } = look(shared, now, is_over);
        audit_whatever_size(shared);
        errands.extend(sent.into_iter().map(|errand| {
            let shared = Arc::clone(shared);
            thread::spawn(move || run_errand(&shared, errand))
        }));
        match next {
            _ if over => break,
            Some(at) => now = at + DAY,
            None => wait_to_be_called(shared),
        }
    }
    errands.into_iter().for_each(join);
}

/// A round. Where there is no runtime, nobody could start another janitor: it stays while
/// somebody may come.
fn look(shared: &Shared<Token>, now: Instant, is_over: &AtomicBool) -> Round<Parcel<Token>> {
    shared.ledger(|ledger, aftermath| {
        let mut round = ledger.round(now, aftermath);
        if round.over && !is_over.load(Ordering::Relaxed) {
            round.over = false;
            ledger.seat.take(None);
            let _ = ledger.seat.was_called(Waker::noop().clone());
        }
        round
    })
}

/// Runs an errand, half way only if its janitor is lost meanwhile.
fn run_errand(shared: &Arc<Shared<Token>>, errand: Errand<Parcel<Token>>) {
    let home = shared.ledger(|ledger, _| ledger.places.home(errand.place));
    let mut run = Box::pin(Runner::new(Arc::clone(shared), errand).run());
    block_on(future::poll_fn(|cx| {
        let is_lost = shared.ledger(|ledger, _| !ledger.seat.is_home(home));
        if is_lost { Poll::Ready(()) } else { run.as_mut().poll(cx) }
    }));
}
