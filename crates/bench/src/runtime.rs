use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use crate::counting::{never_count, uncounted};

/// Which of tokio's runtimes a measurement runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Flavor {
    /// One thread.
    #[serde(rename = "ct")]
    CurrentThread,
    /// Two worker threads.
    #[serde(rename = "mt2")]
    TwoWorkers,
}

impl Flavor {
    pub(crate) const BOTH: &'static [Self] = &[Self::CurrentThread, Self::TwoWorkers];
    pub(crate) const ONE_THREAD: &'static [Self] = &[Self::CurrentThread];

    /// A fresh runtime.
    pub(crate) fn build(self) -> Runtime {
        let mut builder = match self {
            Self::CurrentThread => Builder::new_current_thread(),
            Self::TwoWorkers => Builder::new_multi_thread(),
        };
        if self == Self::TwoWorkers {
            builder.worker_threads(2).on_thread_start(never_count);
        }
        builder.enable_time().build().expect("a runtime can be started")
    }

    /// Times: runs `measurement`, no allocation of which is counted, as a task of a fresh runtime; `None` if it does not end
    /// within `limit`. The task and whatever it spawned end with the runtime.
    pub(crate) fn run<M>(self, limit: Duration, measurement: M) -> Option<M::Output>
    where
        M: Future<Output: Send> + Send + 'static,
    {
        let bounded = async {
            let task = tokio::spawn(measurement);
            let ended = tokio::time::timeout(limit, task).await.ok()?;
            Some(ended.expect("the measurement does not panic"))
        };
        uncounted(|| self.build().block_on(bounded))
    }

    /// As in the output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "ct",
            Self::TwoWorkers => "mt2",
        }
    }
}
