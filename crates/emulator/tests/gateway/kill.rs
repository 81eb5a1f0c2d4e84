//! The login modes: who gets a session, and what becomes of the one that is there.

use crate::common::{Caller, emulator, rc};

/// What a login does to a user's session.
#[derive(Debug, PartialEq, Eq)]
enum Effect {
    Creates,
    Joins,
    Replaces,
    Nothing,
}

#[tokio::test]
async fn each_kill_mode_does_to_each_state_what_the_table_says() {
    let rows = [
        // kill, active, rc, effect
        ("yes", false, 0, Effect::Creates),
        ("yes", true, 0, Effect::Replaces),
        ("", false, 0, Effect::Creates),
        ("", true, 0, Effect::Replaces), // omitting it kills
        ("no", false, 0, Effect::Creates),
        ("no", true, 5, Effect::Nothing),
        ("possess", false, 0, Effect::Creates),
        ("possess", true, 0, Effect::Joins),
        ("auth", false, 0, Effect::Nothing),
        ("auth", true, 0, Effect::Nothing),
        ("sideways", false, 13, Effect::Nothing),
        ("sideways", true, 13, Effect::Nothing),
    ];
    for (kill, active, expected, effect) in rows {
        let emulator = emulator().start().await.unwrap();
        let caller = Caller::new(&emulator, "a");
        let first = if active { Some(caller.login("demo", "yes").await) } else { None };
        let begun = emulator.book().sessions_begun;

        let answer = caller.try_login("demo", kill).await;

        assert_eq!(rc(&answer), expected, "kill={kill}, active: {active}: {answer}");
        let begins = emulator.book().sessions_begun - begun;
        let created = matches!(effect, Effect::Creates | Effect::Replaces);
        assert_eq!(begins, usize::from(created), "kill={kill}, active: {active}");
        if let Some(first) = first {
            let survives = rc(&caller.in_session(&first, "clear", "").await) == 0;
            assert_eq!(survives, effect != Effect::Replaces, "kill={kill}");
            if effect == Effect::Joins {
                assert!(answer.contains(&format!("<sid>{}</sid>", first.sid)));
                assert!(answer.contains(&format!("<pswd>{}</pswd>", first.pswd)));
            }
        }
    }
}

#[tokio::test]
async fn a_killed_session_answers_35_and_the_new_one_works() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let old = caller.login("demo", "possess").await;
    let new = caller.login("demo", "yes").await;
    assert_ne!(old.sid, new.sid);
    assert_eq!(
        caller.in_session(&old, "clear", "").await,
        "<out><rc>35</rc><msg>Not logged in</msg></out>"
    );
    assert_eq!(rc(&caller.in_session(&new, "clear", "").await), 0);
}

#[tokio::test]
async fn auth_answers_a_message_and_no_session() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    assert_eq!(caller.try_login("demo", "auth").await, "<out><rc>0</rc><msg>OK</msg></out>");
}

#[tokio::test]
async fn the_password_is_checked_first_in_every_mode() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let refused = "<out><rc>4</rc><msg>Invalid user identification</msg></out>";
    caller.login("demo", "yes").await;
    for kill in ["yes", "no", "possess", "auth", "sideways"] {
        for who in ["uid=demo&pswd=wrong", "uid=demo", "uid=nobody&pswd=secret"] {
            let asked = format!("api=login&apiversion=3&{who}&kill={kill}");
            assert_eq!(caller.ask(&asked, "").await, refused, "{asked}");
        }
    }
    assert_eq!(emulator.book().sessions_begun, 1);
}

#[tokio::test]
async fn a_session_ends_at_logout_for_all_who_share_it() {
    let emulator = emulator().start().await.unwrap();
    let (a, b) = (Caller::new(&emulator, "a"), Caller::new(&emulator, "b"));
    let first = a.login("demo", "possess").await;
    let second = b.login("demo", "possess").await;
    assert_eq!((&first.sid, &first.pswd), (&second.sid, &second.pswd));
    assert!(emulator.is_logged_in("demo"));
    assert_eq!(rc(&a.in_session(&first, "logout", "").await), 0);
    assert!(!emulator.is_logged_in("demo"));
    assert_eq!(rc(&b.in_session(&second, "clear", "").await), 35);
    assert_eq!(rc(&b.in_session(&second, "logout", "").await), 35);
}

#[tokio::test]
async fn credentials_that_do_not_match_are_not_logged_in() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let stranger = caller.login("other", "possess").await;
    let (sid, pswd) = (&session.sid, &session.pswd);
    let wrong = [
        format!("uid=demo&pswd={pswd}"),
        format!("uid=demo&sid={sid}"),
        format!("uid=demo&pswd=secret&sid={sid}"),
        format!("uid=demo&pswd={pswd}&sid=123456789"),
        format!("uid=demo&pswd={}&sid={sid}", stranger.pswd),
        format!("uid=other&pswd={pswd}&sid={sid}"),
        format!("uid=nobody&pswd={pswd}&sid={sid}"),
    ];
    for credentials in wrong {
        for api in ["logout", "clear", "session", "query", "getdata", "querydata", "tabinfo"] {
            let answer = caller.ask(&format!("api={api}&apiversion=3&{credentials}"), "").await;
            assert_eq!(rc(&answer), 35, "{api} with {credentials}");
        }
    }
    assert_eq!(rc(&caller.in_session(&session, "clear", "").await), 0);
}

#[tokio::test]
async fn joined_sessions_share_one_current_query() {
    let emulator = emulator().start().await.unwrap();
    let (a, b) = (Caller::new(&emulator, "a"), Caller::new(&emulator, "b"));
    let first = a.login("demo", "possess").await;
    let second = b.login("demo", "possess").await;
    let query = "<in><name>pub.demo.weather.stations</name><ops/></in>";
    assert!(a.in_session(&first, "query", query).await.contains("<nrows>3</nrows>"));
    let lonely = "<in><name>default.lonely</name><ops/></in>";
    assert!(b.in_session(&second, "query", lonely).await.contains("<nrows>1</nrows>"));
    let window = "<in><cols><col>id</col></cols></in>";
    assert_eq!(rc(&a.in_session(&first, "getdata", window).await), 36);
}

#[tokio::test]
async fn a_session_sees_the_tables_of_its_start() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let info = "<in><name>pub.demo.weather.stations</name></in>";
    let old = caller.login("demo", "possess").await;
    let column = sessionpool_emulator::Column::integer("changed", [Some(1)]);
    let table = sessionpool_emulator::Table::new("pub.demo.weather.stations", [column]).unwrap();
    emulator.put_table(table);

    let joined = caller.login("demo", "possess").await;
    for session in [&old, &joined] {
        assert!(caller.in_session(session, "tabinfo", info).await.contains("name=\"elev\""));
    }
    let fresh = caller.login("demo", "yes").await;
    assert!(caller.in_session(&fresh, "tabinfo", info).await.contains("name=\"changed\""));
}
