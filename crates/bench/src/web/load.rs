//! Many requests at once, over a private PostgreSQL server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use sessionpool_testkit::server::Postgres;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::Service;

use super::peers::WebPeer;

const CONNECTIONS: usize = 8;
const TASKS: u64 = 32;
const ROWS: u64 = 1_000;

pub(super) struct Site {
    server: Postgres,
    _runtime: Runtime,
}

impl Site {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let server = runtime.block_on(async {
            let server = Postgres::start().await;
            let create = "create table item (id int primary key, hits int not null default 0)";
            server.psql(create).await;
            server.psql(&format!("insert into item select generate_series(0, {ROWS})")).await;
            server
        });
        Ok(Self { server, _runtime: runtime })
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.server.port())
            .username(Postgres::USER)
            .database(Postgres::DATABASE)
            .ssl_mode(PgSslMode::Disable)
    }

    /// On a fresh runtime, once every connection is open.
    pub(super) fn requests_a_second<P: WebPeer>(&self, slice: Duration) -> f64 {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let found = runtime.block_on(async {
            let app = P::app(self.options(), CONNECTIONS);
            run(&app, slice / 4).await;
            run(&app, slice).await
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
        found
    }
}

async fn run(app: &Router, slice: Duration) -> f64 {
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let tasks: JoinSet<()> = (0..TASKS)
        .map(|task| {
            let (mut app, stop, done) = (app.clone(), Arc::clone(&stop), Arc::clone(&done));
            async move {
                // Each has rows of its own: nobody waits for a lock.
                let mut row = task;
                while !stop.load(Ordering::Relaxed) {
                    ask(&mut app, row).await;
                    row = (row + TASKS) % (ROWS / TASKS * TASKS);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
        .collect();
    sleep(slice).await;
    let (requests, elapsed) = (done.load(Ordering::Relaxed), began.elapsed());
    stop.store(true, Ordering::Relaxed);
    tasks.join_all().await;
    requests as f64 / elapsed.as_secs_f64()
}

async fn ask(app: &mut Router, row: u64) {
    let request = Request::post(format!("/?id={row}")).body(Body::empty()).expect("a request");
    let response = app.call(request).await.unwrap_or_else(|never| match never {});
    assert_eq!(response.status(), StatusCode::OK);
}
