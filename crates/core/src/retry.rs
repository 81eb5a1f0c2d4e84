use std::time::Duration;

use crate::TxOptions;
use crate::pool::clock;

/// When [`Pool::transaction_with`](crate::Pool::transaction_with) runs a unit of work
/// again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Retry {
    pub(crate) retries: u32,
    pub(crate) options: TxOptions,
}

/// Before a run: a random time up to this, doubled with each run that lost, so that
/// two units that met do not meet again.
const BASE: Duration = Duration::from_millis(10);
const CAP: Duration = Duration::from_secs(1);

impl Retry {
    /// Runs a unit again when it lost against another one: at most `retries` times,
    /// after a random time of up to 10 ms, doubled each time, at most 1 s.
    pub fn on_conflict(retries: u32) -> Self {
        Self { retries, options: TxOptions::new() }
    }

    /// What the transactions should be like. Default: [`TxOptions::new`].
    pub fn options(mut self, options: TxOptions) -> Self {
        self.options = options;
        self
    }

    pub(crate) async fn back_off(&self, failures: u32) {
        let most = BASE.saturating_mul(1 << failures.min(16)).min(CAP);
        if clock::is_here() {
            tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
        }
    }
}
