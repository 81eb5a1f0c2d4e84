//! Those who borrow sessions.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::super::remote::Token;
use super::super::{BROKEN, HOUR, Waiter, acquire_with};
use super::CLASSES;
use super::schedules::{dice, linger};
use crate::sync::stage::block_on;
use crate::{AcquireError, AcquireOptions, Condition, Fault, Lease, Pool, Session};

const TURNS: usize = 2;

pub(super) fn borrow(pool: Pool<Token>) {
    for _ in 0..TURNS {
        match wait(acquire_with(&pool, any_options())) {
            Some(Ok(lease)) => give_back(lease),
            Some(Err(
                AcquireError::Closed
                | AcquireError::Paused
                | AcquireError::TimedOut(_)
                | AcquireError::Failed { .. },
            ))
            | None => {}
            Some(Err(error)) => panic!("{error}"),
        }
    }
}

fn any_options() -> AcquireOptions {
    let limit = [HOUR, Duration::MAX, Duration::MAX, Duration::MAX, Duration::ZERO][dice(5)];
    let options = AcquireOptions::new().timeout(limit);
    if dice(2) == 0 { options.class(CLASSES[dice(2)]) } else { options }
}

/// Waits to the end, or gives up.
fn wait(mut acquire: Waiter) -> Option<Result<Lease<Token>, AcquireError>> {
    if dice(4) > 0 {
        return Some(block_on(acquire));
    }
    let mut cx = Context::from_waker(Waker::noop());
    let answer = acquire.as_mut().poll(&mut cx);
    linger();
    match answer {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

fn give_back(mut lease: Lease<Token>) {
    assert_eq!(lease.condition, Condition::Clean);
    linger();
    match dice(10) {
        0 => lease.condition = Condition::Dirty,
        1 => lease.condition = BROKEN,
        2 => lease.condition = Condition::Broken(Fault::BackendLost),
        3 => return lease.discard(),
        4 => {
            lease.leave_the_pool();
            return Token::abort(lease.detach());
        }
        5 => {
            lease.condition = Condition::Dirty;
            return block_on(lease.release()).expect("a session that can be cleaned");
        }
        _ => {}
    }
    drop(lease);
}
