//! What work costs, counted on the line.

use sqlx::{Connection, Executor};

use crate::place::{Failed, Place, Server, Worker, assert_clean, over_both};

over_both!(
    a_unit_of_one_statement_is_begin_statement_commit_and_nothing_else,
    a_statement_alone_is_itself_and_nothing_else,
);

async fn a_unit_of_one_statement_is_begin_statement_commit_and_nothing_else<S: Server>() {
    let place = Place::<S>::new(|pool| pool.max_size(1)).await;
    let unit = async || {
        let unit = place.pool.transaction(async |tx| Ok::<_, Failed>(tx.insert(1).await?));
        Box::pin(unit).await.unwrap();
    };
    unit().await; // opened, and prepared
    let before = place.proxy.round_trips();
    for _ in 0..10 {
        unit().await;
    }
    assert_eq!(place.proxy.round_trips() - before, 30);
    assert_eq!(place.pool.status().counters.opened, 1);
}

async fn a_statement_alone_is_itself_and_nothing_else<S: Server>() {
    let place = Place::<S>::new(|pool| pool.max_size(1)).await;
    let statement = async || {
        let mut lease = place.pool.acquire().await.unwrap();
        lease.insert(1).await.unwrap();
        assert_clean(&*lease);
    };
    statement().await; // opened, and prepared
    let before = place.proxy.round_trips();
    for _ in 0..10 {
        statement().await;
    }
    assert_eq!(place.proxy.round_trips() - before, 10);
}

/// What the same costs with the driver's own pool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn sqlxs_pool_asks_twice_more() {
    let place = Place::<sessionpool_testkit::server::Postgres>::new(|pool| pool).await;
    let url = sessionpool::sql::ConnectUrl::parse(&place.server.url()).unwrap();
    let url = url.with_port(place.proxy.port());
    let options = sqlx::postgres::PgConnectOptions::try_from(&url).unwrap();
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_with(options);
    let pool = pool.await.unwrap();
    let unit = async || {
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("insert into t values ($1)").bind(1_i64).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    unit().await;
    // The ping of its return may still be on its way.
    pool.acquire().await.unwrap().ping().await.unwrap();
    pool.execute("select 1").await.unwrap();
    let before = place.proxy.round_trips();
    for _ in 0..10 {
        unit().await;
    }
    drop(pool.acquire().await.unwrap());
    let trips = place.proxy.round_trips() - before;
    assert!((50..=53).contains(&trips), "{trips}");
}
