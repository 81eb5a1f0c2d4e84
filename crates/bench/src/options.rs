use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::gateway;
use crate::measure::Test;
use crate::peers::Name;
use crate::sql::Database;

/// Measures sessionpool side by side against other pools, over sessions that do
/// nothing.
///
/// Figures go to standard output, one JSON object a line; tables to standard error.
#[derive(Debug, Parser)]
#[command(about, long_about)]
pub(crate) struct Options {
    /// Fewer and shorter rounds: under a minute in all.
    #[arg(long)]
    pub(crate) quick: bool,

    /// Over real databases, all of them or these, and over nothing else.
    #[arg(
        long,
        value_name = "DATABASES",
        value_enum,
        value_delimiter = ',',
        num_args = 0..=1,
        require_equals = true
    )]
    pub(crate) sql: Option<Vec<Database>>,

    /// Only the measurements these tests belong to.
    #[arg(long, value_name = "TEST", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Also the client of the 1010data gateway, against one in Python.
    #[arg(long)]
    pub(crate) gateway: bool,

    /// Web applications, and nothing else.
    #[arg(long)]
    pub(crate) web: bool,

    /// Be the client that is measured; for the program itself.
    #[arg(long, hide = true, value_name = "URL")]
    pub(crate) gateway_client: Option<String>,

    /// Only these pools.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = Name::ALL)]
    pub(crate) pools: Vec<Name>,
}

/// How much of its time each measurement gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Rounds of the measurements that the machine disturbs most.
    pub(crate) rounds: usize,
    /// Rounds of those that wait for timers or only count.
    pub(crate) few_rounds: usize,
    /// Rounds of those that take seconds.
    pub(crate) long_rounds: usize,
    /// One run of a measurement that could go on for ever.
    pub(crate) slice: Duration,
}

impl Options {
    /// Ends the program if a test was asked for that is not among `known`.
    pub(crate) fn check<'a>(&self, known: impl Iterator<Item = &'a Test>) {
        let mut known: Vec<&str> = known.map(|test| test.name).collect();
        if self.gateway {
            known.extend(gateway::TESTS);
        }
        if let Some(unknown) = self.only.iter().find(|only| !known.contains(&only.as_str())) {
            let message = format!("no test {unknown:?}; there are {}", known.join(", "));
            Self::command().error(ErrorKind::InvalidValue, message).exit();
        }
    }

    /// True if one of the tests was asked for, or none was.
    pub(crate) fn wants(&self, tests: &[Test]) -> bool {
        let named = |only: &String| tests.iter().any(|test| test.name == only);
        self.only.is_empty() || self.only.iter().any(named)
    }

    /// True if the gateway's client is to be measured: all of it, or nothing.
    pub(crate) fn wants_gateway(&self) -> bool {
        let named = |only: &String| gateway::TESTS.contains(&only.as_str());
        self.gateway && (self.only.is_empty() || self.only.iter().any(named))
    }

    pub(crate) const fn effort(&self) -> Effort {
        if self.quick {
            let slice = Duration::from_millis(60);
            Effort { rounds: 8, few_rounds: 2, long_rounds: 1, slice }
        } else {
            let slice = Duration::from_millis(200);
            Effort { rounds: 20, few_rounds: 6, long_rounds: 3, slice }
        }
    }
}
