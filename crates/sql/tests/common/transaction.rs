//! Rules of units of work, over whichever database's `place` this is compiled beside.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use futures_util::{FutureExt, StreamExt};
use sessionpool_core::{Condition, Fault, Session, Transactional};
use sessionpool_sql::SqlFailure;

use crate::place::{
    FOREIGN_KEY, MANY, Place, assert_clean, begin, code, commit, failure, insert, refused_commit,
    rolled_back, run,
};
pub(crate) async fn commit_keeps_and_rollback_undoes() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    assert_eq!(session.condition(), Condition::Dirty);
    insert(&mut session, 1).await;
    assert_eq!(session.condition(), Condition::Dirty);
    assert!(place.rows().await.is_empty());
    commit(&mut session).await;
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);

    begin(&mut session).await;
    insert(&mut session, 2).await;
    Transactional::rollback(&mut session).await.unwrap();
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);
}

pub(crate) async fn without_a_transaction_there_is_nothing_to_end() {
    let place = Place::new().await;
    let mut session = place.session().await;
    Transactional::rollback(&mut session).await.unwrap();
    let error = rolled_back(Transactional::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    let error = Transactional::savepoint(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    assert_clean(&session);
}

pub(crate) async fn a_commit_against_a_deferred_constraint_is_rolled_back() {
    let place = Place::new().await;
    place.run("create table child (x bigint references t (x) deferrable initially deferred)").await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "insert into child values (2)").await;
    let error = refused_commit(&place, &mut session).await;
    assert_eq!(code(&error), FOREIGN_KEY);
    assert_eq!(fault(&session, &error), Fault::Other);

    begin(&mut session).await;
    insert(&mut session, 1).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1]);
}

fn fault<S: Session>(_: &S, error: &S::Error) -> Fault {
    S::classify(error)
}

pub(crate) async fn a_stream_left_early_does_not_stand_in_the_way_of_a_commit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let first = sqlx::query(MANY).fetch(&mut session).next().await;
    assert!(first.is_some_and(|row| row.is_ok()));
    commit(&mut session).await;
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);
}

pub(crate) async fn savepoints_nest() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let outer = Transactional::savepoint(&mut session).await.unwrap();
    insert(&mut session, 2).await;
    let inner = Transactional::savepoint(&mut session).await.unwrap();
    assert_ne!(outer, inner);
    insert(&mut session, 3).await;
    Transactional::rollback_to(&mut session, inner).await.unwrap();
    insert(&mut session, 4).await;
    let kept = Transactional::savepoint(&mut session).await.unwrap();
    assert_ne!(inner, kept);
    insert(&mut session, 5).await;
    Transactional::release_savepoint(&mut session, kept).await.unwrap();
    Transactional::release_savepoint(&mut session, outer).await.unwrap();
    assert_eq!(session.condition(), Condition::Dirty);
    commit(&mut session).await;
    assert_clean(&session);
    assert_eq!(place.rows().await, [1, 2, 4, 5]);
}

/// With sqlx's own transactions, a nested one that is dropped rolls the outer one
/// back, and the outer commit says yes all the same.
pub(crate) async fn a_dropped_savepoint_leaves_the_unit_alone() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    // Whether the database was quick enough to answer makes no difference.
    drop(Transactional::savepoint(&mut session).now_or_never());
    insert(&mut session, 2).await;
    assert!(place.rows().await.is_empty());
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1, 2]);
}
