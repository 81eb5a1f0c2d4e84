//! The suite over the scripted backend: with calls that give way, so that there
//! is something to drop, and with calls that do not.

use sessionpool_core::Fault;
use sessionpool_testkit::conformance::{
    Capabilities, CountsSessions, DoomsCommits, Harness, LosesAcks, RefusesLogins, ResetsState,
    SeversSessions, Transactions, cut,
};
use sessionpool_testkit::{Act, Scripted, ScriptedError, ScriptedSession, Verb};

const VERBS: [Verb; 11] = [
    Verb::Open,
    Verb::Check,
    Verb::Release,
    Verb::Close,
    Verb::Begin,
    Verb::Commit,
    Verb::Rollback,
    Verb::Savepoint,
    Verb::ReleaseSavepoint,
    Verb::RollbackTo,
    Verb::Write,
];

/// A remote end with nothing wrong.
struct Sound(Scripted);

impl Sound {
    fn at_once() -> Self {
        Self(Scripted::new())
    }

    fn giving_way(times: usize) -> Self {
        let scripted = Scripted::new();
        for verb in VERBS {
            scripted.always(verb, Act::yields(times));
        }
        Self(scripted)
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.assert_all_ended();
        }
    }
}

impl Harness for Sound {
    type Backend = Scripted;

    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
            .counts_sessions()
            .refuses_logins()
            .resets_state()
            .severs_sessions()
            .transactions()
            .dooms_commits()
            .loses_acks()
    }

    async fn backend(&self) -> Scripted {
        self.0.clone()
    }

    async fn ask(&self, session: &mut ScriptedSession, number: u32) -> Result<u32, ScriptedError> {
        session.write("asked").await.map(|()| number)
    }

    async fn interrupt(&self, session: &mut ScriptedSession) {
        self.0.next(Verb::Write, Act::hang());
        assert!(cut(session.write("interrupted"), 1).await.is_none());
    }
}

impl CountsSessions for Sound {
    async fn live(&self) -> usize {
        self.0.book().live
    }
}

impl RefusesLogins for Sound {
    async fn refusing(&self) -> Scripted {
        self.0.always(Verb::Open, Act::yields(2).then_fail(Fault::Rejected));
        self.0.clone()
    }
}

impl ResetsState for Sound {
    async fn disturb(&self, session: &mut ScriptedSession) {
        session.set_dirty();
    }

    async fn undisturbed(&self, session: &mut ScriptedSession) -> bool {
        !session.is_dirty()
    }
}

impl SeversSessions for Sound {
    async fn sever(&self, _: &mut ScriptedSession) {
        self.0.lose_sessions();
    }
}

impl Transactions for Sound {
    async fn write(&self, session: &mut ScriptedSession, row: &str) {
        session.write(row).await.expect("nothing speaks against a write");
    }

    async fn committed(&self, row: &str) -> bool {
        self.0.committed().iter().any(|committed| committed == row)
    }
}

impl DoomsCommits for Sound {
    async fn doom(&self, _: &mut ScriptedSession) {
        self.0.next(Verb::Commit, Act::fail(Fault::Conflict));
    }
}

impl LosesAcks for Sound {
    async fn lose_ack(&self, _: &mut ScriptedSession) {
        self.0.next(Verb::Commit, Act::lose_ack());
    }
}

mod at_once {
    use super::Sound;

    sessionpool_testkit::conformance_suite!(Sound::at_once();
        counts_sessions, refuses_logins, resets_state, severs_sessions,
        transactions, dooms_commits, loses_acks);
}

mod giving_way {
    use super::Sound;

    sessionpool_testkit::conformance_suite!(Sound::giving_way(3);
        counts_sessions, refuses_logins, resets_state, severs_sessions,
        transactions, dooms_commits, loses_acks);
}

/// A session keeps the contract when its type is forgotten.
#[allow(clippy::future_not_send, reason = "a check runs on one thread")]
mod erased {
    use sessionpool_core::{AnyError, AnySession, Erase, Session};
    use sessionpool_testkit::conformance::{
        Capabilities, CountsSessions, Harness, RefusesLogins, ResetsState, SessionOf,
        SeversSessions,
    };

    use super::Sound;

    /// What is under test is the backend of another harness, erased.
    struct Erased<H>(H);

    fn known<S: Session>(session: &mut AnySession) -> &mut S {
        session.downcast_mut().expect("a session of the harness's backend")
    }

    impl<H: Harness> Harness for Erased<H> {
        type Backend = Erase<H::Backend>;

        fn capabilities(&self) -> Capabilities {
            let of_it = self.0.capabilities();
            assert!(of_it.counts_sessions && of_it.refuses_logins && of_it.resets_state);
            assert!(of_it.severs_sessions);
            Capabilities::none().counts_sessions().refuses_logins().resets_state().severs_sessions()
        }

        async fn backend(&self) -> Erase<H::Backend> {
            Erase::new(self.0.backend().await)
        }

        async fn ask(&self, session: &mut AnySession, number: u32) -> Result<u32, AnyError> {
            let answer = self.0.ask(known(session), number).await;
            answer.map_err(AnyError::of::<SessionOf<H>>)
        }

        async fn interrupt(&self, session: &mut AnySession) {
            self.0.interrupt(known(session)).await;
        }
    }

    impl<H: CountsSessions> CountsSessions for Erased<H> {
        async fn live(&self) -> usize {
            self.0.live().await
        }
    }

    impl<H: RefusesLogins> RefusesLogins for Erased<H> {
        async fn refusing(&self) -> Erase<H::Backend> {
            Erase::new(self.0.refusing().await)
        }
    }

    impl<H: ResetsState> ResetsState for Erased<H> {
        async fn disturb(&self, session: &mut AnySession) {
            self.0.disturb(known(session)).await;
        }

        async fn undisturbed(&self, session: &mut AnySession) -> bool {
            self.0.undisturbed(known(session)).await
        }
    }

    impl<H: SeversSessions> SeversSessions for Erased<H> {
        async fn sever(&self, session: &mut AnySession) {
            self.0.sever(known(session)).await;
        }
    }

    mod at_once {
        use super::{Erased, Sound};

        sessionpool_testkit::conformance_suite!(Erased(Sound::at_once());
            counts_sessions, refuses_logins, resets_state, severs_sessions);
    }

    mod giving_way {
        use super::{Erased, Sound};

        sessionpool_testkit::conformance_suite!(Erased(Sound::giving_way(3));
            counts_sessions, refuses_logins, resets_state, severs_sessions);
    }
}

/// The suite also serves a backend that can do nothing in particular.
mod the_least {
    use std::convert::Infallible;

    use sessionpool_core::{Backend, Condition, Fault, Session};
    use sessionpool_testkit::conformance::{Capabilities, Harness};

    struct Least;

    #[derive(Default)]
    struct LeastSession {
        interrupted: bool,
    }

    impl Backend for Least {
        type Session = LeastSession;

        async fn open(&self) -> Result<LeastSession, Infallible> {
            Ok(LeastSession::default())
        }

        async fn check(&self, _: &mut LeastSession) -> Result<(), Infallible> {
            Ok(())
        }
    }

    impl Session for LeastSession {
        type Error = Infallible;

        fn condition(&self) -> Condition {
            if self.interrupted { Condition::Busy } else { Condition::Clean }
        }

        fn classify(error: &Infallible) -> Fault {
            match *error {}
        }

        async fn release(this: &mut Self) -> Result<(), Infallible> {
            this.interrupted = false;
            Ok(())
        }

        async fn close(_: Self) -> Result<(), Infallible> {
            Ok(())
        }

        fn abort(_: Self) {}
    }

    impl Harness for Least {
        type Backend = Self;

        fn capabilities(&self) -> Capabilities {
            Capabilities::none()
        }

        async fn backend(&self) -> Self {
            Self
        }

        async fn ask(&self, _: &mut LeastSession, number: u32) -> Result<u32, Infallible> {
            Ok(number)
        }

        async fn interrupt(&self, session: &mut LeastSession) {
            session.interrupted = true;
        }
    }

    sessionpool_testkit::conformance_suite!(Least);
}
