//! Credentials that change while the pool runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sessionpool_core::{Backend, Fault, Session};
use sessionpool_sql::{Credentials, PgSession, SqlFailure};

use crate::place::{Place, SOON, drop_half_way, failure, release, text};

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn rotated_credentials_are_used_from_the_next_opening_on() {
    let place = Place::new().await;
    let role = format!("rotated_{}", place.database);
    place.run(&format!("create role {role} login password 'first'")).await;
    let current = Arc::new(Mutex::new("first".to_owned()));
    let asked = Arc::new(AtomicUsize::new(0));
    let provider = {
        let (current, asked, role) = (Arc::clone(&current), Arc::clone(&asked), role.clone());
        move || {
            asked.fetch_add(1, Ordering::Relaxed);
            let password = current.lock().unwrap().clone();
            let credentials = Credentials::password(password).username(role.clone());
            async move { Ok(credentials) }
        }
    };
    let postgres = place.postgres().credentials(provider);
    let mut before = postgres.open().await.unwrap();
    assert_eq!(text(&mut before, "select current_user::text").await, role);

    place.run(&format!("alter role {role} password 'second'")).await;
    let error = postgres.open().await.unwrap_err();
    assert_eq!(PgSession::classify(&error), Fault::Rejected);
    assert!(!format!("{error:?}").contains("first"));

    *current.lock().unwrap() = "second".to_owned();
    postgres.open().await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 3, "once for each opening");
    // Who is in stays in, and is cancelled with what is valid now.
    drop_half_way(&mut before, "select pg_sleep(3600)");
    tokio::time::timeout(SOON, release(&mut before)).await.unwrap();
    assert_eq!(text(&mut before, "select current_user::text").await, role);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_session_that_nobody_may_cancel_any_more_is_lost() {
    let place = Place::new().await;
    let role = format!("{}_later", place.database);
    place.run(&format!("create role {role} login password 'x'")).await;
    let asked = AtomicUsize::new(0);
    let first = place.options().get_username().to_owned();
    let postgres = place.postgres().credentials(move || {
        let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        let name = if is_first { first.clone() } else { role.clone() };
        async move { Ok(Credentials::password("x").username(name)) }
    });
    let mut session = postgres.open().await.unwrap();
    drop_half_way(&mut session, "select pg_sleep(3600)");
    let released = tokio::time::timeout(SOON, PgSession::release(&mut session)).await.unwrap();
    assert!(matches!(failure(&released.unwrap_err()), SqlFailure::CancelInDoubt));
    PgSession::abort(session);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn who_has_no_credentials_is_asked_again_later() {
    let place = Place::new().await;
    let postgres = place.postgres().credentials(|| async { Err("the vault is sealed".into()) });
    let error = postgres.open().await.unwrap_err();
    assert_eq!(PgSession::classify(&error), Fault::Transient);
    let SqlFailure::Open { source, .. } = failure(&error) else { panic!("{error:?}") };
    assert!(matches!(failure(source), SqlFailure::Credentials { .. }));
}

#[test]
fn credentials_are_never_printed() {
    let printed = format!("{:?}", Credentials::password("canary").username("app"));
    assert!(!printed.contains("canary"), "{printed}");
}
