//! The lifecycle contracts, rule by rule.

use futures_util::StreamExt;
use sessionpool_core::Session;
use sessionpool_sql::{PgSession, Postgres};
use sessionpool_testkit::conformance::{
    Capabilities, CountsSessions, DoomsCommits, Harness, LosesAcks, RefusesLogins, ResetsState,
    SeversSessions, Transactions,
};
use sessionpool_testkit::proxy::{Direction, Proxy, Then};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::OnceCell;

use crate::place::{Place, run};

/// A database, once it is needed.
#[derive(Default)]
struct Database {
    place: OnceCell<Place>,
    proxy: OnceCell<Proxy>,
}

impl Database {
    async fn place(&self) -> &Place {
        let place = async {
            let place = Place::new().await;
            place
                .run(
                    "create table rows (row text); \
                     create table fate (kind text primary key); \
                     create table doom (kind text references fate deferrable initially deferred); \
                     create schema other; \
                     create sequence numbers; \
                     grant all on rows, numbers to public",
                )
                .await;
            place
        };
        self.place.get_or_init(|| place).await
    }

    async fn proxy(&self) -> &Proxy {
        let port = self.place().await.server.port();
        self.proxy.get_or_init(|| Proxy::to_port(port)).await
    }

    async fn options(&self) -> PgConnectOptions {
        self.place().await.options().port(self.proxy().await.port())
    }
}

impl Harness for Database {
    type Backend = Postgres;

    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
            .counts_sessions()
            .refuses_logins()
            .resets_state()
            .severs_sessions()
            .transactions()
            .dooms_commits()
            .loses_acks()
    }

    async fn backend(&self) -> Postgres {
        Postgres::new(self.options().await)
    }

    async fn ask(&self, session: &mut PgSession, number: u32) -> sqlx::Result<u32> {
        let answer: i64 =
            sqlx::query_scalar("select $1").bind(i64::from(number)).fetch_one(session).await?;
        Ok(answer.try_into().unwrap())
    }

    async fn interrupt(&self, session: &mut PgSession) {
        let mut rows = sqlx::query("select * from generate_series(1, 9)").fetch(session);
        rows.next().await.unwrap().unwrap();
    }
}

impl CountsSessions for Database {
    async fn live(&self) -> usize {
        let sql = "select count(*) from pg_stat_activity where datname = current_database() \
                   and application_name = ''";
        self.place().await.look(sql).await.try_into().unwrap()
    }
}

impl RefusesLogins for Database {
    /// The login is over when the server looks at the settings asked for.
    async fn refusing(&self) -> Postgres {
        Postgres::new(self.options().await.options([("work_mem", "some")]))
    }
}

impl ResetsState for Database {
    async fn disturb(&self, session: &mut PgSession) {
        for sql in [
            "set search_path = other",
            "set statement_timeout = '1h'",
            "set role pg_monitor",
            "select set_config('app.tenant', '7', false)",
            "create temp table left_behind (x int)",
            "select pg_advisory_lock(7)",
            "listen somebody",
            "declare c cursor with hold for select 1",
            "select nextval('public.numbers')",
            "prepare mine as select 1",
            "begin",
            "insert into public.rows values ('disturbing')",
        ] {
            run(session, sql).await;
        }
    }

    async fn undisturbed(&self, session: &mut PgSession) -> bool {
        let traces: i64 = sqlx::query_scalar(
            "select count(*) from (values \
               (current_setting('search_path') <> '\"$user\", public'), \
               (current_setting('statement_timeout') <> '0'), \
               (current_user <> session_user), \
               (coalesce(current_setting('app.tenant', true), '') <> ''), \
               (to_regclass('pg_temp.left_behind') is not null), \
               ((select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) > 0), \
               ((select count(*) from pg_listening_channels()) > 0), \
               ((select count(*) from pg_cursors where is_holdable) > 0), \
               ((select count(*) from pg_prepared_statements where from_sql) > 0), \
               ((select count(*) from public.rows where row = 'disturbing') > 0) \
             ) as trace (is_there) where is_there",
        )
        .fetch_one(session)
        .await
        .unwrap();
        traces == 0
    }
}

impl SeversSessions for Database {
    async fn sever(&self, session: &mut PgSession) {
        self.place().await.kill(session).await;
    }
}

impl Transactions for Database {
    async fn write(&self, session: &mut PgSession, row: &str) {
        sqlx::query("insert into rows values ($1)").bind(row).execute(session).await.unwrap();
    }

    async fn committed(&self, row: &str) -> bool {
        let mut plain = self.place().await.plain().await;
        let found: i64 = sqlx::query_scalar("select count(*) from rows where row = $1")
            .bind(row)
            .fetch_one(&mut plain)
            .await
            .unwrap();
        sqlx::Connection::close(plain).await.unwrap();
        found > 0
    }
}

impl DoomsCommits for Database {
    async fn doom(&self, session: &mut PgSession) {
        run(session, "insert into doom values ('missing')").await;
    }
}

impl LosesAcks for Database {
    async fn lose_ack(&self, _: &mut PgSession) {
        self.proxy().await.when(Direction::ToServer, "COMMIT", Then::LoseReply);
    }
}

sessionpool_testkit::conformance_suite!(
    #[ignore = "needs PostgreSQL"]
    Database::default();
    counts_sessions, refuses_logins, resets_state, severs_sessions, transactions, dooms_commits,
    loses_acks,
);

/// The sessions of this test are told from others by their name, which a reset puts
/// back.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_session_has_no_name_of_ours() {
    let database = Database::default();
    let mut session = database.place().await.session().await;
    run(&mut session, "set application_name = 'mine'").await;
    assert_eq!(database.live().await, 0);
    PgSession::release(&mut session).await.unwrap();
    assert_eq!(database.live().await, 1);
}
