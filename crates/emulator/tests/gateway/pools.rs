//! SAM pools: each transition of the table, as `samstatus` shows it.

use std::time::Duration;

use sessionpool_emulator::{Clock, Emulator, Group, Selection};

use crate::common::{Caller, emulator, rc};

const OK: &str = "<out><rc>0</rc><msg>OK</msg></out>";
const BUSY: &str = "<out><rc>38</rc><msg>System busy, please try again</msg></out>";
const NOT_OWNER: &str = "<out><rc>37</rc><msg>You do not own the specified group.</msg></out>";
const CANNOT_RELEASE: &str = "<out><rc>1</rc><msg>Error releasing uid</msg></out>";
const REFUSED: &str = "<out><rc>4</rc><msg>Invalid user identification</msg></out>";

// uid, loggedin, free, marked
const COLD: &str = "clientx_0 0 1 0";
const WARM: &str = "clientx_0 1 1 0";
const RESERVED: &str = "clientx_0 0 0 0";
const IN_USE: &str = "clientx_0 1 0 0";
const MARKED: &str = "clientx_0 1 0 1";

/// The ways into each state, by transactions only.
async fn bring(caller: &Caller, state: &str) {
    if state == COLD {
        return;
    }
    if state == WARM {
        caller.login("clientx_0", "possess").await;
        return;
    }
    assert_eq!(caller.getuid().await, "clientx_0");
    if state != RESERVED {
        caller.login("clientx_0", "possess").await;
    }
    if state == MARKED {
        assert_eq!(caller.pool("flushpool").await, OK);
    }
}

#[tokio::test]
async fn each_event_does_to_each_state_what_the_table_says() {
    let rows = [
        // event, before, answer's code, after
        ("getuid", COLD, 0, RESERVED),
        ("getuid", WARM, 0, IN_USE),
        ("login", COLD, 0, WARM),
        ("login", WARM, 0, WARM),
        ("login", RESERVED, 0, IN_USE),
        ("login", IN_USE, 0, IN_USE),
        ("login", MARKED, 0, MARKED),
        ("logout", WARM, 0, COLD),
        ("logout", IN_USE, 0, RESERVED),
        ("reluid", COLD, 1, COLD),
        ("reluid", WARM, 1, WARM),
        ("reluid", RESERVED, 0, COLD),
        ("reluid", IN_USE, 0, WARM),
        ("reluid", MARKED, 0, COLD),
        ("idle", WARM, 0, COLD),
        ("idle", IN_USE, 0, RESERVED),
        ("idle and reservation", IN_USE, 0, COLD),
        ("idle and reservation", MARKED, 0, COLD),
        ("reservation", RESERVED, 0, COLD),
        ("reservation", IN_USE, 0, IN_USE),
        ("flushpool", COLD, 0, COLD),
        ("flushpool", WARM, 0, COLD),
        ("flushpool", RESERVED, 0, RESERVED),
        ("flushpool", IN_USE, 0, MARKED),
        ("flushpool", MARKED, 0, MARKED),
        ("resetpool", COLD, 0, COLD),
        ("resetpool", WARM, 0, COLD),
        ("resetpool", RESERVED, 0, COLD),
        ("resetpool", IN_USE, 0, COLD),
        ("resetpool", MARKED, 0, COLD),
        ("warmpool", COLD, 0, WARM),
        ("warmpool", WARM, 0, WARM),
        ("warmpool", RESERVED, 0, RESERVED),
        ("warmpool", IN_USE, 0, IN_USE),
        ("warmpool", MARKED, 0, MARKED),
    ];
    for (event, before, code, after) in rows {
        let clock = Clock::stopped();
        let group = Group::new("clientx", "clientx_owner", "secret").ids(1);
        let emulator = Emulator::builder().clock(clock.clone()).group(group).start().await.unwrap();
        let caller = Caller::new(&emulator, "a");
        bring(&caller, before).await;
        assert_eq!(caller.status().await, [before], "before {event}");

        let answer = match event {
            "login" => caller.try_login("clientx_0", "possess").await,
            "logout" => {
                let session = caller.login("clientx_0", "possess").await;
                caller.in_session(&session, "logout", "").await
            }
            "reluid" => caller.release_clear("clientx_0").await,
            "idle" => {
                clock.advance(Duration::from_secs(30 * 60));
                OK.to_owned()
            }
            "reservation" => {
                clock.advance(Duration::from_secs(15 * 60));
                OK.to_owned()
            }
            "idle and reservation" => {
                clock.advance(Duration::from_secs(45 * 60));
                OK.to_owned()
            }
            transaction => caller.pool(transaction).await,
        };

        assert_eq!(rc(&answer), code, "{event} in {before}: {answer}");
        assert_eq!(caller.status().await, [after], "{event} in {before}");
    }
}

#[tokio::test]
async fn the_pool_transactions_answer_as_documented() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    assert_eq!(
        caller.pool("getuid").await,
        "<out><rc>0</rc><msg>OK</msg><uid>clientx_0</uid></out>"
    );
    let session = caller.login("clientx_0", "possess").await;
    for api in ["warmpool", "flushpool"] {
        assert_eq!(caller.pool(api).await, OK, "{api}");
    }
    assert_eq!(
        caller.pool("samstatus").await,
        "<out><rc>0</rc><msg>OK</msg><users>\
         <user uid=\"clientx_0\" loggedin=\"1\" free=\"0\" marked=\"1\"/>\
         <user uid=\"clientx_1\" loggedin=\"0\" free=\"1\" marked=\"0\"/>\
         <user uid=\"clientx_2\" loggedin=\"0\" free=\"1\" marked=\"0\"/>\
         </users></out>"
    );
    assert_eq!(caller.release(&session).await, OK);
    assert_eq!(caller.release_clear("clientx_0").await, CANNOT_RELEASE);
    assert_eq!(caller.pool("resetpool").await, OK);
}

#[tokio::test]
async fn an_exhausted_pool_is_busy_until_an_id_comes_back() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let ids = [caller.getuid().await, caller.getuid().await, caller.getuid().await];
    assert_eq!(ids, ["clientx_0", "clientx_1", "clientx_2"]);
    assert_eq!(caller.pool("getuid").await, BUSY);
    assert_eq!(caller.release_clear("clientx_1").await, OK);
    assert_eq!(caller.getuid().await, "clientx_1");
}

#[tokio::test]
async fn a_warm_id_comes_with_the_session_of_the_one_before() {
    let emulator = emulator().start().await.unwrap();
    let (a, b) = (Caller::new(&emulator, "a"), Caller::new(&emulator, "b"));
    a.getuid().await;
    a.getuid().await;
    let first = a.login("clientx_1", "possess").await;
    a.release(&first).await;
    assert_eq!(b.getuid().await, "clientx_1", "the warm one before the cold one");
    let second = b.login("clientx_1", "possess").await;
    assert_eq!((first.sid, first.pswd), (second.sid, second.pswd));
}

#[tokio::test]
async fn each_selection_takes_the_id_it_says() {
    let rows = [
        (Selection::WarmFirst, "clientx_2"),
        (Selection::First, "clientx_0"),
        (Selection::LongestFree, "clientx_1"),
        (Selection::LastFreed, "clientx_0"),
    ];
    for (selection, expected) in rows {
        let clock = Clock::stopped();
        let builder =
            emulator().clock(clock.clone()).choose(|choices| choices.selection = selection);
        let emulator = builder.start().await.unwrap();
        let caller = Caller::new(&emulator, "a");
        for _ in 0..3 {
            caller.getuid().await;
        }
        caller.login("clientx_2", "possess").await;
        for uid in ["clientx_1", "clientx_2", "clientx_0"] {
            clock.advance(Duration::from_secs(1));
            caller.release_clear(uid).await;
        }
        assert_eq!(caller.getuid().await, expected, "{selection:?}");
    }
}

#[tokio::test]
async fn a_released_id_is_seen_after_the_latency() {
    let clock = Clock::stopped();
    let latency = Duration::from_millis(500);
    let builder = emulator().clock(clock.clone()).choose(|c| c.release_latency = latency);
    let emulator = builder.start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    for _ in 0..3 {
        caller.getuid().await;
    }
    caller.release_clear("clientx_1").await;
    assert_eq!(caller.pool("getuid").await, BUSY);
    clock.advance(latency);
    assert_eq!(caller.getuid().await, "clientx_1");
}

#[tokio::test]
async fn only_the_owner_gets_ids_and_only_he_and_the_admin_administer() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let rows = [
        ("clientx_owner", "clientx", OK, OK),
        ("boss", "clientx", NOT_OWNER, OK),
        ("demo", "clientx", NOT_OWNER, NOT_OWNER),
        ("clientx_0", "clientx", NOT_OWNER, NOT_OWNER),
        ("clientx_owner", "clienty", NOT_OWNER, NOT_OWNER),
        ("boss", "clienty", NOT_OWNER, NOT_OWNER),
        ("clientx", "clientx", REFUSED, REFUSED), // a group is no user
    ];
    for (uid, gid, getuid, others) in rows {
        for api in ["getuid", "warmpool", "flushpool", "resetpool", "samstatus"] {
            let asked = format!("api={api}&apiversion=3&uid={uid}&pswd=secret&gid={gid}");
            let answer = caller.ask(&asked, "").await;
            let expected = if api == "getuid" { getuid } else { others };
            assert_eq!(rc(&answer), rc(expected), "{asked}");
            if expected != OK {
                assert_eq!(answer, expected, "{asked}");
            }
        }
    }
}

#[tokio::test]
async fn reluid_wants_the_sessions_credentials_or_the_clear_password_without_a_sid() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    caller.getuid().await;
    let session = caller.login("clientx_0", "possess").await;
    let (sid, pswd) = (&session.sid, &session.pswd);
    let reluid = async |credentials: String| {
        rc(&caller.ask(&format!("api=reluid&apiversion=3&uid=clientx_0&{credentials}"), "").await)
    };
    assert_eq!(reluid("pswd=wrong".to_owned()).await, 4);
    assert_eq!(reluid(format!("pswd={pswd}")).await, 4);
    assert_eq!(reluid(format!("pswd=secret&sid={sid}")).await, 35);
    assert_eq!(reluid(format!("pswd={pswd}&sid=1")).await, 35);
    assert_eq!(reluid(format!("pswd={pswd}&sid={sid}&gid=clientx")).await, 0);
    assert_eq!(reluid(format!("pswd={pswd}&sid={sid}")).await, 1, "free already");
    assert_eq!(rc(&caller.release_clear("demo").await), 1, "no pool's ID");
}

#[tokio::test]
async fn a_flushed_id_is_fresh_after_its_release() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    caller.getuid().await;
    let before = caller.login("clientx_0", "possess").await;
    caller.pool("flushpool").await;
    assert_eq!(rc(&caller.in_session(&before, "clear", "").await), 0, "not terminated now");
    caller.release(&before).await;
    assert_eq!(caller.getuid().await, "clientx_0");
    let after = caller.login("clientx_0", "possess").await;
    assert_ne!(before.sid, after.sid);
}

#[tokio::test]
async fn a_group_among_the_ids_is_handed_out_and_cannot_log_in() {
    let inner = Group::new("inner", "inner_owner", "secret").ids(1);
    let outer = Group::new("outer", "outer_owner", "secret").id("inner");
    let emulator = Emulator::builder().group(inner).group(outer).start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let owner = "api=getuid&apiversion=3&uid=outer_owner&pswd=secret&gid=outer";
    assert!(caller.ask(owner, "").await.contains("<uid>inner</uid>"));
    assert_eq!(caller.try_login("inner", "possess").await, REFUSED);
}

#[tokio::test]
async fn the_owner_may_be_one_of_the_ids() {
    let group = Group::new("sam_pool", "sam_pool_01", "secret");
    let group = ["sam_pool_01", "sam_pool_02"].into_iter().fold(group, Group::id);
    let emulator = Emulator::builder().group(group).start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let owner = "api=getuid&apiversion=3&uid=sam_pool_01&pswd=secret&gid=sam_pool";
    assert!(caller.ask(owner, "").await.contains("<uid>sam_pool_01</uid>"));
    assert_eq!(rc(&caller.try_login("sam_pool_01", "possess").await), 0);
}

#[tokio::test]
async fn an_id_may_have_a_password_of_its_own() {
    let builder = Emulator::builder().user("clientx_0", "its own");
    let builder = builder.group(Group::new("clientx", "clientx_owner", "secret").ids(1));
    let emulator = builder.start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    assert_eq!(caller.getuid().await, "clientx_0");
    assert_eq!(caller.try_login("clientx_0", "possess").await, REFUSED);
    let login = "api=login&apiversion=3&uid=clientx_0&pswd=its+own&kill=possess";
    assert_eq!(rc(&caller.ask(login, "").await), 0);
}

#[tokio::test]
async fn the_knobs_of_a_pool_turn() {
    let builder = emulator().choose(|choices| {
        choices.warmed_is_free = false;
        choices.flush_ends_free = false;
        choices.not_owner = 1;
        choices.status_elements = ("ids".to_owned(), "id".to_owned());
    });
    let emulator = builder.start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    caller.login("clientx_0", "possess").await;
    caller.pool("flushpool").await;
    let status = caller.pool("samstatus").await;
    assert!(status.contains("<ids><id uid=\"clientx_0\" loggedin=\"1\" free=\"1\""), "{status}");
    let stranger = "api=getuid&apiversion=3&uid=demo&pswd=secret&gid=clientx";
    assert_eq!(rc(&caller.ask(stranger, "").await), 1);
    caller.pool("warmpool").await;
    assert_eq!(caller.pool("getuid").await, BUSY);

    let builder = self::emulator().choose(|choices| choices.has_samstatus = false);
    let emulator = builder.start().await.unwrap();
    assert_eq!(rc(&Caller::new(&emulator, "a").pool("samstatus").await), 7);
}

#[tokio::test]
async fn groups_that_cannot_be_are_refused_by_name() {
    let group = |gid| Group::new(gid, "owner", "secret");
    let refused = async |groups: Vec<Group>| {
        let builder = groups.into_iter().fold(Emulator::builder(), |b, group| b.group(group));
        builder.start().await.unwrap_err().to_string()
    };
    assert_eq!(refused(vec![group("g")]).await, "group \"g\" has no ID to hand out");
    assert_eq!(
        refused(vec![group("g").ids(1), group("g").ids(1)]).await,
        "there are two groups \"g\""
    );
    assert!(refused(vec![group("g").id("x"), group("h").id("x")]).await.starts_with("ID \"x\""));
    assert!(refused(vec![group("g").id("x").id("x")]).await.starts_with("ID \"x\""));
}
