//! Connections: kept alive, closed, cut, and the emulator's own end.

use std::time::Duration;

use sessionpool_emulator::{Emulator, Fault, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Caller, emulator};

const REQUEST: &[u8] = b"GET /gw?api=login HTTP/1.1\r\nhost: x\r\n\r\n";
const ANSWER: &[u8] = b"<out><rc>3</rc><msg>Missing user identification</msg></out>";

/// Sends a request and reads its answer; the connection stays.
async fn exchange(stream: &mut TcpStream) {
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(ANSWER) {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "closed too early");
    }
}

/// Waits until the connection is at its end.
async fn ended(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await; // a reset is an end, too
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}

async fn connect(emulator: &Emulator) -> TcpStream {
    TcpStream::connect(emulator.address()).await.unwrap()
}

#[tokio::test]
async fn connections_are_kept_alive_until_they_are_closed() {
    let emulator = emulator().start().await.unwrap();
    let mut stream = connect(&emulator).await;
    exchange(&mut stream).await;
    exchange(&mut stream).await;
    emulator.close_connections();
    ended(&mut stream).await;
    let mut stream = connect(&emulator).await;
    exchange(&mut stream).await;
    emulator.close_connections();
    ended(&mut stream).await;
}

#[tokio::test]
async fn a_connection_that_brings_nothing_is_closed() {
    let emulator = emulator().keep_alive(Duration::from_millis(20)).start().await.unwrap();
    let mut stream = connect(&emulator).await;
    ended(&mut stream).await;
    let mut stream = connect(&emulator).await;
    exchange(&mut stream).await;
    ended(&mut stream).await;
}

#[tokio::test]
async fn an_answer_under_way_is_finished_before_its_connection_closes() {
    let emulator = emulator().start().await.unwrap();
    let fault = emulator.fault(Fault::on("login").hold());
    let mut stream = connect(&emulator).await;
    stream.write_all(REQUEST).await.unwrap();
    fault.hit(1).await;
    emulator.close_connections();
    fault.lift();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(ANSWER));
}

#[tokio::test]
async fn aborted_connections_end_in_the_middle_and_their_requests_are_executed() {
    let emulator = emulator().start().await.unwrap();
    let fault = emulator.fault(Fault::on("getuid").hold_reply());
    let caller = Caller::new(&emulator, "a");
    let request = b"GET /a/gw?api=getuid&uid=clientx_owner&pswd=secret&gid=clientx HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut stream = caller.unread(request).await;
    fault.hit(1).await;
    emulator.until(|book| book.held().len() == 1).await;
    emulator.abort_connections();
    ended(&mut stream).await;
    assert_eq!(emulator.book().held().len(), 1);
}

#[tokio::test]
async fn dropping_it_closes_the_door_and_lets_go_of_what_is_held() {
    let emulator = emulator().start().await.unwrap();
    let address = emulator.address();
    let fault = emulator.fault(Fault::on("login").hold());
    let mut idle = connect(&emulator).await;
    let mut held = connect(&emulator).await;
    held.write_all(REQUEST).await.unwrap();
    fault.hit(1).await;
    drop(emulator);
    ended(&mut idle).await;
    ended(&mut held).await;
    // The listener ends with its task: until then the door is ajar.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn shutdown_waits_for_the_answer_that_is_going_out() {
    let emulator = emulator().start().await.unwrap();
    let fault = emulator.fault(Fault::on("login").drip(10, Duration::from_millis(1)));
    let mut stream = connect(&emulator).await;
    stream.write_all(REQUEST).await.unwrap();
    fault.hit(1).await;
    let read = async {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    };
    let (gone, ()) = tokio::join!(emulator.shutdown(Duration::from_secs(60)), read);
    assert!(gone);
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_so() {
    let first = emulator().start().await.unwrap();
    let port = first.address().port();
    let error = emulator().port(port).start().await.unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }));
    assert_eq!(error.to_string(), format!("cannot listen on 127.0.0.1:{port}"));
}

#[tokio::test]
async fn urls_are_those_of_a_gateway() {
    let emulator = emulator().start().await.unwrap();
    let port = emulator.address().port();
    assert_eq!(emulator.url(), format!("http://127.0.0.1:{port}/cgi-bin/gw"));
    assert_eq!(emulator.url_for("p1/t2"), format!("http://127.0.0.1:{port}/p1/t2/gw"));
}
