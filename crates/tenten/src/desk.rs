//! The thread where IDs are taken and given back, and sessions logged in and out.
//!
//! What is begun there comes to its end whoever stops waiting for it: a caller that is
//! cancelled, a session dropped on a thread without a runtime, a runtime that is shut
//! down. One thread for the process, started when first needed.

use std::future::Future;
use std::sync::OnceLock;
use std::{future, thread};

use tokio::runtime::{Builder, Handle};

use crate::{Error, Result};

/// The way to the thread.
#[derive(Clone, Debug)]
pub(crate) struct Desk(Handle);

static DESK: OnceLock<Desk> = OnceLock::new();

impl Desk {
    /// The process's desk.
    pub(crate) fn open() -> Result<Self> {
        if let Some(desk) = DESK.get() {
            return Ok(desk.clone());
        }
        let desk = Self::start()?;
        // Of two started at once, one is never used again and costs a sleeping thread.
        Ok(DESK.get_or_init(|| desk).clone())
    }

    fn start() -> Result<Self> {
        let failed =
            |source: std::io::Error| Error::Start { what: "the desk", source: source.into() };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let desk = Self(runtime.handle().clone());
        let work = move || runtime.block_on(future::pending::<()>());
        thread::Builder::new().name("tenten-desk".to_owned()).spawn(work).map_err(failed)?;
        Ok(desk)
    }

    /// Has `work` done, whether anybody waits for it or not.
    pub(crate) fn leave(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.0.spawn(work));
    }

    /// Has `work` done and waits for it.
    ///
    /// # Cancel safety
    ///
    /// The work goes on; what it answers is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        match self.0.spawn(work).await {
            Ok(answer) => answer,
            Err(error) => Err(Error::Start { what: "work at the desk", source: error.into() }),
        }
    }
}
