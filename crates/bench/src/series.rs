use std::thread;

use crate::distance::{Place, core_distance};
use crate::measure::{Figures, Measure, Pace, Test};
use crate::outcome::Outcome;
use crate::peers::Name;
use crate::runtime::Flavor;

/// A measurement and its rounds.
///
/// Only figures of one round are ever compared: they were taken one right after the
/// other, in an order that changes from round to round.
pub(crate) struct Series<M> {
    measure: M,
    wanted: usize,
    rounds: Vec<Round>,
}

/// One run of every pool.
pub(crate) struct Round {
    pub(crate) flavor: Flavor,
    /// Of the two CPUs, in ns, before and after each run, as far as it could be
    /// told; none where it does not matter.
    pub(crate) distances: Vec<f64>,
    pub(crate) runs: Vec<(Name, Figures)>,
}

/// A [`Series`] of whatever measurement.
pub(crate) trait Contest {
    /// What is found out.
    fn tests(&self) -> &'static [Test];
    /// How many rounds are wanted.
    fn wanted(&self) -> usize;
    /// Plays one round.
    fn play(&mut self, pools: &[Name]);
    /// The rounds so far.
    fn outcome(&self) -> Outcome<'_>;
}

impl<M: Measure> Series<M> {
    /// A series of so many rounds, none of them played yet.
    pub(crate) fn of(measure: M, wanted: usize) -> Box<dyn Contest> {
        Box::new(Self { measure, wanted, rounds: Vec::new() })
    }

    fn one_by_one(&self, flavor: Flavor, pools: &[Name]) -> Round {
        let two_cpus = flavor == Flavor::TwoWorkers && M::PACE == Pace::Cpu;
        let probe = || two_cpus.then(core_distance).flatten();
        let mut round = Round { flavor, distances: Vec::from_iter(probe()), runs: Vec::new() };
        for pool in pools {
            round.runs.push((*pool, pool.run(&self.measure, flavor)));
            round.distances.extend(probe());
        }
        round
    }

    /// All pools on all runtimes at the same time, on a thread each.
    fn at_once(&self, pools: &[Name]) -> Vec<Round> {
        let measure = &self.measure;
        thread::scope(|scope| {
            let start = |flavor| {
                let run = |pool: &Name| {
                    let pool = *pool;
                    (pool, scope.spawn(move || pool.run(measure, flavor)))
                };
                (flavor, pools.iter().map(run).collect::<Vec<_>>())
            };
            let started: Vec<_> = M::FLAVORS.iter().copied().map(start).collect();
            let ended = started.into_iter().map(|(flavor, runs)| {
                let join = |(pool, run): (Name, thread::ScopedJoinHandle<'_, Figures>)| {
                    (pool, run.join().expect("the measurement does not panic"))
                };
                Round { flavor, distances: Vec::new(), runs: runs.into_iter().map(join).collect() }
            });
            ended.collect()
        })
    }
}

impl<M: Measure> Contest for Series<M> {
    fn tests(&self) -> &'static [Test] {
        M::TESTS
    }

    fn wanted(&self) -> usize {
        self.wanted
    }

    fn play(&mut self, pools: &[Name]) {
        let pools: Vec<Name> =
            pools.iter().copied().filter(|pool| M::POOLS.contains(pool)).collect();
        if M::PACE == Pace::LongTimers {
            let rounds = self.at_once(&pools);
            self.rounds.extend(rounds);
            return;
        }
        for flavor in M::FLAVORS {
            let round = self.one_by_one(*flavor, &pools);
            self.rounds.push(round);
        }
    }

    fn outcome(&self) -> Outcome<'_> {
        Outcome { tests: M::TESTS, pools: M::POOLS, rounds: &self.rounds }
    }
}

impl Round {
    /// Where the CPUs were, as far as that matters.
    pub(crate) fn place(&self) -> Option<Place> {
        Place::over(&self.distances)
    }

    /// A pool's figure for the test of that index.
    pub(crate) fn figure(&self, pool: Name, test: usize) -> Option<f64> {
        let (_, figures) = self.runs.iter().find(|(name, _)| *name == pool)?;
        figures[test]
    }
}
