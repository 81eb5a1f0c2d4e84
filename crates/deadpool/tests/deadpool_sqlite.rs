//! `deadpool-sqlite` as published, in our pool: what that promises, and what it cannot.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use deadpool_sqlite::rusqlite::{self, Connection};
use deadpool_sqlite::{Config, Hook, HookError, Manager, Runtime};
use sessionpool_core::{Backend, Lease, Pool, ReleaseError, Session};
use sessionpool_deadpool::{DeadpoolSession, FromDeadpool};
use tempfile::TempDir;

const AWHILE: Duration = Duration::from_secs(5);

type Sqlite = DeadpoolSession<Manager>;

/// A database with a table `t (x)` in it.
struct Database(TempDir);

impl Database {
    fn new() -> Self {
        let database = Self(tempfile::tempdir().unwrap());
        database.connection().execute_batch("create table t (x)").unwrap();
        database
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("test.db")
    }

    /// A connection of nobody's pool.
    fn connection(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    fn rows(&self) -> i64 {
        self.connection().query_row("select count(*) from t", [], |row| row.get(0)).unwrap()
    }

    fn backend(&self) -> FromDeadpool<Manager> {
        FromDeadpool::new(Manager::from_config(&Config::new(self.path()), Runtime::Tokio1))
    }
}

fn pool(backend: FromDeadpool<Manager>) -> Pool<Sqlite> {
    Pool::builder(backend).max_size(1).build().unwrap()
}

async fn on<T: Send + 'static>(
    session: &Lease<Sqlite>,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
) -> T {
    session.interact(work).await.unwrap().unwrap()
}

async fn leaves_a_transaction_open(session: &Lease<Sqlite>) {
    on(session, |it| it.execute_batch("begin immediate; insert into t values (1)")).await;
}

async fn is_in_a_transaction(session: &Lease<Sqlite>) -> bool {
    on(session, |it| Ok(!it.is_autocommit())).await
}

/// Marks a session, to be known by.
async fn mark(session: &Lease<Sqlite>) {
    on(session, |it| it.execute_batch("create temp table mark (x)")).await;
}

async fn is_marked(session: &Lease<Sqlite>) -> bool {
    on(session, |it| {
        it.query_row("select count(*) from sqlite_temp_master", [], |row| row.get::<_, i64>(0))
    })
    .await
        > 0
}

#[tokio::test]
async fn it_plugs_in() {
    let database = Database::new();
    let pool = pool(database.backend());
    for row in 0..3 {
        let session = pool.acquire().await.unwrap();
        assert_eq!(is_marked(&session).await, row > 0, "it is one session");
        if row == 0 {
            mark(&session).await;
        }
        on(&session, move |it| it.execute("insert into t values (?)", [row])).await;
        session.release().await.unwrap();
    }
    assert_eq!(database.rows(), 3);
    assert_eq!(DeadpoolSession::metrics(&pool.acquire().await.unwrap()).recycle_count, 3);
    assert!(pool.close(AWHILE).await.is_complete());
}

/// What [`FromDeadpool`] says it cannot promise: `recycle` answers that all is well.
#[tokio::test]
async fn an_open_transaction_gets_through() {
    let database = Database::new();
    let pool = pool(database.backend());
    let session = pool.acquire().await.unwrap();
    leaves_a_transaction_open(&session).await;
    session.release().await.unwrap();

    let next = pool.acquire().await.unwrap();
    assert!(is_in_a_transaction(&next).await);
    drop(next);
    pool.close(AWHILE).await;
}

#[tokio::test]
async fn a_hook_rolls_back_what_is_open() {
    let database = Database::new();
    let pool = pool(database.backend().pre_recycle(Hook::async_fn(|session, _| {
        Box::pin(async {
            let rolled_back = session.interact(|it| match it.is_autocommit() {
                true => Ok(()),
                false => it.execute_batch("rollback"),
            });
            rolled_back
                .await
                .map_err(|error| HookError::message(error.to_string()))?
                .map_err(HookError::Backend)
        })
    })));
    let session = pool.acquire().await.unwrap();
    mark(&session).await;
    leaves_a_transaction_open(&session).await;
    drop(session);

    let next = pool.acquire().await.unwrap();
    assert!(!is_in_a_transaction(&next).await);
    assert!(is_marked(&next).await, "it is the same session");
    assert_eq!(database.rows(), 0);
    drop(next);
    assert!(pool.close(AWHILE).await.is_complete());
}

#[tokio::test]
async fn a_hook_ends_the_session_with_a_transaction_open() {
    let database = Database::new();
    let pool = pool(database.backend().pre_recycle(Hook::async_fn(|session, _| {
        Box::pin(async {
            match session.interact(|it| it.is_autocommit()).await {
                Ok(true) => Ok(()),
                _ => Err(HookError::message("a transaction is open")),
            }
        })
    })));
    let session = pool.acquire().await.unwrap();
    mark(&session).await;
    leaves_a_transaction_open(&session).await;
    let error = session.release().await.unwrap_err();
    let ReleaseError::Failed { cause, .. } = error else { panic!("{error:?}") };
    assert_eq!(
        cause.to_string(),
        "the object was refused when it came back: a transaction is open"
    );

    let next = pool.acquire().await.unwrap();
    assert!(!is_in_a_transaction(&next).await && !is_marked(&next).await);
    drop(next);
    assert!(pool.close(AWHILE).await.is_complete());
    assert_eq!(database.rows(), 0);
}

#[tokio::test]
async fn a_discarded_session_takes_its_transaction_along() {
    let database = Database::new();
    let pool = pool(database.backend());
    let session = pool.acquire().await.unwrap();
    leaves_a_transaction_open(&session).await;
    session.discard();

    let next = pool.acquire().await.unwrap();
    assert!(!is_in_a_transaction(&next).await);
    drop(next);
    assert!(pool.close(AWHILE).await.is_complete());
    assert_eq!(database.rows(), 0);
}

/// One that has not begun may do so later: [`FromDeadpool`] says so.
#[tokio::test]
async fn a_request_that_has_begun_runs_to_its_end_before_the_next_borrower() {
    let database = Database::new();
    let pool = pool(database.backend());
    let session = pool.acquire().await.unwrap();
    let (begin, begun) = tokio::sync::oneshot::channel();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let request = session.interact(move |it| {
        begin.send(()).unwrap();
        let _ = gone.recv();
        it.execute_batch("insert into t values (1)")
    });
    tokio::select! {
        _ = request => panic!("it waits for us"),
        begun = begun => begun.unwrap(),
    }
    drop(session);
    assert!(pool.try_acquire().is_err());
    drop(go);

    let next = pool.acquire().await.unwrap();
    let rows: i64 = on(&next, |it| it.query_row("select count(*) from t", [], |r| r.get(0))).await;
    assert_eq!(rows, 1);
    drop(next);
    assert!(pool.close(AWHILE).await.is_complete());
}

#[tokio::test]
async fn a_poisoned_connection_is_ended() {
    let database = Database::new();
    let pool = pool(database.backend());
    let session = pool.acquire().await.unwrap();
    mark(&session).await;
    session.interact(|_| panic!("the borrower's own")).await.unwrap_err();
    drop(session);
    let next = pool.acquire().await.unwrap();
    assert!(!is_marked(&next).await);
    drop(next);
    assert!(pool.close(AWHILE).await.is_complete());
}

/// Its drop spawns, and panics where it cannot.
#[test]
fn a_connection_may_be_dropped_without_a_runtime() {
    let database = Database::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let [first, second] = runtime.block_on(async {
        let backend = database.backend();
        [backend.open().await.unwrap(), backend.open().await.unwrap()]
    });
    Session::abort(first);
    drop(runtime);
    Session::abort(second);
    assert_eq!(database.rows(), 0);
}
