use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;

use super::query::{Key, Query, expect_backend};
use super::{ConnectUrl, UrlError};
use crate::Sqlite;

const MODE: Key = &["mode"];
const CACHE: Key = &["cache"];
const TIMEOUT: Key = &["timeout"];
const URI: Key = &["uri"];

const KEYS: [Key; 4] = [MODE, CACHE, TIMEOUT, URI];

/// What a URL says about an SQLite database.
#[derive(Debug)]
struct Parts {
    place: Place,
    mode: Mode,
    busy_timeout: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Memory(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    ReadOnly,
    ReadWrite,
    Create,
    Memory,
}

/// Paths are SQLAlchemy's: `sqlite:///shop.db` is relative to the working directory,
/// `sqlite:////srv/shop.db` absolute; `sqlite://` and `sqlite:///:memory:` are databases in
/// memory, each of its own, shared by all sessions of the backend.
///
/// The keys are `timeout` (the busy timeout, in seconds) and, as with SQLAlchemy beside
/// `uri=true` and a database that begins with `file:`, SQLite's own `mode` (`ro`, `rw`,
/// `rwc`, `memory`) and `cache` (`shared`, for a database in memory, which has a name
/// then).
impl TryFrom<&ConnectUrl> for Sqlite {
    type Error = UrlError;

    fn try_from(url: &ConnectUrl) -> Result<Self, UrlError> {
        let Parts { place, mode, busy_timeout } = Parts::of(url)?;
        let mut sqlite = match place {
            Place::File(path) => Self::file(path),
            Place::Memory(name) => Self::memory(name),
        };
        if let Some(limit) = busy_timeout {
            sqlite = sqlite.busy_timeout(limit);
        }
        Ok(match mode {
            Mode::ReadOnly => sqlite.read_only(true).create_if_missing(false),
            Mode::ReadWrite => sqlite.create_if_missing(false),
            Mode::Create | Mode::Memory => sqlite,
        })
    }
}

/// The same for sqlx's own connections, with sqlx's defaults for all the rest.
impl TryFrom<&ConnectUrl> for SqliteConnectOptions {
    type Error = UrlError;

    fn try_from(url: &ConnectUrl) -> Result<Self, UrlError> {
        let Parts { place, mode, busy_timeout } = Parts::of(url)?;
        let options = match place {
            // A path, whatever it looks like.
            Place::File(path) => Self::new().filename(PathBuf::from(".").join(path)),
            Place::Memory(name) => {
                Self::new().filename(format!("file:{name}")).in_memory(true).shared_cache(true)
            }
        };
        let options =
            options.read_only(mode == Mode::ReadOnly).create_if_missing(mode == Mode::Create);
        Ok(match busy_timeout {
            Some(limit) => options.busy_timeout(limit),
            None => options,
        })
    }
}

impl Parts {
    fn of(url: &ConnectUrl) -> Result<Self, UrlError> {
        expect_backend(url, &["sqlite"])?;
        if url.username.is_some() || url.host.is_some() || url.port.is_some() {
            return Err(UrlError::Part(
                "an SQLite URL has no user, host or port; a relative path has three slashes, \
                 sqlite:///shop.db, and an absolute one four, sqlite:////srv/shop.db",
            ));
        }
        let query = Query::new(url, "SQLite", &KEYS)?;
        let busy_timeout = query.read(TIMEOUT, "a number of seconds", |seconds| {
            Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
        })?;
        let uri = query.read(URI, "true or false", truth)?.unwrap_or(false);
        let (place, mode) = place(url.database().unwrap_or_default(), uri, &query)?;
        Ok(Self { place, mode, busy_timeout })
    }
}

fn place(database: &str, uri: bool, query: &Query<'_>) -> Result<(Place, Mode), UrlError> {
    let mode = query.read(MODE, "ro, rw, rwc or memory", |mode| match mode {
        "ro" => Some(Mode::ReadOnly),
        "rw" => Some(Mode::ReadWrite),
        "rwc" => Some(Mode::Create),
        "memory" => Some(Mode::Memory),
        _ => None,
    })?;
    let shared = query.read(CACHE, "shared", |cache| (cache == "shared").then_some(()))?;
    let path = match (database.strip_prefix("file:"), uri) {
        (Some(path), true) => path,
        (None, true) => {
            return Err(UrlError::Part("with uri=true an SQLite database begins with file:"));
        }
        (_, false) if mode.is_some() || shared.is_some() => {
            return Err(UrlError::Part("mode and cache of an SQLite URL need uri=true and file:"));
        }
        (_, false) => database,
    };
    let mode = mode.unwrap_or(Mode::Create);
    match (mode, shared, path) {
        (Mode::Memory, Some(()), name) if !name.is_empty() => {
            Ok((Place::Memory(name.to_owned()), mode))
        }
        (Mode::Memory, ..) | (_, None, "" | ":memory:") => {
            Ok((Place::Memory(name_of_its_own()), Mode::Memory))
        }
        (_, Some(()), _) => Err(UrlError::Part("cache=shared is for an SQLite database in memory")),
        (mode, None, path) => Ok((Place::File(path.into()), mode)),
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn name_of_its_own() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("url-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Result<Parts, UrlError> {
        Parts::of(&ConnectUrl::parse(url).unwrap())
    }

    fn file(url: &str) -> (String, Mode) {
        match parts(url).unwrap() {
            Parts { place: Place::File(path), mode, .. } => (path.to_str().unwrap().into(), mode),
            other => panic!("{other:?}"),
        }
    }

    fn memory(url: &str) -> String {
        match parts(url).unwrap() {
            Parts { place: Place::Memory(name), mode: Mode::Memory, .. } => name,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn paths_are_relative_with_three_slashes_and_absolute_with_four() {
        assert_eq!(file("sqlite:///shop.db"), ("shop.db".into(), Mode::Create));
        assert_eq!(file("sqlite+aiosqlite:///a/shop.db"), ("a/shop.db".into(), Mode::Create));
        assert_eq!(file("sqlite:////srv/shop.db"), ("/srv/shop.db".into(), Mode::Create));
        assert_eq!(file("sqlite:////srv/m%C3%A4rz%20100%25.db").0, "/srv/märz 100%.db");
        assert_eq!(file("sqlite:///file:a.db?mode=ro&uri=true"), ("a.db".into(), Mode::ReadOnly));
        assert_eq!(file("sqlite:///file:a.db").0, "file:a.db");
    }

    #[test]
    fn a_database_in_memory_is_of_its_own_or_has_a_name() {
        for url in ["sqlite://", "sqlite:///", "sqlite:///:memory:"] {
            assert_ne!(memory(url), memory(url), "{url}");
        }
        assert_eq!(memory("sqlite:///file:shop?mode=memory&cache=shared&uri=true"), "shop");
        assert_ne!(memory("sqlite:///file:shop?mode=memory&uri=true"), "shop");
    }

    #[test]
    fn a_timeout_is_in_seconds() {
        let timeout = |url| parts(url).unwrap().busy_timeout;
        assert_eq!(timeout("sqlite:///a?timeout=1.5"), Some(Duration::from_millis(1_500)));
        assert_eq!(timeout("sqlite:///a"), None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_could() {
        let refused = |url| parts(url).unwrap_err().to_string();
        assert!(refused("sqlite://shop.db").contains("sqlite:///shop.db"));
        assert_eq!(
            refused("sqlite:///a?immutable=1"),
            "the database URL has immutable, which SQLite does not know here; \
             it knows mode, cache, timeout, uri"
        );
        assert!(refused("sqlite:///a?mode=ro").contains("uri=true"));
        assert!(refused("sqlite:///a?timeout=-1").contains("a number of seconds"));
        assert!(refused("sqlite:///file:a?cache=shared&uri=true").contains("in memory"));
    }
}
