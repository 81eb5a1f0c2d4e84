use std::collections::BTreeMap;
use std::fmt;

/// Envelope of requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Bare children, neither `<in>` nor `<out>`.
    Two,
    /// `<in>` and `<out>`; the current one.
    Three,
}

/// What stands in the query string; the first of each name counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters(BTreeMap<String, String>);

const KNOWN: [&str; 7] = ["api", "apiversion", "uid", "pswd", "sid", "kill", "gid"];

impl Parameters {
    /// Decodes `%XX` and `+`. Names nobody knows are ignored.
    pub(crate) fn read(query: &str) -> Self {
        let mut known = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if KNOWN.contains(&name.as_ref()) {
                known.entry(name.into_owned()).or_insert_with(|| value.into_owned());
            }
        }
        Self(known)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Present and not empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn version(&self) -> Version {
        if self.get("apiversion") == Some("2") { Version::Two } else { Version::Three }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().map(|(name, value)| match name.as_str() {
            "pswd" | "sid" => (name.as_str(), "***"),
            _ => (name.as_str(), value.as_str()),
        });
        f.debug_map().entries(shown).finish()
    }
}
