//! What is wrong with a setting, and what would be right.

use std::time::Duration;

/// A setting that cannot work, found by [`PoolBuilder::build`](crate::PoolBuilder::build) or
/// [`Pool::resize`](crate::Pool::resize).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {value}, but {valid}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The setter's name.
    pub setting: &'static str,
    /// The value it was given.
    pub value: String,
    /// What would be valid.
    pub valid: String,
}

/// More sessions than any remote end takes; a place's index must fit in 32 bits.
pub(super) const MOST: usize = 1_000_000;

pub(super) fn within(
    setting: &'static str,
    value: usize,
    least: usize,
    most: usize,
    what: &str,
) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let valid = format!("{least} to {most} {what} are possible");
    Err(ConfigError { setting, value: value.to_string(), valid })
}

/// A size the backend's remote end has room for.
pub(super) fn allowed(
    max_size: usize,
    most: Option<(usize, &'static str)>,
) -> Result<(), ConfigError> {
    match most {
        Some((most, why)) if max_size > most => {
            let valid = format!("at most {most} is possible: {why}");
            Err(ConfigError { setting: "max_size", value: max_size.to_string(), valid })
        }
        _ => Ok(()),
    }
}

pub(super) fn not_above(
    setting: &'static str,
    value: usize,
    other: &str,
    most: usize,
) -> Result<(), ConfigError> {
    if value <= most {
        return Ok(());
    }
    let valid = format!("{other} is {most}: at most {most} is possible");
    Err(ConfigError { setting, value: value.to_string(), valid })
}

pub(super) fn not_below(
    setting: &'static str,
    value: usize,
    other: &str,
    least: usize,
) -> Result<(), ConfigError> {
    if value >= least {
        return Ok(());
    }
    let valid = format!("{other} is {least}: at least {least} is possible");
    Err(ConfigError { setting, value: value.to_string(), valid })
}

pub(super) fn not_zero(
    setting: &'static str,
    value: Duration,
    why: &str,
) -> Result<(), ConfigError> {
    if !value.is_zero() {
        return Ok(());
    }
    let valid = format!("it must be longer ({why})");
    Err(ConfigError { setting, value: format!("{value:?}"), valid })
}
