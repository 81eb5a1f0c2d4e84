use sessionpool_core::Fault;
use sessionpool_testkit::conformance::{
    Capabilities, CountsSessions, DoomsCommits, Harness, LosesAcks, RefusesLogins, ResetsState,
    SeversSessions, Transactions, cut,
};
use sessionpool_testkit::{Act, ScriptedError, Verb};

use super::{Flaw, Flawed, FlawedSession};

impl Harness for Flawed {
    type Backend = Self;

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

    async fn backend(&self) -> Self {
        self.clone()
    }

    async fn ask(&self, session: &mut FlawedSession, number: u32) -> Result<u32, ScriptedError> {
        session.ask(number).await
    }

    async fn interrupt(&self, session: &mut FlawedSession) {
        assert!(cut(session.ask(0), 1).await.is_none());
    }
}

impl CountsSessions for Flawed {
    async fn live(&self) -> usize {
        self.scripted.book().live
    }
}

impl RefusesLogins for Flawed {
    async fn refusing(&self) -> Self {
        self.scripted.always(Verb::Open, Act::yields(2).then_fail(Fault::Rejected));
        self.clone()
    }
}

impl ResetsState for Flawed {
    async fn disturb(&self, session: &mut FlawedSession) {
        session.setting = true;
        if !self.is(Flaw::SettingIsClean) {
            session.inner.set_dirty();
        }
    }

    async fn undisturbed(&self, session: &mut FlawedSession) -> bool {
        !session.setting
    }
}

impl SeversSessions for Flawed {
    async fn sever(&self, _: &mut FlawedSession) {
        self.scripted.lose_sessions();
    }
}

impl Transactions for Flawed {
    async fn write(&self, session: &mut FlawedSession, row: &str) {
        session.write(row).await.expect("nothing speaks against a write");
    }

    async fn committed(&self, row: &str) -> bool {
        self.scripted.committed().iter().any(|committed| committed == row)
    }
}

impl DoomsCommits for Flawed {
    async fn doom(&self, _: &mut FlawedSession) {
        self.scripted.next(Verb::Commit, Act::fail(Fault::Conflict));
    }
}

impl LosesAcks for Flawed {
    async fn lose_ack(&self, _: &mut FlawedSession) {
        self.scripted.next(Verb::Commit, Act::lose_ack());
    }
}
