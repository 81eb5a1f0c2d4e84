use sessionpool_core::{Backend, CommitOutcome, Condition, Session, Transactional, TxOptions};

use super::rule::Rule;
use super::{CountsSessions, ErrorOf, Harness, SessionOf, Transactions, cut};

/// More polls than any call of a backend needs.
const MOST_POLLS: usize = 1000;

/// The numbers a session is asked for: one whose answer may go unread, and one
/// whose answer must be its own.
const BEFORE: u32 = 17;
const AFTER: u32 = 4;

/// One check's workplace: the rule, and the backend that has to keep it.
#[derive(Debug)]
pub(super) struct Bench<'h, H: Harness> {
    pub(super) rule: Rule,
    pub(super) harness: &'h H,
    pub(super) backend: H::Backend,
}

/// What a borrower does after one of its futures was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    Releases,
    GoesOn,
}

impl<'h, H: Harness> Bench<'h, H> {
    pub(super) async fn new(rule: &'static str, harness: &'h H) -> Self {
        Self { rule: Rule::new(rule), harness, backend: harness.backend().await }
    }

    pub(super) async fn open(&self) -> SessionOf<H> {
        let opened = self.rule.in_time("open", self.backend.open()).await;
        self.rule.ok(opened, "open")
    }

    /// Ends the session, whatever the remote end says to it.
    pub(super) async fn end(&self, session: SessionOf<H>) {
        let _ = self.rule.in_time("close", Session::close(session)).await;
    }

    /// A request, whatever its answer.
    pub(super) async fn request(&self, session: &mut SessionOf<H>) {
        let _ = self.harness.ask(session, BEFORE).await;
    }

    /// A request that must be answered.
    pub(super) async fn answers(&self, session: &mut SessionOf<H>) {
        let answer = self.try_ask(session).await;
        self.rule.ok(answer, "a request");
    }

    /// A request that may fail, but must not take another's answer for its own.
    pub(super) async fn try_ask(&self, session: &mut SessionOf<H>) -> Result<(), ErrorOf<H>> {
        let answer = self.rule.in_time("a request", self.harness.ask(session, AFTER)).await?;
        self.rule.holds(answer == AFTER, "a request was given another's answer");
        Ok(())
    }

    pub(super) async fn release(&self, session: &mut SessionOf<H>, when: &str) {
        let released = self.rule.in_time("release", SessionOf::<H>::release(session)).await;
        self.rule.ok(released, "release");
        self.is_clean(session, when);
    }

    #[track_caller]
    pub(super) fn is_clean(&self, session: &SessionOf<H>, when: &str) {
        let found = session.condition();
        self.rule.holds(found == Condition::Clean, format_args!("{found:?} {when}"));
    }

    #[track_caller]
    pub(super) fn is_broken(&self, session: &SessionOf<H>, when: &str) {
        let found = session.condition();
        let broken = matches!(found, Condition::Broken(_));
        self.rule.holds(broken, format_args!("{found:?} {when}"));
    }

    #[track_caller]
    pub(super) fn is_not_clean(&self, session: &SessionOf<H>, when: &str) {
        self.rule.holds(session.condition() != Condition::Clean, format_args!("Clean {when}"));
    }

    /// The session is `Busy` or `Broken`, unless `what` came to its end or had
    /// not begun.
    #[track_caller]
    pub(super) fn noticed(&self, session: &SessionOf<H>, what: &str, nothing: bool) {
        let found = session.condition();
        let knows = matches!(found, Condition::Busy | Condition::Broken(_));
        self.rule.holds(nothing || knows, format_args!("{found:?} after {what} was dropped"));
    }

    /// Takes `step` through 0, 1, 2, … polls until it says that its future came
    /// to its end.
    pub(super) async fn sweep(&self, what: &str, mut step: impl AsyncFnMut(usize) -> bool) {
        for polls in 0..MOST_POLLS {
            if self.rule.in_time(what, step(polls)).await {
                return;
            }
        }
        self.rule.broken(format_args!("{what} did not come to its end"));
    }

    /// Drops `call` at each point on a session made ready by `prepare`: the
    /// session knows, and is fit for `reuse` or ended afterwards.
    pub(super) async fn survives_a_dropped<P, T>(
        &self,
        what: &str,
        prepare: impl AsyncFn(&mut SessionOf<H>) -> P,
        call: impl AsyncFn(&mut SessionOf<H>, P) -> T,
        reuse: impl AsyncFn(&mut SessionOf<H>),
    ) {
        for afterwards in [Afterwards::Releases, Afterwards::GoesOn] {
            self.sweep(what, async |polls| {
                let mut session = self.open().await;
                let prepared = prepare(&mut session).await;
                let done = cut(call(&mut session, prepared), polls).await.is_some();
                self.noticed(&session, what, done || polls == 0);
                if afterwards == Afterwards::GoesOn {
                    let _ = self.try_ask(&mut session).await;
                }
                if self.recovers(&mut session).await {
                    reuse(&mut session).await;
                }
                self.end(session).await;
                done
            })
            .await;
        }
    }

    /// True if the session could be made fit for another borrower; then it is.
    pub(super) async fn recovers(&self, session: &mut SessionOf<H>) -> bool {
        let released = self.rule.in_time("release", SessionOf::<H>::release(session)).await;
        if released.is_ok() {
            self.is_clean(session, "after a release that succeeded");
            self.answers(session).await;
        }
        released.is_ok()
    }
}

impl<H: CountsSessions> Bench<'_, H> {
    /// Waits until the remote end has so many sessions.
    pub(super) async fn live(&self, wanted: usize, when: &str) {
        let find = async || self.harness.live().await;
        self.rule.becomes(wanted, "sessions at the remote end", when, find).await;
    }
}

impl<H: Transactions> Bench<'_, H> {
    pub(super) async fn begin(&self, session: &mut SessionOf<H>) {
        let options = TxOptions::new();
        let begun = self.rule.in_time("begin", Transactional::begin(session, &options)).await;
        self.rule.ok(begun, "begin");
    }

    /// Begins, and writes `row`.
    pub(super) async fn begin_with(&self, session: &mut SessionOf<H>, row: &str) {
        self.begin(session).await;
        self.harness.write(session, row).await;
    }

    pub(super) async fn rollback(&self, session: &mut SessionOf<H>) {
        let done = self.rule.in_time("rollback", Transactional::rollback(session)).await;
        self.rule.ok(done, "rollback");
    }

    pub(super) async fn commit(&self, session: &mut SessionOf<H>) -> CommitOutcome<ErrorOf<H>> {
        self.rule.in_time("commit", Transactional::commit(session)).await
    }

    /// A commit nothing speaks against.
    pub(super) async fn commits(&self, session: &mut SessionOf<H>) {
        let outcome = self.commit(session).await;
        self.rule.holds(
            matches!(outcome, CommitOutcome::Committed),
            format_args!("commit answered {outcome:?}"),
        );
    }

    pub(super) async fn is_committed(&self, row: &str, when: &str) {
        self.rule.holds(self.harness.committed(row).await, format_args!("{row} missing {when}"));
    }

    pub(super) async fn is_not_committed(&self, row: &str, when: &str) {
        self.rule.holds(!self.harness.committed(row).await, format_args!("{row} visible {when}"));
    }

    /// A whole unit of work succeeds: no other one is open on the session.
    pub(super) async fn commits_a_unit(&self, session: &mut SessionOf<H>, row: &str) {
        self.begin_with(session, row).await;
        self.commits(session).await;
        self.is_committed(row, "after its commit").await;
    }
}
