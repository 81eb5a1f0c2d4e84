use crate::distance::Place;
use crate::measure::Test;
use crate::peers::Name;
use crate::runtime::Flavor;
use crate::series::Round;
use crate::statistics::median;

/// All rounds of one measurement.
pub(crate) struct Outcome<'a> {
    pub(crate) tests: &'static [Test],
    /// Those that took part.
    pub(crate) pools: &'static [Name],
    pub(crate) rounds: &'a [Round],
}

/// One test on one runtime, over the rounds for which the CPUs were at one distance.
pub(crate) struct Summary {
    pub(crate) test: Test,
    pub(crate) flavor: Flavor,
    pub(crate) place: Option<Place>,
    pub(crate) rounds: usize,
    /// False for rounds at a distance that is not the one to judge by.
    pub(crate) leading: bool,
    pub(crate) entries: Vec<Entry>,
}

/// A pool's medians over rounds.
pub(crate) struct Entry {
    pub(crate) pool: Name,
    /// `None` is never.
    pub(crate) value: Option<f64>,
    /// To deadpool, taken within each round; `None` too where there is nothing to
    /// compare.
    pub(crate) ratio: Option<f64>,
}

impl Summary {
    /// What it says of that pool, if that took part.
    pub(crate) fn entry(&self, pool: Name) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.pool == pool)
    }
}

impl<'a> Outcome<'a> {
    /// What the rounds say, test by test.
    pub(crate) fn summaries(&self, pools: &[Name]) -> Vec<Summary> {
        let mut summaries = Vec::new();
        for test in 0..self.tests.len() {
            for flavor in Flavor::BOTH {
                let start = summaries.len();
                for (place, rounds) in self.by_place(*flavor) {
                    let leading = summaries.len() == start;
                    summaries.push(self.summary(test, *flavor, place, &rounds, leading, pools));
                }
            }
        }
        summaries
    }

    /// The distances of the CPUs, in ns.
    pub(crate) fn distances(&self) -> impl Iterator<Item = f64> + use<'a> {
        self.rounds.iter().flat_map(|round| round.distances.iter().copied())
    }

    /// The rounds on that runtime, those to judge by first.
    fn by_place(&self, flavor: Flavor) -> Vec<(Option<Place>, Vec<&Round>)> {
        let places = Place::BY_PREFERENCE.map(Some).into_iter().chain([None]);
        let rounds_at = |place| {
            let here = |round: &&Round| round.flavor == flavor && round.place() == place;
            (place, self.rounds.iter().filter(here).collect::<Vec<_>>())
        };
        places.map(rounds_at).filter(|(_, rounds)| !rounds.is_empty()).collect()
    }

    fn summary(
        &self,
        test: usize,
        flavor: Flavor,
        place: Option<Place>,
        rounds: &[&Round],
        leading: bool,
        pools: &[Name],
    ) -> Summary {
        let compared = self.tests[test].compared;
        let entry = |pool: &Name| Entry {
            pool: *pool,
            value: median(rounds.iter().map(|round| round.figure(*pool, test))),
            ratio: compared.then(|| ratio(rounds, *pool, test)).flatten(),
        };
        let entries = pools.iter().filter(|pool| self.pools.contains(pool)).map(entry).collect();
        Summary { test: self.tests[test], flavor, place, rounds: rounds.len(), leading, entries }
    }
}

/// The median of the ratios to deadpool.
fn ratio(rounds: &[&Round], pool: Name, test: usize) -> Option<f64> {
    let within = |round: &&Round| {
        let deadpool = round.figure(Name::Deadpool, test).filter(|figure| *figure > 0.0)?;
        round.figure(pool, test).map(|figure| figure / deadpool)
    };
    median(rounds.iter().map(within))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTS: &[Test] = &[Test::compared("speed", "ns")];
    const POOLS: &[Name] = &[Name::Deadpool, Name::Bb8];

    fn round(distances: &[f64], deadpool: Option<f64>, bb8: Option<f64>) -> Round {
        let runs = vec![(Name::Deadpool, vec![deadpool]), (Name::Bb8, vec![bb8])];
        Round { flavor: Flavor::TwoWorkers, distances: distances.to_vec(), runs }
    }

    #[test]
    fn near_rounds_lead() {
        let far = || round(&[200.0, 200.0], Some(900.0), Some(900.0));
        let near = round(&[20.0, 21.0], Some(100.0), Some(50.0));
        let moved = round(&[20.0, 200.0], Some(500.0), Some(500.0));
        let rounds = [far(), near, moved, far()];
        let summaries = Outcome { tests: TESTS, pools: POOLS, rounds: &rounds }.summaries(POOLS);
        let seen: Vec<_> = summaries.iter().map(|s| (s.place, s.rounds, s.leading)).collect();
        let [near, far, moved] = Place::BY_PREFERENCE.map(Some);
        assert_eq!(seen, [(near, 1, true), (far, 2, false), (moved, 1, false)]);
        assert_eq!(summaries[0].entries[1].value, Some(50.0));
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let rounds = [
            round(&[], Some(100.0), Some(200.0)),
            round(&[], Some(1.0), Some(2.0)),
            round(&[], Some(10.0), Some(30.0)),
        ];
        let summaries = Outcome { tests: TESTS, pools: POOLS, rounds: &rounds }.summaries(POOLS);
        assert_eq!(summaries[0].entries[1].value, Some(30.0));
        assert_eq!(summaries[0].entries[1].ratio, Some(2.0));
    }

    #[test]
    fn never_has_no_ratio() {
        let rounds = [round(&[], None, Some(300.0))];
        let summaries = Outcome { tests: TESTS, pools: POOLS, rounds: &rounds }.summaries(POOLS);
        assert_eq!(summaries[0].entries[0].value, None);
        assert_eq!(summaries[0].entries[1].ratio, None);
    }
}
