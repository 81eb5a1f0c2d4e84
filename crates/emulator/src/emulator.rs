use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::book::{Book, Request};
use crate::builder::EmulatorBuilder;
use crate::clock::Clock;
use crate::fault::{Fault, FaultHandle};
use crate::gateway::Gateway;
use crate::http::{self, Door, Orders};
use crate::table::Table;

/// A gateway that listens until it is dropped.
///
/// Dropping it is graceful: it takes no new connection, what is being answered is
/// answered, and what a fault holds back is let go without an answer.
///
/// ```
/// use sessionpool_emulator::{Column, Emulator, Fault, Group, Table};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let emulator = Emulator::builder()
///     .user("demo", "secret")
///     .group(Group::new("clientx", "clientx_owner", "secret").ids(8))
///     .table(Table::new("pub.demo.stations", [Column::integer("id", [Some(3103)])])?)
///     .start()
///     .await?;
/// emulator.fault(Fault::on("getuid").rc(38, "System busy, please try again"));
/// // … a client does its work at `emulator.url()` …
/// assert!(emulator.book().held().is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Emulator {
    gateway: Arc<Gateway>,
    orders: watch::Sender<Orders>,
    address: SocketAddr,
    scheme: &'static str,
    alive: mpsc::Receiver<()>,
}

impl Emulator {
    /// An emulator without users and tables, to be told which.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::new()
    }

    pub(crate) fn serve(
        gateway: Arc<Gateway>,
        listener: TcpListener,
        address: SocketAddr,
        door: Door,
    ) -> Self {
        let (orders, told) = watch::channel(Orders::default());
        let (sender, alive) = mpsc::channel(1);
        let scheme = door.scheme();
        tokio::spawn(http::listen(Arc::clone(&gateway), listener, door, told, sender));
        Self { gateway, orders, address, scheme, alive }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The gateway, as a client is told: `http://127.0.0.1:…/cgi-bin/gw`; over TLS, with
    /// `https`. The
    /// caller is `cgi-bin`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_for("cgi-bin")
    }

    /// The same gateway for a client that the [book](Self::book) tells from others:
    /// any path will do, and this one begins with `caller`.
    #[must_use]
    pub fn url_for(&self, caller: &str) -> String {
        format!("{}://{}/{caller}/gw", self.scheme, self.address)
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.gateway.clock.clone()
    }

    /// The book as it is now, with what fell due by now.
    #[must_use]
    pub fn book(&self) -> Book {
        let mut platform = self.gateway.platform();
        platform.expire(self.gateway.clock.now());
        platform.book.clone()
    }

    /// Whether this user has a session now.
    #[must_use]
    pub fn is_logged_in(&self, uid: &str) -> bool {
        let mut platform = self.gateway.platform();
        platform.expire(self.gateway.clock.now());
        platform.has_session(uid)
    }

    /// The latest 10,000 requests, without passwords.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.gateway.journal().requests()
    }

    /// Waits until `done` says so of the book, which it is shown at once and after
    /// every request.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn until(&self, done: impl Fn(&Book) -> bool) {
        let mut progress = self.gateway.progress();
        while !done(&self.book()) {
            // The sender is in `self`: it cannot be gone.
            let _ = progress.changed().await;
        }
    }

    /// Puts a fault into force.
    #[allow(clippy::must_use_candidate, reason = "the handle is for those who want to watch")]
    pub fn fault(&self, fault: Fault) -> FaultHandle {
        self.gateway.rules.add(fault)
    }

    /// Adds a table, or puts it in the place of the one of its path. Sessions that
    /// have begun go on seeing what they saw.
    pub fn put_table(&self, table: Table) {
        Arc::make_mut(&mut self.gateway.platform().catalog).put(table);
    }

    /// Ends every connection as soon as its answer is out: those kept alive end at
    /// once.
    pub fn close_connections(&self) {
        self.orders.send_modify(|orders| orders.closings += 1);
    }

    /// Ends every connection now, in the middle of whatever is going on there. What
    /// was received is executed all the same.
    pub fn abort_connections(&self) {
        self.orders.send_modify(|orders| orders.abortions += 1);
    }

    /// Stops as dropping it does, and waits until all connections are gone, for at
    /// most `time`. Answers whether they are.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, it has stopped the emulator.
    pub async fn shutdown(mut self, time: Duration) -> bool {
        self.stop();
        tokio::time::timeout(time, self.alive.recv()).await.is_ok()
    }

    fn stop(&self) {
        self.orders.send_modify(|orders| orders.stopped = true);
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop();
    }
}
