use std::fmt::{self, Display, Formatter, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::ConnectUrl;

/// What needs no escape anywhere in a URL.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~');
const USER: &AsciiSet = &PLAIN.remove(b' ').remove(b'+');
const DATABASE: &AsciiSet = &USER.remove(b'/');
const ADDRESS: &AsciiSet = &PLAIN.remove(b':');

const MASK: &str = "***";

/// Keys whose values are passwords.
const SECRET_KEYS: [&str; 4] = ["password", "passwd", "sslpassword", "pwd"];

pub(super) fn revealed(url: &ConnectUrl) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(url, true, &mut text);
    text
}

impl Display for ConnectUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(self, false, f)
    }
}

impl fmt::Debug for ConnectUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectUrl({self})")
    }
}

fn write(url: &ConnectUrl, reveal: bool, to: &mut impl Write) -> fmt::Result {
    write!(to, "{}://", url.drivername)?;
    if let Some(username) = &url.username {
        write!(to, "{}", utf8_percent_encode(username, USER))?;
        if let Some(password) = &url.password {
            to.write_char(':')?;
            if reveal {
                write!(to, "{}", utf8_percent_encode(password.expose(), USER))?;
            } else {
                to.write_str(MASK)?;
            }
        }
        to.write_char('@')?;
    }
    match &url.host {
        Some(host) if host.contains(':') => {
            write!(to, "[{}]", utf8_percent_encode(host, ADDRESS))?;
        }
        Some(host) => write!(to, "{}", utf8_percent_encode(host, PLAIN))?,
        None => {}
    }
    if let Some(port) = url.port {
        write!(to, ":{port}")?;
    }
    if let Some(database) = &url.database {
        write!(to, "/{}", utf8_percent_encode(database, DATABASE))?;
    }
    let mut sign = '?';
    for (key, values) in &url.query {
        let secret = SECRET_KEYS.iter().any(|secret| key.eq_ignore_ascii_case(secret));
        for value in values {
            write!(to, "{sign}{}=", Plus(key))?;
            if secret && !reveal {
                to.write_str(MASK)?;
            } else {
                write!(to, "{}", Plus(value))?;
            }
            sign = '&';
        }
    }
    Ok(())
}

/// Escaped as in a form: a space is a plus sign.
struct Plus<'t>(&'t str);

impl Display for Plus<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut words = self.0.split(' ').map(escape);
        if let Some(first) = words.next() {
            write!(f, "{first}")?;
        }
        words.try_for_each(|word| write!(f, "+{word}"))
    }
}

fn escape(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, PLAIN)
}
