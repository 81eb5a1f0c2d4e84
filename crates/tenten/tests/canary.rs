//! No log of the whole process, at any level, and no log file holds a password or a
//! session's number. A process of its own, because logging is set up for all of it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessionpool_core::{Pool, Session};
use sessionpool_emulator::{Column, Emulator, Fault, Group, Table};
use sessionpool_tenten::{LoginType, Query, Tenten, TentenSession};
use tracing_subscriber::fmt::MakeWriter;

const PASSWORD: &str = "Canary&7 p";
const ENCODED: &str = "Canary%267%20p";

#[derive(Clone, Default)]
struct Everything(Arc<Mutex<Vec<u8>>>);

impl Write for Everything {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Everything {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn is_clean(what: &str, text: &str) {
    for secret in [PASSWORD, ENCODED, "Canary", "_______", "pswd=", "sid="] {
        assert!(!text.contains(secret), "{secret} in {what}: {text}");
    }
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let logged = Everything::default();
    tracing_subscriber::fmt()
        .with_writer(logged.clone())
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .init();
    let folder = tempfile::TempDir::new().expect("made");
    let log_file = folder.path().join("gateway.log");
    let emulator = Emulator::builder()
        .group(Group::new("clientx", "owner", PASSWORD).ids(2))
        .table(Table::new("pub.t", [Column::integer("n", (0..9).map(Some))]).expect("fine"))
        .start()
        .await
        .expect("starts");
    let tenten = Tenten::builder(emulator.url())
        .insecure()
        .sam_pool("owner", "clientx")
        .password(PASSWORD)
        .login_type(LoginType::Possess)
        .log_file(&log_file)
        .journal(folder.path())
        // As long as an ID waits for a login of it that was lost.
        .lifecycle_timeout(Duration::from_secs(2))
        .build()
        .expect("valid");
    let pool = Pool::builder(tenten.clone()).build().expect("valid");
    let mut debugged = format!("{tenten:?} {pool:?}");
    for fault in [
        Fault::on("clear"),
        Fault::on("login").lose_reply().times(2),
        Fault::on("getuid").status(500),
        Fault::on("login").status(302).header("location", "http://127.0.0.1/?pswd=Canary"),
        Fault::on("login").raw("nonsense").times(2),
        Fault::on("query").lose_request(),
        Fault::on("querydata").truncate(20),
        Fault::on("reluid").rc(38, "busy"),
    ] {
        emulator.fault(fault);
        let mut session = match tenten.connect().await {
            Ok(session) => session,
            Err(error) => {
                debugged += &format!("{error} {error:?}");
                continue;
            }
        };
        debugged += &format!("{session:?}");
        if let Err(error) = Query::new("pub.t", "").row(&mut session, 0).await {
            debugged += &format!("{error} {error:?}");
        }
        let _ = TentenSession::close(session).await;
        drop(pool.acquire().await);
        pool.flush();
    }
    drop((pool, tenten));
    let text = String::from_utf8_lossy(&logged.0.lock().expect("not poisoned")).into_owned();
    for target in ["sessionpool_tenten", "hyper"] {
        assert!(text.contains(target), "{target} logs nothing");
    }
    is_clean("the log", &text);
    is_clean("what is printed", &debugged);
    let lines = std::fs::read_to_string(&log_file).expect("written");
    is_clean("the log file", &lines);
    assert!(lines.contains(" getuid owner ") && lines.contains(" login clientx_0 "), "{lines}");
}
