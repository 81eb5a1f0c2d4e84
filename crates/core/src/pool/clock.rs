//! When things happened, read cheaply.

use std::any::TypeId;
use std::panic;
use std::time::{Duration, Instant as StdInstant};

use tokio::time::{self, Instant};

/// Stamps leases and returns with the time, to within one tick of the kernel's
/// coarse clock (1 to 4 ms).
///
/// A precise reading costs about 20 ns, and an uncontended acquire and return
/// would need two of them: a third of all it costs. What the stamps are for
/// (idle time-outs, how long a holder has held) is counted in seconds, so a
/// reading is kept for as long as the coarse clock, which costs a quarter, stands
/// still.
///
/// Time may also be virtual: under `tokio::time::pause` it moves by leaps while
/// the kernel's clock hardly moves. The janitor looks for that each time it wakes,
/// and from then on every stamp is a precise one. Where it may be, whoever has to wait is
/// timed precisely from the beginning.
#[derive(Debug)]
pub(crate) struct Clock {
    tick: Tick,
    reading: Instant,
    coarse: bool,
    times_waits: bool,
}

/// So long a wait may end a tick early.
pub(crate) const LONG: Duration = Duration::from_secs(1);
/// No kernel's tick is longer.
pub(crate) const LONGEST_TICK: Duration = Duration::from_millis(10);

impl Clock {
    pub(crate) fn new() -> Self {
        let coarse = Tick::AVAILABLE;
        let times_waits = coarse && !may_be_virtual();
        Self { tick: Tick::now(), reading: Instant::now(), coarse, times_waits }
    }

    /// The time, at most one tick ago.
    #[inline]
    pub(crate) fn stamp(&mut self) -> Instant {
        let tick = Tick::now();
        if !self.coarse || tick != self.tick {
            self.tick = tick;
            self.reading = Instant::now();
        }
        self.reading
    }

    /// The time, for whoever waits no longer than `limit` from now on.
    #[inline]
    pub(crate) fn stamp_wait(&mut self, limit: Duration) -> Instant {
        if self.times_waits && limit >= LONG { self.stamp() } else { Instant::now() }
    }

    /// Begins each long wait at `reading`, for as long as the coarse clock stands still.
    #[cfg(test)]
    pub(crate) fn standing_at(reading: Instant) -> Self {
        Self { tick: Tick::now(), reading, coarse: Tick::AVAILABLE, times_waits: true }
    }

    /// Gives up coarse stamps: the time is virtual.
    pub(crate) fn time_is_virtual(&mut self) {
        self.coarse = false;
    }

    /// True if tokio's clock stands still while the machine's goes on.
    pub(crate) fn is_paused() -> bool {
        let (paused, real) = (Instant::now(), StdInstant::now());
        for _ in 0..READINGS {
            if StdInstant::now() != real {
                break;
            }
        }
        Instant::now() == paused
    }
}

/// True if tokio was built with a clock that can be paused: with its feature `test-util`,
/// whoever in this program asked for that.
fn may_be_virtual() -> bool {
    has_pause!(tokio::time)
}

/// True if that module has a `pause`. No crate can look at another one's features; but
/// what a glob import in a block brings goes before what is outside of it.
macro_rules! has_pause {
    ($($module:ident)::+) => {{
        #[allow(unused_imports, unused_qualifications, reason = "both are used where it has one")]
        use $($module)::+::*;
        is_another(pause, self::pause)
    }};
}
use has_pause;

/// What is found where it has none.
const fn pause() {}

fn is_another<F: 'static, G: 'static>(_: F, _: G) -> bool {
    TypeId::of::<F>() != TypeId::of::<G>()
}

/// True if there is a runtime here, with its time driver; that it has none tokio
/// tells by a panic alone.
pub(crate) fn is_here() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
        && panic::catch_unwind(|| drop(time::sleep(Duration::ZERO))).is_ok()
}

/// Enough for any clock to move on, and few enough where even the machine's own
/// stands still.
const READINGS: usize = 1_000;

#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tick(rustix::time::Timespec);

#[cfg(target_os = "linux")]
impl Tick {
    const AVAILABLE: bool = true;

    #[inline]
    fn now() -> Self {
        Self(rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse))
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tick;

#[cfg(not(target_os = "linux"))]
impl Tick {
    const AVAILABLE: bool = false;

    fn now() -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tokio's as it is in tests; the bench, which is built like a service, says what it is
    /// there.
    #[test]
    fn a_clock_that_can_be_paused_is_found_out() {
        assert!(may_be_virtual());
        assert!(!Clock::new().times_waits);
    }

    mod like_tokio_with_test_util {
        pub(super) fn pause() {}
        pub(super) fn sleep() {}
    }

    mod like_tokio_without {
        pub(super) fn sleep() {}
    }

    #[test]
    fn a_module_without_a_pause_has_none() {
        like_tokio_with_test_util::sleep();
        like_tokio_without::sleep();
        assert!(has_pause!(like_tokio_with_test_util));
        assert!(!has_pause!(like_tokio_without));
    }

    /// On any system: where there is no coarse clock, each reading is a new one.
    #[test]
    fn a_short_wait_is_timed_precisely() {
        for coarse in [false, Tick::AVAILABLE] {
            let mut clock = Clock { times_waits: true, coarse, ..Clock::new() };
            let before = Instant::now();
            assert!(clock.stamp_wait(LONG - Duration::from_nanos(1)) >= before);
            assert_eq!(clock.stamp_wait(LONG), clock.reading);
        }
    }
}
