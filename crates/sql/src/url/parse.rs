use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{ConnectUrl, UrlError};

pub(super) fn parse(text: &str) -> Result<ConnectUrl, UrlError> {
    let (drivername, rest) = text.split_once("://").ok_or(UrlError::Form)?;
    let mut url = ConnectUrl::create(drivername)?;

    let (user, rest) = split_user(rest)?;
    if let Some((name, password)) = user {
        url.username = Some(decode(name, "user")?);
        if let Some(password) = password {
            url = url.with_password(decode(password, "password")?);
        }
    }
    let (rest, query) = cut(rest, '?');
    let (place, database) = cut(rest, '/');
    let (host, port) = split_place(place)?;
    if let Some(host) = host {
        url = url.with_host(decode(host, "host")?);
    }
    url.port = port.map(str::parse).transpose().map_err(|_| UrlError::Port)?;
    url.database = database.map(|database| decode(database, "database")).transpose()?;
    for pair in query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty())
    {
        let (key, value) = cut(pair, '=');
        // Rather the rest of a password, and errors name keys.
        if key.contains(['@', '/', ':']) {
            return Err(UrlError::Ambiguous);
        }
        url = url.with_query(decode_query(key)?, decode_query(value.unwrap_or_default())?);
    }
    Ok(url)
}

type User<'u> = (&'u str, Option<&'u str>);

/// Splits what is before the host from the rest.
///
/// A password may have unescaped slashes and question marks in it, as with SQLAlchemy.
/// So may what comes after the host have an `@`; where both could be meant, neither
/// is.
fn split_user(rest: &str) -> Result<(Option<User<'_>>, &str), UrlError> {
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if authority.contains('@') {
        // `user:password` up to the first `@` after the colon, `user` up to the last.
        let (name, rest) = match authority.split_once(':') {
            Some((name, password)) if password.contains('@') => {
                let (password, _) = cut(password, '@');
                let user = (name, Some(password));
                return Ok((Some(user), &rest[name.len() + password.len() + 2..]));
            }
            _ => rest.split_at(authority.rfind('@').unwrap_or_default()),
        };
        return Ok((Some((name, None)), &rest[1..]));
    }
    match authority.split_once(':') {
        Some((name, port)) if rest.contains('@') => {
            if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(UrlError::Ambiguous);
            }
            let (password, after) = cut(&rest[name.len() + 1..], '@');
            Ok((Some((name, Some(password))), after.unwrap_or_default()))
        }
        _ => Ok((None, rest)),
    }
}

/// Splits `host:port`, where the host may be in brackets.
fn split_place(place: &str) -> Result<(Option<&str>, Option<&str>), UrlError> {
    let (host, rest) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(UrlError::Host)?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    if host.contains(['@', '[', ']', '#']) || host.contains(char::is_whitespace) {
        return Err(UrlError::Host);
    }
    match rest.strip_prefix(':') {
        None if !rest.is_empty() => Err(UrlError::Host),
        // `u16` would take a plus sign.
        Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) => Err(UrlError::Port),
        port => Ok((Some(host).filter(|host| !host.is_empty()), port)),
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// A `%` that begins no escape is a `%`.
fn decode(text: &str, part: &'static str) -> Result<String, UrlError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| UrlError::Encoding { part })
}

fn decode_query(text: &str) -> Result<String, UrlError> {
    decode(&text.replace('+', " "), "query")
}
