//! What errors mean, as the server has them.

use sessionpool_core::{Condition, Fault, Session};
use sessionpool_sql::PgSession;
use sqlx::AssertSqlSafe;

use crate::place::{Place, code};

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_error_that_somebody_raised_does_not_cost_the_session() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for raised in [
        "01000", "01002", "08001", "08006", "08007", "08S01", "10053", "10054", "10060", "10061",
        "25P03", "57P01", "57P05", "HY010", "HYT00", "HYT01",
    ] {
        let raise = format!("do $$ begin raise exception using errcode = '{raised}'; end $$");
        let error = sqlx::query(AssertSqlSafe(raise)).execute(&mut session).await.unwrap_err();
        assert_eq!(code(&error), raised);
        assert_eq!(PgSession::classify(&error), Fault::Other, "{raised}");
        assert!(!matches!(session.condition(), Condition::Broken(_)), "{raised}");
    }
    let one: i32 = sqlx::query_scalar("select 1").fetch_one(&mut session).await.unwrap();
    assert_eq!(one, 1);
}
