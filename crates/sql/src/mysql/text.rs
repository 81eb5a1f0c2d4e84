//! The texts sent to MySQL on a unit's behalf.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use sessionpool_core::{Isolation, TxOptions};

use super::backend::Flavour;

pub(super) const ROLLBACK: &str = "ROLLBACK";

/// How many statements of a unit's end come before its `COMMIT`.
pub(super) const BEFORE_COMMIT: usize = 1;

/// The name of the one column of the row that says that a script's work is done.
pub(super) const WORKED: &str = "sessionpool_worked";

/// The longest lock wait all versions take, in seconds: three years.
const LONGEST: u64 = 100_000_000;

/// How a unit begins, and how what it has set on its session is undone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Begin {
    pub(super) text: String,
    /// To be sent together with the end of the transaction; may be empty.
    pub(super) undo: String,
}

/// Begins a transaction with all it was asked for, in one string.
///
/// The savepoint is the unit's token. It goes with its transaction, however that ends,
/// and nothing but the unit's own commit releases it.
pub(super) fn begin(options: &TxOptions, unit: u64, flavour: Flavour) -> Begin {
    let Begin { text: settings, undo } = set(options, flavour);
    let mut text = String::new();
    if let Some(isolation) = options.isolation {
        let level = match isolation {
            Isolation::ReadUncommitted => "READ UNCOMMITTED",
            Isolation::ReadCommitted => "READ COMMITTED",
            Isolation::RepeatableRead => "REPEATABLE READ",
            // The strongest satisfies whatever else may be asked for one day.
            _ => "SERIALIZABLE",
        };
        push(&mut text, format_args!("SET TRANSACTION ISOLATION LEVEL {level}"));
    }
    push_all(&mut text, &settings);
    let mode = if options.read_only { " READ ONLY" } else { "" };
    push(&mut text, format_args!("START TRANSACTION{mode}; SAVEPOINT {}", token(unit)));
    Begin { text, undo }
}

/// Sets what a unit asks for on its session.
pub(super) fn set(options: &TxOptions, flavour: Flavour) -> Begin {
    let Begin { mut text, mut undo } = Begin::default();
    let mut set = |name: &str, value: &dyn Display, neutral: &str| {
        push(&mut text, format_args!("SET {name} = {value}"));
        push(&mut undo, format_args!("SET {name} = {neutral}"));
    };
    if let Some(limit) = options.statement_timeout {
        let limit = milliseconds(limit);
        match flavour {
            Flavour::MariaDb => set("max_statement_time", &(f64::from(limit) / 1e3), "DEFAULT"),
            Flavour::MySql => set("max_execution_time", &limit, "DEFAULT"),
        }
    }
    if let Some(limit) = options.lock_timeout {
        set("innodb_lock_wait_timeout", &seconds(limit), "DEFAULT");
    }
    if let Some(limit) = options.idle_timeout {
        set("wait_timeout", &seconds(limit).min(31_536_000), "DEFAULT");
    }
    for (name, value) in &options.settings {
        set(&variable(name), &literal(value), "NULL");
    }
    Begin { text, undo }
}

/// Commits, if the open transaction is the unit's own; otherwise fails before that.
pub(super) fn commit(unit: u64, undo: &str) -> String {
    let mut text = format!("RELEASE SAVEPOINT {}; COMMIT", token(unit));
    push_all(&mut text, undo);
    text
}

/// All of a unit in one string. The line breaks end comments.
pub(super) fn script(begin: &Begin, unit: u64, work: &[&str]) -> String {
    let work: String = work.iter().map(|statement| format!("{statement}\n; ")).collect();
    let commit = commit(unit, &begin.undo);
    format!("{}; {work}SELECT 1 AS {WORKED}; {commit}", begin.text)
}

pub(super) fn rollback(undo: &str) -> String {
    let mut text = ROLLBACK.to_owned();
    push_all(&mut text, undo);
    text
}

fn token(unit: u64) -> String {
    format!("sessionpool_unit_{unit}")
}

pub(super) fn push_all(text: &mut String, more: &str) {
    if !more.is_empty() {
        push(text, more);
    }
}

/// Adds a statement to a text.
fn push(text: &mut String, statement: impl Display) {
    if !text.is_empty() {
        text.push_str("; ");
    }
    let _ = write!(text, "{statement}"); // to a string, which takes all
}

/// Whole seconds, at least one, as a lock wait of zero would be none; zero is never.
fn seconds(limit: Duration) -> u64 {
    match limit.as_secs().saturating_add(u64::from(limit.subsec_nanos() > 0)) {
        0 => LONGEST,
        seconds => seconds.min(LONGEST),
    }
}

/// Zero is never, so what is shorter than a millisecond is one.
fn milliseconds(limit: Duration) -> u32 {
    match u32::try_from(limit.as_millis()) {
        Ok(0) if !limit.is_zero() => 1,
        Ok(milliseconds) => milliseconds,
        Err(_) => u32::MAX,
    }
}

/// A user variable, whatever its name is made of.
fn variable(name: &str) -> String {
    format!("@`{}`", name.replace('`', "``"))
}

/// A string as SQL writes it, whatever the server takes a backslash for.
fn literal(text: &str) -> String {
    if text.contains(['\\', '\0']) {
        let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("CONVERT(x'{digits}' USING utf8mb4)")
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_is_a_plain_begin() {
        let Begin { text, undo } = begin(&TxOptions::new(), 7, Flavour::MySql);
        assert_eq!(text, "START TRANSACTION; SAVEPOINT sessionpool_unit_7");
        assert_eq!(commit(7, &undo), "RELEASE SAVEPOINT sessionpool_unit_7; COMMIT");
        assert_eq!(rollback(&undo), "ROLLBACK");
    }

    #[test]
    fn all_that_is_asked_for_is_one_text_and_undone_in_another() {
        let options = TxOptions::new()
            .isolation(Isolation::RepeatableRead)
            .read_only()
            .statement_timeout(Duration::from_millis(1_500))
            .lock_timeout(Duration::from_millis(1))
            .idle_timeout(Duration::from_secs(60))
            .setting("app.tenant`", "o'hara");
        let Begin { text, undo } = begin(&options, 1, Flavour::MariaDb);
        assert_eq!(
            text,
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET max_statement_time = 1.5; \
             SET innodb_lock_wait_timeout = 1; SET wait_timeout = 60; \
             SET @`app.tenant``` = 'o''hara'; \
             START TRANSACTION READ ONLY; SAVEPOINT sessionpool_unit_1"
        );
        assert_eq!(
            rollback(&undo),
            "ROLLBACK; SET max_statement_time = DEFAULT; SET innodb_lock_wait_timeout = DEFAULT; \
             SET wait_timeout = DEFAULT; SET @`app.tenant``` = NULL"
        );
        let options = TxOptions::new().statement_timeout(Duration::from_millis(1_500));
        assert!(begin(&options, 1, Flavour::MySql).text.contains("max_execution_time = 1500"));
    }

    #[test]
    fn a_literal_stays_one_whatever_a_backslash_means() {
        assert_eq!(literal("a'b"), "'a''b'");
        assert_eq!(literal("\\'"), "CONVERT(x'5c27' USING utf8mb4)");
    }

    #[test]
    fn limits_saturate() {
        assert_eq!(seconds(Duration::ZERO), LONGEST);
        assert_eq!(seconds(Duration::MAX), LONGEST);
        assert_eq!(seconds(Duration::from_millis(1_001)), 2);
        assert_eq!(milliseconds(Duration::MAX), u32::MAX);
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        let options = TxOptions::new().statement_timeout(Duration::from_nanos(1));
        let text = begin(&options, 1, Flavour::MariaDb).text;
        assert!(text.contains("max_statement_time = 0.001;"), "{text}");
    }
}
