//! What goes over the wire, seen by a relay between client and gateway.

use std::sync::{Arc, Mutex};

use sessionpool_core::Session;
use sessionpool_emulator::{Emulator, Fault};
use sessionpool_tenten::{LoginType, Query, Tenten, TentenBuilder, TentenSession};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::common::{NUMBERS, PASSWORD, USER, start};

/// What the client said on each connection.
type Said = Arc<Mutex<Vec<Vec<u8>>>>;

/// Passes everything on, and keeps a copy of one direction.
async fn relay(emulator: &Emulator) -> (String, Said) {
    let said = Said::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("free");
    let url = format!("http://{}/gw", listener.local_addr().expect("bound"));
    let (gateway, copies) = (emulator.address(), Arc::clone(&said));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let number = {
                let mut copies = copies.lock().expect("not poisoned");
                copies.push(Vec::new());
                copies.len() - 1
            };
            let server = TcpStream::connect(gateway).await.expect("it listens");
            tokio::spawn(pass_on(client, server, number, Arc::clone(&copies)));
        }
    });
    (url, said)
}

async fn pass_on(client: TcpStream, server: TcpStream, number: usize, copies: Said) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut piece = vec![0; 4096];
    while let Ok(length @ 1..) = from_client.read(&mut piece).await {
        copies.lock().expect("not poisoned")[number].extend_from_slice(&piece[..length]);
        if to_server.write_all(&piece[..length]).await.is_err() {
            break;
        }
    }
    drop(to_server);
    let _ = back.await;
}

fn builder(url: &str) -> TentenBuilder {
    let builder = Tenten::builder(url).insecure().user(USER).password(PASSWORD);
    builder.login_type(LoginType::Kill)
}

/// Logs in, fetches three windows, and logs out.
async fn work(builder: TentenBuilder) {
    let mut session = builder.build().expect("valid").connect().await.expect("opens");
    let mut query = Query::new(NUMBERS, "").window_size(10);
    for row in [5, 15, 25] {
        query.row(&mut session, row).await.expect("fetched").expect("there");
    }
    TentenSession::close(session).await.expect("closes");
}

fn requests(said: &Said) -> Vec<usize> {
    let count = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).matches("POST /gw").count();
    said.lock().expect("not poisoned").iter().map(count).collect()
}

#[tokio::test]
async fn connections_are_used_again_unless_that_is_not_wanted() {
    let emulator = start(1).await;
    let (url, said) = relay(&emulator).await;
    work(builder(&url)).await;
    // The desk's, for login and logout, and the runtime's, for the query.
    let mut reused = requests(&said);
    reused.sort_unstable();
    assert_eq!(reused, [2, 4]);

    let (url, said) = relay(&emulator).await;
    work(builder(&url).reuse_connections(false)).await;
    assert_eq!(requests(&said), [1; 6]);
}

#[tokio::test]
async fn a_request_brings_no_cookie_no_referer_and_asks_for_no_packing() {
    let emulator = start(1).await;
    emulator.fault(Fault::on_any().always().header("set-cookie", "sid=canary; Path=/"));
    let (url, said) = relay(&emulator).await;
    work(builder(&url)).await;
    let said = said.lock().expect("not poisoned").concat();
    let said = String::from_utf8_lossy(&said).to_ascii_lowercase();
    assert_eq!(said.matches("content-type: text/xml").count(), 6);
    for header in ["cookie", "referer", "accept-encoding", "authorization"] {
        assert!(!said.contains(&format!("\r\n{header}:")), "{header} in {said}");
    }
    assert!(!said.contains("canary; path"), "{said}");
}

#[tokio::test]
async fn every_request_names_its_version_and_only_logins_say_kill() {
    let emulator = start(1).await;
    let (url, said) = relay(&emulator).await;
    work(builder(&url)).await;
    let said = said.lock().expect("not poisoned").concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let lines: Vec<&str> =
        said.split("POST ").skip(1).filter_map(|one| one.lines().next()).collect();
    assert_eq!(lines.len(), 6);
    for line in lines {
        assert!(line.starts_with("/gw?api=") && line.ends_with(" HTTP/1.1"), "{line}");
        assert!(line.contains("&apiversion=3&uid=demo&pswd="), "{line}");
        let says_kill = line.contains("&kill=yes");
        let is_to_say = ["api=login&", "api=logout&"].iter().any(|api| line.contains(api));
        assert_eq!(says_kill, is_to_say, "{line}");
        assert_eq!(line.contains("&sid="), !line.contains("api=login&"), "{line}");
    }
}
