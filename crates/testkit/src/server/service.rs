use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::time::{sleep, timeout};

use super::daemon::Daemon;
use super::home::Home;
use super::{port, process};

/// How long a server may take until it serves, its recovery included.
const PATIENCE: Duration = Duration::from_secs(60);

/// A private server in its folder at its port, which can stand still, end and start
/// again: what [`Postgres`](super::Postgres), [`MariaDb`](super::MariaDb) and
/// [`PgBouncer`](super::PgBouncer) have in common, and dereference to.
///
/// Every method panics where the server does not do what it is asked.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    /// Before the folder, so that the server has ended when that is removed.
    daemon: Mutex<Option<Daemon>>,
    launch: Launch,
    port: u16,
    home: Home,
}

/// How a server is started, and how one sees that it serves.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    /// The arguments, for a folder and a port.
    pub(super) arguments: fn(&Path, u16) -> io::Result<Vec<OsString>>,
    /// Those the test asked for.
    pub(super) settings: Vec<OsString>,
    pub(super) serves: fn(&Path, u16, Pid) -> bool,
    /// The signal that ends it orderly, without waiting for its clients.
    pub(super) stop: Signal,
}

impl Service {
    /// Starts the server, at the first port that is still free when it comes to it.
    pub(super) async fn start(name: &'static str, home: Home, launch: Launch) -> io::Result<Self> {
        let mut service = Self { name, daemon: Mutex::default(), launch, port: 0, home };
        for _ in 0..5 {
            service.port = port::free()?;
            match service.launch().await {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                launched => return launched.map(|()| service),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// The port at 127.0.0.1. It stays the same when the server starts again.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    pub(super) const fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn pid(&self) -> Pid {
        self.daemon().as_ref().unwrap_or_else(|| panic!("{} is stopped", self.name)).pid()
    }

    /// What the server has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    /// What the server's client answered; or panics with what both have to say.
    pub(super) fn answer(&self, answer: Result<String, String>) -> String {
        answer.unwrap_or_else(|error| {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(10)..].join("\n");
            panic!("{error}\nthe end of the log of {}:\n{end}", self.name)
        })
    }

    /// Stops all of the server's processes where they stand (`SIGSTOP`): the kernel
    /// goes on taking connections and data for it, and nothing is answered.
    pub fn freeze(&self) {
        self.expect(process::freeze(self.pid()), "be frozen");
    }

    /// Undoes [`freeze`](Self::freeze), for single processes that were frozen, too.
    pub fn thaw(&self) {
        self.expect(process::thaw(self.pid()), "be thawed");
    }

    /// A process of the server's, by its number; no other is ever signalled.
    pub(super) fn process(&self, number: i32) -> Pid {
        Pid::from_raw(number)
            .filter(|pid| process::children(self.pid()).contains(pid))
            .unwrap_or_else(|| panic!("{} has no process {number}", self.name))
    }

    pub(super) fn signal(&self, pid: Pid, signal: Signal) {
        self.expect(process::send(pid, signal), "be signalled");
    }

    /// Ends the server as an administrator would, without waiting for its clients:
    /// what they had not committed is rolled back.
    ///
    /// # Cancel safety
    ///
    /// The server ends.
    pub async fn stop(&self) {
        let daemon = self.take();
        self.expect(daemon.stop(self.launch.stop).await, "be stopped");
    }

    /// Ends the server as a power cut would: its processes are killed.
    pub fn kill(&self) {
        self.expect(self.take().kill(), "be killed");
    }

    /// Starts the server after a [`stop`](Self::stop) or [`kill`](Self::kill), with
    /// the same data at the same port.
    ///
    /// # Cancel safety
    ///
    /// The server is stopped.
    pub async fn start_again(&self) {
        assert!(self.daemon().is_none(), "{} is running", self.name);
        self.expect(self.launch().await, "be started again");
    }

    /// [`stop`](Self::stop), then [`start_again`](Self::start_again).
    ///
    /// # Cancel safety
    ///
    /// The server is stopped.
    pub async fn restart(&self) {
        self.stop().await;
        self.start_again().await;
    }

    /// [`kill`](Self::kill), then [`start_again`](Self::start_again): the server
    /// recovers all it has acknowledged.
    ///
    /// # Cancel safety
    ///
    /// The server is stopped.
    pub async fn crash(&self) {
        self.kill();
        self.start_again().await;
    }

    async fn launch(&self) -> io::Result<()> {
        let Launch { program, arguments, settings, .. } = &self.launch;
        let mut arguments = arguments(self.home.path(), self.port)?;
        arguments.extend_from_slice(settings);
        let daemon = Daemon::spawn(&self.home, program, arguments)?;
        match timeout(PATIENCE, self.served_by(&daemon)).await {
            Ok(true) => {}
            Ok(false) => return Err(ended(daemon)),
            Err(_) => return Err(io::Error::other(format!("does not serve\n{}", daemon.log()))),
        }
        *self.daemon() = Some(daemon);
        Ok(())
    }

    /// Waits until the server serves, or has ended.
    async fn served_by(&self, daemon: &Daemon) -> bool {
        while daemon.is_running() {
            if (self.launch.serves)(self.home.path(), self.port, daemon.pid()) {
                return true;
            }
            sleep(Duration::from_millis(2)).await;
        }
        false
    }

    fn take(&self) -> Daemon {
        self.daemon().take().unwrap_or_else(|| panic!("{} is stopped already", self.name))
    }

    fn daemon(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn expect<T>(&self, result: io::Result<T>, what: &str) -> T {
        result.unwrap_or_else(|error| panic!("{} could not {what}: {error}", self.name))
    }
}

/// Why a server ended when it should have begun. Its folder is kept.
fn ended(daemon: Daemon) -> io::Error {
    let log = daemon.log();
    let kind = if log.contains("Address already in use") {
        io::ErrorKind::AddrInUse
    } else {
        io::ErrorKind::Other
    };
    match daemon.kill() {
        Ok(()) => io::Error::new(kind, log),
        Err(error) => error,
    }
}
