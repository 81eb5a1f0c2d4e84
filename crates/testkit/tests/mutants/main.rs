//! Each check of the suite fails on a backend that breaks its rule, and says
//! which; without the flaw the same backend passes.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

use std::panic::AssertUnwindSafe;
use std::thread;

use sessionpool_testkit::conformance;

use self::flawed::{Flaw, Flawed};

mod flawed;

/// Runs a check in a runtime of its own; what the check said when it failed.
fn failure(check: impl FnOnce(&tokio::runtime::Runtime) + Send + 'static) -> Option<String> {
    let run = AssertUnwindSafe(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        check(&builder.enable_time().start_paused(true).build().unwrap());
    });
    let panic = thread::spawn(run).join().err()?;
    let text = panic.downcast::<String>().expect("a check fails with a text");
    Some(*text)
}

fn assert_sound(check: &str, failure: Option<&str>) {
    assert_eq!(failure, None, "{check} fails where nothing is wrong");
}

fn assert_caught(check: &str, flaw: Flaw, failure: Option<&str>) {
    let rule = check.replace('_', " ");
    let named = failure.is_some_and(|text| text.contains(&rule));
    assert!(named, "{check} on {flaw:?}: {failure:?}");
}

macro_rules! mutants {
    ($($check:ident: $($flaw:ident),+;)+) => {$(
        #[test]
        fn $check() {
            let on = |flaw: Flaw| failure(move |runtime| {
                runtime.block_on(conformance::$check(&Flawed::new(flaw)));
            });
            assert_sound(stringify!($check), on(Flaw::Nothing).as_deref());
            for flaw in [$(Flaw::$flaw),+] {
                assert_caught(stringify!($check), flaw, on(flaw).as_deref());
            }
        }
    )+};
}

mutants! {
    open_is_all_or_nothing: DroppedOpenStays;
    refused_open_leaves_nothing: RefusedOpenStays;
    opened_session_is_clean: OpensDirty;
    check_leaves_the_session_clean: CheckDirties;
    check_leaves_no_trace: CheckChangesSetting;
    errors_speak_about_the_remote_end_only: OpenQueues;
    condition_tells_the_truth: BusyIsClean, ConditionNeedsRuntime;
    changed_setting_is_not_clean: SettingIsClean;
    release_makes_clean: ReleaseDoesNothing, ReleaseFails;
    release_leaves_no_trace: ReleaseKeepsSetting;
    dropped_futures_are_survivable: OldAnswerIsRead, DroppedCheckIsClean, DroppedReleaseIsDirty;
    session_is_ended_once: DroppedCloseStays, CloseStays, AbortStays, EndsAnother;
    abort_needs_nothing: AbortNeedsRuntime, AbortFailsUnwinding;
    severed_session_is_broken: SeveredIsClean, SeveredPassesCheck, SeveredIsTransient;
    open_transaction_is_never_clean: TransactionIsClean, DroppedBeginIsClean;
    release_ends_the_transaction: ReleaseKeepsTransaction;
    commit_names_its_outcome: CommitLoses, CommitTears, CommitIsEarly;
    abandoned_write_is_not_committed: AbandonedIsCommitted;
    refused_commit_is_rolled_back: RefusedIsCommitted, RefusedIsUnknown, RefusedStaysOpen;
    lost_ack_is_unknown: LostAckIsRolledBack, LostAckIsCommitted;
    rollback_needs_no_transaction: RollbackNeedsTransaction, RollbackKeeps;
    savepoints_nest: RollbackToKeeps, EndedMarkLives;
    savepoint_names_are_never_used_twice: MarksRepeat, MarksRestart;
    dropped_transaction_futures_are_survivable: DroppedCommitIsDirty, DroppedBeginStays;
}

#[test]
fn every_capability_is_proven() {
    let listed = |capabilities| {
        failure(move |_| {
            conformance::every_capability_is_proven(&Flawed::new(Flaw::Nothing), capabilities);
        })
    };
    let all = conformance::Harness::capabilities(&Flawed::new(Flaw::Nothing));
    assert_sound("every_capability_is_proven", listed(all).as_deref());
    let none = conformance::Capabilities::none();
    assert_caught("every_capability_is_proven", Flaw::Nothing, listed(none).as_deref());
}
