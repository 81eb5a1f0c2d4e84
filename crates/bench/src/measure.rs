use crate::peer::Peer;
use crate::peers::Name;
use crate::runtime::Flavor;

/// A measurement: one run of it gives one figure for each of its tests.
pub(crate) trait Measure: Send + Sync + 'static {
    /// What it finds out, in the order of [`run`](Self::run)'s figures.
    const TESTS: &'static [Test];

    /// On which runtimes it makes sense.
    const FLAVORS: &'static [Flavor] = Flavor::BOTH;

    /// For which pools it makes sense.
    const POOLS: &'static [Name] = &Name::ALL;

    /// What its figures depend on.
    const PACE: Pace = Pace::Cpu;

    /// Measures one pool, freshly built on a fresh runtime.
    fn run<P: Peer>(&self, flavor: Flavor) -> Figures;
}

/// What sets the pace of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// The CPUs; with two of them, how far they are apart too.
    Cpu,
    /// Timers, and a little the CPUs.
    Timers,
    /// Timers alone, for seconds: all pools run at the same time.
    LongTimers,
}

/// One figure for each test; `None` is never.
pub(crate) type Figures = Vec<Option<f64>>;

/// Something to find out about every pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// Whether a ratio to deadpool's, taken within each round, is wanted too.
    pub(crate) compared: bool,
}

impl Test {
    /// A figure to be seen beside deadpool's.
    pub(crate) const fn compared(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, compared: true }
    }

    /// A figure that stands for itself.
    pub(crate) const fn counted(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, compared: false }
    }
}
