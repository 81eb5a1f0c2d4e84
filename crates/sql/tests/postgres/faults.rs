//! The faults of plain sqlx 0.9 (and of deadpool around it) that this crate is built
//! to be without, each shown once on sqlx and once as it is here.
//!
//! Numbered as when they were found; four of the ten are another database's or another
//! library's.

use futures_util::FutureExt;
use sessionpool_core::{Condition, Pool, Retry, Rollback, Session, Transactional, Tx, TxError};
use sessionpool_sql::{PgSession, Postgres, SqlFailure};
use sessionpool_testkit::proxy::{Direction, Then};
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::place::{
    Distant, Failed, Place, SOON, assert_clean, begin, code, commit, drop_half_way, failure,
    insert, release, rolled_back, run, text,
};

#[path = "../common/faults.rs"]
mod shared;

/// A pool of one: whoever comes next gets what the last one left.
fn pool(postgres: Postgres) -> Pool<PgSession> {
    Pool::builder(postgres).max_size(1).acquire_timeout(SOON).build().unwrap()
}

async fn plain_pool(place: &Place, port: u16) -> PgPool {
    let options = place.options().port(port);
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(SOON)
        .connect_with(options)
        .await
        .unwrap()
}

mod f1_a_begin_dropped_in_flight {
    use super::*;

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn sqlx_lends_the_open_transaction_and_loses_the_next_ones_write() {
        let Distant { place, proxy } = Distant::new().await;
        let pool = plain_pool(&place, proxy.port()).await;
        let trap = proxy.when(Direction::ToServer, "BEGIN", Then::GoOn);
        tokio::select! {
            biased;
            () = trap.sprung() => {}
            begun = pool.begin() => panic!("{begun:?}"),
        }
        sqlx::query("insert into t values (1)").execute(&pool).await.unwrap();
        assert!(place.rows().await.is_empty(), "sqlx has learned: this fault is gone");
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_the_next_one_finds_no_transaction() {
        let distant = Distant::new().await;
        let pool = pool(distant.postgres());
        let trap = distant.proxy.when(Direction::ToServer, "BEGIN", Then::GoOn);
        let mut unit = pool.unit();
        tokio::select! {
            biased;
            () = trap.sprung() => {}
            begun = unit.session() => panic!("{begun:?}"),
        }
        drop(unit);
        let place = distant.place;
        let mut lease = pool.acquire().await.unwrap();
        insert(&mut lease, 1).await;
        assert_eq!(place.rows().await, [1]);
    }
}

mod f2_a_nested_begin_that_is_dropped {
    use super::*;

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn sqlx_rolls_back_the_outer_one_and_says_it_was_committed() {
        let Distant { place, proxy } = Distant::new().await;
        let pool = plain_pool(&place, proxy.port()).await;
        let mut outer = pool.begin().await.unwrap();
        outer.execute("insert into t values (1)").await.unwrap();
        assert!(outer.begin().now_or_never().is_none());
        outer.execute("insert into t values (2)").await.unwrap();
        outer.commit().await.unwrap();
        assert_eq!(place.rows().await, [2], "sqlx has learned: this fault is gone");
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_the_outer_one_goes_on() {
        let distant = Distant::new().await;
        let mut session = distant.session().await;
        begin(&mut session).await;
        insert(&mut session, 1).await;
        assert!(PgSession::savepoint(&mut session).now_or_never().is_none());
        insert(&mut session, 2).await;
        commit(&mut session).await;
        assert_eq!(distant.place.rows().await, [1, 2]);
    }

    /// In a unit of a pool's, what was in the savepoint may be mixed with the rest.
    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_a_unit_is_not_committed_without_it() {
        let place = Place::new().await;
        let pool = pool(place.postgres());
        let answer = pool.transaction(async |tx| {
            insert(tx, 1).await;
            let inside = Notify::new();
            let nested = tx.savepoint(async |_| {
                inside.notify_one();
                std::future::pending::<()>().await;
                Ok::<_, Failed>(())
            });
            tokio::select! {
                answer = nested => panic!("{answer:?}"),
                () = inside.notified() => {}
            }
            Ok::<_, Failed>(())
        });
        let Err(Failed::Tx(TxError::RolledBack { why, .. })) = answer.await else { panic!() };
        assert_eq!(why, Rollback::SavepointAbandoned);
        assert!(place.rows().await.is_empty());
    }
}

mod f3_a_begin_with_options_inside_a_transaction {
    use super::*;

    rules! {
        #[ignore = "needs PostgreSQL"]
        shared: sqlx_refuses_it_and_rolls_back_the_outer_one_and_says_it_was_committed,
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_it_changes_nothing() {
        let place = Place::new().await;
        let mut session = place.session().await;
        begin(&mut session).await;
        insert(&mut session, 1).await;
        // Sent by hand, it is a warning of the server's.
        run(&mut session, "begin").await;
        commit(&mut session).await;
        assert_eq!(place.rows().await, [1]);
    }
}

mod f5_a_begin_whose_second_part_fails {
    use super::*;

    const TEXT: &str = "BEGIN; SET LOCAL nonsense = 1";

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn sqlx_lends_the_aborted_transaction() {
        let place = Place::new().await;
        let pool = plain_pool(&place, place.server.port()).await;
        assert!(pool.begin_with(TEXT).await.is_err());
        for _ in 0..5 {
            let error = sqlx::query("select 1").execute(&pool).await.expect_err("learned?");
            assert_eq!(code(&error), "25P02");
        }
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_nothing_is_left_of_it() {
        let place = Place::new().await;
        let pool = pool(place.postgres());
        let mut unit =
            pool.unit_in(sessionpool_core::TxOptions::new().setting("role", "nobody_at_all"));
        assert!(matches!(unit.session().await, Err(TxError::Begin { .. })));
        drop(unit);
        let mut lease = pool.acquire().await.unwrap();
        assert!(lease.execute(TEXT).await.is_err());
        drop(lease);
        let mut lease = pool.acquire().await.unwrap();
        insert(&mut lease, 1).await;
        assert_eq!(place.rows().await, [1]);
        assert_eq!(pool.status().counters.opened, 1, "and no session was lost");
    }
}

mod f6_the_commit_of_an_aborted_transaction {
    use super::*;

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn sqlx_says_it_was_committed() {
        let place = Place::new().await;
        let mut plain = place.plain().await;
        let mut tx = plain.begin().await.unwrap();
        tx.execute("insert into t values (1)").await.unwrap();
        assert!(tx.execute("nonsense").await.is_err());
        tx.commit().await.expect("sqlx has learned: this fault is gone");
        assert!(place.rows().await.is_empty());
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_it_was_rolled_back_and_the_first_error_is_named() {
        let place = Place::new().await;
        let pool = pool(place.postgres());
        let answer = pool.transaction(async |tx| {
            insert(tx, 1).await;
            assert!(sqlx::query("select nonsense").execute(&mut **tx).await.is_err());
            Ok::<_, Failed>(())
        });
        let Err(Failed::Tx(TxError::RolledBack { cause: Some(cause), .. })) = answer.await else {
            panic!()
        };
        let own = SqlFailure::of(cause.downcast_ref().unwrap()).unwrap();
        let SqlFailure::PendingRollback { source, .. } = own else { panic!("{own}") };
        assert_eq!(source.code, "42703");
        assert!(place.rows().await.is_empty());
    }
}

mod f7_a_transaction_that_is_dropped {
    use super::shared;

    rules! {
        #[ignore = "needs PostgreSQL"]
        shared: here_it_is_rolled_back_before_anybody_asks, sqlx_only_queues_the_rollback,
    }
}

mod f8_what_a_borrower_leaves_behind {
    use super::*;

    const LOOK: &str = "select concat_ws('|', current_setting('search_path'), current_user, \
         current_setting('app.tenant', true), to_regclass('pg_temp.mine'), \
         (select nullif(count(*), 0) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()))";

    const LEAVE: [&str; 6] = [
        "set search_path = other",
        "set app.tenant = '7'",
        "create temp table mine (x int)",
        "select pg_advisory_lock(1)",
        "begin",
        "set role pg_monitor",
    ];

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn sqlx_lends_it_to_the_next_one() {
        let place = Place::new().await;
        let pool = plain_pool(&place, place.server.port()).await;
        for sql in LEAVE {
            pool.execute(sql).await.unwrap();
        }
        let left: String = sqlx::query_scalar(LOOK).fetch_one(&pool).await.unwrap();
        assert_eq!(left, "other|pg_monitor|7|mine|1", "sqlx has learned: this fault is gone");
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_the_next_one_finds_nothing() {
        let place = Place::new().await;
        let pool = pool(place.postgres());
        let mut lease = pool.acquire().await.unwrap();
        let fresh = text(&mut lease, LOOK).await;
        for sql in LEAVE {
            lease.execute(sql).await.unwrap();
        }
        drop(lease);
        let mut lease = pool.acquire().await.unwrap();
        assert_eq!(text(&mut lease, LOOK).await.trim_end_matches('|'), fresh);
        assert_eq!(pool.status().counters.opened, 1);
    }
}

mod f9_a_query_that_is_dropped {
    use super::*;

    const LATE_ERROR: &str = "select 1 / 0";

    const ACTIVE: &str = "select count(*) from pg_stat_activity \
         where datname = current_database() and query like 'select pg_sleep%' and state = 'active'";

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn sqlx_lets_it_run_and_gives_its_error_to_the_next_one() {
        let place = Place::new().await;
        let mut plain = place.plain().await;
        assert!(plain.execute("select pg_sleep(0.2)").now_or_never().is_none());
        place.becomes(1, ACTIVE).await;
        place.becomes(0, ACTIVE).await;

        let distant = Distant::new().await;
        let mut plain = PgConnection::connect_with(&distant.options()).await.unwrap();
        assert!(plain.execute(LATE_ERROR).now_or_never().is_none());
        let error = plain.execute("select 1").await.expect_err("sqlx has learned");
        assert_eq!(code(&error), "22012");
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_it_is_cancelled_and_its_error_is_nobody_elses() {
        let distant = Distant::new().await;
        let place = &distant.place;
        let pool = pool(distant.postgres());
        let mut lease = pool.acquire().await.unwrap();
        drop_half_way(&mut lease, "select pg_sleep(3600)");
        place.becomes(1, ACTIVE).await;
        drop(lease);
        let mut lease = timeout(SOON, pool.acquire()).await.unwrap().unwrap();
        assert_eq!(text(&mut lease, "select 'own'").await, "own");
        place.becomes(0, ACTIVE).await;

        drop_half_way(&mut lease, LATE_ERROR);
        assert_eq!(text(&mut lease, "select 'own'").await, "own");
        assert_clean(&*lease);
        assert_eq!(pool.status().counters.opened, 1);
    }
}

/// Sent again on a new connection, a lost commit is done twice; taken for an error, it is
/// done again by whoever asked. sqlx's error does not say which.
mod an_acknowledgement_that_is_lost {
    use super::*;

    /// Works on a line that loses the answer to a `commit`. What was done is there, once.
    async fn work(commit: &str, work: impl AsyncFnOnce(&mut Tx<PgSession>) + Clone) {
        let Distant { place, proxy } = Distant::new().await;
        let pool = pool(Postgres::new(place.options().port(proxy.port())));
        proxy.when(Direction::ToServer, commit, Then::LoseReply);
        let retry = Retry::on_conflict(5);
        let answer = pool.transaction_with(retry, async |tx| {
            work(tx).await;
            Ok::<_, Failed>(())
        });
        let Err(Failed::Tx(error)) = answer.await else { panic!() };
        assert!(error.is_outcome_unknown(), "{error}");
        assert_eq!(place.rows().await, [1]);
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_the_outcome_is_unknown_and_nothing_is_run_again() {
        work("COMMIT", async |tx| insert(tx, 1).await).await;
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn here_it_is_unknown_of_the_borrowers_own_commit_too() {
        let own = "commit /* mine */";
        work(own, async |tx| {
            insert(tx, 1).await;
            assert!(tx.execute(own).await.is_err());
        })
        .await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_session_that_was_never_clean_is_not_lent() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    assert!(sqlx::query("select nonsense").execute(&mut session).await.is_err());
    let error = rolled_back(PgSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::PendingRollback { .. }));
    assert_eq!(session.condition(), Condition::Clean);
    release(&mut session).await;
}
