use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::Call;
use crate::choices;
use crate::config::ConfigError;

/// The gateway's address, without anything secret in it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Gateway(String);

/// What needs no encoding in a value.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Gateway {
    /// Takes the address as it was handed over; its path is never guessed.
    pub(crate) fn parse(given: &str, insecure: bool) -> Result<Self, ConfigError> {
        let url = Url::parse(given.trim())
            .map_err(|error| ConfigError::Gateway { why: format!("it is no URL: {error}") })?;
        let why = match url.scheme() {
            "https" => None,
            "http" if insecure => None,
            "http" => Some("passwords would travel in the clear; say `insecure()` if they may"),
            _ => Some("it begins with neither https:// nor http://"),
        };
        let why = why
            .or_else(|| {
                (!url.username().is_empty() || url.password().is_some())
                    .then_some("it holds a user name or a password, which belong to the builder")
            })
            .or_else(|| {
                url.query()
                    .is_some_and(|query| !query.is_empty())
                    .then_some("it has a query, which is ours to write")
            })
            .or_else(|| {
                url.fragment()
                    .is_some_and(|fragment| !fragment.is_empty())
                    .then_some("it has a fragment, which would hide what we write behind it")
            })
            .or_else(|| (!url.has_host()).then_some("it has no host"));
        match why {
            Some(why) => Err(ConfigError::Gateway { why: why.to_owned() }),
            None => Ok(Self(given.trim().trim_end_matches(['/', '?', '#']).to_owned())),
        }
    }

    /// The URL of a call: its credentials are in it, so it goes to the wire only.
    pub(super) fn url(&self, call: &Call<'_>) -> String {
        let mut url = format!("{}?api={}&apiversion={}", self.0, call.api, choices::API_VERSION);
        for (name, value) in call.parameters() {
            url.push('&');
            url.push_str(name);
            url.push('=');
            url.extend(utf8_percent_encode(value, PLAIN));
        }
        url
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value as it stands in a URL.
pub(super) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn the_address_is_taken_as_it_is() {
        for (given, taken) in [
            ("https://www2.1010data.com/cgi-bin/gw", "https://www2.1010data.com/cgi-bin/gw"),
            (
                "https://www2.1010data.com/prod-latest/gw.k/",
                "https://www2.1010data.com/prod-latest/gw.k",
            ),
            ("https://x.1010data.com/gw?", "https://x.1010data.com/gw"),
        ] {
            assert_eq!(Gateway::parse(given, false).expect("valid").0, taken);
        }
        assert!(Gateway::parse("http://127.0.0.1:8010/gw", true).is_ok());
    }

    #[test]
    fn an_address_that_gives_something_away_is_refused() {
        for given in [
            "http://www2.1010data.com/gw",
            "ftp://www2.1010data.com/gw",
            "https://user:secret@www2.1010data.com/gw",
            "https://www2.1010data.com/gw?pswd=secret",
            "https://www2.1010data.com/gw#secret",
            "https://www2.1010data.com/gw?#secret",
            "www2.1010data.com/gw",
            "",
        ] {
            let error = Gateway::parse(given, false).expect_err(given).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn values_are_encoded() {
        let gateway = Gateway::parse("https://h/gw", false).expect("valid");
        let password = Secret::new("a b&c=d+é");
        let call = Call::new("login", "u/1", &password).with("kill", "possess");
        assert_eq!(
            gateway.url(&call),
            "https://h/gw?api=login&apiversion=3&uid=u%2F1&pswd=a%20b%26c%3Dd%2B%C3%A9&kill=possess"
        );
    }
}
