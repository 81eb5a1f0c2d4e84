use crate::effect::{Control, Effect, End};
use crate::statement::{Syntax, Token, Tokens};

/// As a server has it with nothing in its `sql_mode` that says otherwise.
pub(super) const SYNTAX: Syntax = Syntax {
    backticks: true,
    backslashes: true,
    double_quotes: true,
    mysql_comments: true,
    ..Syntax::PLAIN
};

const READING: [&str; 9] =
    ["SELECT", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "HELP", "CHECKSUM"];

/// `WITH` may go on as either; it counts as the worse.
const WRITING: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"];

/// They commit what is open before they are tried themselves.
/// <https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html>
const COMMITTING: [&str; 14] = [
    "CREATE",
    "ALTER",
    "DROP",
    "TRUNCATE",
    "RENAME",
    "GRANT",
    "REVOKE",
    "ANALYZE",
    "OPTIMIZE",
    "REPAIR",
    "CHECK",
    "CACHE",
    "INSTALL",
    "UNINSTALL",
];

/// They touch the session, and no transaction.
const TOUCHING: [&str; 5] = ["USE", "PREPARE", "DEALLOCATE", "DO", "HANDLER"];

/// They touch the session, and transactions as they like; named, so that the error can
/// say which. What is not known does, too.
const MEDDLING: [&str; 6] = ["EXECUTE", "CALL", "LOCK", "UNLOCK", "LOAD", "XA"];

/// With it a text is another one on another server; it touches what it likes, too.
const CONDITIONAL: &str = "a conditional comment";

/// What a MySQL statement may leave behind on its session, by its first words.
///
/// A list of what is known to be harmless: whatever is not on it counts as a touch,
/// since lending a changed session costs more than opening a fresh one.
pub(super) fn of(sql: &str, syntax: Syntax) -> Effect {
    let mut words = Tokens::of(sql, syntax);
    let effect = of_statement(words.clone());
    if words.next_statement() {
        // One of them may end the transaction, and the next begin another.
        let is_conditional = words.next() == Some(Token::Conditional);
        let by = if is_conditional { CONDITIONAL } else { "several statements in one text" };
        return Effect { control: Control::Any, ..Effect::touch(by) };
    }
    effect
}

/// As [`of`], for a text that is known to hold several statements.
pub(super) fn of_script(sql: &str, syntax: Syntax) -> Effect {
    Effect::of_all(Tokens::of(sql, syntax), of_statement)
}

fn of_statement(mut words: Tokens<'_>) -> Effect {
    let keyword = words.find(|word| *word != Token::Sign('(')).unwrap_or(Token::Semicolon);
    if keyword.is_one_of(&READING) {
        Effect { touch: touch_within(words), ..Effect::READ }
    } else if keyword.is_one_of(&WRITING) || is_analyzed(keyword, words.clone()) {
        Effect { touch: touch_within(words), ..Effect::WRITE }
    } else if keyword.is_one_of(&COMMITTING) {
        of_committing(keyword, words)
    } else if keyword.is_word("COMMIT") {
        of_end(words, End::Commit)
    } else if keyword.is_word("ROLLBACK") {
        of_end(words, End::Rollback)
    } else if keyword.is_one_of(&["SAVEPOINT", "RELEASE"]) {
        Effect::WRITE
    } else if keyword.is_word("BEGIN")
        || (keyword.is_word("START") && is_transaction(words.clone()))
    {
        Effect::control(Control::Any)
    } else if let Some(by) = TOUCHING.iter().find(|known| keyword.is_word(known)) {
        Effect::touch(by)
    } else if keyword.is_word("SET") {
        of_set(words)
    } else {
        let known = MEDDLING.iter().find(|known| keyword.is_word(known));
        let unknown =
            if keyword == Token::Conditional { CONDITIONAL } else { "an unknown statement" };
        let by = known.copied().unwrap_or(unknown);
        Effect { control: Control::Any, ..Effect::touch(by) }
    }
}

/// One setting decides about transactions; passwords and default roles are kept in tables.
fn of_set<'s>(words: impl Iterator<Item = Token<'s>>) -> Effect {
    let mut words = words.peekable();
    let first = words.next().unwrap_or(Token::Semicolon);
    let is_role = first.is_word("DEFAULT") && words.peek().is_some_and(|it| it.is_word("ROLE"));
    let control = if first.is_word("PASSWORD") || is_role {
        Control::Ends(End::ImplicitCommit)
    } else if first.is_name("autocommit") || words.any(|word| word.is_name("autocommit")) {
        Control::Any
    } else {
        Control::None
    };
    Effect { control, ..Effect::touch("SET") }
}

/// MariaDB's `ANALYZE SELECT` runs the statement after it.
fn is_analyzed<'s>(keyword: Token<'_>, mut words: impl Iterator<Item = Token<'s>>) -> bool {
    let tables = ["TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG"];
    keyword.is_word("ANALYZE") && !words.next().is_some_and(|word| word.is_one_of(&tables))
}

fn is_transaction<'s>(mut words: impl Iterator<Item = Token<'s>>) -> bool {
    words.next().is_some_and(|word| word.is_word("TRANSACTION"))
}

/// Temporary tables are the session's, and commit nothing. Any `DROP` may be of one, and
/// that of a database leaves the session that uses it without one.
fn of_committing<'s>(keyword: Token<'_>, words: impl Iterator<Item = Token<'s>> + Clone) -> Effect {
    if words.clone().any(|word| word.is_word("TEMPORARY")) {
        return Effect { control: Control::Any, ..Effect::touch("a temporary table") };
    }
    let is_database =
        words.clone().next().is_some_and(|word| word.is_one_of(&["DATABASE", "SCHEMA"]));
    let drops = (keyword.is_word("DROP") && is_database).then_some("DROP DATABASE");
    let touch = drops.or_else(|| touch_within(words));
    Effect { touch, ..Effect::control(Control::Ends(End::ImplicitCommit)) }
}

/// `ROLLBACK TO`, `… AND CHAIN`, `… AND NO CHAIN`.
fn of_end<'s>(words: impl Iterator<Item = Token<'s>>, end: End) -> Effect {
    let mut before = Token::Semicolon;
    for word in words {
        if word.is_word("TO") {
            return Effect::control(Control::Rewinds);
        } else if word.is_word("CHAIN") && !before.is_word("NO") {
            return Effect::control(Control::Any); // and the next one begins
        } else if word.is_word("RELEASE") && !before.is_word("NO") {
            return Effect::touch("an end of its session");
        }
        before = word;
    }
    Effect::control(Control::Ends(end))
}

/// What a statement may do on the side: user variables and user locks.
fn touch_within<'s>(words: impl Iterator<Item = Token<'s>>) -> Option<&'static str> {
    let mut before = Token::Semicolon;
    for word in words {
        match (before, word) {
            (Token::Sign(':'), Token::Sign('=')) => return Some("a user variable"),
            (into, Token::Sign('@')) if into.is_word("INTO") => return Some("a user variable"),
            (_, name) if name.is_name("GET_LOCK") => return Some("GET_LOCK"),
            _ => before = word,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Effect {
        super::of(sql, SYNTAX)
    }

    #[test]
    fn reading_statements() {
        for sql in [
            "select 1",
            "# set\n SELECT 1;",
            "-- set\n (select 1) union (select 2)",
            "show tables",
            "explain select 1",
            "select @a, @@wait_timeout, ':=', 'into @b'",
            "select 'it\\'s; set @a := 1'",
        ] {
            assert_eq!(of(sql), Effect::READ, "{sql}");
        }
    }

    #[test]
    fn writing_statements() {
        for sql in [
            "insert into a values (1)",
            "replace into a values (1)",
            "WITH x as (select 1) select * from x",
            "update a set x = @y where z = ?;",
            "analyze select 1",
            "analyze format=json select * from a",
            "savepoint a",
            "release savepoint a",
        ] {
            assert_eq!(of(sql), Effect::WRITE, "{sql}");
        }
    }

    #[test]
    fn transaction_control() {
        for (sql, control) in [
            ("begin", Control::Any),
            ("start transaction read only", Control::Any),
            ("commit", Control::Ends(End::Commit)),
            ("commit and no chain no release", Control::Ends(End::Commit)),
            ("commit and chain", Control::Any),
            ("rollback work", Control::Ends(End::Rollback)),
            ("rollback to savepoint a", Control::Rewinds),
            ("create table a (x int)", Control::Ends(End::ImplicitCommit)),
            ("analyze local table a", Control::Ends(End::ImplicitCommit)),
            ("grant all on a to b", Control::Ends(End::ImplicitCommit)),
        ] {
            assert_eq!(of(sql), Effect::control(control), "{sql}");
        }
    }

    #[test]
    fn everything_else_is_a_touch() {
        for sql in [
            "set autocommit = 0",
            "set transaction read only",
            "/*!40101 set @a = 1 */",
            "use a",
            "create temporary table a (x int)",
            "drop temporary table a",
            "lock tables a write",
            "call p()",
            "do sleep(1)",
            "xa start 'x'",
            "prepare a from 'select 1'",
            "commit release",
            "start replica",
            "flush tables with read lock",
            "select 1; select 2",
            "select '\\\\'; set @a = 1; -- '",
            "select @a := 1",
            "select 1 into @a",
            "select get_lock('a', 1)",
            "insert into a values (@b := 1)",
            "drop database a",
            "DROP SCHEMA if exists a",
            "create table a select get_lock('a', 1)",
            "create table a as select @b := 1",
            "",
            "frobnicate",
        ] {
            assert!(of(sql).touch.is_some(), "{sql}");
        }
    }

    #[test]
    fn what_may_end_or_begin_a_transaction_on_the_way_is_not_trusted() {
        for sql in ["call p()", "set autocommit = 1", "set @@session.autocommit = 0", "xa end 'x'"]
        {
            assert_eq!(of(sql).control, Control::Any, "{sql}");
        }
        for sql in ["set @a = 1", "set sql_mode = ''", "use a"] {
            assert_eq!(of(sql).control, Control::None, "{sql}");
        }
    }

    #[test]
    fn what_depends_on_the_server_may_be_anything() {
        for sql in [
            "select 1 /*!99999 ' */; set @a = 1; -- '",
            "select /*! 1 */* 2; set @a = 1 -- */",
            "/*!99999 select */ set @a = 1",
            "/*M!100100 drop table a */",
            "select /*!40001 SQL_NO_CACHE */ x from a",
            "commit /*!99999 and no chain */",
        ] {
            let anything = Effect { control: Control::Any, ..Effect::touch(CONDITIONAL) };
            assert_eq!(of(sql), anything, "{sql}");
            assert!(of_script(sql, SYNTAX).control == Control::Any, "{sql}");
        }
        assert_eq!(of("select '/*! */' /*+ NO_ICP(a) */ -- /*! */"), Effect::READ);
    }

    #[test]
    fn settings_that_are_kept_in_tables_commit_what_is_open() {
        for sql in ["set password = 'x'", "set password for a = 'x'", "set default role a for b"] {
            assert_eq!(of(sql).control, Control::Ends(End::ImplicitCommit), "{sql}");
        }
        assert_eq!(of("set role a").control, Control::None);
    }

    #[test]
    fn a_script_is_the_worst_of_its_statements() {
        let of = |sql| of_script(sql, SYNTAX);
        assert_eq!(of("insert into a values (1); select 1").control, Control::None);
        assert_eq!(of("insert into a values (1); set @a = 1").touch, Some("SET"));
        assert_eq!(of("insert into a values (1); drop table a").control, Control::Any);
        assert_eq!(of("commit; select 1").control, Control::Any);
    }

    #[test]
    fn without_backslashes_a_string_ends_at_its_quote() {
        let of = |sql| super::of(sql, Syntax { backslashes: false, ..SYNTAX });
        assert!(of("select 'it\\'; set @a = 1; -- '").touch.is_some());
        assert_eq!(of("select 'it\\'; -- '"), Effect::READ);
    }
}
