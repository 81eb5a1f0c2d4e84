/// Expands to one `#[tokio::test]` per rule a backend has to keep, named like
/// the rule.
///
/// Takes an expression for a [`Harness`](crate::conformance::Harness), evaluated
/// anew for every test, and the capabilities to prove; a capability whose trait
/// is not implemented does not compile, and one that is declared but not listed
/// fails the test `every_capability_is_proven`. The calling crate needs tokio
/// with its features `macros` and `rt`.
///
/// Tests that need something installed are ignored unless asked for, when the reason
/// stands in front: `#[ignore = "needs PostgreSQL"]`.
///
/// ```ignore
/// sessionpool_testkit::conformance_suite!(Sqlite::new(); transactions, resets_state);
/// ```
#[macro_export]
macro_rules! conformance_suite {
    (@counts_sessions $attributes:tt $harness:expr) => {
        $crate::conformance_suite!(@each $attributes $harness;
            open_is_all_or_nothing,
            session_is_ended_once
        );
    };
    (@refuses_logins $attributes:tt $harness:expr) => {
        $crate::conformance_suite!(@each $attributes $harness; refused_open_leaves_nothing);
    };
    (@resets_state $attributes:tt $harness:expr) => {
        $crate::conformance_suite!(@each $attributes $harness;
            changed_setting_is_not_clean,
            release_leaves_no_trace,
            check_leaves_no_trace
        );
    };
    (@severs_sessions $attributes:tt $harness:expr) => {
        $crate::conformance_suite!(@each $attributes $harness; severed_session_is_broken);
    };
    (@transactions $attributes:tt $harness:expr) => {
        $crate::conformance_suite!(@each $attributes $harness;
            open_transaction_is_never_clean,
            release_ends_the_transaction,
            commit_names_its_outcome,
            abandoned_write_is_not_committed,
            rollback_needs_no_transaction,
            savepoints_nest,
            savepoint_names_are_never_used_twice,
            dropped_transaction_futures_are_survivable
        );
    };
    (@dooms_commits $attributes:tt $harness:expr) => {
        $crate::conformance_suite!(@each $attributes $harness; refused_commit_is_rolled_back);
    };
    (@loses_acks $attributes:tt $harness:expr) => {
        $crate::conformance_suite!(@each $attributes $harness; lost_ack_is_unknown);
    };
    (@each $attributes:tt $harness:expr; $($check:ident),+) => {
        $($crate::conformance_suite!(@one $attributes $harness; $check);)+
    };
    (@one [$($attribute:tt)*] $harness:expr; $check:ident) => {
        $($attribute)*
        #[tokio::test]
        async fn $check() {
            $crate::conformance::$check(&$harness).await;
        }
    };
    (@suite $attributes:tt $harness:expr; $($capability:ident,)*) => {
        #[tokio::test]
        async fn every_capability_is_proven() {
            $crate::conformance::every_capability_is_proven(
                &$harness,
                $crate::conformance::Capabilities::none()$(.$capability())*,
            );
        }
        $crate::conformance_suite!(@each $attributes $harness;
            opened_session_is_clean,
            check_leaves_the_session_clean,
            errors_speak_about_the_remote_end_only,
            condition_tells_the_truth,
            release_makes_clean,
            dropped_futures_are_survivable,
            abort_needs_nothing
        );
        $($crate::conformance_suite!(@$capability $attributes $harness);)*
    };
    (#[ignore = $why:literal] $harness:expr $(; $($capability:ident),* $(,)?)?) => {
        $crate::conformance_suite!(@suite [#[ignore = $why]] $harness; $($($capability,)*)?);
    };
    ($harness:expr $(; $($capability:ident),* $(,)?)?) => {
        $crate::conformance_suite!(@suite [] $harness; $($($capability,)*)?);
    };
}
