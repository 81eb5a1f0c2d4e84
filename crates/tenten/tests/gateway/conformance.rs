//! The contracts of `Backend` and `Session`, for a SAM group and for a single user.

use crate::common::{self, NUMBERS, PASSWORD, gateway, live};
use sessionpool_emulator::{Emulator, Group};
use sessionpool_tenten::{Error, LoginType, Query, Result, Tenten, TentenSession};
use sessionpool_testkit::conformance::{
    Capabilities, CountsSessions, Harness, RefusesLogins, SeversSessions, cut,
};
use tokio::sync::OnceCell;

/// One gateway, started when first needed.
#[derive(Default)]
struct Remote(OnceCell<Emulator>);

impl Remote {
    async fn emulator(&self) -> &Emulator {
        let start = || async {
            let refusing = Group::new("refusing", "other_owner", PASSWORD).id("refusing_0");
            let emulator = gateway(3).group(refusing).start().await.expect("it starts");
            // Its ID is handed out, and its login fails.
            let refusal = sessionpool_emulator::Fault::on("login").uid("refusing_0").always();
            emulator.fault(refusal.rc(4, "Invalid user identification"));
            emulator
        };
        self.0.get_or_init(start).await
    }
}

async fn ask(session: &mut TentenSession, number: u32) -> Result<u32> {
    let ops = format!("<sel value=\"(n={number})\"/>");
    let mut query = Query::new(NUMBERS, ops);
    let row = query.row(session, 0).await?.ok_or_else(|| Error::Shape("no row".to_owned()))?;
    row.get::<i64>("n").map(|number| u32::try_from(number).expect("it fits"))
}

async fn interrupt(session: &mut TentenSession) {
    let asked = cut(ask(session, 500), 2).await;
    assert!(asked.is_none(), "it was answered before it could be dropped");
}

/// A SAM group.
#[derive(Default)]
struct Sam(Remote);

impl Harness for Sam {
    type Backend = Tenten;

    fn capabilities(&self) -> Capabilities {
        Capabilities::none().counts_sessions().refuses_logins().severs_sessions()
    }

    async fn backend(&self) -> Tenten {
        common::group(self.0.emulator().await).build().expect("valid")
    }

    async fn ask(&self, session: &mut TentenSession, number: u32) -> Result<u32> {
        ask(session, number).await
    }

    async fn interrupt(&self, session: &mut TentenSession) {
        interrupt(session).await;
    }
}

/// What counts is the IDs taken.
impl CountsSessions for Sam {
    async fn live(&self) -> usize {
        self.0.emulator().await.book().held().len()
    }
}

impl RefusesLogins for Sam {
    async fn refusing(&self) -> Tenten {
        let url = self.0.emulator().await.url();
        let builder = Tenten::builder(url).insecure().sam_pool("other_owner", "refusing");
        builder.password(PASSWORD).login_type(LoginType::Possess).build().expect("valid")
    }
}

impl SeversSessions for Sam {
    async fn sever(&self, session: &mut TentenSession) {
        kill(self.0.emulator().await, session.user()).await;
    }
}

/// Somebody else logs in under that name, and out.
async fn kill(emulator: &Emulator, user: &str) {
    let builder = Tenten::builder(emulator.url()).insecure().user(user).password(PASSWORD);
    let other = builder.login_type(LoginType::Kill).build().expect("valid");
    let session = other.connect().await.expect("logged in");
    sessionpool_core::Session::close(session).await.expect("logged out");
}

mod sam {
    use super::Sam;

    sessionpool_testkit::conformance_suite!(
        Sam::default(); counts_sessions, refuses_logins, severs_sessions
    );
}

/// A single user, whose session is ended with the pool's.
#[derive(Default)]
struct Single(Remote);

impl Harness for Single {
    type Backend = Tenten;

    fn capabilities(&self) -> Capabilities {
        Capabilities::none().severs_sessions()
    }

    async fn backend(&self) -> Tenten {
        common::user(self.0.emulator().await, LoginType::Kill).build().expect("valid")
    }

    async fn ask(&self, session: &mut TentenSession, number: u32) -> Result<u32> {
        ask(session, number).await
    }

    async fn interrupt(&self, session: &mut TentenSession) {
        interrupt(session).await;
    }
}

impl SeversSessions for Single {
    async fn sever(&self, session: &mut TentenSession) {
        kill(self.0.emulator().await, session.user()).await;
    }
}

mod single {
    use super::Single;

    sessionpool_testkit::conformance_suite!(Single::default(); severs_sessions);
}

#[tokio::test]
async fn an_opening_of_a_single_user_dropped_at_any_point_is_logged_out() {
    let remote = Remote::default();
    let emulator = remote.emulator().await;
    let tenten = common::user(emulator, LoginType::NoKill).build().expect("valid");
    for polls in 0.. {
        let opened = cut(tenten.connect(), polls).await;
        let done = opened.is_some();
        drop(opened);
        common::soon("a logout", async {
            while live(emulator) > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        })
        .await;
        if done {
            break;
        }
    }
}
