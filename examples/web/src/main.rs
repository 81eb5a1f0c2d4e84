//! A JSON service about 17,093 stations, with a unit of work for each request.
//!
//! `cargo run -p web [URL] [ADDRESS]`; with a URL like
//! `postgres://user:password@host/database`, on PostgreSQL, where the tables `station` and
//! `notice` are made anew; without one, or with `sqlite`, on SQLite in memory. It listens at
//! 127.0.0.1:3000 unless told otherwise, and ends on ctrl-c.
//!
//! ```text
//! curl 'localhost:3000/stations?country=AT&name=wien&limit=3'
//! curl localhost:3000/stations/LOWW
//! curl localhost:3000/stations.csv | head              # streamed: two at a time, twenty seconds
//! curl -d '{"from":"LOWW","to":"LOWI","instruments":3}' -H 'content-type: application/json' \
//!      localhost:3000/transfers                        # all of it or nothing
//! curl -i -d '{"from":"LOWW","to":"NOWHERE","instruments":3}' \
//!      -H 'content-type: application/json' localhost:3000/transfers    # nothing
//! curl localhost:3000/notices                          # written after the commit
//! curl localhost:3000/report                           # slow: two at a time, ten seconds
//! curl -i localhost:3000/readyz                        # takes no session
//! curl localhost:3000/status                           # nor does this; a browser gets a page
//! ```
//!
//! `routes.rs` says which routes have which kind of unit, `handlers.rs` what they do,
//! `database.rs` has the SQL.

mod database;
mod handlers;
mod routes;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sessionpool::axum::Server;
use sessionpool::event::Traced;
use sessionpool::sql::{ConnectUrl, Postgres, Sqlite};
use sessionpool::{Backend, Pool};
use tokio::net::TcpListener;

use crate::database::Database;
use crate::routes::{EXPORT, REPORT, routes};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let url = env::args().nth(1).unwrap_or_else(|| "sqlite".to_owned());
    if url == "sqlite" {
        return serve(Sqlite::memory("web")).await;
    }
    let url = ConnectUrl::parse(&url)?;
    match url.backend_name() {
        "sqlite" => serve(Sqlite::try_from(&url)?).await,
        _ => serve(Postgres::at(&url)?).await,
    }
}

async fn serve<B: Backend<Session: Database>>(backend: B) -> anyhow::Result<()> {
    let pool = Pool::builder(backend)
        .name("stations")
        .max_size(8)
        .max_waiters(200)
        .acquire_timeout(Duration::from_secs(2))
        .limit(REPORT, 2)
        .class_timeout(REPORT, Duration::from_secs(1))
        .limit(EXPORT, 2)
        .events(Arc::new(Traced::new()))
        .build()?;
    let stations = quickstart::stations::read()?;
    pool.transaction(async |tx| anyhow::Ok(tx.found(&stations).await?)).await?;

    let app = routes(&pool);
    let address = env::args().nth(2).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&address).await.context(address)?;
    println!("listening at http://{}", listener.local_addr()?);

    let server = Server::new(app).pools([pool]);
    println!("stopped: {}", server.serve(listener, interrupted()).await);
    Ok(())
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("ctrl-c cannot be awaited, kill the process: {error}");
        std::future::pending().await
    }
}
