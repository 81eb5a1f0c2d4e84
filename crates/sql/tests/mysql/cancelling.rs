//! Statements whose futures are dropped.

use futures_util::{FutureExt, StreamExt};
use sessionpool_core::{Condition, Fault, Session, Transactional};
use sessionpool_sql::MySqlSession;
use sessionpool_testkit::conformance::cut;
use sessionpool_testkit::proxy::{Direction, Then};
use sessionpool_testkit::server::MariaDb;
use sqlx::Executor;

use crate::place::{Place, begin, commit, drop_half_way, insert, one, release, rolled_back, run};

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_statement_left_half_way_is_ended_at_the_server_and_the_session_goes_on() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop_half_way(&mut session, "select sleep(600)");
    place.at_work(&session, 1).await;
    release(&mut session).await;
    place.at_work(&session, 0).await;
    for x in 0..20 {
        assert_eq!(one(&mut session, "select 7").await, 7);
        insert(&mut session, x).await; // a late kill would hit one of these
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn whatever_comes_next_ends_what_was_left_half_way() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop_half_way(&mut session, "select sleep(600)");
    assert_eq!(one(&mut session, "select 7").await, 7);
    drop_half_way(&mut session, "select sleep(600)");
    begin(&mut session).await;
    insert(&mut session, 1).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_read_left_half_way_does_not_cost_its_unit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    drop_half_way(&mut session, "select sleep(0.1)");
    insert(&mut session, 2).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1, 2]);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_write_left_half_way_is_not_committed() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    drop_half_way(&mut session, "insert into t select sleep(0.1)");
    rolled_back(MySqlSession::commit(&mut session).await);
    assert!(place.rows().await.is_empty());
    release(&mut session).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_session_survives_a_drop_at_every_point_of_a_prepared_statement() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let id = session.connection_id();
    for polls in 1.. {
        // Another text each time, so that each is prepared.
        let sql = format!("select ?, {polls}, '{}'", "x".repeat(100));
        let query = sqlx::query_as::<_, (i64, i64, String)>(sqlx::AssertSqlSafe(sql)).bind(1_i64);
        let done = cut(query.fetch_one(&mut session), polls).await;
        assert_eq!(one(&mut session, "select 7").await, 7);
        if done.is_some() {
            assert!(polls > 2, "a prepared statement takes two answers");
            break;
        }
    }
    assert_eq!(one(&mut session, "select connection_id()").await, i64::try_from(id).unwrap());
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_session_survives_a_drop_in_the_middle_of_a_packet() {
    let place = Place::new().await;
    let mut session = place.session().await;
    place.proxy.when(Direction::ToClient, "MIDDLE", Then::BlackHole);
    let mut rows = sqlx::query("select concat(repeat('x', 9), 'MIDDLE', repeat('\\0', 9))")
        .fetch(&mut session);
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(200), rows.next()).await.is_err()
    );
    drop(rows);
    place.proxy.heal();
    assert_eq!(one(&mut session, "select 7").await, 7);
    release(&mut session).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_stream_left_early_is_read_to_its_end() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let mut rows =
        sqlx::query("select seq, repeat('x', 1000) from seq_1_to_1000").fetch(&mut session);
    rows.next().await.unwrap().unwrap();
    drop(rows);
    assert_eq!(session.condition(), Condition::Busy);
    release(&mut session).await;
    assert_eq!(one(&mut session, "select 7").await, 7);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn closing_a_busy_session_ends_its_statement() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop_half_way(&mut session, "select sleep(600)");
    place.at_work(&session, 1).await;
    let id = session.connection_id();
    MySqlSession::close(session).await.unwrap();
    place.gone(id).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn many_may_have_their_statements_ended_at_once() {
    let place = Place::new().await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        let mut session = place.session().await;
        drop_half_way(&mut session, "select sleep(600)");
        sessions.push(session);
    }
    let released = sessions.iter_mut().map(MySqlSession::release);
    for done in futures_util::future::join_all(released).await {
        done.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_session_whose_server_stands_still_is_given_up() {
    let server = MariaDb::start().await;
    let mysql = sessionpool_sql::MySql::connect(&server.url()).unwrap();
    let mut session = sessionpool_core::Backend::open(&mysql).await.unwrap();
    run(&mut session, "select 1").await;
    server.freeze();
    assert!(session.execute("select 2").now_or_never().is_none());
    MySqlSession::release(&mut session).await.unwrap_err();
    assert_eq!(session.condition(), Condition::Broken(Fault::SessionLost));
    server.thaw();
}
