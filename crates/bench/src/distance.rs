//! How far apart the two CPUs are.
//!
//! A virtual machine's CPUs may share a cache or sit on different dies, and the
//! hypervisor moves them while we measure. Every two-core figure changes up to
//! threefold with it, so figures taken near and far are kept apart.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many times a number is passed there and back in one burst.
const PASSES: u64 = 50;
const BURSTS: u64 = 40;
/// Spins before the thread lets others run: both may have been put on one CPU.
const PATIENCE: u32 = 200;
/// For all bursts together, while others keep the CPUs busy.
const LIMIT: Duration = Duration::from_millis(20);
/// In ns; what takes longer came by way of the scheduler, not of the cache.
const CREDIBLE: f64 = 1_000.0;
/// No number: the game is over.
const OVER: u64 = u64::MAX;
/// Beyond this many ns the CPUs are far apart; 20 to 30 near and 180 to 290 far
/// have been seen.
const FAR: f64 = 80.0;

/// Where the two CPUs were while a round was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Close together all the time.
    Near,
    /// Far apart all the time.
    Far,
    /// Now the one and now the other.
    Moved,
}

impl Place {
    /// The kinds of round, the one to judge by first.
    pub(crate) const BY_PREFERENCE: [Self; 3] = [Self::Near, Self::Far, Self::Moved];

    /// From the distances probed, if there are any.
    pub(crate) fn over(distances: &[f64]) -> Option<Self> {
        let far = distances.iter().filter(|distance| **distance > FAR).count();
        match far {
            _ if distances.is_empty() => None,
            0 => Some(Self::Near),
            far if far == distances.len() => Some(Self::Far),
            _ => Some(Self::Moved),
        }
    }

    /// As in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
            Self::Moved => "moved",
        }
    }
}

/// How long a cache line takes from one CPU to the other, in ns: the least of
/// several bursts, since whatever else runs on the machine only ever adds. `None` if
/// that leaves the two threads no moment side by side.
pub(crate) fn core_distance() -> Option<f64> {
    let ball = AtomicU64::new(0);
    let ready = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            ready.wait();
            answer(&ball);
        });
        ready.wait();
        let end = Instant::now() + LIMIT;
        let bursts = (0..BURSTS).map_while(|burst| serve(&ball, burst * PASSES, end));
        let least = bursts.fold(f64::INFINITY, f64::min);
        ball.store(OVER, Ordering::Release);
        Some(least).filter(|least| *least < CREDIBLE)
    })
}

/// Passes odd numbers and awaits even ones, from `start` on; the ns for each way.
/// `None` if that does not end in time.
fn serve(ball: &AtomicU64, start: u64, end: Instant) -> Option<f64> {
    let began = Instant::now();
    for pass in start..start + PASSES {
        ball.store(2 * pass + 1, Ordering::Release);
        await_change(ball, 2 * pass + 1, || Instant::now() < end)?;
    }
    Some(began.elapsed().as_nanos() as f64 / (2 * PASSES) as f64)
}

/// Answers each odd number with the next even one, until the game is over.
fn answer(ball: &AtomicU64) {
    let mut number = 0;
    while let Some(odd) = await_change(ball, number, || true).filter(|seen| *seen != OVER) {
        number = odd + 1;
        if ball.compare_exchange(odd, number, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
    }
}

/// The number that takes the place of `old`; `None` if it does not while
/// `go_on` says so, which is asked now and then.
fn await_change(ball: &AtomicU64, old: u64, go_on: impl Fn() -> bool) -> Option<u64> {
    let mut spins = 0_u32;
    loop {
        let seen = ball.load(Ordering::Acquire);
        if seen != old {
            return Some(seen);
        }
        spins = spins.wrapping_add(1);
        if spins.is_multiple_of(PATIENCE) {
            if !go_on() {
                return None;
            }
            thread::yield_now();
        }
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_measured_in_time() {
        let began = Instant::now();
        assert!(core_distance().is_none_or(|distance| distance > 1.0));
        assert!(began.elapsed() < 100 * LIMIT);
    }

    #[test]
    fn a_round_is_near_or_far_as_a_whole() {
        assert_eq!(Place::over(&[]), None);
        assert_eq!(Place::over(&[20.0, 30.0]), Some(Place::Near));
        assert_eq!(Place::over(&[200.0, 300.0]), Some(Place::Far));
        assert_eq!(Place::over(&[20.0, 300.0]), Some(Place::Moved));
    }
}
