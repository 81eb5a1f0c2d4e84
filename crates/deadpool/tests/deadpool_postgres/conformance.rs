//! The lifecycle contracts, rule by rule: what `Fast` keeps, and what a rollback adds.

use deadpool_postgres::tokio_postgres::{Error, NoTls};
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use sessionpool_deadpool::{DeadpoolError, FromDeadpool};
use sessionpool_testkit::conformance::{
    Capabilities, CountsSessions, Harness, RefusesLogins, ResetsState, cut,
};
use tokio::sync::OnceCell;

use crate::place::{PgSession, Place, ROLL_BACK_AND_CLEAN};

/// A database, once it is needed.
struct Database {
    place: OnceCell<Place>,
    method: RecyclingMethod,
}

impl Database {
    fn new(method: RecyclingMethod) -> Self {
        Self { place: OnceCell::new(), method }
    }

    async fn place(&self) -> &Place {
        self.place.get_or_init(Place::new).await
    }
}

impl Harness for Database {
    type Backend = FromDeadpool<Manager>;

    fn capabilities(&self) -> Capabilities {
        let all = Capabilities::none().counts_sessions().refuses_logins();
        if self.method == RecyclingMethod::Fast { all } else { all.resets_state() }
    }

    async fn backend(&self) -> FromDeadpool<Manager> {
        self.place().await.backend(self.method.clone())
    }

    async fn ask(&self, session: &mut PgSession, number: u32) -> Result<u32, DeadpoolError<Error>> {
        let answer = session.query_one("select $1::int8", &[&i64::from(number)]).await;
        let answer: i64 = answer.map_err(borrowers)?.get(0);
        Ok(answer.try_into().unwrap())
    }

    async fn interrupt(&self, session: &mut PgSession) {
        assert!(cut(session.query_one("select 1", &[]), 1).await.is_none());
    }
}

impl CountsSessions for Database {
    async fn live(&self) -> usize {
        let Place { server, database } = self.place().await;
        let sql = format!("select count(*) from pg_stat_activity where datname = '{database}'");
        server.psql(&sql).await.parse().unwrap()
    }
}

impl RefusesLogins for Database {
    /// The login is over when the server looks at the settings asked for.
    async fn refusing(&self) -> FromDeadpool<Manager> {
        let mut config = self.place().await.config();
        config.options("-c work_mem=some");
        FromDeadpool::new(Manager::from_config(config, NoTls, ManagerConfig::default()))
    }
}

impl ResetsState for Database {
    async fn disturb(&self, session: &mut PgSession) {
        for sql in [
            "set search_path = nowhere",
            "select set_config('app.tenant', '7', false)",
            "create temp table mine (x int)",
            "select pg_advisory_lock(7)",
            "listen somebody",
            "begin",
            "insert into public.t values (1)",
        ] {
            session.batch_execute(sql).await.unwrap();
        }
    }

    async fn undisturbed(&self, session: &mut PgSession) -> bool {
        let sql = "select concat_ws('|', current_setting('search_path'), \
             nullif(current_setting('app.tenant', true), ''), to_regclass('mine')::text, \
             (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()), \
             (select count(*) from pg_listening_channels()), (select count(*) from public.t))";
        let found: String = session.query_one(sql, &[]).await.unwrap().get(0);
        found == "\"$user\", public|0|0|0"
    }
}

/// A request of the borrower's failed: the suite asks for an error, whatever its kind.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn borrowers(error: Error) -> DeadpoolError<Error> {
    DeadpoolError::RecycleRefused { message: error.to_string().into() }
}

mod fast {
    use super::*;

    sessionpool_testkit::conformance_suite!(
        #[ignore = "needs PostgreSQL"]
        Database::new(RecyclingMethod::Fast);
        counts_sessions, refuses_logins,
    );
}

mod with_a_rollback {
    use super::*;

    sessionpool_testkit::conformance_suite!(
        #[ignore = "needs PostgreSQL"]
        Database::new(RecyclingMethod::Custom(ROLL_BACK_AND_CLEAN.to_owned()));
        counts_sessions, refuses_logins, resets_state,
    );
}
