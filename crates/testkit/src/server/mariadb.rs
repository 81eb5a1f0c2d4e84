use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use super::home::Home;
use super::service::{Launch, Service};
use super::{client, program, template};

/// A MariaDB server of the test's own.
///
/// Its superuser is `root`, without a password. All of it is gone when the handle is
/// dropped.
///
/// Every method panics where the server does not do what it is asked.
#[derive(Debug)]
pub struct MariaDb {
    service: Service,
    client: PathBuf,
    databases: AtomicU32,
}

impl MariaDb {
    /// Who may do anything, without a password.
    pub const USER: &str = "root";

    /// The database that is there from the start.
    pub const DATABASE: &str = "test";

    /// Starts a server.
    ///
    /// # Cancel safety
    ///
    /// A server half started is ended.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with system variables, such as `("max_connections", "5")`.
    ///
    /// # Cancel safety
    ///
    /// A server half started is ended.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let settings =
            settings.iter().map(|(name, value)| format!("--{name}={value}").into()).collect();
        match Self::try_start(settings).await {
            Ok(server) => server,
            Err(error) => panic!("MariaDB could not be started: {error}"),
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
        static SHARED: OnceCell<MariaDb> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    async fn try_start(settings: Vec<OsString>) -> io::Result<Self> {
        let (client, program, home) = spawn_blocking(prepare).await.map_err(io::Error::other)??;
        let launch = Launch { program, arguments, settings, serves, stop: Signal::TERM };
        let service = Service::start("MariaDB", home, launch).await?;
        Ok(Self { service, client, databases: AtomicU32::new(0) })
    }

    /// The server's Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(self.service.home().path())
    }

    /// The superuser's way in.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(Self::DATABASE)
    }

    /// The superuser's way into a database.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("mysql://{}@127.0.0.1:{}/{database}", Self::USER, self.port())
    }

    /// Creates an empty database, and says its name.
    ///
    /// # Cancel safety
    ///
    /// The database may have been created.
    pub async fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("create database {name}")).await;
        name
    }

    /// Runs `sql` as the superuser, through the server's Unix socket, and gives the
    /// rows: one a line, their values with tabulators between them.
    ///
    /// # Cancel safety
    ///
    /// The statement may have been run.
    pub async fn sql(&self, sql: &str) -> String {
        self.sql_in(Self::DATABASE, sql).await
    }

    /// [`sql`](Self::sql) in a database.
    ///
    /// # Cancel safety
    ///
    /// The statement may have been run.
    pub async fn sql_in(&self, database: &str, sql: &str) -> String {
        self.ask(database, ";", sql).await
    }

    async fn ask(&self, database: &str, delimiter: &str, sql: &str) -> String {
        let socket = self.socket();
        let socket = socket.to_string_lossy();
        let delimiter = format!("--delimiter={delimiter}");
        let answer = client::ask(
            &self.client,
            &[
                "--no-defaults",
                "-NB",
                &delimiter,
                "-S",
                &socket,
                "-u",
                Self::USER,
                "-D",
                database,
                "-e",
                sql,
            ],
        )
        .await;
        self.service.answer(answer)
    }

    /// Ends every session of a client's (`KILL`), and says how many there were.
    ///
    /// # Cancel safety
    ///
    /// They may have been ended.
    pub async fn kill_backends(&self) -> usize {
        let sql = "select id from information_schema.processlist \
                   where id <> connection_id() and command <> 'Daemon'";
        let sessions = self.sql(sql).await;
        let kills: String = sessions.lines().map(|id| format!("kill {id};")).collect();
        if !kills.is_empty() {
            // One may have gone by itself in between (error 1094).
            let text = format!(
                "begin not atomic declare continue handler for 1094 begin end; {kills} end"
            );
            self.ask(Self::DATABASE, "//", &text).await;
        }
        sessions.lines().count()
    }
}

impl Deref for MariaDb {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

fn prepare() -> io::Result<(PathBuf, PathBuf, Home)> {
    let server = program::find("mariadbd", "mariadb-server-core")?;
    let install = program::find("mariadb-install-db", "mariadb-server-core")?;
    let client = program::find("mariadb", "mariadb-client-core")?;
    let home = Home::new()?;
    template::copy(&server, &home, |site, data| {
        let first = site.join("first.sql");
        fs::write(&first, format!("create database {};\n", MariaDb::DATABASE))?;
        let arguments = [
            "--no-defaults".to_owned(),
            format!("--datadir={}", data.display()),
            format!("--extra-file={}", first.display()),
            "--auth-root-authentication-method=normal".to_owned(),
            format!("--tmpdir={}", site.path().display()),
            "--skip-name-resolve".to_owned(),
            "--skip-test-db".to_owned(),
            "--character-set-server=utf8mb4".to_owned(),
            LOG_SIZE.to_owned(),
        ];
        site.run(&install, arguments)
    })?;
    Ok((client, server, home))
}

const LOG_SIZE: &str = "--innodb-log-file-size=4M";

/// Nothing is forced to the disk, but all that is acknowledged has been handed to the
/// operating system, so that it survives a killed server.
fn arguments(home: &Path, port: u16) -> io::Result<Vec<OsString>> {
    let arguments = [
        "--no-defaults".to_owned(),
        format!("--datadir={}/data", home.display()),
        format!("--socket={}", socket(home).display()),
        // In a shared one, each that starts deletes the others' temporary tables.
        format!("--tmpdir={}", home.display()),
        format!("--pid-file={}/pid", home.display()),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--character-set-server=utf8mb4".to_owned(),
        "--default-time-zone=+00:00".to_owned(),
        "--innodb-flush-log-at-trx-commit=2".to_owned(),
        "--loose-innodb-flush-method=nosync".to_owned(),
        "--innodb-fast-shutdown=2".to_owned(),
        "--innodb-buffer-pool-size=16M".to_owned(),
        "--innodb-buffer-pool-load-at-startup=0".to_owned(),
        LOG_SIZE.to_owned(),
    ];
    Ok(arguments.map(OsString::from).into())
}

fn socket(home: &Path) -> PathBuf {
    home.join("socket")
}

/// It speaks first, when it has recovered.
fn serves(_: &Path, port: u16, _: Pid) -> bool {
    let greeting = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        stream.read_exact(&mut [0])
    });
    greeting.is_ok()
}
