use proptest::prelude::*;

use super::*;

const SQLITE: Syntax = Syntax {
    brackets: true,
    backticks: true,
    suffixes: true,
    trigger_bodies: true,
    ..Syntax::PLAIN
};

const POSTGRES: Syntax =
    Syntax { dollars: true, escapes: true, nests_comments: true, ..Syntax::PLAIN };

const MYSQL: Syntax = Syntax {
    backticks: true,
    backslashes: true,
    double_quotes: true,
    mysql_comments: true,
    ..Syntax::PLAIN
};

fn is_single(sql: &str, syntax: Syntax) -> bool {
    !Tokens::of(sql, syntax).next_statement()
}

fn first(sql: &str) -> Option<Token<'_>> {
    Tokens::of(sql, SQLITE).next()
}

#[test]
fn comments_blanks_and_semicolons_come_before_the_keyword() {
    for sql in [
        "select 1",
        "  \n\tselect 1",
        ";; ; select 1",
        "-- pragma\nselect 1",
        "/* pragma; */ -- x\n ; /**/select 1",
    ] {
        for syntax in [SQLITE, POSTGRES] {
            assert!(Tokens::of(sql, syntax).next().unwrap().is_word("SELECT"), "{sql}");
        }
    }
    for sql in ["", " ; ", "-- select 1", "/* select 1"] {
        assert_eq!(first(sql), None, "{sql}");
    }
}

#[test]
fn a_second_statement_is_seen() {
    for sql in ["a; b", "a;;b", "; a; b", "a 'it''s'; b", "a; -- c\n b"] {
        assert!(!is_single(sql, SQLITE), "{sql}");
        assert!(!is_single(sql, POSTGRES), "{sql}");
    }
    assert!(!is_single("[a] ; `b`", SQLITE));
    for sql in [
        "select $a('); b -- ')",
        "select @a::b$c(\"); b -- \")",
        "select :a(`); b -- `)",
        "select :a('; b'); c",
        "select $('; b'); c",
        "select :'; b'; c",
    ] {
        assert!(!is_single(sql, SQLITE), "{sql}");
    }
    for sql in [
        "select a[1]; b",
        "select a[ ']' ]; b",
        "select $1; b",
        "select $1::text || $2; b",
        "do $$ x; $$; b",
        "do $a$ $$; $a$; b",
        "select e'\\''; b",
        "select e'\\\\'; b",
        "select E'a''\\''; b",
        "select '\\'; b",
        "/* /* */ ; */ a; b",
        "select a$b$c; b",
        "select `; b",
    ] {
        assert!(!is_single(sql, POSTGRES), "{sql}");
    }
}

#[test]
fn whatever_is_not_ascii_is_a_letter() {
    for sql in [
        "select $–$ ' $–$; b -- '",
        "select $a–1$ ' $a–1$; b -- '",
        "select 1 as –$$; b -- $$",
        "select 1 as a\u{a0}$$; b -- $$",
        "select 1 as \u{2028}$$; b -- $$",
    ] {
        assert!(!is_single(sql, POSTGRES), "{sql}");
    }
    assert!(is_single("do $–$ a; ' $$ $–$", POSTGRES));
    for syntax in [SQLITE, POSTGRES, MYSQL] {
        let mut tokens = Tokens::of("\u{b}a\u{c}–\u{2003}€", syntax);
        assert_eq!(tokens.next(), Some(Token::Word("a")));
        assert_eq!(tokens.next(), Some(Token::Word("–\u{2003}€")));
    }
}

#[test]
fn a_string_that_goes_on_in_another_line_keeps_its_escapes() {
    let postgres = Syntax { carriage_returns: true, ..POSTGRES };
    for sql in [
        "select e'a'\n'\\''; b -- '",
        "select E'a' -- c\r -- d\n\t'\\''; b -- '",
        "select e'a'\n'b'\n'\\''; b -- '",
        "select e'a' '\\'; b", // in the same line, it is another string
        "select 'a'\n'\\'; b",
        "select u&'a'\n'\\'; b",
    ] {
        assert!(!is_single(sql, postgres), "{sql}");
    }
    for sql in ["select e'a'\n'\\'; b'", "select e'a' -- '\n'\\'; b'"] {
        assert!(is_single(sql, postgres), "{sql}");
    }
}

#[test]
fn a_semicolon_that_separates_nothing_is_not() {
    for sql in ["", "a", "a;", " ;; a ;; ", "a ';' b", "a \";\"", "a -- ; b", "a /*;*/ b; -- c"] {
        assert!(is_single(sql, SQLITE), "{sql}");
        assert!(is_single(sql, POSTGRES), "{sql}");
    }
    for sql in ["a [;]", "a `;`", "a $b(;)", "a $b(') ; --'", "a $b (';')"] {
        assert!(is_single(sql, SQLITE), "{sql}");
    }
    for sql in [
        "do $$ a; b $$",
        "do $body$ a; $$ ; $ b $body$;",
        "select e'\\'; b'",
        "select E'a''; b'",
        "select e'\\\\''; b'",
        "a /* /* ; */ ; */",
    ] {
        assert!(is_single(sql, POSTGRES), "{sql}");
    }
}

#[test]
fn mysql_has_comments_and_strings_of_its_own() {
    for sql in [
        "a # ; b",
        "a -- ; b",
        "a --\t; b",
        "a --\u{1}; b",
        "a --\u{7f}; b",
        "a 'it\\'; b'",
        "a \"it\\\"; b\"",
        "a 'it''s; b'",
        "a `;`",
        "a /* ; */",
    ] {
        assert!(is_single(sql, MYSQL), "{sql}");
    }
    for sql in [
        "a # b\n; c",
        "a 5--3; b",
        "a 5--\u{a0}; b",
        "a --\u{1}'\n; b -- '",
        "a '\\\\'; b'",
        "a /*! ; b */",
        "a /*!40101 ; b */",
        "a /*M!100100 ; b */",
        "a 'x' 'y'; b",
    ] {
        assert!(!is_single(sql, MYSQL), "{sql}");
    }
    let first = |sql| Tokens::of(sql, MYSQL).next();
    assert_eq!(first("/*!40101 set x */"), Some(Token::Conditional));
    assert_eq!(first("# x\nselect 1"), Some(Token::Word("select")));
}

#[test]
fn a_backslash_in_a_double_quoted_name_is_one_of_its_signs() {
    let names = Syntax { double_quotes: false, ..MYSQL };
    let sql = "a \"\\\"; b -- \"";
    assert!(!is_single(sql, names) && is_single(sql, MYSQL));
    assert!(is_single("a \"it\"\"s; \" 'it\\'; b'", names));
}

#[test]
fn a_text_is_taken_apart_into_its_statements() {
    let texts = |sql| Tokens::of(sql, MYSQL).texts();
    assert_eq!(texts("; a 'x;' ;; # c\n b -- d;"), [" a 'x;' ", " # c\n b -- d"]);
    assert_eq!(texts("a;"), ["a"]);
    assert!(texts(" ;; -- a").is_empty());
}

#[test]
fn a_trigger_is_one_statement_to_its_end() {
    let trigger = "create trigger t after insert on a begin \
                   update a set x = case when x then 1 else 2 end; delete from b; end";
    assert!(is_single(trigger, SQLITE));
    assert!(is_single(&format!("{trigger};"), SQLITE));
    assert!(is_single(&trigger.replace("create", "CREATE TEMP"), SQLITE));
    assert!(!is_single(&format!("{trigger}; select 1"), SQLITE));
    // Only triggers have bodies, and only there.
    assert!(!is_single("create table trigger_log (x); delete from b; end", SQLITE));
    assert!(!is_single(trigger, POSTGRES));
}

#[test]
fn each_statement_is_reached() {
    let mut tokens = Tokens::of("; a x; b 'y;' ;; c", POSTGRES);
    assert_eq!(tokens.clone().next(), Some(Token::Word("a")));
    assert!(tokens.next_statement());
    assert_eq!(tokens.clone().next(), Some(Token::Word("b")));
    assert!(tokens.next_statement());
    assert_eq!(tokens.clone().next(), Some(Token::Word("c")));
    assert!(!tokens.next_statement());
}

#[test]
fn names_may_be_quoted() {
    for sql in ["temp", "\"temp\"", "[Temp]", "`TEMP`"] {
        assert!(first(sql).unwrap().is_name("temp"), "{sql}");
    }
    assert!(!first("'temp").unwrap().is_word("temp"));
    assert_eq!(first("\u{feff}select"), Some(Token::Word("\u{feff}select")));
}

#[test]
fn a_text_may_be_long_and_deep() {
    const MANY: usize = 200_000;
    let quotes = format!("select '{}'; b", "''".repeat(MANY));
    assert!(!is_single(&quotes, MYSQL));
    assert!(!is_single(&quotes.replace("select '", "select e'"), POSTGRES));
    let comments = format!("select {}{} 1; b", "/*".repeat(MANY), "*/".repeat(MANY));
    assert!(!is_single(&comments, POSTGRES));
}

proptest! {
    /// Half of a string, of a comment, of a character.
    #[test]
    fn no_text_is_too_odd_to_be_read(
        sql in "(select|E|create trigger|end|[a1é𝄞–\u{a0} '\"`$;/*\\\\#!M\\-\\[\\]\n\r]){0,40}",
    ) {
        for syntax in [SQLITE, POSTGRES, MYSQL] {
            let tokens = Tokens::of(&sql, syntax);
            prop_assert!(tokens.clone().count() <= sql.len());
            for text in tokens.texts() {
                prop_assert!(!text.is_empty() && sql.contains(text));
            }
        }
    }
}
