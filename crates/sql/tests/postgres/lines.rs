//! What a line that breaks does to a session, and how many round trips it carries.

use std::time::Duration;

use sessionpool_core::{Backend, Condition, Fault, Isolation, Session, Transactional, TxOptions};
use sessionpool_sql::{PgSession, Postgres, SqlFailure};
use sessionpool_testkit::proxy::{Direction, Proxy, Then};
use sessionpool_testkit::server;
use sqlx::Error;
use tokio::time::timeout;

use crate::place::{
    Place, SOON, assert_clean, begin, code, commit, drop_half_way, failure, insert, one, release,
    rolled_back, run, unknown,
};

/// A session with a proxy between.
struct Line {
    place: Place,
    proxy: Proxy,
}

impl Line {
    async fn new() -> Self {
        let place = Place::new().await;
        let proxy = Proxy::to_port(place.server.port()).await;
        Self { place, proxy }
    }

    fn postgres(&self) -> Postgres {
        Postgres::new(self.place.options().port(self.proxy.port()))
    }

    async fn session(&self) -> PgSession {
        self.postgres().open().await.unwrap()
    }

    /// The round trips of some work.
    async fn trips<T>(&self, work: impl Future<Output = T>) -> u64 {
        let before = self.proxy.round_trips();
        work.await;
        self.proxy.round_trips() - before
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn nothing_is_sent_that_is_not_needed() {
    let line = Line::new().await;
    let mut session = line.session().await;
    run(&mut session, "select 1").await;
    run(&mut session, "insert into t values (-1)").await;

    assert_eq!(line.trips(run(&mut session, "select 1")).await, 1, "a statement");
    let unit = async {
        begin(&mut session).await;
        run(&mut session, "select 1").await;
        commit(&mut session).await;
        release(&mut session).await;
    };
    assert_eq!(line.trips(unit).await, 3, "begin, statement, commit");
    let options = TxOptions::new()
        .isolation(Isolation::Serializable)
        .statement_timeout(Duration::from_secs(5))
        .setting("app.tenant", "7")
        .setting("search_path", "public");
    let unit = async {
        PgSession::begin(&mut session, &options).await.unwrap();
        run(&mut session, "select 1").await;
        PgSession::rollback(&mut session).await.unwrap();
    };
    assert_eq!(line.trips(unit).await, 3, "whatever it asks for");
    let doomed = async {
        begin(&mut session).await;
        assert!(sqlx::raw_sql("nonsense").execute(&mut session).await.is_err());
        assert!(sqlx::raw_sql("select 1").execute(&mut session).await.is_err());
        rolled_back(PgSession::commit(&mut session).await);
    };
    assert_eq!(line.trips(doomed).await, 3, "begin, statement, rollback");
    let touched = async {
        sqlx::raw_sql("set search_path = x").execute(&mut session).await.unwrap();
        sqlx::raw_sql("begin").execute(&mut session).await.unwrap();
        release(&mut session).await;
    };
    assert_eq!(line.trips(touched).await, 3, "both, and one reset");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn opening_is_a_login_and_one_round_trip() {
    let line = Line::new().await;
    let plain = line.trips(async {
        let options = line.place.options().port(line.proxy.port());
        sqlx::ConnectOptions::connect(&options).await.unwrap()
    });
    let plain = plain.await;
    assert_eq!(line.trips(line.session()).await, plain + 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_servers_own_idle_limit_is_known() {
    let place = Place::new().await;
    assert_eq!(place.session().await.server_idle_limit(), None);
    let database = &place.database;
    place.run(&format!("alter database {database} set idle_session_timeout = '90s'")).await;
    let session = place.session().await;
    assert_eq!(session.server_idle_limit(), Some(Duration::from_secs(90)));

    // Long enough for a loaded machine to come from the login to the first question.
    place.run(&format!("alter database {database} set idle_session_timeout = '3s'")).await;
    let mut session = place.session().await;
    let pid = session.backend_pid().unwrap();
    place.gone(pid).await;
    let error = sqlx::query("select 1").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "57P05");
    assert_eq!(session.condition(), Condition::Broken(Fault::SessionLost));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_lost_acknowledgement_is_unknown_and_the_work_may_be_there() {
    let line = Line::new().await;
    // Cut off in the middle of the word, the server does not hear of it.
    for (then, is_there) in [(Then::LoseReply, true), (Then::Reset, false)] {
        let mut session = line.session().await;
        begin(&mut session).await;
        insert(&mut session, 1).await;
        let trap = line.proxy.when(Direction::ToServer, "COMMIT", then);
        let error = unknown(PgSession::commit(&mut session).await);
        assert!(trap.has_sprung());
        assert!(matches!(error, Error::Io(_)), "{error:?}");
        assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
        line.place.becomes(i64::from(is_there), "select count(*) from t").await;
        line.place.run("delete from t").await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_that_is_never_answered_can_be_given_up() {
    let line = Line::new().await;
    let mut session = line.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let trap = line.proxy.when(Direction::ToServer, "COMMIT", Then::Withhold);
    tokio::select! {
        outcome = PgSession::commit(&mut session) => panic!("{outcome:?}"),
        () = trap.sprung() => {}
    }
    assert_eq!(session.condition(), Condition::Busy);
    let limit = Duration::from_millis(200);
    assert!(timeout(limit, PgSession::release(&mut session)).await.is_err());
    PgSession::abort(session);
    line.place.becomes(1, "select count(*) from t").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_killed_session_is_lost_and_its_unit_rolled_back() {
    let place = Place::new().await;
    let mut session = place.session().await;
    place.kill(&session).await;
    let error = sqlx::query("select 1").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "57P01");
    assert_eq!(PgSession::classify(&error), Fault::BackendLost);
    assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));

    let mut session = place.session().await;
    place.kill(&session).await;
    let error = place.postgres().check(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "57P01");

    // The server said so before it read the commit: nothing of it is there.
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    place.kill(&session).await;
    let error = rolled_back(PgSession::commit(&mut session).await);
    assert_eq!(code(&error), "57P01");
    assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_session_killed_during_a_statement_is_lost() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let pid = session.backend_pid().unwrap();
    let statement =
        async { sqlx::query("select pg_sleep(60)").execute(&mut session).await.unwrap_err() };
    let kill = async {
        let active =
            format!("select count(*) from pg_stat_activity where pid = {pid} and state = 'active'");
        place.becomes(1, &active).await;
        place.run(&format!("select pg_terminate_backend({pid})")).await;
    };
    let (error, ()) = tokio::join!(statement, kill);
    assert_eq!(code(&error), "57P01");
    assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
    assert!(PgSession::release(&mut session).await.is_err());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_unit_that_lay_idle_too_long_loses_its_session_alone() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let options = TxOptions::new().idle_timeout(Duration::from_secs(3));
    PgSession::begin(&mut session, &options).await.unwrap();
    insert(&mut session, 1).await;
    let pid = session.backend_pid().unwrap();
    place.gone(pid).await;
    let error = rolled_back(PgSession::commit(&mut session).await);
    assert_eq!(code(&error), "25P03");
    assert_eq!(PgSession::classify(&error), Fault::SessionLost);
    assert_eq!(session.condition(), Condition::Broken(Fault::SessionLost));
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_statement_stopped_by_its_limit_costs_no_session() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let options = TxOptions::new().statement_timeout(Duration::from_millis(20));
    PgSession::begin(&mut session, &options).await.unwrap();
    let error = sqlx::query("select pg_sleep(60)").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "57014");
    PgSession::rollback(&mut session).await.unwrap();
    assert_clean(&session);
    assert_eq!(one(&mut session, "select 1::bigint from pg_sleep(0.05)").await, 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_line_that_breaks_is_the_loss_of_the_backend() {
    let line = Line::new().await;
    for breaks in [Proxy::reset_all, Proxy::close_all] {
        let mut session = line.session().await;
        breaks(&line.proxy);
        let error = sqlx::query("select 1").execute(&mut session).await.unwrap_err();
        assert!(matches!(error, Error::Io(_)), "{error:?}");
        assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
        let _ = PgSession::close(session).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_dropped_statement_whose_line_breaks_is_the_loss_of_the_backend() {
    let line = Line::new().await;
    let mut session = line.session().await;
    drop_half_way(&mut session, "select pg_sleep(60)");
    line.proxy.reset_all();
    assert!(PgSession::release(&mut session).await.is_err());
    assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_begin_that_is_not_answered_leaves_nobody_inside() {
    let line = Line::new().await;
    let mut session = line.session().await;
    line.proxy.set_latency(Duration::from_millis(10));
    for wait in [1, 5, 9, 11, 15, 19, 21, 25] {
        let options = TxOptions::new();
        let begin = PgSession::begin(&mut session, &options);
        let begun = timeout(Duration::from_millis(wait), begin).await;
        timeout(SOON, release(&mut session)).await.unwrap();
        insert(&mut session, i64::try_from(wait).unwrap()).await;
        let seen = line.place.rows().await;
        assert_eq!(seen.last(), Some(&(wait as i64)), "after {begun:?} within {wait} ms");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_cannot_be_opened_says_why() {
    async fn refusal(postgres: Postgres) -> (Fault, String, Error) {
        let error = postgres.open().await.unwrap_err();
        let fault = PgSession::classify(&error);
        let SqlFailure::Open { source, .. } = failure(&error) else { panic!("{error:?}") };
        let code = source.as_database_error().map(|error| error.code().unwrap().into_owned());
        (fault, code.unwrap_or_default(), error)
    }
    let server = server::Postgres::start_with(&[("max_connections", "5")]).await;
    server.psql("create role app login password 'right'").await;
    let options = |url: String| url.parse::<sqlx::postgres::PgConnectOptions>().unwrap();
    let base = options(server.url());

    let (fault, code, error) =
        refusal(Postgres::new(base.clone().username("app").password("wrong"))).await;
    assert_eq!((fault, &*code), (Fault::Rejected, "28P01"));
    assert!(!format!("{error:?} {error}").contains("wrong"));
    let (fault, code, _) = refusal(Postgres::new(base.clone().username("nobody"))).await;
    assert_eq!((fault, &*code), (Fault::Rejected, "28P01"));
    let (fault, code, error) = refusal(Postgres::new(base.clone().database("missing"))).await;
    assert_eq!((fault, &*code), (Fault::Rejected, "3D000"));
    assert!(error.to_string().contains("missing at 127.0.0.1"), "{error}");

    let postgres = Postgres::new(base.clone());
    let mut held = Vec::new();
    let full = loop {
        match postgres.open().await {
            Ok(session) => held.push(session),
            Err(error) => break error,
        }
    };
    assert_eq!(PgSession::classify(&full), Fault::Busy { retry_after: None });
    held.clear();

    server.stop().await;
    let (fault, _, error) = refusal(Postgres::new(base)).await;
    assert_eq!(fault, Fault::Transient, "{error}");
}
