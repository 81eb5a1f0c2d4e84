//! The text of a statement, read only as far as needed to tell what it may leave
//! behind on its session.

/// How a database writes what is no keyword.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    /// `[a name]`.
    pub(crate) brackets: bool,
    /// `` `a name` ``.
    pub(crate) backticks: bool,
    /// `$tag$ a string $tag$`, and `$` inside a name.
    pub(crate) dollars: bool,
    /// `E'it\'s'`, which may go on in the next line as `'it\'s'`.
    pub(crate) escapes: bool,
    /// `/* one /* inside another */ */`.
    pub(crate) nests_comments: bool,
    /// `$a`, `@a`, `:a`, and `$a::b(whatever,;')`.
    pub(crate) suffixes: bool,
    /// The semicolons in the body of a trigger are part of its `CREATE`.
    pub(crate) trigger_bodies: bool,
    /// `'it\'s'`, and `"it\"s"` where that is a string.
    pub(crate) backslashes: bool,
    /// `"a string"`, which is a name elsewhere.
    pub(crate) double_quotes: bool,
    /// A comment ends with its line, and a line at a carriage return, too.
    pub(crate) carriage_returns: bool,
    /// `# a comment`, `--` only with a blank or a control character after it, and
    /// `/*! text */` that may be none.
    pub(crate) mysql_comments: bool,
}

impl Syntax {
    /// Of no database.
    pub(crate) const PLAIN: Self = Self {
        brackets: false,
        backticks: false,
        dollars: false,
        escapes: false,
        nests_comments: false,
        suffixes: false,
        trigger_bodies: false,
        backslashes: false,
        double_quotes: false,
        carriage_returns: false,
        mysql_comments: false,
    };
}

/// The pieces of an SQL text, without white space and comments.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'s> {
    rest: &'s str,
    syntax: Syntax,
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
    /// An operator, a bracket, a comma: one character of it.
    Sign(char),
    /// `/*!40101 a text that some servers run */` and all that comes after it: what is a
    /// string there, and what a statement, depends on the server.
    Conditional,
}

impl<'s> Tokens<'s> {
    /// The pieces of `sql`, from its first statement on.
    pub(crate) fn of(sql: &'s str, syntax: Syntax) -> Self {
        let mut tokens = Self { rest: sql, syntax };
        tokens.skip_semicolons();
        tokens
    }

    /// Goes on to the next statement of the text, if there is one.
    pub(crate) fn next_statement(&mut self) -> bool {
        self.skip_statement();
        self.skip_semicolons();
        self.clone().next().is_some()
    }

    /// The texts of the statements, without the semicolons between them and without
    /// empty ones, which not every database takes.
    pub(crate) fn texts(mut self) -> Vec<&'s str> {
        let mut texts = Vec::new();
        while self.clone().next().is_some() {
            let before = self.rest;
            self.skip_statement();
            let text = &before[..before.len() - self.rest.len()];
            // At the very end it may belong to a comment, and is no loss.
            texts.push(text.strip_suffix(';').unwrap_or(text));
            self.skip_semicolons();
        }
        texts
    }

    /// Skips to the semicolon that ends the statement, or to where nobody can tell.
    ///
    /// As for `sqlite3_complete`, a trigger ends with `; END ;`.
    fn skip_statement(&mut self) {
        const NONE: Token<'_> = Token::Sign(' ');
        let has_body = self.syntax.trigger_bodies && self.creates_trigger();
        let (mut before_last, mut last) = (NONE, NONE);
        let mut before = self.rest;
        while let Some(token) = self.next() {
            if token == Token::Conditional && last != NONE {
                self.rest = before; // it is a statement of its own, perhaps
                return;
            }
            before = self.rest;
            let body_is_over = before_last == Token::Semicolon && last.is_word("END");
            if token == Token::Semicolon && (!has_body || body_is_over) {
                return;
            }
            (before_last, last) = (last, token);
        }
    }

    /// `CREATE TRIGGER` and `CREATE TEMP TRIGGER`.
    fn creates_trigger(&self) -> bool {
        let mut words = self.clone();
        words.next().is_some_and(|first| first.is_word("CREATE"))
            && words.take(2).any(|word| word.is_word("TRIGGER"))
    }

    fn skip_semicolons(&mut self) {
        loop {
            let before = self.clone();
            if self.next() != Some(Token::Semicolon) {
                *self = before;
                return;
            }
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            self.skip_lines();
            let comment = self.rest.strip_prefix("/*").filter(|_| !self.is_conditional());
            let Some(comment) = comment else { return };
            self.rest = after_comment(comment, self.syntax.nests_comments);
        }
    }

    /// Skips blanks, and comments that go to the end of their line.
    fn skip_lines(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches(is_blank);
            let Some(comment) = self.line_comment() else { return };
            let is_end = |c| c == '\n' || (c == '\r' && self.syntax.carriage_returns);
            self.rest = comment.split_once(is_end).map_or("", |(_, rest)| rest);
        }
    }

    /// What comes after the beginning of a comment that goes to the end of its line.
    fn line_comment(&self) -> Option<&'s str> {
        let dashes = self.rest.strip_prefix("--").filter(|after| {
            !self.syntax.mysql_comments
                || after.is_empty()
                || after.starts_with(|c: char| c == ' ' || c.is_ascii_control())
        });
        dashes.or_else(|| self.rest.strip_prefix('#').filter(|_| self.syntax.mysql_comments))
    }

    /// True at `/*!40101 a text that some servers run */`.
    fn is_conditional(&self) -> bool {
        let beginnings = ["/*!", "/*M!"];
        self.syntax.mysql_comments && beginnings.iter().any(|it| self.rest.starts_with(it))
    }

    /// What lies before the closing `quote`; a doubled one ends it too, and the
    /// next token then starts with the second: no matter for what we ask.
    fn quoted(&mut self, quote: &str) -> Token<'s> {
        let (inner, rest) = self.rest.split_once(quote).unwrap_or((self.rest, ""));
        self.rest = rest;
        Token::Quoted(inner)
    }

    /// As [`quoted`](Self::quoted), in which a backslash takes the next character
    /// for itself where the database has it so.
    fn string(&mut self, quote: char, ends: &str) -> Token<'s> {
        if self.syntax.backslashes { self.escaped(quote) } else { self.quoted(ends) }
    }

    fn escaped(&mut self, quote: char) -> Token<'s> {
        let text = self.rest;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c == '\\' {
                rest.next();
            } else if c == quote {
                let after = rest.as_str();
                // Doubled, it is one of the string's own.
                let more = after.strip_prefix(quote).or_else(|| self.continued(after));
                let Some(more) = more else {
                    self.rest = after;
                    return Token::Quoted(&text[..text.len() - after.len() - quote.len_utf8()]);
                };
                rest = more.chars();
            }
        }
        self.rest = "";
        Token::Quoted(text)
    }

    /// What comes after the quote with which an `E'…'` goes on in another line, by the
    /// rules of its first piece.
    /// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS>
    fn continued(&self, after: &'s str) -> Option<&'s str> {
        let mut next = Self { rest: after, ..*self };
        next.skip_lines();
        let between = &after[..after.len() - next.rest.len()];
        let goes_on = self.syntax.escapes && between.contains(['\n', '\r']);
        next.rest.strip_prefix('\'').filter(|_| goes_on)
    }

    /// The rest of `$tag$ a string $tag$` after its first `$`, if it is one.
    fn dollar_quoted(&mut self) -> Option<Token<'s>> {
        let (tag, inner) = self.rest.split_once('$')?;
        let is_tag = tag.chars().all(is_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
        if !is_tag {
            return None; // a parameter
        }
        self.rest = inner;
        Some(self.quoted(&format!("${tag}$")))
    }

    /// Skips the rest of `$a::b(suffix)` after its first sign. A suffix has whatever it
    /// likes but blanks, and no quotes.
    fn skip_variable(&mut self) {
        let is_name = |c| is_word(c) || matches!(c, '$' | ':');
        let suffix = self.rest.trim_start_matches(is_name);
        if suffix.len() < self.rest.len() && suffix.starts_with('(') {
            let end = suffix.find(|c| c == ')' || is_blank(c)).map_or("", |end| &suffix[end..]);
            self.rest = end.strip_prefix(')').unwrap_or(self.rest);
        }
    }

    fn is_word(&self, c: char) -> bool {
        is_word(c) || (self.syntax.dollars && c == '$')
    }
}

impl<'s> Iterator for Tokens<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        self.skip_blanks();
        let text = self.rest;
        let first = text.chars().next()?;
        if self.is_conditional() {
            self.rest = "";
            return Some(Token::Conditional);
        }
        if is_word(first) {
            let end = text.find(|c| !self.is_word(c)).unwrap_or(text.len());
            let word = &text[..end];
            self.rest = &text[end..];
            if self.syntax.escapes && word.eq_ignore_ascii_case("e") && self.rest.starts_with('\'')
            {
                self.rest = &self.rest[1..];
                return Some(self.escaped('\''));
            }
            return Some(Token::Word(word));
        }
        self.rest = &text[first.len_utf8()..];
        Some(match first {
            ';' => Token::Semicolon,
            '\'' => self.string('\'', "'"),
            '"' if self.syntax.double_quotes => self.string('"', "\""),
            '"' => self.quoted("\""),
            '`' if self.syntax.backticks => self.quoted("`"),
            '[' if self.syntax.brackets => self.quoted("]"),
            '$' if self.syntax.dollars => self.dollar_quoted().unwrap_or(Token::Sign('$')),
            '$' | '@' | ':' | '#' if self.syntax.suffixes => {
                self.skip_variable();
                Token::Sign(first)
            }
            sign => Token::Sign(sign),
        })
    }
}

impl Token<'_> {
    /// True if it is this keyword, in capitals or not.
    pub(crate) fn is_word(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// True if it is one of these keywords, in capitals or not.
    pub(crate) fn is_one_of(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is_word(keyword))
    }

    /// True if it is this name, quoted or not.
    pub(crate) fn is_name(&self, name: &str) -> bool {
        matches!(self, Self::Word(it) | Self::Quoted(it) if it.eq_ignore_ascii_case(name))
    }
}

/// To all of the databases, whatever is not ASCII is a letter; what Unicode calls white
/// space, too.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\x0b'
}

/// What comes after a comment whose beginning has been read.
fn after_comment(text: &str, nests: bool) -> &str {
    let mut depth = 1_u32;
    let mut at = 0;
    while let Some(sign) = text.as_bytes().get(at..at + 2) {
        match sign {
            b"*/" if depth == 1 => return &text[at + 2..],
            b"*/" => depth -= 1,
            b"/*" if nests => depth += 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    ""
}

#[cfg(test)]
mod tests;
