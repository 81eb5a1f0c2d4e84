//! A borrower's own `BEGIN`, `COMMIT` and `ROLLBACK`, inside of units and without them.

use sessionpool_core::{Condition, Session, Transactional, TxOptions};
use sessionpool_sql::{PgSession, SqlFailure};
use sqlx::Executor;

use crate::place::{
    Distant, Place, assert_clean, begin, code, drop_half_way, failure, insert, refused_commit,
    release, run, unknown,
};

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_unit_inside_a_borrowers_own_transaction_is_refused() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "begin").await;
    insert(&mut session, 1).await;
    let error = PgSession::begin(&mut session, &TxOptions::new()).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::TransactionOpen));
    assert_clean(&session);
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_borrowers_own_rollback_is_a_rollback() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for sql in ["rollback", "/* never mind */ ABORT work"] {
        begin(&mut session).await;
        insert(&mut session, 1).await;
        run(&mut session, sql).await;
        let error =
            sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::RolledBack), "{error}");
        let error = refused_commit(&place, &mut session).await;
        assert!(matches!(failure(&error), SqlFailure::RolledBack), "{error}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_borrowers_own_commit_is_not_ours() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "commit").await;
    let error = sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{error}");
    let error = unknown(PgSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{error}");
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);
}

/// What he has committed himself is in the database, whatever is said of the rest.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn after_a_statement_that_may_have_committed_a_refusal_is_no_rollback() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "commit and chain").await;
    assert!(sqlx::query("insert into t values (1)").execute(&mut session).await.is_err());
    let error = unknown(PgSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::PendingRollback { .. }), "{error}");
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);

    begin(&mut session).await;
    insert(&mut session, 2).await;
    assert!(session.execute("commit; select nonsense").await.is_err());
    unknown(PgSession::commit(&mut session).await);
    assert_eq!(place.rows().await, [1, 2]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn after_a_commit_dropped_half_way_nothing_is_committed_alone() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    drop_half_way(&mut session, "commit");
    let error = sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{error}");
    unknown(PgSession::commit(&mut session).await);
    assert_eq!(distant.place.rows().await, [1]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_of_his_own_that_failed_commits_nothing() {
    let place = Place::new().await;
    place.run("create table child (x bigint references t deferrable initially deferred)").await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "insert into child values (2)").await;
    let error = sqlx::query("commit").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "23503");
    refused_commit(&place, &mut session).await;
}

/// Texts whose end of the transaction is hidden: only the server can tell.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_transaction_that_is_not_ours_is_not_committed() {
    let place = Place::new().await;
    for sql in [
        "commit; begin; insert into t values (2)",
        "rollback; begin; insert into t values (2)",
        "commit and chain; insert into t values (2)",
        "insert into t values (9); rollback; begin; set local sessionpool.unit = 'mine'",
    ] {
        let mut session = place.session().await;
        begin(&mut session).await;
        session.execute(sql).await.unwrap();
        let error = unknown(PgSession::commit(&mut session).await);
        assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{sql}: {error}");
        release(&mut session).await;
        assert!(place.rows().await.is_empty(), "{sql}: somebody's transaction was committed");
    }
    let mut session = place.session().await;
    for sql in ["commit", "rollback", "reset all"] {
        begin(&mut session).await;
        session.connection().unwrap().execute(sql).await.unwrap();
        let error = unknown(PgSession::commit(&mut session).await);
        assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{sql}: {error}");
        release(&mut session).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_after_chaining_is_not_ours() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    run(&mut session, "commit and chain").await;
    insert(&mut session, 2).await;
    unknown(PgSession::commit(&mut session).await);
    assert_clean(&session);
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_borrowers_own_transaction_costs_nothing_once_it_is_over() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "begin").await;
    insert(&mut session, 1).await;
    assert_eq!(session.condition(), Condition::Dirty);
    run(&mut session, "commit").await;
    assert_clean(&session);
    run(&mut session, "start transaction").await;
    insert(&mut session, 2).await;
    assert!(sqlx::query("select nonsense").execute(&mut session).await.is_err());
    // PostgreSQL's own word for it: this transaction is not ours.
    let error = sqlx::query("select 1").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "25P02");
    release(&mut session).await;
    assert_eq!(place.rows().await, [1]);
}
