//! Where a database is and how to log in there, in one line.

mod error;
#[cfg(feature = "mysql")]
mod mysql;
mod parse;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod render;
mod secret;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod tls;

use std::collections::BTreeMap;
use std::str::FromStr;

pub use self::error::UrlError;
#[cfg(feature = "mysql")]
pub(crate) use self::mysql::encrypt as encrypt_mysql;
pub(crate) use self::secret::Secret;
#[cfg(feature = "postgres")]
pub(crate) use self::tls::Distance;

/// A database URL, `dialect+driver://user:password@host:port/database?key=value`, in
/// its parts: SQLAlchemy's `URL`, with its rules.
///
/// Parts go in and come out as they are; escaping happens when a URL is written, and
/// is undone when one is read. `Display` and `Debug` write `***` for the password, and
/// for those in the query; [`revealed`](Self::revealed) does not. What was written can
/// be read again, part for part.
///
/// URLs made for Python work: a `+driver` is taken note of, and changes nothing. The
/// backends' conversions (`TryFrom<&ConnectUrl>` for sqlx's connect options) refuse keys
/// they do not know, and say which ones there are.
///
/// ```
/// use sessionpool_sql::ConnectUrl;
///
/// let url = ConnectUrl::create("postgresql")?
///     .with_username("app")
///     .with_password("p@ss/word")
///     .with_host("db.example")
///     .with_database("shop")
///     .with_query("application_name", "till 4");
///
/// assert_eq!(url.to_string(), "postgresql://app:***@db.example/shop?application_name=till+4");
/// assert_eq!(ConnectUrl::parse(&url.revealed())?, url);
/// # Ok::<(), sessionpool_sql::UrlError>(())
/// ```
///
/// # Where it differs from SQLAlchemy
///
/// | | SQLAlchemy 2.1 | here |
/// |---|---|---|
/// | an unescaped `@` in the password | half of the password becomes the host's name | refused |
/// | `h:5432/db?key=a@b` | the user is `h`, the password `5432/db?key=a` | refused, since it could be either; write `%40` for the `@`, or `%2F` for the `/` |
/// | `%` in the host | part of its name | an escape, as PostgreSQL's own URLs have it: `%2Frun%2Fpg` is a socket's folder |
/// | a key with an empty value | left out, unless asked otherwise | kept |
/// | bytes that are not UTF-8 | replaced | refused |
/// | ports from 65536 | taken | refused |
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectUrl {
    drivername: String,
    username: Option<String>,
    password: Option<Secret>,
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    query: BTreeMap<String, Vec<String>>,
}

impl ConnectUrl {
    /// A URL with nothing but a dialect, or a dialect and a driver with `+` between.
    ///
    /// # Errors
    ///
    /// [`UrlError::Dialect`] if it has anything but letters and digits of ASCII, `_`
    /// and `+`.
    pub fn create(drivername: impl Into<String>) -> Result<Self, UrlError> {
        let drivername = drivername.into();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_+".contains(&byte);
        if drivername.is_empty() || drivername.starts_with('+') || !drivername.bytes().all(fits) {
            return Err(UrlError::Dialect);
        }
        Ok(Self {
            drivername,
            username: None,
            password: None,
            host: None,
            port: None,
            database: None,
            query: BTreeMap::new(),
        })
    }

    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// [`UrlError`], which says what is wrong and never what was read: it may be a
    /// password.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        parse::parse(text)
    }

    /// Sets the user's name.
    #[must_use]
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Sets the password, and an empty user's name if there is none.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Secret::new(password));
        self.username.get_or_insert_default();
        self
    }

    /// Sets the host: a name, an address, or the folder of a Unix socket where the
    /// database knows such. An empty one is none.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into()).filter(|host| !host.is_empty());
        self
    }

    /// Sets the port.
    #[must_use]
    pub const fn with_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets the database: its name, or the path of its file. A path that begins with
    /// a slash is an absolute one, and gives a URL with four: `sqlite:////srv/shop.db`.
    #[must_use]
    pub fn with_database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// Adds a value to a key; a key may have several.
    #[must_use]
    pub fn with_query(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.entry(key.into()).or_default().push(value.into());
        self
    }

    /// Removes a key with all its values.
    #[must_use]
    pub fn without_query(mut self, key: &str) -> Self {
        self.query.remove(key);
        self
    }

    /// The dialect, and the driver if one was named: `postgresql+psycopg2`.
    #[must_use]
    pub fn drivername(&self) -> &str {
        &self.drivername
    }

    /// The dialect: `postgresql`.
    #[must_use]
    pub fn backend_name(&self) -> &str {
        self.drivername.split_once('+').map_or(&self.drivername, |(backend, _)| backend)
    }

    /// The driver, if one was named: `psycopg2`.
    #[must_use]
    pub fn driver_name(&self) -> Option<&str> {
        self.drivername.split_once('+').map(|(_, driver)| driver)
    }

    /// The user's name.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The password itself.
    #[must_use]
    pub fn reveal_password(&self) -> Option<&str> {
        self.password.as_ref().map(Secret::expose)
    }

    /// The host, without the brackets around an IPv6 address.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The database's name, or the path of its file.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The values of a key; none if the key is not there.
    #[must_use]
    pub fn query(&self, key: &str) -> &[String] {
        self.query.get(key).map_or(&[], Vec::as_slice)
    }

    /// The keys, in the order they are written.
    pub fn query_keys(&self) -> impl Iterator<Item = &str> {
        self.query.keys().map(String::as_str)
    }

    /// The URL with its passwords: not for logs.
    #[must_use]
    pub fn revealed(&self) -> String {
        render::revealed(self)
    }
}

impl FromStr for ConnectUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}
