use crate::effect::{Control, Effect};
use crate::statement::{Syntax, Token, Tokens};

const SYNTAX: Syntax = Syntax {
    brackets: true,
    backticks: true,
    suffixes: true,
    trigger_bodies: true,
    ..Syntax::PLAIN
};

const READING: [&str; 2] = ["SELECT", "VALUES"];

/// `WITH` may go on as either; it counts as the worse.
const HARMLESS: [&str; 10] = [
    "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "DROP", "ALTER", "REINDEX", "ANALYZE",
    "VACUUM",
];

const CONTROL: [&str; 6] = ["BEGIN", "SAVEPOINT", "COMMIT", "END", "ROLLBACK", "RELEASE"];

/// Named, so that the error can say which; others are touching too.
const TOUCHING: [&str; 3] = ["PRAGMA", "ATTACH", "DETACH"];

/// What an SQLite statement may leave behind on its session, by its first words.
///
/// A list of what is known to be harmless: whatever is not on it counts as a
/// touch, since lending a changed session costs more than opening a fresh one.
pub(super) fn of(sql: &str) -> Effect {
    if Tokens::of(sql, SYNTAX).next_statement() {
        // One of them may end the transaction, and the next begin another.
        return Effect { control: Control::Any, ..Effect::touch("several statements in one text") };
    }
    of_statement(Tokens::of(sql, SYNTAX))
}

fn of_statement(mut words: Tokens<'_>) -> Effect {
    let keyword = words.next().unwrap_or(Token::Semicolon);
    if keyword.is_one_of(&READING) {
        Effect::READ
    } else if keyword.is_one_of(&HARMLESS) {
        Effect::WRITE
    } else if keyword.is_one_of(&CONTROL) {
        Effect::control(Control::Any)
    } else if keyword.is_word("CREATE") {
        of_create(words)
    } else if keyword.is_word("EXPLAIN") {
        of_explained(words)
    } else {
        let known = TOUCHING.iter().find(|known| keyword.is_word(known));
        Effect::touch(known.copied().unwrap_or("an unknown statement"))
    }
}

/// `CREATE TEMP TABLE t` and `CREATE TABLE IF NOT EXISTS temp.t` are the same.
///
/// The longest way to the name is `CREATE UNIQUE INDEX IF NOT EXISTS temp`. A
/// table that is itself called `temp` is taken for a temporary one.
fn of_create(words: Tokens<'_>) -> Effect {
    if words.take(6).any(|word| word.is_name("TEMP") || word.is_name("TEMPORARY")) {
        Effect::touch("CREATE TEMP")
    } else {
        Effect::WRITE
    }
}

/// SQLite carries out some pragmas while it compiles them, explained or not.
fn of_explained(mut words: Tokens<'_>) -> Effect {
    let plan = words.clone();
    if words.next().is_some_and(|word| word.is_word("QUERY")) {
        words.next();
        of_statement(words)
    } else {
        of_statement(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_statements() {
        for sql in ["select 1", " -- x\nSELECT 1;", "values (1)", "explain select 1"] {
            assert_eq!(of(sql), Effect::READ, "{sql}");
        }
    }

    #[test]
    fn harmless_statements() {
        for sql in [
            "/* x */ INSERT into a values (1);",
            "with x as (select 1) delete from a",
            "create table a (x)",
            "create unique index if not exists i on a (x)",
            "create trigger t after insert on a begin delete from b; delete from c; end",
            "drop table a",
            "vacuum",
            "explain query plan delete from a",
        ] {
            assert_eq!(of(sql), Effect::WRITE, "{sql}");
        }
    }

    #[test]
    fn transaction_control() {
        for sql in
            ["begin immediate", "-- x\ncommit", "END", "rollback to a", "savepoint a", "release a"]
        {
            assert_eq!(of(sql), Effect::control(Control::Any), "{sql}");
        }
    }

    #[test]
    fn several_statements_may_begin_and_end_what_they_like() {
        assert_eq!(of("insert into a values (1); commit").control, Control::Any);
    }

    #[test]
    fn everything_else_is_a_touch() {
        for sql in [
            "pragma foreign_keys = off",
            "explain pragma query_only = 1",
            "explain query plan pragma query_only = 1",
            "attach 'x' as x",
            "detach x",
            "create temp table a (x)",
            "create temporary view a as select 1",
            "create table temp.a (x)",
            "create table if not exists \"TEMP\".a (x)",
            "create unique index if not exists [temp].i on a (x)",
            "create virtual table if not exists temp.a using fts5(x)",
            "select 1; select 2",
            "insert into a values (1); commit",
            "",
            "frobnicate",
            "(select 1)",
        ] {
            assert!(of(sql).touch.is_some(), "{sql}");
        }
    }
}
