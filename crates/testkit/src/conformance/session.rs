use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use sessionpool_core::{Backend, Condition, Session};

use super::bench::Bench;
use super::{CountsSessions, Harness, ResetsState, SessionOf, SeversSessions, cut};

/// What a borrower may have done with a session before it is ended.
#[derive(Clone, Copy, Debug)]
enum Past {
    Opened,
    Used,
    Interrupted,
}

impl Past {
    const ALL: [Self; 3] = [Self::Opened, Self::Used, Self::Interrupted];

    async fn session<H: Harness>(self, bench: &Bench<'_, H>) -> SessionOf<H> {
        let mut session = bench.open().await;
        match self {
            Self::Opened => {}
            Self::Used => bench.answers(&mut session).await,
            Self::Interrupted => bench.harness.interrupt(&mut session).await,
        }
        session
    }
}

/// [`Session`], rule 1: `condition` needs nobody to answer, and an unread reply
/// is not `Clean`.
pub async fn condition_tells_the_truth<H: Harness>(harness: &H) {
    let bench = Bench::new("condition tells the truth", harness).await;
    let session = bench.open().await;
    let asked = bench.rule.on_a_plain_thread("condition", move || {
        let found = session.condition();
        (session, found)
    });
    let Ok((mut session, found)) = asked else {
        bench.rule.broken("it panicked on a thread without a runtime");
    };
    bench.rule.holds(found == Condition::Clean, "it depends on the thread it is asked on");
    harness.interrupt(&mut session).await;
    bench.noticed(&session, "a request", false);
    bench.end(session).await;
}

/// [`Session`], rule 1: a session with a changed setting is not `Clean`.
pub async fn changed_setting_is_not_clean<H: ResetsState>(harness: &H) {
    let bench = Bench::new("changed setting is not clean", harness).await;
    let mut session = bench.open().await;
    harness.disturb(&mut session).await;
    bench.is_not_clean(&session, "after a setting was changed");
    bench.end(session).await;
}

/// [`Session`], rule 2, as far as the session itself knows. An interrupted
/// session may instead say that it could not be made fit.
pub async fn release_makes_clean<H: Harness>(harness: &H) {
    let bench = Bench::new("release makes clean", harness).await;
    for past in [Past::Opened, Past::Used] {
        let mut session = past.session(&bench).await;
        bench.release(&mut session, "after a release that succeeded").await;
        bench.answers(&mut session).await;
        bench.end(session).await;
    }
    let mut session = Past::Interrupted.session(&bench).await;
    bench.recovers(&mut session).await;
    bench.end(session).await;
}

/// [`Session`], rule 2: the next borrower finds what a fresh session has.
pub async fn release_leaves_no_trace<H: ResetsState>(harness: &H) {
    let bench = Bench::new("release leaves no trace", harness).await;
    let mut session = bench.open().await;
    let fresh = harness.undisturbed(&mut session).await;
    bench.rule.holds(fresh, "the harness finds a fresh session disturbed");
    harness.disturb(&mut session).await;
    let disturbed = !harness.undisturbed(&mut session).await;
    bench.rule.holds(disturbed, "the harness does not see what it disturbed");

    bench.release(&mut session, "after a release that succeeded").await;
    let undisturbed = harness.undisturbed(&mut session).await;
    bench.rule.holds(undisturbed, "the next borrower finds what the last one left");
    bench.end(session).await;
}

/// [`Session`], rule 3: a future dropped at any point is noticed, and no answer
/// is taken for another's.
pub async fn dropped_futures_are_survivable<H: Harness>(harness: &H) {
    let bench = Bench::new("dropped futures are survivable", harness).await;
    let fresh = async |_: &mut SessionOf<H>| ();
    let used = async |session: &mut SessionOf<H>| bench.answers(session).await;
    let interrupted = async |session: &mut SessionOf<H>| harness.interrupt(session).await;
    let request = async |session: &mut SessionOf<H>, ()| bench.request(session).await;
    let check = async |session: &mut SessionOf<H>, ()| bench.backend.check(session).await;
    let release = async |session: &mut SessionOf<H>, ()| SessionOf::<H>::release(session).await;

    bench.survives_a_dropped("a request", fresh, request, used).await;
    bench.survives_a_dropped("a check", fresh, check, used).await;
    bench.survives_a_dropped("a release", used, release, used).await;
    bench.survives_a_dropped("a release", interrupted, release, used).await;
}

/// [`Session`], rule 4: `close`, `abort` and a dropped `close` each end the
/// session, and no other one.
pub async fn session_is_ended_once<H: CountsSessions>(harness: &H) {
    let bench = Bench::new("session is ended once", harness).await;
    let mut neighbour = bench.open().await;
    for past in Past::ALL {
        bench.end(past.session(&bench).await).await;
        bench.live(1, "after close").await;
        Session::abort(past.session(&bench).await);
        bench.live(1, "after abort").await;
        bench
            .sweep("close", async |polls| {
                let session = past.session(&bench).await;
                let done = cut(Session::close(session), polls).await.is_some();
                bench.live(1, "after close was dropped").await;
                done
            })
            .await;
    }
    bench.answers(&mut neighbour).await;
    bench.end(neighbour).await;
    bench.live(0, "after all were ended").await;
}

/// [`Session`], rule 5: no runtime, no reply, no waiting and no panic, even while
/// unwinding.
pub async fn abort_needs_nothing<H: Harness>(harness: &H) {
    let bench = Bench::new("abort needs nothing", harness).await;
    for past in Past::ALL {
        let session = past.session(&bench).await;
        let aborted = bench.rule.on_a_plain_thread("abort", move || Session::abort(session));
        bench.rule.holds(aborted.is_ok(), "it panicked on a thread without a runtime");

        let session = past.session(&bench).await;
        let aborted = bench.rule.on_a_plain_thread("abort", move || abort_unwinding(session));
        bench.rule.holds(aborted.is_ok_and(|quietly| quietly), "it panicked while unwinding");
    }
}

/// [`Session`], rules 1 and 3: a session cut off by the remote end says so, fails
/// its check and is not made `Clean` again.
pub async fn severed_session_is_broken<H: SeversSessions>(harness: &H) {
    let bench = Bench::new("severed session is broken", harness).await;
    let mut session = severed(&bench).await;
    let Err(error) = bench.try_ask(&mut session).await else {
        bench.rule.broken("a severed session answered");
    };
    let fault = SessionOf::<H>::classify(&error);
    bench.rule.holds(fault.ends_session(), format_args!("the error was taken for {fault:?}"));
    bench.is_broken(&session, "after a request failed");
    bench.end(session).await;

    let mut session = severed(&bench).await;
    let checked = bench.rule.in_time("check", bench.backend.check(&mut session)).await;
    bench.rule.holds(checked.is_err(), "a severed session passed its check");
    bench.is_broken(&session, "after a check failed");
    let released = bench.rule.in_time("release", SessionOf::<H>::release(&mut session)).await;
    bench.rule.holds(released.is_err(), "a severed session was made fit");
    Session::abort(session);
}

async fn severed<H: SeversSessions>(bench: &Bench<'_, H>) -> SessionOf<H> {
    let mut session = bench.open().await;
    bench.answers(&mut session).await;
    bench.release(&mut session, "after a request").await;
    bench.harness.sever(&mut session).await;
    session
}

/// True if `abort` did not panic while its thread was unwinding.
fn abort_unwinding<S: Session>(session: S) -> bool {
    let mut quietly = false;
    let doomed = Doomed { session: Some(session), quietly: &mut quietly };
    let unwind = AssertUnwindSafe(move || {
        let _doomed = doomed;
        resume_unwind(Box::new(()));
    });
    let _ = catch_unwind(unwind);
    quietly
}

/// Aborts its session when dropped. A panic stops here: let out while unwinding,
/// it would end the process and every other check with it.
struct Doomed<'q, S: Session> {
    session: Option<S>,
    quietly: &'q mut bool,
}

impl<S: Session> Drop for Doomed<'_, S> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            let abort = AssertUnwindSafe(|| Session::abort(session));
            *self.quietly = catch_unwind(abort).is_ok();
        }
    }
}
