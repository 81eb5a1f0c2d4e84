use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use sessionpool_emulator::{Emulator, Fault, Group, Table};
use sessionpool_tenten::{LoginType, Query, Tenten};
use tokio::runtime::{Builder, Runtime};

/// An emulator in this process, on a thread of its own.
pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    pub(crate) emulator: Emulator,
}

pub(crate) const USER: &str = "bench";
pub(crate) const PASSWORD: &str = "bench";
pub(crate) const TABLE: &str = "bench.synthetic";
pub(crate) const WINDOW: u64 = 50_000;
pub(crate) const IDS: usize = 8;

const ROWS: usize = 1_000_000;
pub(crate) const COLUMNS: usize = 8;

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let table = Table::synthetic(TABLE, ROWS, COLUMNS).map_err(io::Error::other)?;
        let builder = Emulator::builder()
            .user(USER, PASSWORD)
            .group(Group::new("group", "owner", PASSWORD).ids(IDS))
            .table(table);
        let emulator = runtime.block_on(builder.start()).map_err(io::Error::other)?;
        Ok(Self { runtime, emulator })
    }

    /// One window's answer, as it goes over the wire.
    pub(crate) fn window(&self) -> io::Result<Bytes> {
        let seen: Arc<Mutex<Bytes>> = Arc::default();
        let copy = Arc::clone(&seen);
        let fault = Fault::on("querydata").edit(move |body| {
            *copy.lock().expect("not poisoned") = Bytes::copy_from_slice(&body);
            body
        });
        self.emulator.fault(fault);
        let fetched = self.runtime.block_on(async {
            let mut session = tenten(&self.emulator.url()).connect().await?;
            Query::new(TABLE, "").window_size(WINDOW).row(&mut session, 0).await
        });
        fetched.map_err(io::Error::other)?;
        let window = seen.lock().expect("not poisoned").clone();
        Ok(window)
    }
}

/// The single user's backend.
pub(crate) fn tenten(url: &str) -> Tenten {
    let builder = Tenten::builder(url).insecure().user(USER).password(PASSWORD);
    builder.login_type(LoginType::Kill).build().expect("the settings are valid")
}
