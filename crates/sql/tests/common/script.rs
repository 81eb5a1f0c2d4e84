//! Rules of scripts, over whichever server's `place` this is compiled beside.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use sessionpool_sql::{Sandbox, Script};

use crate::place::{Place, committed, one};

pub(crate) async fn a_script_is_kept_within_the_sandbox() {
    let place = Place::new().await;
    let sandbox = place.pool().sandbox().await.unwrap();
    let script = Script::new("insert into t values (7)");
    committed(sandbox.acquire().await.unwrap().run(&script).await);
    assert_eq!(one(&mut sandbox.acquire().await.unwrap(), "select x from t").await, 7);
    assert!(place.rows().await.is_empty());
}
