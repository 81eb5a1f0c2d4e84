//! The texts sent to PostgreSQL on a unit's behalf.

use std::fmt::Write as _;
use std::time::Duration;

use sessionpool_core::{Isolation, TxOptions};

/// Holds the unit's number inside its transaction, and nothing outside of it.
const TOKEN: &str = "sessionpool.unit";

pub(super) const ROLLBACK: &str = "ROLLBACK";

/// Puts back whatever a session can be set to, and keeps its prepared statements.
pub(super) const RESET: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; \
     RESET ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; \
     DISCARD SEQUENCES";

pub(super) const DEALLOCATE: &str = "DEALLOCATE ALL";

/// Begins a transaction with all it was asked for, in one string.
pub(super) fn begin(options: &TxOptions, unit: u64) -> String {
    let mut text = String::from("BEGIN");
    if let Some(isolation) = options.isolation {
        text.push_str(match isolation {
            Isolation::ReadUncommitted | Isolation::ReadCommitted => {
                " ISOLATION LEVEL READ COMMITTED"
            }
            Isolation::RepeatableRead => " ISOLATION LEVEL REPEATABLE READ",
            // The strongest satisfies whatever else may be asked for one day.
            _ => " ISOLATION LEVEL SERIALIZABLE",
        });
    }
    if options.read_only {
        text.push_str(" READ ONLY");
    }
    if options.deferrable {
        text.push_str(" DEFERRABLE");
    }
    push(&mut text, format_args!("SET LOCAL {TOKEN} = '{unit}'"));
    push_settings(&mut text, options);
    text
}

/// Adds the settings asked for, and says the names of the limits among them.
fn push_settings(text: &mut String, options: &TxOptions) -> Vec<String> {
    let mut names = Vec::new();
    for (setting, limit) in [
        ("statement_timeout", options.statement_timeout),
        ("lock_timeout", options.lock_timeout),
        ("idle_in_transaction_session_timeout", options.idle_timeout),
    ] {
        if let Some(limit) = limit {
            push(text, format_args!("SET LOCAL {setting} = {}", milliseconds(limit)));
            names.push(setting.to_owned());
        }
    }
    for (name, value) in &options.settings {
        let (name, value) = (literal(name), literal(value));
        push(text, format_args!("SELECT pg_catalog.set_config({name}, {value}, true)"));
    }
    names
}

/// The name of the one column of the row that says that a commit's check was passed.
pub(super) const CHECKED: &str = "sessionpool_checked";

/// The name of the one column of the row that says that a script's work is done.
pub(super) const WORKED: &str = "sessionpool_worked";

/// Commits, if the open transaction is the unit's own; otherwise fails before that.
///
/// In an aborted transaction the first statement fails as any other, where `COMMIT`
/// alone would roll back and answer as if nothing had happened. In a transaction that
/// is not the unit's, or in none, it divides by zero.
pub(super) fn commit(unit: u64) -> String {
    format!("{}; COMMIT", check(unit))
}

fn check(unit: u64) -> String {
    format!(
        "SELECT 1 / (pg_catalog.current_setting('{TOKEN}', true) \
         IS NOT DISTINCT FROM '{unit}')::pg_catalog.int4 AS {CHECKED}"
    )
}

/// As [`commit`], inside a sandbox: the check, the constraints that a commit would look
/// at, and `keep` in place of `COMMIT`.
pub(super) fn commit_inside(unit: u64, settings: &[String], keep: &str) -> String {
    let mut text = format!(
        "{}; SAVEPOINT sessionpool_constraints; SET CONSTRAINTS ALL IMMEDIATE; \
         ROLLBACK TO SAVEPOINT sessionpool_constraints; \
         RELEASE SAVEPOINT sessionpool_constraints",
        check(unit)
    );
    for setting in settings {
        push(&mut text, format_args!("SET LOCAL {setting} TO DEFAULT"));
    }
    push(&mut text, keep);
    text
}

/// What a unit inside a sandbox begins with, and the names of the settings it changes.
pub(super) fn begin_inside(options: &TxOptions) -> (String, Vec<String>) {
    let mut text = String::new();
    if options.read_only {
        push(&mut text, "SET TRANSACTION READ ONLY");
    }
    let mut names = push_settings(&mut text, options);
    names.extend(options.settings.iter().map(|(name, _)| identifier(name)));
    (text, names)
}

/// Sets the sandbox's number again after a reset.
pub(super) fn reset_inside(reset: &str, unit: u64) -> String {
    format!("{reset}; SET LOCAL {TOKEN} = '{unit}'")
}

/// A setting's name as SQL writes it.
fn identifier(name: &str) -> String {
    let parts = name.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
    parts.collect::<Vec<_>>().join(".")
}

/// All of a unit in one string. The line break ends a comment at the work's end.
pub(super) fn script(options: &TxOptions, unit: u64, work: &str) -> String {
    let (begin, commit) = (begin(options, unit), commit(unit));
    format!("{begin}; {work}\n; SELECT 1 AS {WORKED}; {commit}")
}

/// Adds a statement to a text.
pub(super) fn push(text: &mut String, statement: impl std::fmt::Display) {
    if !text.is_empty() {
        text.push_str("; ");
    }
    let _ = write!(text, "{statement}"); // to a string, which takes all
}

/// A limit as PostgreSQL takes it: zero is none, so what is shorter than a
/// millisecond is one, and what does not fit is the longest there is.
pub(super) fn milliseconds(limit: Duration) -> u128 {
    match limit.as_millis() {
        0 if !limit.is_zero() => 1,
        long => long.min(i32::MAX as u128),
    }
}

/// A string as SQL writes it, whatever the server takes a backslash for.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_is_a_plain_begin() {
        assert_eq!(begin(&TxOptions::new(), 7), "BEGIN; SET LOCAL sessionpool.unit = '7'");
    }

    #[test]
    fn all_that_is_asked_for_is_one_text() {
        let options = TxOptions::new()
            .isolation(Isolation::Serializable)
            .read_only()
            .deferrable()
            .statement_timeout(Duration::from_secs(5))
            .lock_timeout(Duration::from_micros(1))
            .idle_timeout(Duration::ZERO)
            .setting("app.tenant", "o'hara");
        assert_eq!(
            begin(&options, 1),
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; \
             SET LOCAL sessionpool.unit = '1'; \
             SET LOCAL statement_timeout = 5000; \
             SET LOCAL lock_timeout = 1; \
             SET LOCAL idle_in_transaction_session_timeout = 0; \
             SELECT pg_catalog.set_config('app.tenant', 'o''hara', true)"
        );
    }

    #[test]
    fn a_literal_stays_one_whatever_a_backslash_means() {
        assert_eq!(literal("a'b"), "'a''b'");
        assert_eq!(literal("a\\'; drop table b; --"), " E'a\\\\''; drop table b; --'");
    }

    #[test]
    fn limits_saturate() {
        assert_eq!(milliseconds(Duration::MAX), i32::MAX as u128);
        assert_eq!(milliseconds(Duration::ZERO), 0);
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
    }
}
