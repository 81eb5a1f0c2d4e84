use super::{ConnectUrl, UrlError};

/// A key, by its name and the other names it goes by. `-` and `_` are the same.
pub(super) type Key = &'static [&'static str];

/// A URL's query, with all keys known.
#[derive(Debug)]
pub(super) struct Query<'u> {
    url: &'u ConnectUrl,
}

impl<'u> Query<'u> {
    pub(super) fn new(
        url: &'u ConnectUrl,
        backend: &'static str,
        known: &[Key],
    ) -> Result<Self, UrlError> {
        let is_known = |key: &str| known.iter().any(|names| goes_by(names, key));
        let keys: Vec<String> =
            url.query_keys().filter(|key| !is_known(key)).map(str::to_owned).collect();
        if keys.is_empty() {
            return Ok(Self { url });
        }
        let known = known.iter().map(|names| names[0]).collect();
        Err(UrlError::UnknownKeys { backend, keys, known })
    }

    /// The one value of a key, under whichever of its names.
    pub(super) fn one(&self, key: Key) -> Result<Option<&'u str>, UrlError> {
        let mut values = self
            .url
            .query_keys()
            .filter(|name| goes_by(key, name))
            .flat_map(|name| self.url.query(name))
            .map(String::as_str);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(UrlError::Repeated { key: key[0] }),
            (value, None) => Ok(value),
        }
    }

    /// A value, read as `expected`.
    pub(super) fn read<T>(
        &self,
        key: Key,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, UrlError> {
        let Some(value) = self.one(key)? else { return Ok(None) };
        read(value).map(Some).ok_or(UrlError::Value { key: key[0], expected })
    }
}

/// Refuses a URL for another database.
pub(super) fn expect_backend(
    url: &ConnectUrl,
    expected: &'static [&'static str],
) -> Result<(), UrlError> {
    let found = url.backend_name();
    if expected.iter().any(|name| name.eq_ignore_ascii_case(found)) {
        return Ok(());
    }
    Err(UrlError::Backend { found: found.to_owned(), expected })
}

fn goes_by(names: &[&str], key: &str) -> bool {
    names.iter().any(|name| {
        name.len() == key.len() && name.bytes().zip(key.bytes()).all(|(a, b)| plain(a) == plain(b))
    })
}

const fn plain(byte: u8) -> u8 {
    if byte == b'-' { b'_' } else { byte }
}
