//! A session serves one request at a time; what ends it ends them.

use std::time::Duration;

use sessionpool_emulator::{Emulator, Fault};

use crate::common::{Caller, Session, emulator, rc};

const QUERY: &str = "<in><name>default.lonely</name><ops/></in>";
const FOR_EVER: Duration = Duration::from_secs(3600);

/// A session with a query that runs, and the task that waits for its answer.
async fn running(emulator: &Emulator) -> (Caller, Session, tokio::task::JoinHandle<String>) {
    let caller = Caller::new(emulator, "a");
    let session = caller.login("demo", "possess").await;
    let fault = emulator.fault(Fault::on("query").take(FOR_EVER));
    let task = tokio::spawn({
        let (caller, session) = (caller.clone(), session.clone());
        async move { caller.in_session(&session, "query", QUERY).await }
    });
    fault.hit(1).await;
    emulator.until(|book| book.calls("query") == 1).await;
    (caller, session, task)
}

#[tokio::test]
async fn a_second_request_waits_until_the_session_ends_or_is_free() {
    let emulator = emulator().start().await.unwrap();
    let (caller, session, first) = running(&emulator).await;
    let second = tokio::spawn({
        let (caller, session) = (caller.clone(), session.clone());
        async move { caller.in_session(&session, "clear", "").await }
    });
    emulator.until(|book| book.calls("clear") == 1).await;
    assert!(!first.is_finished() && !second.is_finished());
    caller.login("demo", "yes").await;
    assert_eq!(rc(&first.await.unwrap()), 35, "its query was terminated");
    assert_eq!(rc(&second.await.unwrap()), 35, "its turn did not come");
}

#[tokio::test]
async fn a_request_that_waited_is_served() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    emulator.fault(Fault::on("query").take(Duration::from_millis(50)));
    let slow = caller.in_session(&session, "query", QUERY);
    let quick = async {
        emulator.until(|book| book.calls("query") == 1).await;
        caller.in_session(&session, "getdata", "<in><cols><col>lonely</col></cols></in>").await
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!(rc(&slow), 0);
    assert_eq!(rc(&quick), 0, "it found the query's result: {quick}");
}

#[tokio::test]
async fn logout_terminates_a_running_query_unless_told_not_to() {
    let emulator = emulator().start().await.unwrap();
    let (caller, session, query) = running(&emulator).await;
    let logout = async |kill: &str| {
        let (sid, pswd) = (&session.sid, &session.pswd);
        caller.ask(&format!("api=logout&uid=demo&pswd={pswd}&sid={sid}{kill}"), "").await
    };
    assert_eq!(logout("&kill=no").await, "<out><rc>38</rc><msg>System is busy</msg></out>");
    assert!(!query.is_finished());
    assert_eq!(rc(&logout("").await), 0);
    assert_eq!(rc(&query.await.unwrap()), 35);
}

#[tokio::test]
async fn resetpool_terminates_what_runs() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    caller.getuid().await;
    let session = caller.login("clientx_0", "possess").await;
    let fault = emulator.fault(Fault::on("query").take(FOR_EVER));
    let query = caller.in_session(&session, "query", QUERY);
    let reset = async {
        fault.hit(1).await;
        emulator.until(|book| book.calls("query") == 1).await;
        caller.pool("resetpool").await
    };
    let (query, reset) = tokio::join!(query, reset);
    assert_eq!((rc(&query), rc(&reset)), (35, 0));
}

#[tokio::test]
async fn a_running_request_keeps_its_session_from_being_idle() {
    let clock = sessionpool_emulator::Clock::stopped();
    let emulator = emulator().clock(clock.clone()).start().await.unwrap();
    let (caller, session, query) = running(&emulator).await;
    clock.advance(Duration::from_secs(3600));
    let joined = caller.login("demo", "possess").await;
    assert_eq!(joined.sid, session.sid);
    assert!(!query.is_finished());
}

#[tokio::test]
async fn what_was_received_is_executed_though_nobody_waits() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let fault = emulator.fault(Fault::on("getuid").hold());
    let request = tokio::spawn({
        let caller = caller.clone();
        async move { caller.pool("getuid").await }
    });
    fault.hit(1).await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    assert_eq!(emulator.book().held().len(), 0);
    fault.lift();
    emulator.until(|book| book.held().len() == 1).await;
}

#[tokio::test]
async fn a_reader_that_goes_away_gives_the_session_to_the_next() {
    let rows = (0..1_000_000).map(Some);
    let column = sessionpool_emulator::Column::integer("n", rows);
    let table = sessionpool_emulator::Table::new("long", [column]).unwrap();
    let emulator = emulator().table(table).start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let (sid, pswd) = (&session.sid, &session.pswd);
    let body = "<in><name>long</name><ops/><cols><col>n</col></cols></in>";
    let request = format!(
        "POST /a/gw?api=querydata&uid=demo&pswd={pswd}&sid={sid} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let reader = caller.unread(request.as_bytes()).await;
    emulator.until(|book| book.calls("querydata") == 1).await;
    let next = tokio::spawn({
        let (caller, session) = (caller.clone(), session.clone());
        async move { caller.in_session(&session, "clear", "").await }
    });
    emulator.until(|book| book.calls("clear") == 1).await;
    assert!(!next.is_finished());
    drop(reader);
    assert_eq!(rc(&next.await.unwrap()), 0);
}

#[tokio::test]
async fn a_session_is_free_before_its_answer_can_be_read_to_the_end() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    for _ in 0..50 {
        let session = caller.login("demo", "possess").await;
        let asked = |api: &str| {
            format!("api={api}&uid=demo&pswd={}&sid={}&kill=no", session.pswd, session.sid)
        };
        assert_eq!(rc(&caller.ask(&asked("query"), QUERY).await), 0);
        let window = "<in><cols><col>lonely</col></cols></in>";
        assert_eq!(rc(&caller.ask(&asked("getdata"), window).await), 0);
        assert_eq!(rc(&caller.ask(&asked("logout"), "").await), 0, "nothing runs any more");
    }
}
