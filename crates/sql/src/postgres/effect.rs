use crate::effect::{Control, Effect, End};
use crate::statement::{Syntax, Token, Tokens};

/// As a server has it with `standard_conforming_strings` on.
pub(super) const SYNTAX: Syntax = Syntax {
    dollars: true,
    escapes: true,
    nests_comments: true,
    carriage_returns: true,
    ..Syntax::PLAIN
};

const READING: [&str; 4] = ["SELECT", "VALUES", "TABLE", "SHOW"];

/// `WITH` may go on as either; it counts as the worse.
const WRITING: [&str; 10] = [
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "WITH",
    "TRUNCATE",
    "LOCK",
    "NOTIFY",
    "SAVEPOINT",
    "RELEASE",
];

/// Named, so that an error can say which; others are touching too.
const TOUCHING: [&str; 14] = [
    "SET", "RESET", "LISTEN", "UNLISTEN", "DECLARE", "CREATE", "ALTER", "DROP", "DO", "CALL",
    "EXECUTE", "COPY", "LOAD", "EXPLAIN",
];

const UNPREPARING: [&str; 3] = ["PREPARE", "DEALLOCATE", "DISCARD"];

/// Functions that take locks which outlive their transaction, by how they begin.
const LOCKING: [&str; 2] = ["pg_advisory_lock", "pg_try_advisory_lock"];

/// With it, what comes next is not read here as it is there.
const READS_STRINGS: &str = "standard_conforming_strings";

/// What a text may leave behind on its session, by the first word of each statement.
///
/// A list of what is known to be harmless: whatever is not on it counts as a touch.
pub(super) fn of(sql: &str, syntax: Syntax) -> Effect {
    let mut statements = Tokens::of(sql, syntax);
    let mut effect = of_statement(statements.clone());
    while statements.next_statement() {
        effect = effect.and(of_statement(statements.clone()));
        effect.touch = effect.touch.or(Some("several statements in one text"));
    }
    effect
}

/// As [`of`], for a text that is known to hold several statements.
pub(super) fn of_script(sql: &str, syntax: Syntax) -> Effect {
    Effect::of_all(Tokens::of(sql, syntax), of_statement)
}

fn of_statement(tokens: Tokens<'_>) -> Effect {
    let mut words = tokens
        .take_while(|token| *token != Token::Semicolon)
        .skip_while(|token| *token == Token::Sign('('));
    let keyword = words.next().unwrap_or(Token::Semicolon);
    if keyword.is_one_of(&READING) {
        Effect { touch: touch_within(words), ..Effect::READ }
    } else if keyword.is_one_of(&WRITING) {
        Effect { touch: touch_within(words), ..Effect::WRITE }
    } else if keyword.is_one_of(&["BEGIN", "START"]) {
        Effect { touch: touch_of_transaction(words), ..Effect::control(Control::Any) }
    } else if keyword.is_one_of(&["COMMIT", "END"]) {
        of_end(words, End::Commit)
    } else if keyword.is_one_of(&["ROLLBACK", "ABORT"]) {
        of_end(words, End::Rollback)
    } else if keyword.is_one_of(&UNPREPARING) {
        of_unpreparing(words)
    } else if keyword.is_word("SET") {
        Effect { touch: touch_by_set(words), ..Effect::WRITE }
    } else {
        let known = TOUCHING.iter().find(|known| keyword.is_word(known));
        Effect::touch(known.copied().unwrap_or("an unknown statement"))
    }
}

/// `COMMIT`, `ROLLBACK`, and what follows.
fn of_end<'s>(words: impl Iterator<Item = Token<'s>>, end: End) -> Effect {
    let mut before = Token::Semicolon;
    for word in words {
        if word.is_word("PREPARED") {
            return Effect::WRITE; // somebody else's transaction
        } else if word.is_word("TO") {
            return Effect::control(Control::Rewinds);
        } else if word.is_word("CHAIN") && !before.is_word("NO") {
            return Effect::control(Control::Any); // and the next one begins
        }
        before = word;
    }
    Effect::control(Control::Ends(end))
}

/// `PREPARE TRANSACTION` parts a transaction from its session, and whether it is
/// committed is then decided elsewhere.
fn of_unpreparing<'s>(mut words: impl Iterator<Item = Token<'s>>) -> Effect {
    if words.next().is_some_and(|word| word.is_word("TRANSACTION")) {
        Effect::control(Control::Ends(End::Commit))
    } else {
        Effect { unprepares: true, ..Effect::touch("its own prepared statements") }
    }
}

/// `SET LOCAL`, `SET TRANSACTION` and `SET CONSTRAINTS` end with the transaction.
fn touch_by_set<'s>(mut words: impl Iterator<Item = Token<'s>>) -> Option<&'static str> {
    let scope = words.next().unwrap_or(Token::Semicolon);
    if scope.is_one_of(&["LOCAL", "TRANSACTION", "CONSTRAINTS"]) {
        touch_of_transaction(words)
    } else {
        Some("SET")
    }
}

/// What of a transaction's own settings changes how its next texts are to be understood, or
/// their errors: one that the borrower makes read-only himself refuses writes in the same
/// words as a server that lost its place to another one.
fn touch_of_transaction<'s>(words: impl Iterator<Item = Token<'s>>) -> Option<&'static str> {
    let mut words = words;
    words.find_map(|word| match word {
        word if word.is_name(READS_STRINGS) => Some(READS_STRINGS),
        word if word.is_word("ONLY") || word.is_name("transaction_read_only") => {
            Some("a read-only transaction of its own")
        }
        _ => None,
    })
}

/// What a statement may do on the side: `SELECT … INTO TEMP`, and the best known of
/// the functions with effects on their session.
fn touch_within<'s>(words: impl Iterator<Item = Token<'s>> + Clone) -> Option<&'static str> {
    let mut words = words;
    let mut before = Token::Semicolon;
    let fills = |word: Token<'_>| word.is_one_of(&["TABLE", "UNLOGGED"]);
    while let Some(word) = words.next() {
        if before.is_word("INTO") && is_temporary(word) {
            return Some("SELECT INTO TEMP");
        }
        if let Token::Word(name) | Token::Quoted(name) = word {
            if LOCKING.iter().any(|function| begins(name, function)) {
                return Some("an advisory lock");
            }
            if word.is_name("set_config") && !is_local(words.clone()) {
                return Some("set_config");
            }
            if word.is_name(READS_STRINGS) {
                return Some(READS_STRINGS);
            }
        }
        // `INTO TABLE a`, `INTO UNLOGGED TABLE a`
        if !(before.is_word("INTO") && fills(word)) {
            before = word;
        }
    }
    None
}

fn is_temporary(word: Token<'_>) -> bool {
    word.is_one_of(&["TEMP", "TEMPORARY", "LOCAL", "GLOBAL"])
        || matches!(word, Token::Word(name) | Token::Quoted(name) if begins(name, "pg_temp"))
}

/// True if the last argument of a call is a plain `true`.
fn is_local<'s>(words: impl Iterator<Item = Token<'s>>) -> bool {
    let mut depth = 0_u32;
    let mut last = [Token::Semicolon; 2];
    for word in words {
        match word {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') if depth == 1 => {
                return last[0] == Token::Sign(',') && last[1].is_word("true");
            }
            Token::Sign(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        last = [last[1], word];
    }
    false
}

fn begins(name: &str, beginning: &str) -> bool {
    name.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Effect {
        super::of(sql, SYNTAX)
    }

    fn of_script(sql: &str) -> Effect {
        super::of_script(sql, SYNTAX)
    }

    #[test]
    fn reading_statements() {
        for sql in [
            "select 1",
            "-- set\n SELECT 1;",
            "/* /* */ */ values (1)",
            "table t",
            "show search_path",
            "(select 1) union (select 2)",
            "select ';' || e'\\';' || $$;$$",
            "select set_config('app.tenant', $1, true)",
            "select pg_catalog.set_config('a.b', coalesce($1, 'x'), true), 1",
            "select pg_advisory_xact_lock(1)",
            "select a.into from a",
        ] {
            assert_eq!(of(sql), Effect::READ, "{sql}");
        }
    }

    #[test]
    fn writing_statements() {
        for sql in [
            "insert into a values (1)",
            "WITH x as (select 1) delete from a",
            "update a set x = $1 where y = $2;",
            "merge into a using b on true when matched then delete",
            "truncate a",
            "lock table a in exclusive mode",
            "set local statement_timeout = 5",
            "set transaction isolation level serializable",
            "set constraints all deferred",
            "commit prepared 'x'",
            "rollback prepared 'x'",
            "savepoint a",
            "release a",
        ] {
            assert_eq!(of(sql), Effect::WRITE, "{sql}");
        }
    }

    #[test]
    fn transaction_control() {
        for (sql, control) in [
            ("begin", Control::Any),
            ("/* x */ START TRANSACTION isolation level serializable", Control::Any),
            ("commit", Control::Ends(End::Commit)),
            ("END work;", Control::Ends(End::Commit)),
            ("commit and no chain", Control::Ends(End::Commit)),
            ("commit and chain", Control::Any),
            ("prepare transaction 'x'", Control::Ends(End::Commit)),
            ("rollback", Control::Ends(End::Rollback)),
            ("abort transaction", Control::Ends(End::Rollback)),
            ("rollback and chain", Control::Any),
            ("rollback to a", Control::Rewinds),
            ("rollback work to savepoint a", Control::Rewinds),
        ] {
            assert_eq!(of(sql), Effect::control(control), "{sql}");
        }
    }

    #[test]
    fn several_statements_are_the_worst_of_them() {
        let effect = of("commit; begin");
        assert_eq!(effect.control, Control::Any);
        assert_eq!(effect.touch, Some("several statements in one text"));
        assert_eq!(of("select 1; select 2").control, Control::None);
        assert!(!of("select 1; select 2").writes);
        let effect = of("select 1; set role x; deallocate all; rollback to a");
        assert_eq!(effect.touch, Some("SET"));
        assert_eq!(effect.control, Control::Any);
        assert!(effect.unprepares && effect.writes);
    }

    #[test]
    fn a_script_is_the_worst_of_its_statements_and_their_number_no_touch() {
        assert_eq!(of_script("select 1; select 2"), Effect::READ);
        assert_eq!(of_script("insert into a values (1); set role x").touch, Some("SET"));
        assert_eq!(of_script("select 1; commit").control, Control::Any);
        for sql in ["", " ; ", "-- nothing"] {
            assert_eq!(of_script(sql), Effect::READ, "{sql}");
        }
    }

    #[test]
    fn where_strings_do_not_conform_a_backslash_is_an_escape() {
        let syntax = Syntax { backslashes: true, ..SYNTAX };
        assert!(super::of("select '\\''; set role x -- '", syntax).touch.is_some());
        assert_eq!(super::of("select '\\'; set role x -- '", syntax), Effect::READ);
        assert_eq!(super::of("select 1 as \"\\\" -- \"", syntax), Effect::READ);
    }

    #[test]
    fn everything_else_is_a_touch() {
        for sql in [
            "set role x",
            "set session search_path = x",
            "reset all",
            "listen a",
            "create temp table a (x int)",
            "create table a (x int)",
            "declare c cursor with hold for select 1",
            "do $$ begin perform 1; end $$",
            "call p()",
            "copy a from stdin",
            "discard all",
            "prepare a as select 1",
            "execute a",
            "explain select 1",
            "select 1; select 2",
            "select x into temp a from b",
            "select x into pg_temp.a from b",
            "select x into table pg_temp.a from b",
            "select x into unlogged table pg_temp.a from b",
            "select 1 -- a comment\r, set_config('a.b', 'c', false)",
            "select set_config('search_path', 'x', false)",
            "select set_config('search_path', 'x', $1)",
            "select set_config('search_path', 'x', not true)",
            "select set_config('search_path', 'x', $1 is true)",
            "select set_config('a.b', (select 'true'), false), true",
            "with x as (select pg_advisory_lock(1)) select * from x",
            "select pg_try_advisory_lock_shared(1, 2)",
            "select \"set_config\"('a.b', 'c', false)",
            "begin read only",
            "set transaction read only",
            "set local transaction_read_only = on",
            "set local standard_conforming_strings = off",
            "select set_config('Standard_Conforming_Strings', 'off', true)",
            "",
            "frobnicate",
        ] {
            assert!(of(sql).touch.is_some(), "{sql}");
        }
    }
}
