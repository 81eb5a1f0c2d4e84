use sessionpool_core::Backend;

use super::bench::Bench;
use super::{CountsSessions, Harness, RefusesLogins, ResetsState, SessionOf, cut};

/// [`Backend`], rule 1: an `open` dropped at any point leaves nothing logged in.
pub async fn open_is_all_or_nothing<H: CountsSessions>(harness: &H) {
    let bench = Bench::new("open is all or nothing", harness).await;
    bench
        .sweep("open", async |polls| match cut(bench.backend.open(), polls).await {
            None => {
                bench.live(0, "after open was dropped").await;
                false
            }
            Some(opened) => {
                let session = bench.rule.ok(opened, "open");
                bench.live(1, "after open").await;
                bench.end(session).await;
                true
            }
        })
        .await;
}

/// [`Backend`], rule 1: an `open` that fails leaves nothing logged in, also when
/// it is dropped before it could say so.
pub async fn refused_open_leaves_nothing<H: RefusesLogins>(harness: &H) {
    let bench = Bench::new("refused open leaves nothing", harness).await;
    let refusing = harness.refusing().await;
    bench
        .sweep("open", async |polls| {
            let refused = cut(refusing.open(), polls).await.map(|opened| opened.is_err());
            bench.rule.holds(refused != Some(false), "the harness did not make open fail");
            bench.live(0, "after an open that came to nothing").await;
            refused.is_some()
        })
        .await;
}

/// [`Backend`], rule 2: what `open` returns is ready for its first borrower.
pub async fn opened_session_is_clean<H: Harness>(harness: &H) {
    let bench = Bench::new("opened session is clean", harness).await;
    let mut session = bench.open().await;
    bench.is_clean(&session, "after open");
    bench.answers(&mut session).await;
    bench.end(session).await;
}

/// [`Backend`], rule 3, as far as the session itself knows.
pub async fn check_leaves_the_session_clean<H: Harness>(harness: &H) {
    let bench = Bench::new("check leaves the session clean", harness).await;
    let mut session = bench.open().await;
    for _ in 0..2 {
        check(&bench, &mut session).await;
        bench.is_clean(&session, "after check");
    }
    bench.answers(&mut session).await;
    bench.end(session).await;
}

/// [`Backend`], rule 3: a borrower cannot tell whether a session was checked.
pub async fn check_leaves_no_trace<H: ResetsState>(harness: &H) {
    let bench = Bench::new("check leaves no trace", harness).await;
    let mut session = bench.open().await;
    check(&bench, &mut session).await;
    bench.is_clean(&session, "after check");
    let undisturbed = harness.undisturbed(&mut session).await;
    bench.rule.holds(undisturbed, "a borrower can tell that the session was checked");
    bench.end(session).await;
}

/// [`Backend`], rule 4: `open` asks the remote end, whose answer may be that it
/// has no room; it does not wait for other sessions to end.
pub async fn errors_speak_about_the_remote_end_only<H: Harness>(harness: &H) {
    let bench = Bench::new("errors speak about the remote end only", harness).await;
    let first = bench.open().await;
    let second = bench.rule.in_time("open, while another session lives,", bench.backend.open());
    if let Ok(second) = second.await {
        bench.end(second).await;
    }
    bench.end(first).await;
}

async fn check<H: Harness>(bench: &Bench<'_, H>, session: &mut SessionOf<H>) {
    let checked = bench.rule.in_time("check", bench.backend.check(session)).await;
    bench.rule.ok(checked, "check");
}
