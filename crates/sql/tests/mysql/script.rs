//! Scripts: a whole unit in one round trip.

use std::time::Duration;

use futures_util::FutureExt;
use sessionpool_core::{Condition, Session, TxOptions};
use sessionpool_sql::{MySqlSession, Script, SqlFailure};
use sessionpool_testkit::proxy::{Direction, Then};

use crate::place::{
    Place, assert_clean, begin, code, committed, failure, one, release, rolled_back, unknown,
};

#[path = "../common/script.rs"]
mod shared;

rules! {
    #[ignore = "needs MariaDB"]
    shared: a_script_is_kept_within_the_sandbox,
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_script_is_one_round_trip_and_leaves_the_session_clean() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let before = place.proxy.round_trips();
    let script = Script::new("insert into t values (1); select * from t; insert into t values (2)");
    committed(session.run(&script).await);
    assert_eq!(place.proxy.round_trips() - before, 1);
    assert_clean(&session);
    assert_eq!(place.rows().await, [1, 2]);
    committed(session.run(&Script::new("insert into t values (3) -- and a comment")).await);
    committed(session.run(&Script::new(" ; insert into t values (4);; ")).await);
    committed(session.run(&Script::new(" -- nothing at all")).await);
    assert_eq!(place.rows().await, [1, 2, 3, 4]);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_script_is_all_or_nothing() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for work in [
        "insert into t values (1); insert into t values (1)",
        "insert into t values (1); insert into nowhere values (1); insert into t values (2)",
        "insert into t values (1); nonsense",
    ] {
        rolled_back(session.run(&Script::new(work)).await);
        release(&mut session).await;
        assert!(place.rows().await.is_empty(), "{work}");
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_script_has_the_options_of_a_unit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let options = TxOptions::new().setting("app.tenant", "7").lock_timeout(Duration::from_secs(3));
    let script = Script::new("insert into t select @`app.tenant` * @@innodb_lock_wait_timeout");
    committed(session.run(&script.options(options)).await);
    assert_eq!(place.rows().await, [21]);
    assert_eq!(one(&mut session, "select @`app.tenant` is null").await, 1);
    let script = Script::new("insert into t values (1)").options(TxOptions::new().read_only());
    assert_eq!(code(&rolled_back(session.run(&script).await)), 1792);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_script_that_meddles_with_transactions_is_not_run() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let before = place.proxy.round_trips();
    for work in [
        "insert into t values (1); commit",
        "insert into t values (1); create table u (x int)",
        "insert into t values (1); /*!40101 rollback */",
        "insert into t values (1); call p()",
        "set autocommit = 0; insert into t values (1)",
    ] {
        let error = rolled_back(session.run(&Script::new(work)).await);
        assert!(matches!(failure(&error), SqlFailure::ScriptRefused { .. }), "{work}");
    }
    begin(&mut session).await;
    let error = rolled_back(session.run(&Script::new("insert into t values (1)")).await);
    assert!(matches!(failure(&error), SqlFailure::ScriptRefused { .. }));
    assert_eq!(place.proxy.round_trips() - before, 1);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_script_whose_transaction_was_ended_inside_is_not_said_to_be_committed() {
    let place = Place::new().await;
    let mut session = place.session().await;
    // A deadlock would do the same; a savepoint of that name is simpler to take away.
    let script = Script::new("insert into t values (1); release savepoint sessionpool_unit_1");
    let error = unknown(session.run(&script).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_script_that_was_dropped_is_unknown_and_leaves_nothing_open() {
    let place = Place::new().await;
    let mut session = place.session().await;
    assert!(session.run(&Script::new("insert into t values (1)")).now_or_never().is_none());
    assert_eq!(session.condition(), Condition::Busy);
    release(&mut session).await;
    assert_eq!(one(&mut session, "select @@in_transaction").await, 0);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_lost_answer_to_a_script_is_unknown() {
    let place = Place::new().await;
    let mut session = place.session().await;
    place.proxy.when(Direction::ToServer, "COMMIT", Then::Withhold);
    let script = Script::new("insert into t values (1)");
    let given_up = tokio::time::timeout(Duration::from_millis(200), session.run(&script)).await;
    assert!(given_up.is_err());
    place.becomes("1", "select count(*) from t").await;
    place.proxy.reset_all();
    MySqlSession::release(&mut session).await.unwrap_err();
}
