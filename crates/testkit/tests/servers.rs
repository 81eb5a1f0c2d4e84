//! Private servers start, serve, fail as they are told, and leave nothing.
#![cfg(feature = "servers")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sessionpool_testkit::server::{MariaDb, PgBouncer, Postgres};
use tokio::time::{sleep, timeout};

/// How long something may take that is bound to happen.
const SOON: Duration = Duration::from_secs(20);

/// How long to look whether something happens that must not.
const A_WHILE: Duration = Duration::from_millis(300);

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn postgres_serves_databases_of_ones_own() {
    let server = Postgres::start().await;
    let (first, second) = (server.create_database().await, server.create_database().await);
    server.psql_in(&first, "create table t (x int); insert into t values (1), (2)").await;
    assert_eq!(server.psql_in(&first, "select x, x * 2 from t").await, "1|2\n2|4");
    assert_eq!(server.psql_in(&second, "select to_regclass('t')").await, "");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn postgres_takes_settings() {
    let server = Postgres::start_with(&[("max_connections", "7")]).await;
    assert_eq!(server.psql("show max_connections").await, "7");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn postgres_keeps_what_it_acknowledged_and_its_port_when_it_starts_again() {
    let server = Postgres::start().await;
    let port = server.port();
    server.psql("create table t (x int); insert into t values (1)").await;
    server.restart().await;
    server.psql("insert into t values (2)").await;
    server.crash().await;
    assert_eq!(server.psql("select x from t").await, "1\n2");
    assert_eq!(server.port(), port);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_frozen_postgres_answers_nothing_until_it_is_thawed() {
    let server = Postgres::start().await;
    server.freeze();
    let mut asked = Box::pin(server.psql("select 1"));
    assert!(timeout(A_WHILE, &mut asked).await.is_err());
    server.thaw();
    assert_eq!(timeout(SOON, asked).await.unwrap(), "1");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_frozen_backend_leaves_the_others_alone() {
    let server = Postgres::start().await;
    let mut asked = Box::pin(server.psql("select pg_sleep(0.5), 'awake'"));
    assert!(timeout(A_WHILE, &mut asked).await.is_err());
    let sleeper = "select pid from pg_stat_activity where wait_event = 'PgSleep'";
    let pid = server.psql(sleeper).await.parse().unwrap();
    server.freeze_backend(pid);
    assert!(timeout(A_WHILE + A_WHILE, &mut asked).await.is_err());
    server.thaw_backend(pid);
    assert_eq!(timeout(SOON, asked).await.unwrap(), "|awake");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
#[should_panic(expected = "PostgreSQL has no process 1")]
async fn no_foreign_process_is_frozen() {
    Postgres::start().await.freeze_backend(1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
#[should_panic(expected = "terminating connection due to administrator command")]
async fn killed_backends_are_told() {
    let server = Postgres::start().await;
    let killed = async {
        while server.kill_backends().await == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::join!(server.psql("select pg_sleep(60)"), killed);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
#[should_panic(expected = "password authentication failed for user \"clerk\"")]
async fn whoever_is_not_the_superuser_needs_a_password() {
    let server = Postgres::start().await;
    server.psql("create role clerk login password 'right'").await;
    let port = server.port();
    let dsn = |password| format!("host=127.0.0.1 port={port} user=clerk password={password}");
    server.psql("create extension dblink").await;
    let ask = |password| {
        format!(
            "select * from dblink('{} dbname=postgres', 'select 1') as t (x int)",
            dsn(password)
        )
    };
    assert_eq!(server.psql(&ask("right")).await, "1");
    server.psql(&ask("wrong")).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
#[should_panic(expected = "unrecognized configuration parameter \"nonsense\"")]
async fn a_server_that_does_not_start_says_why() {
    Postgres::start_with(&[("nonsense", "1")]).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_is_shared_by_who_asks_for_it() {
    let (one, other) = tokio::join!(Postgres::shared(), Postgres::shared());
    assert_eq!(one.port(), other.port());
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn mariadb_serves_databases_of_ones_own() {
    let server = MariaDb::start().await;
    let (first, second) = (server.create_database().await, server.create_database().await);
    server.sql_in(&first, "create table t (x int); insert into t values (1), (2)").await;
    assert_eq!(server.sql_in(&first, "select x, x * 2 from t").await, "1\t2\n2\t4");
    assert_eq!(server.sql_in(&second, "show tables").await, "");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn mariadb_takes_settings() {
    let server = MariaDb::start_with(&[("max_connections", "17")]).await;
    assert_eq!(server.sql("select @@max_connections").await, "17");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn mariadb_keeps_what_it_acknowledged_and_its_port_when_it_starts_again() {
    let server = MariaDb::start().await;
    let port = server.port();
    server.sql("create table t (x int) engine=innodb; insert into t values (1)").await;
    server.restart().await;
    server.sql("insert into t values (2)").await;
    server.crash().await;
    assert_eq!(server.sql("select x from t").await, "1\n2");
    assert_eq!(server.port(), port);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_frozen_mariadb_answers_nothing_until_it_is_thawed() {
    let server = MariaDb::start().await;
    server.freeze();
    let mut asked = Box::pin(server.sql("select 1"));
    assert!(timeout(A_WHILE, &mut asked).await.is_err());
    server.thaw();
    assert_eq!(timeout(SOON, asked).await.unwrap(), "1");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
#[should_panic(expected = "ERROR 2013")]
async fn killed_connections_are_ended() {
    let server = MariaDb::start().await;
    let killed = async {
        while server.kill_backends().await == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::join!(server.sql("select sleep(60)"), killed);
}

#[tokio::test]
#[ignore = "needs PgBouncer and PostgreSQL"]
async fn pgbouncer_stands_in_front_of_postgres() {
    let server = Postgres::start().await;
    let pgbouncer = PgBouncer::in_front_of(&server).await;
    let dsn = format!("host=127.0.0.1 port={} user=postgres dbname=postgres", pgbouncer.port());
    server.psql("create extension dblink").await;
    let through = format!("select * from dblink('{dsn}', 'select 1 + 1') as t (x int)");
    assert_eq!(server.psql(&through).await, "2");
    assert!(pgbouncer.log().contains("login attempt: db=postgres user=postgres"));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn dropping_the_handle_leaves_no_process_no_folder_and_no_memory() {
    let server = Postgres::start().await;
    let folder = server.socket_folder().to_owned();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let (pid, memory) = (postmaster(&folder), memory(&folder));
    assert!(is_kept(&memory));
    let mapped = read(Path::new(&format!("/proc/{pid}/maps")));
    assert!(mapped.contains("/data/pg_dynshmem/") && !mapped.contains("/dev/shm/"), "{mapped}");
    drop(server);
    assert!(!is_running(pid), "the server");
    forgotten(&memory).await;
    assert!(!folder.exists(), "its folder");
    match stream.read(&mut [0]) {
        Ok(length) => assert_eq!(length, 0, "its sockets are closed"),
        Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "its sockets are open"),
    }
}

/// The test plays both parts: the one that is killed, and the one that kills.
#[tokio::test]
#[ignore = "needs PostgreSQL and MariaDB"]
async fn a_killed_test_leaves_no_process_and_no_folder() {
    const VICTIM: &str = "SESSIONPOOL_TEST_VICTIM";
    let name = "a_killed_test_leaves_no_process_and_no_folder";
    if env::var_os(VICTIM).is_some() {
        let (postgres, mariadb) = tokio::join!(Postgres::start(), MariaDb::start());
        // Frozen, so that they cannot help it.
        postgres.freeze();
        mariadb.freeze();
        println!("folder:{}", postgres.socket_folder().display());
        println!("folder:{}", mariadb.socket().parent().unwrap().display());
        sleep(Duration::from_secs(600)).await;
    }
    let mut victim = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--ignored", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let folders: Vec<String> = lines
        .map(Result::unwrap)
        .filter_map(|line| Some(line.split_once("folder:")?.1.to_owned()))
        .take(2)
        .collect();
    let of_postgres = postmaster(Path::new(&folders[0]));
    let of_mariadb: i32 = read(&Path::new(&folders[1]).join("pid")).trim().parse().unwrap();
    let children = children(of_postgres);
    assert!(children.len() > 3, "PostgreSQL is several processes: {children:?}");

    victim.kill().unwrap();
    victim.wait().unwrap();

    let started = Instant::now();
    let is_left = || {
        children.iter().chain([&of_postgres, &of_mariadb]).any(|&pid| is_running(pid))
            || folders.iter().any(|folder| Path::new(folder).exists())
    };
    while is_left() {
        assert!(started.elapsed() < SOON, "something is left of {folders:?}, {children:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_whose_watcher_is_killed_ends() {
    let server = Postgres::start().await;
    let pid = postmaster(server.socket_folder());
    let watcher = status(pid, "PPid:");
    let children = children(pid);
    assert!(Command::new("kill").args(["-9", &watcher]).status().unwrap().success());
    let started = Instant::now();
    while children.iter().chain([&pid]).any(|&pid| is_running(pid)) {
        assert!(started.elapsed() < SOON, "the server outlives its watcher");
        sleep(Duration::from_millis(10)).await;
    }
}

fn postmaster(folder: &Path) -> i32 {
    read(&folder.join("data/postmaster.pid")).lines().next().unwrap().parse().unwrap()
}

/// The number of the piece of shared memory that the kernel keeps for a server.
fn memory(folder: &Path) -> String {
    let lock = read(&folder.join("data/postmaster.pid"));
    lock.lines().nth(6).unwrap().split_whitespace().last().unwrap().to_owned()
}

fn is_kept(memory: &str) -> bool {
    let kept = read(Path::new("/proc/sysvipc/shm"));
    kept.lines().any(|line| line.split_whitespace().nth(1) == Some(memory))
}

/// Waits until the last of those who had it is gone, and it with them.
async fn forgotten(memory: &str) {
    let gone = async {
        while is_kept(memory) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, gone).await.expect("its shared memory");
}

fn children(pid: i32) -> Vec<i32> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .filter(|&child| status(child, "PPid:") == pid.to_string())
        .collect()
}

fn is_running(pid: i32) -> bool {
    let state = status(pid, "State:");
    !state.is_empty() && !state.starts_with('Z') && !state.starts_with('X')
}

/// A line of what the kernel says of a process; nothing if there is none.
fn status(pid: i32, key: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(key));
    value.unwrap_or_default().trim().to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
