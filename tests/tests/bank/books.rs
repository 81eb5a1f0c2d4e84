use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use crate::plan::{ACCOUNTS, BALANCE};
use crate::ruin::Ask;

/// What became of a move, as far as its clerk knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing yet; at the end that is as good as unknown.
    Begun,
    Done,
    NotDone,
    Unknown,
}

impl Outcome {
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Begun => ">",
            Self::Done => "+",
            Self::NotDone => "-",
            Self::Unknown => "?",
        }
    }

    fn of(sign: &str) -> Option<Self> {
        [Self::Begun, Self::Done, Self::NotDone, Self::Unknown]
            .into_iter()
            .find(|outcome| outcome.sign() == sign)
    }
}

/// What the clerks have said.
#[derive(Debug, Default)]
pub(crate) struct Books {
    outcomes: Mutex<HashMap<i64, Outcome>>,
}

impl Books {
    /// Notes a line, if it is for the books.
    pub(crate) fn note(&self, line: &str) {
        let mut words = line.split(' ');
        if words.next() != Some("bank") {
            return;
        }
        let outcome = words.next().and_then(Outcome::of);
        let id = words.next().and_then(|id| id.parse().ok());
        // What was cut off by a kill says nothing.
        if let (Some(outcome), Some(id)) = (outcome, id) {
            self.outcomes.lock().unwrap().insert(id, outcome);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Summary {
    done: usize,
    not_done: usize,
    unknown: usize,
    pub(crate) faults: Vec<String>,
}

impl Summary {
    /// False if nothing was put to the test.
    pub(crate) const fn is_worth_something(&self) -> bool {
        self.done > 100 && self.not_done > 10 && self.unknown > 10
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, not_done, unknown, .. } = self;
        write!(f, "{done} moves done, {not_done} not done, {unknown} unknown")
    }
}

/// Holds the clerks' books against the bank's.
pub(crate) async fn check(bank: &impl Ask, books: &Books) -> Summary {
    let mut summary = Summary::default();
    let accounts = numbers(&bank.ask("select id, balance from accounts order by id").await);
    let moves = numbers(&bank.ask("select id, source, target, amount from moves").await);

    let mut expected: HashMap<i64, i64> = (0..ACCOUNTS).map(|id| (id, BALANCE)).collect();
    let mut times: HashMap<i64, usize> = HashMap::new();
    for row in &moves {
        *expected.get_mut(&row[1]).unwrap() -= row[3];
        *expected.get_mut(&row[2]).unwrap() += row[3];
        *times.entry(row[0]).or_default() += 1;
    }
    let total: i64 = accounts.iter().map(|row| row[1]).sum();
    if total != ACCOUNTS * BALANCE {
        summary.faults.push(format!("there are {total} in all accounts"));
    }
    for row in &accounts {
        if row[1] != expected[&row[0]] {
            summary
                .faults
                .push(format!("account {}: {} where {} is due", row[0], row[1], expected[&row[0]]));
        }
    }
    let outcomes = books.outcomes.lock().unwrap();
    for (id, outcome) in &*outcomes {
        let found = times.remove(id).unwrap_or(0);
        let (count, is_right) = match outcome {
            Outcome::Done => (&mut summary.done, found == 1),
            Outcome::NotDone => (&mut summary.not_done, found == 0),
            Outcome::Begun | Outcome::Unknown => (&mut summary.unknown, found <= 1),
        };
        *count += 1;
        if !is_right {
            summary.faults.push(format!("move {id}, {outcome:?}, is there {found} times"));
        }
    }
    for id in times.keys() {
        summary.faults.push(format!("move {id} was made by nobody"));
    }
    summary
}

fn numbers(rows: &str) -> Vec<Vec<i64>> {
    rows.lines()
        .map(|row| row.split(['|', '\t']).map(|number| number.parse().unwrap()).collect())
        .collect()
}

/// A bank where one of everything has gone wrong, and one of everything has not.
struct Crooked;

impl Ask for Crooked {
    async fn ask(&self, sql: &str) -> String {
        if sql.contains("accounts") {
            // Move 1 is right, move 2 twice there; move 5 has taken and not given.
            "0|970\n1|1025".to_owned()
                + &(2..ACCOUNTS).map(|id| format!("\n{id}|{BALANCE}")).collect::<String>()
        } else {
            "1|0|1|5\n2|0|1|10\n2|0|1|10\n3|2|3|0\n5|0|1|5\n9|2|3|0".to_owned()
        }
    }
}

#[tokio::test]
async fn the_books_find_what_is_wrong() {
    let books = Books::default();
    for line in [
        "bank > 1",
        "bank + 1",
        "bank ? 2",
        "bank - 3",
        "bank + 4",
        "bank > 5",
        "bank - 6",
        "test clerk ... ok",
        "bank +",
    ] {
        books.note(line);
    }
    let summary = check(&Crooked, &books).await;
    assert_eq!(summary.to_string(), "2 moves done, 2 not done, 2 unknown");
    let mut faults = summary.faults;
    faults.sort();
    assert_eq!(
        faults,
        [
            "account 1: 1025 where 1030 is due",
            "move 2, Unknown, is there 2 times",
            "move 3, NotDone, is there 1 times",
            "move 4, Done, is there 0 times",
            "move 9 was made by nobody",
            "there are 19995 in all accounts",
        ]
    );
}
