//! A client that knows nothing: it sends what it is told and shows what came back.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use sessionpool_emulator::{Column, Emulator, EmulatorBuilder, Group, Table};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One user `demo`, one pool `clientx` of three IDs, one table of stations.
pub(crate) fn emulator() -> EmulatorBuilder {
    Emulator::builder()
        .user("demo", "secret")
        .admin("boss", "secret")
        .user("other", "secret")
        .group(Group::new("clientx", "clientx_owner", "secret").ids(3))
        .table(stations())
}

pub(crate) const STATIONS: &str = "pub.demo.weather.stations";

pub(crate) fn stations() -> Table {
    let columns = [
        Column::integer("id", [Some(3103), Some(3104), Some(3105)])
            .heading("Station\nID")
            .format("type:nocommas;width:6"),
        Column::text("name", ["FLAGSTAFF & CO", "", "GRAND CANYON"]).heading("Name"),
        Column::decimal("elev", [Some(7003.5), Some(9.0), None])
            .heading("Elev")
            .format("type:num;width:8;dec:1"),
    ];
    Table::new(STATIONS, columns).unwrap()
}

/// A session, as a login told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) uid: String,
    pub(crate) sid: String,
    pub(crate) pswd: String,
    pub(crate) caller: String,
}

/// Someone who asks, by the name of a path.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    url: String,
    name: String,
}

impl Caller {
    pub(crate) fn new(emulator: &Emulator, name: &str) -> Self {
        Self { url: emulator.url_for(name), name: name.to_owned() }
    }

    /// The body of the answer to a POST; parameters as they stand in a URL.
    pub(crate) async fn ask(&self, parameters: &str, body: &str) -> String {
        let (status, answer) = self.send("POST", parameters, body.as_bytes()).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        parameters: &str,
        body: &[u8],
    ) -> (StatusCode, String) {
        let (status, bytes) = self.send_bytes(method, parameters, body).await;
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(crate) async fn send_bytes(
        &self,
        method: &str,
        parameters: &str,
        body: &[u8],
    ) -> (StatusCode, Bytes) {
        let url = format!("{}?{parameters}", self.url);
        let authority = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        let stream = TcpStream::connect(&authority).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let path = &url[url.find(&authority).unwrap() + authority.len()..];
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &authority)
            .header("content-type", "text/xml")
            .body(Full::new(Bytes::copy_from_slice(body)))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    }

    /// What came back on a bare connection, until it was closed.
    pub(crate) async fn raw(&self, request: &[u8]) -> Vec<u8> {
        let authority = self.url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let mut stream = TcpStream::connect(authority).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await; // a reset ends it, too
        answer
    }

    /// What came back on a bare connection that was closed on this side at once.
    pub(crate) async fn raw_and_leave(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.unread(request).await;
        let _ = stream.shutdown().await; // it may be closed on the other side already
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    }

    /// A bare connection whose answer nobody reads.
    pub(crate) async fn unread(&self, request: &[u8]) -> TcpStream {
        let authority = self.url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let mut stream = TcpStream::connect(authority).await.unwrap();
        let _ = stream.write_all(request).await; // what is too much is not taken
        stream
    }

    pub(crate) async fn login(&self, uid: &str, kill: &str) -> Session {
        let answer = self.try_login(uid, kill).await;
        Session {
            uid: uid.to_owned(),
            sid: between(&answer, "<sid>", "</sid>"),
            pswd: between(&answer, "<pswd>", "</pswd>"),
            caller: self.name.clone(),
        }
    }

    pub(crate) async fn try_login(&self, uid: &str, kill: &str) -> String {
        let kill = if kill.is_empty() { String::new() } else { format!("&kill={kill}") };
        self.ask(&format!("api=login&apiversion=3&uid={uid}&pswd=secret{kill}"), "").await
    }

    pub(crate) async fn in_session(&self, session: &Session, api: &str, body: &str) -> String {
        let Session { uid, sid, pswd, .. } = session;
        self.ask(&format!("api={api}&apiversion=3&uid={uid}&pswd={pswd}&sid={sid}"), body).await
    }

    pub(crate) async fn getuid(&self) -> String {
        let answer = self.pool("getuid").await;
        between(&answer, "<uid>", "</uid>")
    }

    /// A pool transaction of the owner's.
    pub(crate) async fn pool(&self, api: &str) -> String {
        let owner = "uid=clientx_owner&pswd=secret&gid=clientx";
        self.ask(&format!("api={api}&apiversion=3&{owner}"), "").await
    }

    /// `reluid` with the session's credentials.
    pub(crate) async fn release(&self, session: &Session) -> String {
        self.in_session(session, "reluid", "").await
    }

    /// `reluid` with the clear password.
    pub(crate) async fn release_clear(&self, uid: &str) -> String {
        self.ask(&format!("api=reluid&apiversion=3&uid={uid}&pswd=secret"), "").await
    }

    /// The pool's IDs as `uid loggedin free marked`.
    pub(crate) async fn status(&self) -> Vec<String> {
        let answer = self.pool("samstatus").await;
        let users = answer.split("<user ").skip(1);
        users
            .map(|user| user.split('"').skip(1).step_by(2).collect::<Vec<_>>()[..4].join(" "))
            .collect()
    }
}

pub(crate) fn between(text: &str, start: &str, end: &str) -> String {
    let from = text.find(start).unwrap_or_else(|| panic!("{start} in {text}")) + start.len();
    let to = from + text[from..].find(end).unwrap_or_else(|| panic!("{end} in {text}"));
    text[from..to].to_owned()
}

/// The code an answer begins with.
pub(crate) fn rc(answer: &str) -> u16 {
    between(answer, "<rc>", "</rc>").parse().unwrap()
}
