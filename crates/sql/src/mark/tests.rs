use super::*;

fn failed(fault: Fault) -> Answer {
    Answer::Failed { fault, aborts: None, stale: false, undecided: false }
}

fn aborted() -> Answer {
    let first = FirstError { code: "22012".to_owned(), message: "no".to_owned() };
    Answer::Failed { fault: Fault::Other, aborts: Some(first), stale: false, undecided: false }
}

#[test]
fn the_worst_comes_first() {
    let mut mark = Mark::default();
    assert_eq!(mark.condition(), Condition::Clean);
    mark.enter(Effect::control(Control::Any));
    assert_eq!(mark.condition(), Condition::Busy);
    mark.leave(failed(Fault::Conflict));
    assert_eq!(mark.condition(), Condition::Dirty);
    mark.settle();
    assert_eq!(mark.condition(), Condition::Clean);
    mark.enter(Effect::WRITE);
    mark.leave(failed(Fault::SessionLost));
    assert_eq!(mark.condition(), Condition::Broken(Fault::SessionLost));
}

#[test]
fn a_write_dropped_half_way_is_remembered_to_the_end_of_its_transaction() {
    let mut mark = Mark::default();
    mark.begun();
    mark.enter(Effect::READ); // dropped
    mark.enter(Effect::WRITE);
    mark.leave(Answer::Done);
    assert!(!mark.has_abandoned());
    mark.enter(Effect::WRITE); // dropped
    assert!(mark.has_abandoned());
    mark.finish(None);
    assert!(mark.has_abandoned());
    mark.enter(Effect::READ);
    mark.leave(Answer::Done);
    assert!(matches!(mark.forbids_commit(), Some(SqlFailure::StatementAbandoned)));
    mark.settle();
    assert!(!mark.has_abandoned());
}

#[test]
fn what_was_sent_is_counted_beyond_a_reset() {
    let mut mark = Mark::default();
    mark.enter_for_borrower(Effect::READ);
    mark.leave(Answer::Done);
    mark.enter(Effect::READ); // ours
    mark.leave(Answer::Done);
    mark.reset();
    mark.enter_for_borrower(Effect::READ);
    assert_eq!(mark.statements(), 2);
}

#[test]
fn a_touch_stays_and_the_first_is_named() {
    let mut mark = Mark::default();
    mark.enter(Effect::touch("PRAGMA"));
    mark.touch("ATTACH");
    mark.leave(Answer::Done);
    mark.settle();
    assert_eq!(mark.condition(), Condition::Dirty);
    assert_eq!(mark.touched(), Some("PRAGMA"));
    mark.reset();
    assert_eq!(mark.condition(), Condition::Clean);
}

#[test]
fn after_the_first_error_only_a_way_back_is_admitted() {
    let mut mark = Mark::default();
    mark.begun();
    mark.enter(Effect::WRITE);
    mark.leave(aborted());
    mark.enter(Effect::READ);
    mark.leave(Answer::Failed {
        fault: Fault::Other,
        aborts: Some(FirstError { code: "25P02".to_owned(), message: "late".to_owned() }),
        stale: false,
        undecided: false,
    });
    let Err(SqlFailure::PendingRollback { source }) = mark.admits(&Effect::READ) else {
        panic!("a statement was admitted");
    };
    assert_eq!(source.to_string(), "no (22012)");
    let back = Effect::control(Control::Rewinds);
    assert!(mark.admits(&back).is_ok());
    mark.enter(back);
    mark.leave(Answer::Done);
    assert!(mark.admits(&Effect::READ).is_ok());
    assert!(mark.forbids_commit().is_none());
}

#[test]
fn a_late_error_counts_for_its_transaction_alone() {
    let mut mark = Mark::default();
    mark.enter(Effect::READ); // dropped
    mark.finish(Some(aborted()));
    assert_eq!(mark.condition(), Condition::Clean);
    mark.begun();
    mark.enter(Effect::READ); // dropped
    mark.finish(Some(aborted()));
    assert!(matches!(mark.forbids_commit(), Some(SqlFailure::PendingRollback { .. })));
}

#[test]
fn what_a_borrower_ends_himself_is_known() {
    let mut mark = Mark::default();
    mark.enter(Effect::control(Control::Any));
    mark.leave(Answer::Done);
    assert_eq!(mark.condition(), Condition::Dirty);
    mark.enter(Effect::control(Control::Ends(End::Commit)));
    mark.leave(Answer::Done);
    assert_eq!(mark.condition(), Condition::Clean);

    for (end, wanted) in [
        (End::Commit, SqlFailure::NoTransaction.to_string()),
        (End::Rollback, SqlFailure::RolledBack.to_string()),
    ] {
        mark.begun();
        mark.enter(Effect::control(Control::Ends(end)));
        mark.leave(Answer::Done);
        assert_eq!(mark.condition(), Condition::Dirty);
        assert_eq!(mark.admits(&Effect::READ).unwrap_err().to_string(), wanted);
        assert_eq!(mark.forbids_commit().unwrap().to_string(), wanted);
        mark.settle();
    }
}

#[test]
fn an_implicit_commit_ends_the_transaction_whatever_comes_of_its_statement() {
    let implicit = Effect::control(Control::Ends(End::ImplicitCommit));
    for end in [
        |mark: &mut Mark| mark.leave(Answer::Done),
        |mark: &mut Mark| mark.leave(failed(Fault::Other)),
        |mark: &mut Mark| mark.finish(None),
    ] {
        let mut mark = Mark::default();
        mark.begun();
        mark.enter_for_borrower(implicit);
        end(&mut mark);
        assert!(matches!(mark.admits(&Effect::READ), Err(SqlFailure::NoTransaction)));
        assert!(mark.is_meddled());
    }
    let mut mark = Mark::default();
    mark.enter(implicit);
    mark.leave(failed(Fault::Other));
    assert!(mark.admits(&Effect::READ).is_ok());
}

#[test]
fn what_a_borrower_may_have_committed_stays_in_doubt_to_the_transactions_end() {
    let commit = Effect::control(Control::Ends(End::Commit));
    let undecided =
        || Answer::Failed { fault: Fault::Other, aborts: None, stale: false, undecided: true };
    let meddles = |effect, end: fn(&mut Mark)| {
        let mut mark = Mark::default();
        mark.begun();
        mark.enter_for_borrower(effect);
        end(&mut mark);
        mark.enter(Effect::WRITE);
        mark.leave(failed(Fault::Conflict));
        let meddled = mark.is_meddled();
        mark.settle();
        assert!(!mark.is_meddled());
        meddled
    };
    for effect in [commit, Effect::control(Control::Any)] {
        assert!(meddles(effect, |mark| mark.leave(Answer::Done)));
        assert!(meddles(effect, |mark| mark.finish(None)));
        assert!(meddles(effect, |_| {}), "nothing is known of it");
    }
    assert!(meddles(Effect::control(Control::Any), |mark| mark.leave(failed(Fault::Other))));
    assert!(!meddles(commit, |mark| mark.leave(failed(Fault::Other))), "it did not happen");
    assert!(!meddles(Effect::WRITE, |mark| mark.leave(Answer::Done)));

    let mut mark = Mark::default();
    mark.begun();
    mark.enter_for_borrower(commit);
    mark.leave(undecided());
    mark.lose(Fault::BackendLost);
    assert_eq!(mark.condition(), Condition::Broken(Fault::OutcomeUnknown));
    mark.committing();
    assert_eq!(mark.condition(), Condition::Broken(Fault::BackendLost));
}

#[test]
fn an_end_dropped_half_way_counts_where_a_rollback_is_to_come() {
    let mut mark = Mark::default();
    mark.begun();
    mark.enter_for_borrower(Effect::control(Control::Ends(End::Commit)));
    mark.finish(None);
    assert!(matches!(mark.admits(&Effect::READ), Err(SqlFailure::NoTransaction)));
    let mut mark = Mark::default();
    mark.suspect();
    mark.enter_for_borrower(Effect::control(Control::Ends(End::Commit)));
    mark.finish(None);
    assert_eq!(mark.condition(), Condition::Dirty, "a BEGIN of his may be open");
}

#[test]
fn a_commit_needs_a_transaction_of_ours() {
    let mut mark = Mark::default();
    assert!(matches!(mark.forbids_commit(), Some(SqlFailure::NoTransaction)));
    mark.suspect();
    assert!(matches!(mark.forbids_commit(), Some(SqlFailure::NoTransaction)));
    mark.begun();
    assert!(mark.forbids_commit().is_none());
}
