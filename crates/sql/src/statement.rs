//! The text of a statement, read only as far as needed to tell what it may leave
//! behind on its session.

/// The pieces of an SQL text, without white space and comments.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'s> {
    rest: &'s str,
}

/// One piece of an SQL text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'s> {
    /// A keyword, a bare name or a number.
    Word(&'s str),
    /// A quoted name or string, without its quotes.
    Quoted(&'s str),
    /// What separates two statements.
    Semicolon,
    /// An operator, a bracket, a comma.
    Other,
}

impl<'s> Tokens<'s> {
    /// The pieces of `sql`, from its first statement on.
    pub(crate) fn of(sql: &'s str) -> Self {
        let mut tokens = Self { rest: sql };
        loop {
            let before = tokens.clone();
            if tokens.next() != Some(Token::Semicolon) {
                return before;
            }
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(comment) = self.rest.strip_prefix("--") {
                self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
            } else {
                return;
            }
        }
    }

    /// What lies before the closing `quote`; a doubled one ends it too, and the
    /// next token then starts with the second: no matter for what we ask.
    fn quoted(&mut self, quote: char) -> Token<'s> {
        let (inner, rest) = self.rest.split_once(quote).unwrap_or((self.rest, ""));
        self.rest = rest;
        Token::Quoted(inner)
    }
}

impl<'s> Iterator for Tokens<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        self.skip_blanks();
        let text = self.rest;
        let word = text.find(|c| !is_word(c)).unwrap_or(text.len());
        if word > 0 {
            self.rest = &text[word..];
            return Some(Token::Word(&text[..word]));
        }
        let first = text.chars().next()?;
        self.rest = &text[first.len_utf8()..];
        Some(match first {
            ';' => Token::Semicolon,
            '\'' | '"' | '`' => self.quoted(first),
            '[' => self.quoted(']'),
            _ => Token::Other,
        })
    }
}

impl Token<'_> {
    /// True if it is this keyword, in capitals or not.
    pub(crate) fn is_word(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// True if it is this name, quoted or not.
    pub(crate) fn is_name(&self, name: &str) -> bool {
        matches!(self, Self::Word(it) | Self::Quoted(it) if it.eq_ignore_ascii_case(name))
    }
}

/// True if the text holds one statement at most.
///
/// The semicolons inside a trigger's body are part of it: as for
/// `sqlite3_complete`, a trigger ends with `; END ;`.
pub(crate) fn is_single(sql: &str) -> bool {
    let is_trigger = is_trigger(sql);
    let mut tokens = Tokens::of(sql);
    let (mut before_last, mut last) = (Token::Other, Token::Other);
    for token in tokens.by_ref() {
        let body_is_over = before_last == Token::Semicolon && last.is_word("END");
        if token == Token::Semicolon && (!is_trigger || body_is_over) {
            break;
        }
        (before_last, last) = (last, token);
    }
    tokens.all(|token| token == Token::Semicolon)
}

/// `CREATE TRIGGER` and `CREATE TEMP TRIGGER`.
fn is_trigger(sql: &str) -> bool {
    let mut words = Tokens::of(sql);
    words.next().is_some_and(|first| first.is_word("CREATE"))
        && words.take(2).any(|word| word.is_word("TRIGGER"))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(sql: &str) -> Option<Token<'_>> {
        Tokens::of(sql).next()
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
            assert!(first(sql).unwrap().is_word("SELECT"), "{sql}");
        }
        for sql in ["", " ; ", "-- select 1", "/* select 1"] {
            assert_eq!(first(sql), None, "{sql}");
        }
    }

    #[test]
    fn a_second_statement_is_seen() {
        for sql in ["a; b", "a;;b", "; a; b", "a 'it''s'; b", "a; -- c\n b", "[a] ; `b`"] {
            assert!(!is_single(sql), "{sql}");
        }
    }

    #[test]
    fn a_semicolon_that_separates_nothing_is_not() {
        for sql in [
            "",
            "a",
            "a;",
            " ;; a ;; ",
            "a ';' b",
            "a \";\"",
            "a [;]",
            "a `;`",
            "a -- ; b",
            "a /*;*/ b; -- c",
        ] {
            assert!(is_single(sql), "{sql}");
        }
    }

    #[test]
    fn a_trigger_is_one_statement_to_its_end() {
        let trigger = "create trigger t after insert on a begin \
                       update a set x = case when x then 1 else 2 end; delete from b; end";
        assert!(is_single(trigger));
        assert!(is_single(&format!("{trigger};")));
        assert!(is_single(&trigger.replace("create", "CREATE TEMP")));
        assert!(!is_single(&format!("{trigger}; select 1")));
        // Only triggers have bodies.
        assert!(!is_single("create table trigger_log (x); delete from b; end"));
    }

    #[test]
    fn names_may_be_quoted() {
        for sql in ["temp", "\"temp\"", "[Temp]", "`TEMP`"] {
            assert!(first(sql).unwrap().is_name("temp"), "{sql}");
        }
        assert!(!first("'temp").unwrap().is_word("temp"));
        assert_eq!(first("\u{feff}select"), Some(Token::Other));
    }
}
