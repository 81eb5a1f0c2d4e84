//! A session is an `sqlx::Executor` and knows when a statement was dropped.

use futures_util::FutureExt;
use sessionpool_core::{Condition, Session};
use sessionpool_sql::PgSession;

use crate::place::{Distant, drop_half_way, release, run};

#[path = "../common/executor.rs"]
mod shared;

rules! {
    #[ignore = "needs PostgreSQL"]
    shared:
    a_dropped_stream_leaves_the_session_busy_and_usable,
    a_failed_statement_leaves_the_session_clean,
    a_statement_is_prepared_and_described,
    a_stream_is_over_only_when_it_says_so,
    a_stream_that_was_never_polled_does_not_count,
    queries_run_in_all_shapes,
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn dropping_release_leaves_the_session_busy() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    drop_half_way(&mut session, "select 1");
    assert!(PgSession::release(&mut session).now_or_never().is_none());
    assert_eq!(session.condition(), Condition::Busy);
    release(&mut session).await;
    run(&mut session, "select 1").await;
}
