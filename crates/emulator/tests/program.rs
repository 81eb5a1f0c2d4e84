//! The program: started, asked, stopped.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

fn program(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sessionpool-emulator"))
        .args(["--port", "0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn ask(address: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}

#[tokio::test]
async fn it_serves_the_files_it_is_given_until_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weather stations.csv");
    std::fs::write(&file, "id,name,elev\n3103,FLAGSTAFF & CO,7003.5\n3104,,\n").unwrap();
    let mut child = program(&["--data", file.to_str().unwrap(), "--synthetic", "1000"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    let url = loop {
        let line = lines.next_line().await.unwrap().expect("a line that says where it listens");
        if let Some(url) = line.strip_prefix("gateway ") {
            break url.to_owned();
        }
        said.push(line);
    };
    assert_eq!(
        said,
        [
            "table pub.demo.weather_stations: 2 rows, 3 columns",
            "table pub.demo.synthetic: 1000 rows, 8 columns",
            "user demo; group clientx of 8 IDs, owner clientx_owner",
        ]
    );

    let address = between(&url, "http://", "/");
    let login = ask(address, "/cgi-bin/gw?api=login&uid=demo&pswd=secret&kill=possess", "").await;
    let (sid, pswd) = (between(&login, "<sid>", "<"), between(&login, "<pswd>", "<"));
    let path = format!("/cgi-bin/gw?api=querydata&apiversion=3&uid=demo&pswd={pswd}&sid={sid}");
    let body = "<in><name>pub.demo.weather_stations</name><ops><sel value=\"(elev&gt;10)\"/></ops>\
                <cols><col>id</col><col>name</col></cols></in>";
    let answer = ask(address, &path, body).await;
    assert!(answer.contains("<nrows>1</nrows>"), "{answer}");
    assert!(answer.contains("<tr><td>3103</td><td>FLAGSTAFF &amp; CO</td></tr>"), "{answer}");

    let interrupted =
        Command::new("kill").arg("-INT").arg(child.id().unwrap().to_string()).status();
    assert!(interrupted.await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_file_it_cannot_serve_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.csv");
    std::fs::write(&file, "id,id\n1,2\n").unwrap();
    let output = program(&["--data", file.to_str().unwrap()]).wait_with_output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("cannot serve {}", file.display())), "{said}");
    assert!(said.contains("there are two columns \"id\""), "{said}");
}
