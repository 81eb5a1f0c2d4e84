//! What is asked may be huge; what it takes is bounded.
//!
//! Client and gateway share one thread here, and the counter counts that thread.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

use sessionpool_emulator::{Column, Emulator, Table};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const MIB: u64 = 1 << 20;

/// The documented limit of a body.
const BODY: usize = 5 << 20;

struct House {
    runtime: Runtime,
    emulator: Emulator,
    credentials: String,
}

fn house() -> House {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let columns = [
        Column::integer("n", (0..1_000_000).map(Some)),
        Column::text("a", (0..1_000_000).map(|_| "some text")),
    ];
    let emulator = runtime.block_on(async {
        let builder = Emulator::builder().user("demo", "secret");
        builder.table(Table::new("t", columns).unwrap()).start().await.unwrap()
    });
    let mut house = House { runtime, emulator, credentials: "uid=demo&pswd=secret".to_owned() };
    let mut login = Vec::new();
    house.ask("login", b"", |piece| login.extend_from_slice(piece));
    let login = String::from_utf8(login).unwrap();
    let between = |start, end| login.split(start).nth(1).unwrap().split(end).next().unwrap();
    let (sid, pswd) = (between("<sid>", "</sid>"), between("<pswd>", "</pswd>"));
    house.credentials = format!("uid=demo&pswd={pswd}&sid={sid}");
    house
}

impl House {
    /// Sends a body and shows what comes back, piece by piece.
    fn ask(&self, api: &str, body: &[u8], mut see: impl FnMut(&[u8])) {
        self.runtime.block_on(async {
            let mut stream = TcpStream::connect(self.emulator.address()).await.unwrap();
            let head = format!(
                "POST /gw?api={api}&{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                self.credentials,
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(body).await.unwrap();
            let mut piece = [0; 16 * 1024];
            loop {
                match stream.read(&mut piece).await.unwrap() {
                    0 => return,
                    read => see(&piece[..read]),
                }
            }
        });
    }

    /// The most memory that was taken at a time, and the answer's first bytes.
    fn peak(&self, api: &str, body: &[u8]) -> (u64, String) {
        let mut start = Vec::with_capacity(4096);
        let counted = allocation_counter::measure(|| {
            self.ask(api, body, |piece| {
                let room = start.capacity() - start.len();
                start.extend_from_slice(&piece[..piece.len().min(room)]);
            });
        });
        (counted.bytes_max, String::from_utf8_lossy(&start).into_owned())
    }
}

/// `piece` as often as fits a body, between two others.
fn stuffed(before: &str, piece: &str, after: &str) -> Vec<u8> {
    let times = (BODY - before.len() - after.len()) / piece.len();
    format!("{before}{}{after}", piece.repeat(times)).into_bytes()
}

#[test]
fn no_body_takes_more_than_a_few_times_its_size() {
    let house = house();
    let (t, columns) = ("<in><name>t</name><ops>", "<in><name>t</name><ops/><cols>");
    let rows = [
        ("query", stuffed("<in>", "<a/>", "</in>")),
        ("query", stuffed("<in>", "<a></a>", "</in>")),
        ("query", stuffed("<in>", "<a>", "")),
        ("query", stuffed("<in ", "a='' ", "/>")),
        ("query", stuffed("<in a='", "x", "'/>")),
        ("query", stuffed("<in><ops/><name>", "&amp;", "</name></in>")),
        ("query", stuffed("<in><ops/><name>", "x", "</name></in>")),
        ("querydata", stuffed(columns, "<col>n</col>", "</cols></in>")),
        ("query", stuffed(t, "<sort col='n'/>", "</ops></in>")),
        ("query", stuffed(&format!("{t}<sel value='"), "(", "'/></ops></in>")),
        ("query", stuffed(&format!("{t}<sel value='n="), "1 ", "'/></ops></in>")),
        ("query", stuffed(&format!("{t}<sel value='n="), "9", "'/></ops></in>")),
        ("query", stuffed(&format!("{t}<colord cols='"), "n,", "'/></ops></in>")),
    ];
    for (api, body) in rows {
        let (peak, answer) = house.peak(api, &body);
        let what = String::from_utf8_lossy(&body[..60]);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{what}: {answer}");
        assert!(!answer.contains("<rc>0</rc>"), "{what}: {answer}");
        assert!(answer.len() < 1000, "{what}: {answer}");
        assert!(peak < 64 * MIB, "{what}: {peak} bytes");
    }
}

#[test]
fn an_answer_takes_no_more_however_long_it_is() {
    let house = house();
    let asked = |to| {
        format!(
            "<in><name>t</name><ops/><cols><col>n</col><col>a</col></cols>\
             <rows mode=\"2\"><from>1</from><to>{to}</to></rows></in>"
        )
    };
    for to in ["1000", "1000000"] {
        let mut length = 0;
        let body = asked(to);
        let counted = allocation_counter::measure(|| {
            house.ask("querydata", body.as_bytes(), |piece| length += piece.len());
        });
        let rows: usize = to.parse().unwrap();
        assert!(length > 20 * rows, "{length} bytes for {rows} rows");
        assert!(counted.bytes_max < 2 * MIB, "{} bytes for {rows} rows", counted.bytes_max);
    }
}
