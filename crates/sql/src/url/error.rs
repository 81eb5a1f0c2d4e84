/// What is wrong with a database URL, or with what it asks for.
///
/// The messages have nothing of the URL in them but keys, since any other part may be
/// a password that was cut at the wrong place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not begin like a URL.
    #[error("no database URL; it looks like dialect://user:password@host:port/database?key=value")]
    Form,

    /// The part before `://` has characters in it that no dialect has.
    #[error("the dialect of a database URL is made of letters, digits, _ and +")]
    Dialect,

    /// An `@`, a bracket, a `#` or a space in the host: most often the rest of a password.
    #[error(
        "the host of the database URL has an @, a bracket, a # or a space in it; \
         in a password, write %40 for @, %5B for [, %5D for ], %23 for #, and %20 for a space"
    )]
    Host,

    /// It can be read in two ways.
    #[error(
        "the database URL can be read in two ways: \
         write %40 for an @ after the host, or %2F for a / and %3F for a ? in the password"
    )]
    Ambiguous,

    /// The port is no number from 0 to 65535.
    #[error(
        "the port of the database URL is no number from 0 to 65535; \
         in a password, write %3A for :, %2F for /, and %40 for @"
    )]
    Port,

    /// What was escaped is no text.
    #[error("the {part} of the database URL is not UTF-8")]
    #[non_exhaustive]
    Encoding {
        /// Which part of it.
        part: &'static str,
    },

    /// It is for another database.
    #[error("a database URL for {found}, where one for {} is needed", expected.join(" or "))]
    #[non_exhaustive]
    Backend {
        /// The dialect it names.
        found: String,
        /// The dialects that would do.
        expected: &'static [&'static str],
    },

    /// Keys nobody would read.
    #[error(
        "the database URL has {}, which {backend} does not know here; it knows {}",
        keys.join(", "), known.join(", ")
    )]
    #[non_exhaustive]
    UnknownKeys {
        /// The database.
        backend: &'static str,
        /// The keys nobody knows.
        keys: Vec<String>,
        /// The keys there are.
        known: Vec<&'static str>,
    },

    /// A key with more values than can be meant.
    #[error("the database URL gives {key} several times")]
    #[non_exhaustive]
    Repeated {
        /// The key, by its first name.
        key: &'static str,
    },

    /// A value that is none of those there are.
    #[error("{key} of the database URL is to be {expected}")]
    #[non_exhaustive]
    Value {
        /// The key.
        key: &'static str,
        /// What it could be.
        expected: &'static str,
    },

    /// A part that makes no sense for this database.
    #[error("{0}")]
    Part(&'static str),

    /// The server is remote, so that TLS is verified, and this program has none.
    #[error(
        "the database is on another host, and this program was built without TLS: \
         switch on the feature `tls` of sessionpool-sql, or name {0}"
    )]
    NoTls(&'static str),
}
