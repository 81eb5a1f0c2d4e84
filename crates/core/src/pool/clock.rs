//! When things happened, read cheaply.

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
/// still. Whoever has to wait is timed precisely.
///
/// Time may also be virtual: under `tokio::time::pause` it moves by leaps while
/// the kernel's clock hardly moves. The janitor looks for that each time it wakes,
/// and from then on every stamp is a precise one.
#[derive(Debug)]
pub(crate) struct Clock {
    tick: Tick,
    reading: Instant,
    coarse: bool,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { tick: Tick::now(), reading: Instant::now(), coarse: Tick::AVAILABLE }
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
