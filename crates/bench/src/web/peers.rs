//! A request that updates a row and commits, in two ways.

use axum::Router;
use axum::extract::Query;
use axum::routing::post;
use serde::Deserialize;
use sessionpool_axum::{Problem, UnitLayer, Work};
use sessionpool_core::Pool;
use sessionpool_sql::{PgSession, Postgres};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// How a request gets its transaction.
pub(super) trait WebPeer {
    const NAME: &'static str;

    /// `POST /?id=1`, over that many connections.
    fn app(options: PgConnectOptions, connections: usize) -> Router;
}

#[derive(Deserialize)]
struct Row {
    id: i32,
}

const UPDATE: &str = "update item set hits = hits + 1 where id = $1";
const DONE: &str = "done";

/// Ours, with every default on.
pub(super) struct Ours;

impl WebPeer for Ours {
    const NAME: &'static str = "sessionpool";

    fn app(options: PgConnectOptions, connections: usize) -> Router {
        let pool = Pool::builder(Postgres::new(options)).max_size(connections).build();
        let pool = pool.expect("the defaults are valid");
        Router::new().route("/", post(update)).layer(UnitLayer::new(pool))
    }
}

async fn update(
    mut work: Work<PgSession>,
    Query(row): Query<Row>,
) -> Result<&'static str, Problem> {
    let mut session = work.session().await?;
    sqlx::query(UPDATE).bind(row.id).execute(&mut *session).await?;
    Ok(DONE)
}

/// `axum-sqlx-tx`, whose pool asks whether a connection is alive before each use, or not.
pub(super) struct SqlxTx<const TEST: bool>;

type Tx = axum_sqlx_tx::Tx<sqlx::Postgres>;

impl<const TEST: bool> WebPeer for SqlxTx<TEST> {
    const NAME: &'static str = if TEST { "axum-sqlx-tx" } else { "axum-sqlx-tx_untested" };

    fn app(options: PgConnectOptions, connections: usize) -> Router {
        let connections = u32::try_from(connections).expect("a small pool");
        let pool = PgPoolOptions::new().max_connections(connections).test_before_acquire(TEST);
        let (state, layer) = Tx::setup(pool.connect_lazy_with(options));
        Router::new().route("/", post(update_tx)).layer(layer).with_state(state)
    }
}

async fn update_tx(
    mut tx: Tx,
    Query(row): Query<Row>,
) -> Result<&'static str, axum_sqlx_tx::Error> {
    sqlx::query(UPDATE).bind(row.id).execute(&mut tx).await?;
    Ok(DONE)
}
