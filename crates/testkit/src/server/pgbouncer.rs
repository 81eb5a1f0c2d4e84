use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Deref;
use std::path::Path;

use rustix::process::{Pid, Signal};

use super::Postgres;
use super::home::Home;
use super::program;
use super::service::{Launch, Service};

/// A PgBouncer of the test's own, in transaction mode: each transaction may meet
/// another of the server's sessions.
///
/// It refuses start-up parameters it does not know, as it does out of the package.
#[derive(Debug)]
pub struct PgBouncer {
    service: Service,
}

impl PgBouncer {
    /// Starts one that knows the server's superuser and all of its databases.
    ///
    /// # Cancel safety
    ///
    /// A PgBouncer half started is ended.
    pub async fn in_front_of(server: &Postgres) -> Self {
        Self::in_front_of_with(server, &[]).await
    }

    /// Starts one with settings, as `pgbouncer.ini` knows them; they come last, so
    /// that they stand over ours.
    ///
    /// # Cancel safety
    ///
    /// A PgBouncer half started is ended.
    pub async fn in_front_of_with(server: &Postgres, settings: &[(&str, &str)]) -> Self {
        match Self::try_start(server.port(), settings).await {
            Ok(service) => Self { service },
            Err(error) => panic!("PgBouncer could not be started: {error}"),
        }
    }

    async fn try_start(server: u16, settings: &[(&str, &str)]) -> io::Result<Service> {
        let program = program::find("pgbouncer", "pgbouncer")?;
        let home = Home::new()?;
        let users = home.join("users");
        fs::write(&users, format!("\"{}\" \"\"\n", Postgres::USER))?;
        let mut file = format!(
            "listen_addr = 127.0.0.1\nunix_socket_dir =\npool_mode = transaction\n\
             auth_type = trust\nauth_file = {}\nadmin_users = {}\n",
            users.display(),
            Postgres::USER,
        );
        for (name, value) in settings {
            file.push_str(&format!("{name} = {value}\n"));
        }
        file.push_str(&format!("[databases]\n* = host=127.0.0.1 port={server}\n"));
        fs::write(home.join("settings"), file)?;
        let launch =
            Launch { program, arguments, settings: Vec::new(), serves, stop: Signal::TERM };
        Service::start("PgBouncer", home, launch).await
    }

    /// The superuser's way in.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(Postgres::DATABASE)
    }

    /// The superuser's way into a database.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://{}@127.0.0.1:{}/{database}", Postgres::USER, self.port())
    }
}

impl Deref for PgBouncer {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

/// The port is known last, and has no option of its own.
fn arguments(home: &Path, port: u16) -> io::Result<Vec<OsString>> {
    let main = home.join("pgbouncer.ini");
    let settings = home.join("settings");
    let text = format!("[pgbouncer]\nlisten_port = {port}\n%include {}\n", settings.display());
    fs::write(&main, text)?;
    Ok(vec![main.into()])
}

fn serves(_: &Path, port: u16, _: Pid) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}
