//! Logins that fail, sessions that are lost, and what either means.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessionpool_core::{Backend, Condition, Fault, Session};
use sessionpool_sql::{ConnectUrl, Credentials, MySql, MySqlSession, SqlFailure};
use sessionpool_testkit::server::MariaDb;
use sqlx::Executor;

use crate::place::{Place, insert, one, until};

async fn refused(mysql: &MySql) -> (Fault, String) {
    let error = mysql.open().await.unwrap_err();
    assert!(matches!(SqlFailure::of(&error), Some(SqlFailure::Open { .. })), "{error:?}");
    (MySqlSession::classify(&error), format!("{error} {error:?}"))
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_login_is_refused_for_good_where_nothing_will_change_by_itself() {
    let place = Place::new().await;
    place.run("create user clerk@'127.0.0.1' identified by 'right'").await;
    let url = |password: &str| place.url().with_username("clerk").with_password(password);
    let (fault, words) = refused(&MySql::at(&url("canary-wrong")).unwrap()).await;
    assert_eq!(fault, Fault::Rejected);
    assert!(!words.contains("canary"), "{words}");
    // The right password, and no right to the database.
    assert_eq!(refused(&MySql::at(&url("right")).unwrap()).await.0, Fault::Rejected);
    let missing = place.url().with_database("missing");
    assert_eq!(refused(&MySql::at(&missing).unwrap()).await.0, Fault::Rejected);

    place.run(&format!("grant all on {}.* to clerk@'127.0.0.1'", place.database)).await;
    let mysql = MySql::at(&url("right")).unwrap();
    let mut session = mysql.open().await.unwrap();
    place.run("set password for clerk@'127.0.0.1' = password('rotated')").await;
    assert_eq!(refused(&mysql).await.0, Fault::Rejected);
    insert(&mut session, 1).await; // who is in stays in
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn credentials_are_asked_for_at_each_opening() {
    let place = Place::new().await;
    place.run("create user courier@'127.0.0.1' identified by 'first'").await;
    place.run(&format!("grant all on {}.* to courier@'127.0.0.1'", place.database)).await;
    let password = Arc::new(Mutex::new(Some("first")));
    let known = Arc::clone(&password);
    let mysql = place.mysql().credentials(move || {
        let known = *known.lock().unwrap();
        async move {
            let password = known.ok_or("the vault is closed")?;
            Ok(Credentials::password(password).username("courier"))
        }
    });
    let mut session = mysql.open().await.unwrap();
    place.run("set password for courier@'127.0.0.1' = password('second')").await;
    assert_eq!(refused(&mysql).await.0, Fault::Rejected);
    *password.lock().unwrap() = Some("second");
    insert(&mut mysql.open().await.unwrap(), 1).await;
    insert(&mut session, 2).await;
    *password.lock().unwrap() = None;
    let (fault, words) = refused(&mysql).await;
    assert_eq!(fault, Fault::Transient);
    assert!(words.contains("the vault is closed"), "{words}");

    // Who cancels needs them, too.
    *password.lock().unwrap() = Some("second");
    crate::place::drop_half_way(&mut session, "select sleep(600)");
    crate::place::release(&mut session).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_server_that_is_full_is_busy() {
    let server = MariaDb::start_with(&[("max_connections", "10")]).await;
    let mysql = MySql::connect(&server.url()).unwrap();
    let mut sessions = Vec::new();
    let refused = loop {
        match mysql.open().await {
            Ok(session) => sessions.push(session),
            Err(error) => break error,
        }
        assert!(sessions.len() < 12);
    };
    assert_eq!(MySqlSession::classify(&refused), Fault::Busy { retry_after: None });
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_server_that_went_away_is_lost_and_may_come_back() {
    let server = MariaDb::start().await;
    let mysql = MySql::connect(&server.url()).unwrap();
    for crash in [false, true] {
        let mut session = mysql.open().await.unwrap();
        if crash {
            server.kill()
        } else {
            server.stop().await
        }
        let error = session.execute("select 1").await.unwrap_err();
        assert_eq!(MySqlSession::classify(&error), Fault::BackendLost, "{error:?}");
        assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
        assert_eq!(refused(&mysql).await.0, Fault::Transient);
        server.start_again().await;
        let mut session = mysql.open().await.unwrap();
        assert_eq!(one(&mut session, "select 7").await, 7);
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_killed_session_is_lost() {
    let place = Place::new().await;
    let mut session = place.session().await;
    place.kill(&session).await;
    let error = place.mysql().check(&mut session).await.unwrap_err();
    assert_eq!(MySqlSession::classify(&error), Fault::BackendLost);
    assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_node_that_only_reads_is_lost_unless_it_is_meant_to() {
    let server = MariaDb::start_with(&[("read_only", "1")]).await;
    server.sql("create table t (x int); create user clerk@'127.0.0.1'; grant insert, select on test.* to clerk@'127.0.0.1'").await;
    let url = ConnectUrl::parse(&server.url()).unwrap().with_username("clerk");
    let mut session = MySql::at(&url).unwrap().open().await.unwrap();
    let error = session.execute("insert into t values (1)").await.unwrap_err();
    assert_eq!(MySqlSession::classify(&error), Fault::BackendLost);
    assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));

    let mut session = MySql::at(&url).unwrap().replica().open().await.unwrap();
    session.execute("insert into t values (1)").await.unwrap_err();
    assert_eq!(session.condition(), Condition::Clean);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_session_knows_how_long_its_server_lets_it_lie_idle() {
    // Long enough for a loaded machine to come from the login to the first question.
    let server = MariaDb::start_with(&[("wait_timeout", "3")]).await;
    let mysql = MySql::connect(&server.url()).unwrap();
    let mut session = mysql.open().await.unwrap();
    assert_eq!(session.server_idle_limit(), Duration::from_secs(3));
    let id = session.connection_id();
    let sql = format!("select count(*) from information_schema.processlist where id = {id}");
    until("ended", || async { server.sql(&sql).await == "0" }).await;
    mysql.check(&mut session).await.unwrap_err();
    assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
}
