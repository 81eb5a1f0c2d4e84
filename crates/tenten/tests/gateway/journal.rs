//! The lease journal: processes that are killed, and those that come after them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sessionpool_core::Session;
use sessionpool_emulator::{Emulator, Fault};
use sessionpool_tenten::{ConfigError, Error, JournalReport, LoginType, Tenten, TentenSession};
use tempfile::TempDir;

use crate::common::{GROUP, OWNER, PASSWORD, all_free, group, soon, start};

/// What the child is told.
const URL: &str = "SESSIONPOOL_TENTEN_CHILD_URL";
const FOLDER: &str = "SESSIONPOOL_TENTEN_CHILD_FOLDER";

/// Another process that works with the group: takes an ID, says so, and gives it back
/// when it is told to.
#[tokio::test]
#[ignore = "needs a parent: the other tests of this file start it"]
async fn another_process() {
    let (Ok(url), Ok(folder)) = (std::env::var(URL), std::env::var(FOLDER)) else { return };
    let tenten = Tenten::builder(url)
        .insecure()
        .sam_pool(OWNER, GROUP)
        .password(PASSWORD)
        .login_type(LoginType::Possess)
        .journal(folder)
        .build()
        .expect("valid");
    let session = tenten.connect().await.expect("opens");
    println!("holds");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("readable");
    TentenSession::close(session).await.expect("given back");
    println!("done");
}

/// The other process, killed when it is dropped.
struct Other(Child);

impl Other {
    fn start(emulator: &Emulator, folder: &Path) -> Self {
        let child = Command::new(std::env::current_exe().expect("known"))
            .args(["--exact", "journal::another_process", "--ignored", "--nocapture"])
            .env(URL, emulator.url_for("other"))
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        Self(child.expect("it starts"))
    }

    /// Waits until it holds an ID.
    async fn holds(&mut self) {
        let stdout = self.0.stdout.take().expect("piped");
        let said = tokio::task::spawn_blocking(|| {
            let mut lines = BufReader::new(stdout).lines();
            lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("holds"))).is_some()
        });
        assert!(soon("an ID in its hands", said).await.expect("no panic"));
    }

    /// As by `kill -9`.
    fn kill(mut self) {
        self.0.kill().expect("it ran");
        self.0.wait().expect("it is gone");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn next(emulator: &Emulator, folder: &TempDir) -> Tenten {
    // Under the same address as the one before, as a restarted program would.
    let builder = Tenten::builder(emulator.url_for("other")).insecure().password(PASSWORD);
    let builder = builder.sam_pool(OWNER, GROUP).login_type(LoginType::Possess);
    builder.journal(folder.path()).build().expect("valid")
}

async fn recovered(emulator: &Emulator, folder: &TempDir) -> JournalReport {
    next(emulator, folder).recover().await.expect("readable")
}

fn folder() -> TempDir {
    TempDir::new().expect("made")
}

#[tokio::test]
async fn killed_while_an_id_is_taken_it_is_in_doubt() {
    let (emulator, folder) = (start(2).await, folder());
    emulator.fault(Fault::on("getuid").hang());
    let other = Other::start(&emulator, folder.path());
    soon("an ID taken", emulator.until(|book| book.held().len() == 1)).await;
    other.kill();
    let report = recovered(&emulator, &folder).await;
    assert_eq!(report.to_string(), "in doubt: an unknown ID (it was being taken)");
    assert_eq!((emulator.book().calls("reluid"), emulator.book().held().len()), (0, 1));
    assert!(recovered(&emulator, &folder).await.is_empty(), "told once");
}

#[tokio::test]
async fn a_journal_that_cannot_be_opened_keeps_nobody_from_working() {
    let (emulator, folder) = (start(1).await, folder());
    let (journal, lock) = (folder.path().join("a.leases"), folder.path().join("b.lock"));
    fs::create_dir(&journal).expect("made");
    fs::create_dir(&lock).expect("made");
    let locked = folder.path().join("b.leases");
    fs::write(&locked, "anything").expect("written");
    let tenten = next(&emulator, &folder);
    let session = tenten.connect().await.expect("opens");
    let report = tenten.journal_report().expect("looked through");
    assert_eq!(report.unreadable, [journal, locked]);
    TentenSession::close(session).await.expect("given back");
}

#[tokio::test]
async fn a_backend_built_anew_keeps_what_the_last_one_wrote_down() {
    let (emulator, folder) = (start(2).await, folder());
    let tenten = group(&emulator).journal(folder.path()).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    let user = session.user().to_owned();
    emulator.fault(Fault::on("reluid").lose_request());
    TentenSession::close(session).await.expect_err("lost");
    drop(tenten);
    let another = Tenten::builder(emulator.url_for("another")).insecure().password(PASSWORD);
    let another = another.sam_pool(OWNER, GROUP).login_type(LoginType::Possess);
    let another = another.journal(folder.path()).build().expect("valid");
    let file = journals(folder.path()).remove(0);
    let session = another.connect().await.expect("opens");
    assert_ne!(session.user(), user);
    let held = text(&file);
    assert!(held.contains(&user) && held.contains("releasing"), "{held}");
    TentenSession::close(session).await.expect("given back");
    assert!(text(&file).contains(&user));
}

#[tokio::test]
async fn killed_while_it_logs_in_its_id_is_given_back() {
    let (emulator, folder) = (start(2).await, folder());
    emulator.fault(Fault::on("login").hang());
    let other = Other::start(&emulator, folder.path());
    soon("a login", emulator.until(|book| book.calls("login") == 1)).await;
    other.kill();
    let report = recovered(&emulator, &folder).await;
    assert_eq!(report.to_string(), "released: clientx_0");
    all_free(&emulator).await;
}

#[tokio::test]
async fn killed_with_a_session_its_id_is_given_back() {
    let (emulator, folder) = (start(2).await, folder());
    let mut other = Other::start(&emulator, folder.path());
    other.holds().await;
    other.kill();
    let tenten = next(&emulator, &folder);
    assert_eq!(tenten.journal_report(), None);
    let session = tenten.connect().await.expect("the first session recovers, too");
    let report = tenten.journal_report().expect("it has");
    assert_eq!(report.released, ["clientx_0"]);
    assert_eq!((emulator.book().held().len(), emulator.book().calls("reluid")), (1, 1));
    assert!(!emulator.requests().iter().any(|request| request.api == "resetpool"));
    TentenSession::close(session).await.expect("given back");
}

#[tokio::test]
async fn killed_while_it_gives_its_id_back_that_is_in_doubt() {
    let (emulator, folder) = (start(2).await, folder());
    let mut other = Other::start(&emulator, folder.path());
    other.holds().await;
    emulator.fault(Fault::on("reluid").hang());
    drop(other.0.stdin.take());
    soon("a release", emulator.until(|book| book.calls("reluid") == 1)).await;
    other.kill();
    // Meanwhile it is a stranger's.
    let stranger = group(&emulator).build().expect("valid").connect().await.expect("opens");
    let report = recovered(&emulator, &folder).await;
    assert_eq!(report.to_string(), "in doubt: clientx_0 (it was being given back)");
    assert_eq!(emulator.book().calls("reluid"), 1);
    assert!(emulator.book().released_strangers().is_empty());
    drop(stranger);
}

#[tokio::test]
async fn killed_after_it_gave_its_id_back_nothing_is_left() {
    let (emulator, folder) = (start(2).await, folder());
    let mut other = Other::start(&emulator, folder.path());
    other.holds().await;
    drop(other.0.stdin.take());
    soon("a release", emulator.until(|book| book.held().is_empty())).await;
    other.kill();
    let report = recovered(&emulator, &folder).await;
    // It may have died before it could note that it is back.
    assert!(report.released.is_empty() && report.in_doubt.len() <= 1, "{report}");
    assert_eq!(emulator.book().calls("reluid"), 1);
}

#[tokio::test]
async fn a_living_process_is_left_alone() {
    let (emulator, folder) = (start(2).await, folder());
    let mut living = Other::start(&emulator, folder.path());
    living.holds().await;
    let report = recovered(&emulator, &folder).await;
    assert_eq!((report.is_empty(), report.living), (true, 1));
    assert_eq!((emulator.book().held().len(), emulator.book().calls("reluid")), (1, 0));
}

#[tokio::test]
async fn an_id_that_a_living_process_holds_is_not_a_dead_ones_any_more() {
    let (emulator, folder) = (start(1).await, folder());
    let mut dead = Other::start(&emulator, folder.path());
    dead.holds().await;
    dead.kill();
    let owner = next(&emulator, &folder);
    owner.reset_pool().await.expect("an operator frees it");
    // Its journal is put aside, so that the living process does not settle it.
    let file = journals(folder.path()).into_iter().find(|path| text(path).contains("clientx_0"));
    let (file, aside) = (file.expect("there"), folder.path().join("aside"));
    fs::rename(&file, &aside).expect("moved");
    let mut living = Other::start(&emulator, folder.path());
    living.holds().await;
    fs::rename(&aside, &file).expect("moved back");
    let report = owner.recover().await.expect("readable");
    assert_eq!(report.to_string(), "in doubt: clientx_0 (another process has it now)");
    assert_eq!((emulator.book().held().len(), emulator.book().calls("reluid")), (1, 0));
}

#[tokio::test]
async fn an_id_that_the_gateway_may_have_freed_is_in_doubt() {
    let (emulator, folder) = (start(1).await, folder());
    let mut dead = Other::start(&emulator, folder.path());
    dead.holds().await;
    dead.kill();
    let builder = Tenten::builder(emulator.url_for("other")).insecure().password(PASSWORD);
    let builder = builder.sam_pool(OWNER, GROUP).login_type(LoginType::Possess);
    let builder = builder.sam_reservation(Duration::ZERO).journal(folder.path());
    let report = builder.build().expect("valid").recover().await.expect("readable");
    assert_eq!(report.to_string(), "in doubt: clientx_0 (the gateway may have freed it since)");
    assert_eq!(emulator.book().calls("reluid"), 0);
}

#[tokio::test]
async fn what_the_gateway_does_not_take_back_is_tried_at_the_next_start() {
    let (emulator, folder) = (start(1).await, folder());
    let mut dead = Other::start(&emulator, folder.path());
    dead.holds().await;
    dead.kill();
    emulator.fault(Fault::on("reluid").rc(41, "1010data is unavailable"));
    assert_eq!(recovered(&emulator, &folder).await.to_string(), "kept: clientx_0");
    assert_eq!(recovered(&emulator, &folder).await.to_string(), "released: clientx_0");
    all_free(&emulator).await;
    assert_eq!(journals(folder.path()).len(), 0, "nothing is left of either process");
}

#[tokio::test]
async fn others_groups_are_left_to_them() {
    let (emulator, folder) = (start(1).await, folder());
    let mut dead = Other::start(&emulator, folder.path());
    dead.holds().await;
    dead.kill();
    let elsewhere = group(&emulator).journal(folder.path()).build().expect("valid");
    assert!(elsewhere.recover().await.expect("readable").is_empty(), "another gateway's address");
    assert_eq!(recovered(&emulator, &folder).await.released, ["clientx_0"]);
}

#[tokio::test]
async fn a_damaged_journal_is_told_and_kept() {
    let (emulator, folder) = (start(1).await, folder());
    let mut dead = Other::start(&emulator, folder.path());
    dead.holds().await;
    dead.kill();
    let file = journals(folder.path()).remove(0);
    let damaged = text(&file).replace("clientx_0", "clientx_1");
    fs::write(&file, &damaged).expect("written");
    let report = recovered(&emulator, &folder).await;
    assert_eq!(report.unreadable, [file.canonicalize().expect("there")]);
    assert_eq!((text(&file), emulator.book().calls("reluid")), (damaged, 0));
}

#[tokio::test]
async fn no_id_is_taken_that_cannot_be_written_down() {
    let (emulator, folder) = (start(1).await, folder());
    let tenten = group(&emulator).journal(folder.path()).build().expect("valid");
    TentenSession::close(tenten.connect().await.expect("opens")).await.expect("given back");
    folder.close().expect("taken away");
    let error = tenten.connect().await.expect_err("nowhere to write");
    assert!(matches!(error, Error::Journal(_)), "{error}");
    assert_eq!(emulator.book().calls("getuid"), 1);
}

#[tokio::test]
async fn a_journal_holds_no_secret() {
    let (emulator, folder) = (start(1).await, folder());
    let tenten = group(&emulator).journal(folder.path()).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    let text = text(&journals(folder.path())[0]);
    assert!(text.contains("clientx_0") && text.contains("\"open\""), "{text}");
    assert!(!text.contains(PASSWORD) && !text.contains("_______"), "{text}");
    drop(session);
}

#[tokio::test]
async fn a_group_has_one_journal_in_a_process() {
    let (emulator, folder, second) = (start(1).await, folder(), folder());
    let first = group(&emulator).journal(folder.path()).build().expect("valid");
    let _same = group(&emulator).journal(folder.path()).build().expect("the same");
    let error = group(&emulator).journal(second.path()).build().expect_err("another");
    assert!(matches!(error, ConfigError::Unfit { setting: "journal", .. }), "{error}");
    drop(first);
}

fn journals(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(folder).expect("there").map(|entry| entry.expect("there").path());
    files.filter(|path| path.extension().is_some_and(|name| name == "leases")).collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("readable")
}
