//! Every public call compiles and works in the places users put it: spawned tasks,
//! handlers, `#[async_trait]` methods, generic functions, `select!`, nested scopes.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use sessionpool_core::{
    AcquireError, AcquireOptions, Lease, Pool, Retry, Status, Transactional, Tx, TxError,
    TxOptions, Unit,
};
use sessionpool_testkit::{Scripted, ScriptedError, ScriptedSession};
use tokio::task::JoinSet;

type ScriptedPool = Pool<ScriptedSession>;

#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error(transparent)]
    Write(#[from] ScriptedError),
    #[error("refused: {0}")]
    Refused(&'static str),
}

fn pool(backend: &Scripted) -> ScriptedPool {
    Pool::builder(backend.clone()).max_size(4).build().unwrap()
}

async fn pool_closes_clean(backend: &Scripted, pool: &ScriptedPool) {
    let report = pool.close(Duration::from_secs(1)).await;
    assert!(report.is_complete(), "{report}");
    backend.assert_all_ended();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_work_inside_spawned_tasks() {
    let backend = Scripted::new();
    let pool = pool(&backend);
    let name = "borrowed by the closure".to_owned();
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let row = name.as_str();
            pool.transaction(async |tx| {
                tx.write(row).await?;
                Ok::<_, AppError>(row.len())
            })
            .await?;
            pool.with(async |lease| {
                lease.write(row).await?;
                Ok::<_, AppError>(())
            })
            .await
        }
    });
    task.await.unwrap().unwrap();
    assert_eq!(backend.committed().len(), 2);
    pool_closes_clean(&backend, &pool).await;
}

/// What axum asks of a handler: its future is `Send` and `'static`.
fn handler<F>(handle: F) -> impl Future<Output = Result<String, AppError>> + Send + 'static
where
    F: Future<Output = Result<String, AppError>> + Send + 'static,
{
    handle
}

async fn create(pool: ScriptedPool, body: String) -> Result<String, AppError> {
    let mut unit = pool.unit();
    unit.session().await?.write(&body).await?;
    unit.commit().await?;
    pool.transaction(async |tx| {
        tx.write(&body).await?;
        Ok::<_, AppError>(())
    })
    .await?;
    Ok(body)
}

#[tokio::test]
async fn scopes_work_inside_handlers() {
    let backend = Scripted::new();
    let pool = pool(&backend);
    let answer = tokio::spawn(handler(create(pool.clone(), "posted".to_owned()))).await.unwrap();
    assert_eq!(answer.unwrap(), "posted");
    pool_closes_clean(&backend, &pool).await;
}

#[async_trait]
trait Repository: Send + Sync {
    async fn add(&self, row: &str) -> Result<(), AppError>;
}

struct Rows {
    pool: ScriptedPool,
}

#[async_trait]
impl Repository for Rows {
    async fn add(&self, row: &str) -> Result<(), AppError> {
        self.pool
            .transaction(async |tx| {
                tx.write(row).await?;
                tx.savepoint(async |tx| {
                    tx.write("more").await?;
                    Ok::<_, AppError>(())
                })
                .await
            })
            .await
    }
}

#[tokio::test]
async fn scopes_work_inside_async_trait_methods() {
    let backend = Scripted::new();
    let pool = pool(&backend);
    let repository: Box<dyn Repository> = Box::new(Rows { pool: pool.clone() });
    tokio::spawn(async move { repository.add("a row").await }).await.unwrap().unwrap();
    assert_eq!(backend.committed(), ["a row", "more"]);
    pool_closes_clean(&backend, &pool).await;
}

/// Generic over the session: what a library on top of the pool writes.
async fn transfer<S: Transactional>(pool: &Pool<S>) -> Result<u32, TxError> {
    pool.transaction(async |tx: &mut Tx<S>| {
        tx.savepoint(async |_| Ok::<_, TxError>(())).await?;
        Ok(7)
    })
    .await
}

async fn report<S: Transactional>(pool: Pool<S>) -> Result<Status, TxError> {
    let mut unit: Unit<S> = pool.unit_in(TxOptions::new().read_only());
    let _session: &mut S = unit.session().await?;
    unit.close().await?;
    Ok(unit.pool().status())
}

#[tokio::test]
async fn generic_functions_take_any_transactional_session() {
    let backend = Scripted::new();
    let pool = pool(&backend);
    assert_eq!(transfer(&pool).await.unwrap(), 7);
    let spawned = tokio::spawn({
        let pool = pool.clone();
        async move { transfer(&pool).await }
    });
    assert_eq!(spawned.await.unwrap().unwrap(), 7);
    assert_eq!(tokio::spawn(report(pool.clone())).await.unwrap().unwrap().leased, 0);
    pool_closes_clean(&backend, &pool).await;
}

#[async_trait]
impl Repository for ScriptedPool {
    async fn add(&self, row: &str) -> Result<(), AppError> {
        self.transaction_with(Retry::on_conflict(5), async |tx| {
            tx.write(row).await?;
            Ok::<_, AppError>(())
        })
        .await
    }
}

#[tokio::test]
async fn retries_work_inside_spawned_tasks_and_async_trait_methods() {
    let backend = Scripted::new();
    let pool = pool(&backend);
    let name = "borrowed by the closure".to_owned();
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let row = name.as_str();
            pool.transaction_with(Retry::on_conflict(1), async |tx| {
                tx.write(row).await?;
                Ok::<_, AppError>(())
            })
            .await?;
            pool.add(row).await
        }
    });
    task.await.unwrap().unwrap();
    assert_eq!(backend.committed().len(), 2);
    pool_closes_clean(&backend, &pool).await;
}

#[tokio::test]
async fn scopes_work_inside_select_and_join_sets() {
    let backend = Scripted::new();
    let pool = pool(&backend);
    tokio::select! {
        answer = pool.transaction(async |tx| { tx.write("won").await?; Ok::<_, AppError>(()) }) => answer.unwrap(),
        () = std::future::pending() => unreachable!(),
    }
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let pool = pool.clone();
        tasks.spawn(async move {
            pool.transaction(async |tx| {
                tx.write(&number.to_string()).await?;
                Ok::<_, AppError>(())
            })
            .await
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap().unwrap();
    }
    assert_eq!(backend.committed().len(), 9);
    pool_closes_clean(&backend, &pool).await;
}

#[tokio::test]
async fn savepoints_nest_in_transactions_and_units() {
    let backend = Scripted::new();
    let pool = pool(&backend);
    pool.transaction(async |tx| {
        tx.write("1").await?;
        let undone: Result<(), AppError> = tx
            .savepoint(async |tx| {
                tx.write("2").await?;
                tx.savepoint(async |tx| {
                    tx.write("3").await?;
                    Ok::<_, AppError>(())
                })
                .await?;
                Err(AppError::Refused("by the outer savepoint"))
            })
            .await;
        assert!(matches!(undone, Err(AppError::Refused(_))));
        tx.write("4").await?;
        Ok::<_, AppError>(())
    })
    .await
    .unwrap();
    let mut unit = pool.unit();
    unit.savepoint(async |tx| {
        tx.write("5").await?;
        Ok::<_, AppError>(())
    })
    .await
    .unwrap();
    unit.commit().await.unwrap();
    assert_eq!(backend.committed(), ["1", "4", "5"]);
    pool_closes_clean(&backend, &pool).await;
}

#[tokio::test]
async fn leases_and_units_move_into_structs_and_tasks() {
    struct Job {
        lease: Lease<ScriptedSession>,
        unit: Unit<ScriptedSession>,
    }
    let backend = Scripted::new();
    let pool = pool(&backend);
    let options = AcquireOptions::new().timeout(Duration::from_secs(2));
    let mut job = Job { lease: pool.acquire_with(options).await.unwrap(), unit: pool.unit() };
    let job = tokio::spawn(async move {
        job.lease.write("by lease").await?;
        job.unit.session().await?.write("by unit").await?;
        job.unit.commit().await?;
        job.lease.release().await.map_err(|_| AppError::Refused("release"))?;
        Ok::<_, AppError>(job.unit)
    });
    drop(job.await.unwrap().unwrap());
    assert_eq!(backend.committed(), ["by lease", "by unit"]);
    pool_closes_clean(&backend, &pool).await;
}

#[test]
fn everything_users_hold_is_send_and_what_they_share_is_sync() {
    fn send<T: Send + 'static>() {}
    fn sync<T: Sync>() {}
    send::<ScriptedPool>();
    sync::<ScriptedPool>();
    send::<Lease<ScriptedSession>>();
    send::<Tx<ScriptedSession>>();
    send::<Unit<ScriptedSession>>();
    send::<AcquireError>();
    sync::<AcquireError>();
    send::<TxError>();
    sync::<TxError>();
}
