//! Checks that a backend keeps its contract, rule by rule.
//!
//! A backend crate implements [`Harness`] once, one further trait for each
//! capability its backend has, and calls
//! [`conformance_suite!`](crate::conformance_suite): each check becomes a test
//! of its own, so that a failure names the broken rule. What a backend cannot
//! do is left out of the suite, not passed over in silence.
//!
//! No check takes the session's word for what it can see from outside; the hooks
//! must not either.
//!
//! | capability | trait | what it lets the suite see |
//! |---|---|---|
//! | (none) | [`Harness`] | requests and their answers |
//! | `counts_sessions` | [`CountsSessions`] | what is logged in at the remote end |
//! | `refuses_logins` | [`RefusesLogins`] | what a failed open leaves |
//! | `resets_state` | [`ResetsState`] | what a borrower leaves to the next |
//! | `severs_sessions` | [`SeversSessions`] | a session cut off by the remote end |
//! | `transactions` | [`Transactions`] | units of work and savepoints |
//! | `dooms_commits` | [`DoomsCommits`] | a commit the remote end refuses |
//! | `loses_acks` | [`LosesAcks`] | a commit that is never confirmed |
//!
//! The checks wait for real things to happen: run them on an unpaused clock.
#![allow(clippy::missing_panics_doc, reason = "to panic is how a check fails")]
#![allow(clippy::future_not_send, reason = "a check runs on one thread")]

mod backend;
mod bench;
mod capabilities;
mod commit;
mod cut;
mod harness;
mod rule;
mod session;
mod suite;
mod transaction;

pub use self::backend::{
    check_leaves_no_trace, check_leaves_the_session_clean, errors_speak_about_the_remote_end_only,
    open_is_all_or_nothing, opened_session_is_clean, refused_open_leaves_nothing,
};
pub use self::capabilities::{Capabilities, every_capability_is_proven};
pub use self::commit::{
    abandoned_write_is_not_committed, commit_names_its_outcome, lost_ack_is_unknown,
    refused_commit_is_rolled_back,
};
pub use self::cut::cut;
pub use self::harness::{
    CountsSessions, DoomsCommits, ErrorOf, Harness, LosesAcks, RefusesLogins, ResetsState,
    SessionOf, SeversSessions, Transactions,
};
pub use self::session::{
    abort_needs_nothing, changed_setting_is_not_clean, condition_tells_the_truth,
    dropped_futures_are_survivable, release_leaves_no_trace, release_makes_clean,
    session_is_ended_once, severed_session_is_broken,
};
pub use self::transaction::{
    dropped_transaction_futures_are_survivable, open_transaction_is_never_clean,
    release_ends_the_transaction, rollback_needs_no_transaction,
    savepoint_names_are_never_used_twice, savepoints_nest,
};
