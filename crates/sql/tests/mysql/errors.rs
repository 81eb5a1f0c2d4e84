//! What errors mean, as the server has them.

use sessionpool_core::{Condition, Fault, Session};
use sessionpool_sql::MySqlSession;
use sqlx::{AssertSqlSafe, raw_sql};

use crate::place::{Place, code, one};

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn an_error_that_somebody_raised_does_not_cost_the_session() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for raised in ["08001", "08006", "08S01", "10054", "40001", "HYT00"] {
        let signal = format!("signal sqlstate '{raised}' set message_text = 'read-only'");
        let error = raw_sql(AssertSqlSafe(signal)).execute(&mut session).await.unwrap_err();
        assert_eq!(code(&error), 1644);
        assert_eq!(MySqlSession::classify(&error), Fault::Other, "{raised}");
        assert!(!matches!(session.condition(), Condition::Broken(_)), "{raised}");
    }
    assert_eq!(one(&mut session, "select 1").await, 1);
}
