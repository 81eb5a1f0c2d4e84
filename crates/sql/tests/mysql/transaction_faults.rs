//! The faults of sqlx's transactions over MySQL, shown on sqlx, and ours without them.
//!
//! Numbered as in `tests/postgres/faults.rs`; F1, F2, F4, F8 and F9 are in
//! `driver_faults.rs`. F10 is one of axum-sqlx-tx, which this crate has nothing to do with.
//!
//! F5 and F6 take another form here. MySQL knows no aborted transaction that refuses every
//! statement (PostgreSQL's 25P02): it goes on as if nothing had happened, which is worse.
//! A `BEGIN` whose second part fails leaves a transaction *open* (F5), and after an error
//! that has undone the transaction (a deadlock, 1213) the rest of it is committed alone
//! (F6).

use sessionpool_core::{Pool, TxError};
use sessionpool_sql::MySqlSession;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::{Connection, Executor};

use crate::place::{Failed, Place, SOON, begin, code, commit, insert, run};

#[path = "../common/faults.rs"]
mod shared;

/// A pool of one: whoever comes next gets what the last one left.
fn pool(place: &Place) -> Pool<MySqlSession> {
    Pool::builder(place.mysql()).max_size(1).acquire_timeout(SOON).build().unwrap()
}

mod f3_a_begin_with_options_inside_a_transaction {
    use super::*;

    rules! {
        #[ignore = "needs MariaDB"]
        shared: sqlx_refuses_it_and_rolls_back_the_outer_one_and_says_it_was_committed,
    }

    /// A savepoint is the only way in, and has no options. A `BEGIN` sent by hand commits
    /// what was there before, as MySQL has it: it is told.
    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn here_it_is_told() {
        let place = Place::new().await;
        let mut session = place.session().await;
        begin(&mut session).await;
        insert(&mut session, 1).await;
        run(&mut session, "start transaction read only").await;
        let outcome = sessionpool_core::Transactional::commit(&mut session).await;
        assert!(matches!(outcome, sessionpool_core::CommitOutcome::Unknown(_)), "{outcome:?}");
        assert_eq!(place.rows().await, [1]);
    }
}

mod f5_a_begin_whose_second_part_fails {
    use super::*;

    const TEXT: &str = "start transaction; set nonsense = 1";

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn sqlx_lends_the_open_transaction_and_loses_the_next_ones_write() {
        let place = Place::new().await;
        let options = MySqlPoolOptions::new().max_connections(1);
        let pool = options.connect_with(place.options()).await.unwrap();
        assert!(pool.begin_with(TEXT).await.is_err());
        pool.execute("insert into t values (1)").await.unwrap();
        assert!(place.rows().await.is_empty(), "sqlx has learned: this fault is gone");
    }

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn here_nothing_is_left_of_it() {
        let place = Place::new().await;
        let pool = pool(&place);
        let mut lease = pool.acquire().await.unwrap();
        lease.execute(TEXT).await.unwrap_err();
        drop(lease);
        insert(&mut pool.acquire().await.unwrap(), 1).await;
        assert_eq!(place.rows().await, [1]);
    }
}

mod f6_the_commit_of_a_transaction_that_was_undone {
    use super::*;

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn sqlx_commits_the_rest_alone_and_says_it_was_committed() {
        let place = Place::new().await;
        let mut plain = place.plain().await;
        let mut tx = plain.begin().await.unwrap();
        tx.execute("insert into t values (5)").await.unwrap();
        assert_eq!(code(&place.deadlock(&mut *tx).await), 1213);
        tx.execute("insert into t values (6)").await.unwrap();
        tx.commit().await.expect("sqlx has learned: this fault is gone");
        assert_eq!(place.rows().await, [6], "sqlx has learned: this fault is gone");
    }

    /// By way of a pool, whoever swallows the error.
    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn here_nothing_is_committed_and_the_error_is_named() {
        let place = Place::new().await;
        let pool = pool(&place);
        let mut other = place.session().await;
        let answer = pool.transaction(async |tx| {
            insert(tx, 5).await;
            begin(&mut other).await;
            run(&mut other, "insert into t values (100), (101), (102), (103), (104)").await;
            insert(&mut other, 1).await;
            insert(tx, 2).await;
            let others = async { other.execute("insert into t values (2)").await.map(drop) };
            let ours = async { tx.execute("insert into t values (1)").await.map(drop) };
            let (others, ours) = tokio::join!(others, ours);
            others.unwrap();
            assert_eq!(code(&ours.unwrap_err()), 1213);
            Ok::<_, Failed>(())
        });
        let error = Box::pin(answer).await.unwrap_err();
        let Failed::Tx(TxError::RolledBack { .. }) = error else { panic!("{error:?}") };
        commit(&mut other).await;
        assert_eq!(place.rows().await, [1, 2, 100, 101, 102, 103, 104]);
    }
}

mod f7_a_transaction_that_is_dropped {
    use super::shared;

    rules! {
        #[ignore = "needs MariaDB"]
        shared: here_it_is_rolled_back_before_anybody_asks, sqlx_only_queues_the_rollback,
    }
}
