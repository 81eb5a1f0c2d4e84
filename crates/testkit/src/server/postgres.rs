use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use super::home::Home;
use super::service::{Launch, Service};
use super::{client, program, template};

/// The superuser logs in without a password, everybody else with theirs.
const WHO_MAY_LOG_IN: &str = "\
local all postgres trust
host all postgres 127.0.0.1/32 trust
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
";

const PACKAGE: &str = "postgresql";

/// A PostgreSQL server of the test's own.
///
/// Its superuser is `postgres`, without a password; whoever else the test creates
/// needs one (SCRAM). When it is [stopped](Service::stop), its sessions are told (57P01).
/// All of it is gone when the handle is dropped.
///
/// Every method panics where the server does not do what it is asked.
///
/// ```no_run
/// # async fn example() {
/// use sessionpool_testkit::server::Postgres;
///
/// let server = Postgres::start().await;
/// assert_eq!(server.psql("select 1 + 1").await, "2");
/// println!("{}", server.url()); // postgres://postgres@127.0.0.1:27183/postgres
/// # }
/// ```
#[derive(Debug)]
pub struct Postgres {
    service: Service,
    psql: PathBuf,
    databases: AtomicU32,
}

impl Postgres {
    /// Who may do anything, without a password.
    pub const USER: &str = "postgres";

    /// The database that is there from the start.
    pub const DATABASE: &str = "postgres";

    /// Starts a server.
    ///
    /// # Cancel safety
    ///
    /// A server half started is ended.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with settings, as `postgresql.conf` knows them.
    ///
    /// # Cancel safety
    ///
    /// A server half started is ended.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let settings = settings
            .iter()
            .flat_map(|(name, value)| ["-c".into(), format!("{name}={value}").into()])
            .collect();
        match Self::try_start(settings).await {
            Ok(server) => server,
            Err(error) => panic!("PostgreSQL could not be started: {error}"),
        }
    }

    /// The one server of this process, started when first asked for. Work on it in
    /// databases of your own ([`create_database`](Self::create_database)), and leave
    /// it running.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    async fn try_start(settings: Vec<OsString>) -> io::Result<Self> {
        let (psql, program, home) = spawn_blocking(prepare).await.map_err(io::Error::other)??;
        let launch = Launch { program, arguments, settings, serves, stop: Signal::INT };
        let service = Service::start("PostgreSQL", home, launch).await?;
        Ok(Self { service, psql, databases: AtomicU32::new(0) })
    }

    /// The folder of the server's Unix socket.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        self.service.home().path()
    }

    /// The superuser's way in.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(Self::DATABASE)
    }

    /// The superuser's way into a database.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://{}@127.0.0.1:{}/{database}", Self::USER, self.port())
    }

    /// Creates an empty database, and says its name.
    ///
    /// # Cancel safety
    ///
    /// The database may have been created.
    pub async fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql(&format!("create database {name}")).await;
        name
    }

    /// Runs `sql` as the superuser, through the server's Unix socket, and gives the
    /// rows: one a line, their values with `|` between them.
    ///
    /// # Cancel safety
    ///
    /// The statement may have been run.
    pub async fn psql(&self, sql: &str) -> String {
        self.psql_in(Self::DATABASE, sql).await
    }

    /// [`psql`](Self::psql) in a database.
    ///
    /// # Cancel safety
    ///
    /// The statement may have been run.
    pub async fn psql_in(&self, database: &str, sql: &str) -> String {
        let folder = self.socket_folder().to_string_lossy();
        let port = self.port().to_string();
        let answer = client::ask(
            &self.psql,
            &[
                "-XqAt",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                &folder,
                "-p",
                &port,
                "-U",
                Self::USER,
                "-d",
                database,
                "-c",
                sql,
            ],
        )
        .await;
        self.service.answer(answer)
    }

    /// Ends every session of a client's (57P01), and says how many there were.
    ///
    /// # Cancel safety
    ///
    /// They may have been ended.
    pub async fn kill_backends(&self) -> usize {
        let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                   where backend_type = 'client backend' and pid <> pg_backend_pid()";
        self.psql(sql).await.parse().unwrap_or_default()
    }

    /// Stops the one process that serves a session, by its `pg_backend_pid()`.
    pub fn freeze_backend(&self, pid: i32) {
        self.service.signal(self.service.process(pid), Signal::STOP);
    }

    /// Undoes [`freeze_backend`](Self::freeze_backend).
    pub fn thaw_backend(&self, pid: i32) {
        self.service.signal(self.service.process(pid), Signal::CONT);
    }
}

impl Deref for Postgres {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

fn prepare() -> io::Result<(PathBuf, PathBuf, Home)> {
    let server = program::find("postgres", PACKAGE)?;
    let initdb = program::find("initdb", PACKAGE)?;
    let psql = program::find("psql", PACKAGE)?;
    let home = Home::new()?;
    template::copy(&server, &home, |site, data| {
        let data = data.to_string_lossy();
        let arguments = [
            "--pgdata",
            &data,
            "--username",
            Postgres::USER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--wal-segsize",
            "1",
            "--no-sync",
        ];
        site.run(&initdb, arguments)?;
        fs::write(site.join("data/pg_hba.conf"), WHO_MAY_LOG_IN)
    })?;
    Ok((psql, server, home))
}

/// Nothing is forced to the disk, but all that is acknowledged has been handed to the
/// operating system, so that it survives a killed server.
fn arguments(home: &Path, port: u16) -> io::Result<Vec<OsString>> {
    let home = home.display();
    let settings = [
        format!("data_directory={home}/data"),
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={home}"),
        "fsync=off".to_owned(),
        "shared_buffers=16MB".to_owned(),
        "max_wal_size=64MB".to_owned(),
        "autovacuum=off".to_owned(),
        // In its folder, and not in /dev/shm, where one that was killed leaves it.
        "dynamic_shared_memory_type=mmap".to_owned(),
        "log_timezone=UTC".to_owned(),
        "timezone=UTC".to_owned(),
    ];
    let mut arguments = vec!["-D".into(), format!("{home}/data").into()];
    arguments.extend(settings.into_iter().flat_map(|setting| ["-c".into(), setting.into()]));
    Ok(arguments)
}

/// The eighth line of its lock file is the server's state, for `pg_ctl` to read.
fn serves(home: &Path, _: u16, pid: Pid) -> bool {
    let file = fs::read_to_string(home.join("data/postmaster.pid")).unwrap_or_default();
    let line = |number| file.lines().nth(number).map(str::trim);
    // One that was killed has left its own file behind, which says the same.
    line(0) == Some(&*pid.as_raw_nonzero().to_string()) && line(7) == Some("ready")
}
