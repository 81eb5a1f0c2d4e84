//! Runs the program, and asks it over a socket what a person would.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sessionpool_testkit::server;

struct Service {
    process: Child,
    output: BufReader<ChildStdout>,
    base: String,
    client: Client,
}

/// Nothing is left running, however a test ends.
impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Service {
    fn start(url: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_web"));
        command.args([url, "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("listening at ").unwrap().to_owned();
        Self { process, output, base, client: Client::new() }
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        read(response).await
    }

    async fn instruments(&self, id: &str) -> i64 {
        self.json(&format!("/stations/{id}")).await["instruments"].as_i64().unwrap()
    }

    async fn transfer(&self, from: &str, to: &str, instruments: i64) -> (StatusCode, Value) {
        let body = json!({"from": from, "to": to, "instruments": instruments});
        let request = self.client.post(format!("{}/transfers", self.base));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.unwrap();
        (response.status(), read(response).await)
    }

    /// Ctrl-c; answers with what it prints at the end.
    fn interrupt(mut self) -> String {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(self.process.wait().unwrap().success());
        line
    }
}

async fn read(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

async fn is_a_service(url: &str) {
    let service = Service::start(url);
    reads(&service).await;
    transfers(&service).await;
    all_at_once(&service).await;
    assert!(service.json("/report").await[0]["equally_high"].as_i64().unwrap() > 100);
    assert_eq!(service.json("/readyz").await["ready"], true);
    assert_eq!(service.json("/livez").await["live"], true);
    shows_its_pool(&service, url).await;
    let last = service.interrupt();
    assert!(last.starts_with("stopped: 0 requests cut off, 0 works unfinished"), "{last}");
    assert!(last.contains("0 failed, 0 still out"), "{last}");
}

async fn shows_its_pool(service: &Service, url: &str) {
    let pool = service.json("/status").await["pools"][0].clone();
    assert_eq!((&pool["name"], &pool["classes"][0]["limit"]), (&json!("stations"), &json!(2)));
    assert!(pool["counters"]["acquired"].as_u64().unwrap() > 20);
    let page = service.client.get(format!("{}/status", service.base)).header("accept", "text/html");
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<h2>stations</h2>") && !page.contains(url), "{page}");
}

async fn reads(service: &Service) {
    let found = service.json("/stations?country=AT&name=WIEN&limit=3").await;
    let found: Vec<_> = found.as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    assert!(!found.is_empty() && found.len() <= 3, "{found:?}");
    let csv = service.get("/stations.csv").await.text().await.unwrap();
    assert_eq!(csv.lines().count(), 17_093);
    assert_eq!(service.get("/stations?limit=many").await.status(), StatusCode::BAD_REQUEST);

    let unknown = service.get("/stations/x'%20or%201=1").await;
    assert_eq!(unknown.headers()["content-type"], "application/problem+json");
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

async fn transfers(service: &Service) {
    let (status, done) = service.transfer("LOWW", "LOWI", 3).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    assert_eq!((&done["from"]["instruments"], &done["to"]["instruments"]), (&json!(7), &json!(13)));

    // What was taken before the other one turned out to be unknown is there again.
    let (status, problem) = service.transfer("LOWW", "NOWHERE", 3).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(problem["detail"], "NOWHERE is not known here");
    assert_eq!(service.transfer("LOWW", "LOWI", 8).await.0, StatusCode::CONFLICT);
    assert_eq!(service.transfer("LOWW", "LOWI", -1).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((service.instruments("LOWW").await, service.instruments("LOWI").await), (7, 13));
    // Written after the response, perhaps, and for the one that was committed.
    let noticed = async {
        while service.json("/notices").await != json!(["3 from LOWW to LOWI"]) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), noticed).await.expect("it is noticed");
}

/// Both ways at once: some may lose against others, no instrument is lost.
async fn all_at_once(service: &Service) {
    let both_ways = (0..20).map(async |turn| match turn % 2 {
        0 => service.transfer("EDDF", "EDDM", 1).await.0,
        _ => service.transfer("EDDM", "EDDF", 2).await.0,
    });
    let statuses = futures_util::future::join_all(both_ways).await;
    let allowed = [StatusCode::OK, StatusCode::CONFLICT];
    assert!(statuses.iter().all(|status| allowed.contains(status)), "{statuses:?}");
    let all = service.instruments("EDDF").await + service.instruments("EDDM").await;
    assert_eq!(all, 20, "{statuses:?}");
}

#[tokio::test]
async fn it_serves_on_sqlite() {
    is_a_service("sqlite").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn it_serves_on_postgresql() {
    let postgres = server::Postgres::start().await;
    is_a_service(&postgres.url()).await;
}
