//! PgBouncer in transaction mode in front.

use futures_util::future::join_all;
use sessionpool_core::{
    Backend, CommitOutcome, Condition, Pool, Session, Transactional, TxOptions,
};
use sessionpool_sql::{PgSession, Postgres, SqlFailure};
use sessionpool_testkit::server::PgBouncer;
use sqlx::Executor;

use crate::place::{
    Place, assert_clean, begin, commit, drop_half_way, failure, insert, one, release, rolled_back,
    run, text, unknown,
};

/// Two sessions of the server's for however many of ours.
async fn pooler(place: &Place) -> PgBouncer {
    PgBouncer::in_front_of_with(place.server, &[("default_pool_size", "2")]).await
}

fn postgres(pooler: &PgBouncer, place: &Place) -> Postgres {
    Postgres::connect(&pooler.url_of(&place.database)).unwrap().behind_pooler()
}

#[tokio::test]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn units_share_the_servers_sessions_and_mix_nothing_up() {
    let place = Place::new().await;
    let pooler = pooler(&place).await;
    let pool = Pool::builder(postgres(&pooler, &place)).max_size(8).build().unwrap();
    let units = (0..8).map(|task| {
        let pool = pool.clone();
        async move {
            for round in 0..20_i64 {
                let x = task * 100 + round;
                let options = TxOptions::new().setting("app.tenant", x.to_string());
                let mut unit = pool.unit_in(options);
                insert(Box::pin(unit.session()).await.unwrap(), x).await;
                let session = unit.session().await.unwrap();
                let tenant = text(session, "select current_setting('app.tenant')").await;
                assert_eq!(tenant, x.to_string());
                let found: sqlx::Result<i64> =
                    sqlx::query_scalar("select x from t where x = $1 and $2 = 'b'")
                        .bind(x)
                        .bind("b")
                        .fetch_one(session)
                        .await;
                assert_eq!(found.unwrap(), x);
                unit.commit().await.unwrap();
            }
        }
    });
    join_all(units).await;
    assert_eq!(place.rows().await.len(), 160);
    let left = "select count(*) from pg_prepared_statements";
    let mut lease = pool.acquire().await.unwrap();
    assert_eq!(one(&mut lease, left).await, 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn a_statement_with_parameters_needs_a_transaction() {
    let place = Place::new().await;
    let pooler = pooler(&place).await;
    let mut session = postgres(&pooler, &place).open().await.unwrap();
    assert_eq!(session.backend_pid(), None);
    let alone = sqlx::query("insert into t values ($1)").bind(1_i64).execute(&mut session).await;
    let error = alone.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::NeedsTransaction), "{error}");
    assert!((&mut session).prepare(sqlx::SqlSafeStr::into_sql_str("select 1")).await.is_err());
    assert_clean(&session);
    assert!(place.rows().await.is_empty());

    run(&mut session, "insert into t values (2)").await;
    run(&mut session, "begin").await;
    insert(&mut session, 3).await;
    assert_eq!(session.condition(), Condition::Dirty);
    run(&mut session, "commit").await;
    assert_clean(&session);
    assert_eq!(place.rows().await, [2, 3]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn outcomes_are_as_honest_as_on_a_direct_line() {
    let place = Place::new().await;
    place.run("create table child (x bigint references t deferrable initially deferred)").await;
    let pooler = pooler(&place).await;
    let mut session = postgres(&pooler, &place).open().await.unwrap();

    begin(&mut session).await;
    insert(&mut session, 1).await;
    assert!(sqlx::query("select nonsense").execute(&mut session).await.is_err());
    let error = rolled_back(PgSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::PendingRollback { .. }));

    begin(&mut session).await;
    run(&mut session, "insert into child values (2)").await;
    let error = rolled_back(PgSession::commit(&mut session).await);
    assert_eq!(crate::place::code(&error), "23503");

    begin(&mut session).await;
    insert(&mut session, 2).await;
    session.execute("rollback; select 1").await.unwrap();
    let error = unknown(PgSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{error}");
    assert_clean(&session);

    begin(&mut session).await;
    insert(&mut session, 3).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [3]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn nobody_is_cancelled_and_nothing_is_reset() {
    let place = Place::new().await;
    let pooler = pooler(&place).await;
    let mut session = postgres(&pooler, &place).open().await.unwrap();
    drop_half_way(&mut session, "select pg_sleep(0.2)");
    release(&mut session).await;
    session.execute("set statement_timeout = '1h'").await.unwrap();
    assert_clean(&session);
    session.execute("reset statement_timeout").await.unwrap();
    session.connection().unwrap().execute("select 1").await.unwrap();
    release(&mut session).await;

    begin(&mut session).await;
    insert(&mut session, 1).await;
    drop_half_way(&mut session, "insert into t select 2 from pg_sleep(0.1)");
    let outcome = PgSession::commit(&mut session).await;
    assert!(matches!(outcome, CommitOutcome::RolledBack(_)), "{outcome:?}");
    assert!(place.rows().await.is_empty());
}
