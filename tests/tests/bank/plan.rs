use std::time::Duration;

use fastrand::Rng;

pub(crate) const ACCOUNTS: i64 = 20;

/// In each account at the beginning.
pub(crate) const BALANCE: i64 = 1_000;

/// No key on `moves.id`: a move that is made twice is to be seen, not refused. Its
/// numbers are looked up at the end alone.
pub(crate) const TABLES: &str = "\
    create table accounts (id bigint primary key, balance bigint not null); \
    insert into accounts values \
    (0, 1000), (1, 1000), (2, 1000), (3, 1000), (4, 1000), (5, 1000), (6, 1000), \
    (7, 1000), (8, 1000), (9, 1000), (10, 1000), (11, 1000), (12, 1000), (13, 1000), \
    (14, 1000), (15, 1000), (16, 1000), (17, 1000), (18, 1000), (19, 1000); \
    create table moves (id bigint not null, source bigint not null, target bigint not null, \
    amount bigint not null)";

/// One move of money, and how it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) id: i64,
    pub(crate) source: i64,
    pub(crate) target: i64,
    pub(crate) amount: i64,
    pub(crate) manner: Manner,
    /// Whether a savepoint is set in the middle, something done, and undone.
    pub(crate) detour: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// To its end.
    Whole,
    /// With an error at the end of the work.
    Regret,
    /// Its future is polled so many times, and dropped.
    Cut(usize),
}

/// A task's moves, the same for the same seed.
#[derive(Debug)]
pub(crate) struct Moves {
    rng: Rng,
    next: i64,
}

impl Moves {
    pub(crate) fn of(seed: u64, clerk: usize, task: usize) -> Self {
        let stream = (clerk * 1_000 + task) as u64;
        let next = i64::try_from(stream).unwrap() * 1_000_000;
        Self { rng: Rng::with_seed(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15)), next }
    }

    pub(crate) fn next_one(&mut self) -> Move {
        let rng = &mut self.rng;
        self.next += 1;
        let source = rng.i64(0..ACCOUNTS);
        let target = (source + rng.i64(1..ACCOUNTS)) % ACCOUNTS;
        let manner = match rng.u8(0..10) {
            0..=2 => Manner::Cut(rng.usize(1..14)),
            3 => Manner::Regret,
            _ => Manner::Whole,
        };
        let (amount, detour) = (rng.i64(1..50), rng.u8(0..4) == 0);
        Move { id: self.next, source, target, amount, manner, detour }
    }
}

/// What befalls the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    KillSessions,
    StandStill(Duration),
    Restart,
    Crash,
    KillClerk,
}

/// The troubles of a run, the same for the same seed.
#[derive(Debug)]
pub(crate) struct Troubles {
    rng: Rng,
}

impl Troubles {
    pub(crate) fn of(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed) }
    }

    /// The next one, and how long it takes to come.
    pub(crate) fn next_one(&mut self) -> (Duration, Trouble) {
        let rng = &mut self.rng;
        let pause = Duration::from_millis(rng.u64(300..2_000));
        let trouble = match rng.u8(0..10) {
            0..=3 => Trouble::KillSessions,
            4..=5 => Trouble::StandStill(Duration::from_millis(rng.u64(50..800))),
            6..=7 => Trouble::Restart,
            8 => Trouble::Crash,
            _ => Trouble::KillClerk,
        };
        (pause, trouble)
    }
}

#[test]
fn a_seed_makes_the_same_decisions_again() {
    let run = |seed| {
        let mut moves = Moves::of(seed, 1, 7);
        let mut troubles = Troubles::of(seed);
        let moves: Vec<Move> = (0..100).map(|_| moves.next_one()).collect();
        let troubles: Vec<_> = (0..100).map(|_| troubles.next_one()).collect();
        (moves, troubles)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    assert_ne!(Moves::of(1, 0, 0).next_one().id, Moves::of(1, 1, 0).next_one().id);
}
