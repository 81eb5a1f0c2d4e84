//! The lifecycle contracts, rule by rule.

use futures_util::StreamExt;
use sessionpool_core::Session;
use sessionpool_sql::{MySql, MySqlSession};
use sessionpool_testkit::conformance::{
    Capabilities, CountsSessions, DoomsCommits, Harness, LosesAcks, RefusesLogins, ResetsState,
    SeversSessions, Transactions,
};
use sessionpool_testkit::proxy::{Direction, Then};
use sqlx::Executor;
use tokio::sync::OnceCell;

use crate::place::{Place, code, one, run};

/// A database, once it is needed.
#[derive(Default)]
struct Database {
    place: OnceCell<Place>,
}

impl Database {
    async fn place(&self) -> &Place {
        let place = async {
            let place = Place::new().await;
            place.run("create table `rows` (row text); create table doom (id int primary key, x int); insert into doom values (1, 0), (2, 0)").await;
            place
        };
        self.place.get_or_init(|| place).await
    }
}

impl Harness for Database {
    type Backend = MySql;

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

    async fn backend(&self) -> MySql {
        self.place().await.mysql()
    }

    async fn ask(&self, session: &mut MySqlSession, number: u32) -> sqlx::Result<u32> {
        let answer: u64 = sqlx::query_scalar("select cast(? as unsigned)")
            .bind(number)
            .fetch_one(session)
            .await?;
        Ok(answer.try_into().unwrap())
    }

    async fn interrupt(&self, session: &mut MySqlSession) {
        let mut rows = sqlx::query("values (1), (2), (3), (4), (5), (6)").fetch(session);
        rows.next().await.unwrap().unwrap();
    }
}

impl CountsSessions for Database {
    async fn live(&self) -> usize {
        let place = self.place().await;
        // The one who asks is in another database.
        let sql = format!(
            "select count(*) from information_schema.processlist where db = '{}'",
            place.database
        );
        place.server.sql(&sql).await.parse().unwrap()
    }
}

impl RefusesLogins for Database {
    /// The login is over when the driver says which time zone it wants.
    async fn refusing(&self) -> MySql {
        MySql::new(self.place().await.options().timezone(Some("nowhere".to_owned())))
    }
}

impl ResetsState for Database {
    /// A transaction of the borrower's own: anything else no release puts back.
    async fn disturb(&self, session: &mut MySqlSession) {
        run(session, "begin").await;
        run(session, "insert into `rows` values ('disturbing')").await;
    }

    async fn undisturbed(&self, session: &mut MySqlSession) -> bool {
        let sql =
            "select @@in_transaction + (select count(*) from `rows` where row = 'disturbing')";
        one(session, sql).await == 0
    }
}

impl SeversSessions for Database {
    async fn sever(&self, session: &mut MySqlSession) {
        self.place().await.kill(session).await;
    }
}

impl Transactions for Database {
    async fn write(&self, session: &mut MySqlSession, row: &str) {
        sqlx::query("insert into `rows` values (?)").bind(row).execute(session).await.unwrap();
    }

    async fn committed(&self, row: &str) -> bool {
        let sql = format!("select count(*) from `rows` where row = '{row}'");
        self.place().await.run(&sql).await != "0"
    }
}

impl DoomsCommits for Database {
    /// A deadlock whose victim is the one that has written less.
    async fn doom(&self, session: &mut MySqlSession) {
        let mut other = self.place().await.plain().await;
        other.execute("begin; insert into `rows` select seq from seq_1_to_1000").await.unwrap();
        other.execute("update doom set x = 1 where id = 1").await.unwrap();
        run(session, "update doom set x = 2 where id = 2").await;
        let crossed = async {
            let others = async { other.execute("update doom set x = 1 where id = 2").await };
            let ours = async { session.execute("update doom set x = 2 where id = 1").await };
            tokio::join!(others, ours)
        };
        let (others, ours) = crossed.await;
        others.unwrap();
        assert_eq!(code(&ours.unwrap_err()), 1213);
        other.execute("rollback").await.unwrap();
    }
}

impl LosesAcks for Database {
    /// The second answer of two; the first is to the check before the commit.
    async fn lose_ack(&self, _: &mut MySqlSession) {
        let second_ok = b"\x07\0\0\x02\0\0\0";
        self.place().await.proxy.when(Direction::ToClient, second_ok, Then::LoseReply);
    }
}

sessionpool_testkit::conformance_suite!(
    #[ignore = "needs MariaDB"]
    Database::default();
    counts_sessions, refuses_logins, resets_state, severs_sessions, transactions, dooms_commits,
    loses_acks,
);

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_session_is_counted_while_it_is_open() {
    let database = Database::default();
    let session = database.place().await.session().await;
    assert_eq!(database.live().await, 1);
    MySqlSession::close(session).await.unwrap();
}
