//! Private servers for tests: PostgreSQL, MariaDB, and PgBouncer in front.
//!
//! Each runs in a temporary folder of its own, on a free loopback port, as an
//! unprivileged user (`nobody`, where the test runs as root), from the programs
//! the distribution installs. Debian's packages are `postgresql`,
//! `mariadb-server-core`, `mariadb-client-core` and `pgbouncer`.
//!
//! A server ends when its handle is dropped, and when the test's process ends in
//! whatever way, `kill -9` included: a watcher holds the other end of a pipe.
//!
//! They are fast to start, as their first set-up is done once for each user and
//! version and then copied, from `sessionpool-testkit` in the user's cache folder
//! (`$XDG_CACHE_HOME`, `~/.cache`). Nothing they write is made to last longer than the
//! machine runs; what a server has acknowledged is there after
//! [`Service::crash`].
//!
//! This needs Linux: processes are found in `/proc`, and util-linux's programs `setpriv`,
//! `setsid` and `ipcrm` drop privileges and clear up.
#![allow(clippy::missing_panics_doc, reason = "to panic is how a test fails")]

mod client;
mod daemon;
mod home;
mod mariadb;
mod pgbouncer;
mod port;
mod postgres;
mod process;
mod program;
mod service;
mod template;

pub use self::mariadb::MariaDb;
pub use self::pgbouncer::PgBouncer;
pub use self::postgres::Postgres;
pub use self::service::Service;
