//! The pools compared, one file each.

mod asyncband;
mod bb8;
mod deadpool;
mod fastpool;
mod mobc;
mod sessionpool;
mod sqlx;

pub(crate) use self::sessionpool::Sessionpool;

use clap::ValueEnum;

use crate::measure::{Figures, Measure};
use crate::runtime::Flavor;

/// A pool, by its name in the output and on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    Sessionpool,
    Deadpool,
    Bb8,
    Sqlx,
    Mobc,
    Fastpool,
    Asyncband,
}

impl Name {
    /// All of them, as they stand in the tables.
    pub(crate) const ALL: [Self; 7] = [
        Self::Sessionpool,
        Self::Deadpool,
        Self::Bb8,
        Self::Sqlx,
        Self::Mobc,
        Self::Fastpool,
        Self::Asyncband,
    ];

    /// As in the output.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sessionpool => "sessionpool",
            Self::Deadpool => "deadpool",
            Self::Bb8 => "bb8",
            Self::Sqlx => "sqlx",
            Self::Mobc => "mobc",
            Self::Fastpool => "fastpool",
            Self::Asyncband => "asyncband",
        }
    }

    /// Runs `measure` once on this pool.
    pub(crate) fn run<M: Measure>(self, measure: &M, flavor: Flavor) -> Figures {
        match self {
            Self::Sessionpool => measure.run::<Sessionpool>(flavor),
            Self::Deadpool => measure.run::<deadpool::Deadpool>(flavor),
            Self::Bb8 => measure.run::<bb8::Bb8>(flavor),
            Self::Sqlx => measure.run::<sqlx::Sqlx>(flavor),
            Self::Mobc => measure.run::<mobc::Mobc>(flavor),
            Self::Fastpool => measure.run::<fastpool::Fastpool>(flavor),
            Self::Asyncband => measure.run::<asyncband::Asyncband>(flavor),
        }
    }
}
