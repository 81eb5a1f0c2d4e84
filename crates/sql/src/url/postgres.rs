use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::query::{Key, Query, expect_backend};
use super::tls::Distance;
use super::{ConnectUrl, UrlError};

const HOST: Key = &["host"];
const PORT: Key = &["port"];
const USER: Key = &["user"];
const PASSWORD: Key = &["password"];
const DATABASE: Key = &["dbname"];
const NAME: Key = &["application_name"];
const OPTIONS: Key = &["options"];
const TLS: Key = &["sslmode", "ssl_mode", "ssl"];
const ROOTS: Key = &["sslrootcert", "ssl_root_cert"];
const CERTIFICATE: Key = &["sslcert", "ssl_cert"];
const KEY: Key = &["sslkey", "ssl_key"];
const CACHE: Key = &["statement_cache_capacity", "prepared_statement_cache_size"];

const KEYS: [Key; 12] =
    [HOST, PORT, USER, PASSWORD, DATABASE, NAME, OPTIONS, TLS, ROOTS, CERTIFICATE, KEY, CACHE];

/// The keys are libpq's: `host` (a folder is a Unix socket's), `port`, `user`, `password`
/// and `dbname`, which stand over the URL's other parts as with SQLAlchemy;
/// `application_name`, `options` (`-c name=value …`), `sslmode`, `sslrootcert`, `sslcert`,
/// `sslkey`; and sqlx's `statement_cache_capacity`. There is one host.
///
/// What is not said is taken from libpq's environment variables (`PGUSER` …), as sqlx
/// does, with two exceptions: `sslmode` is not, and `.pgpass` is not read.
///
/// TLS is `verify-full` where the host is neither loopback nor a socket, whatever the
/// environment says; on loopback it is `prefer`, over a socket `disable`. Anything else
/// has to be named; but a `prefer` for another host is the driver's own default, and what
/// [`Postgres`](crate::Postgres) makes `verify-full` of: name `allow` or `disable` to go
/// without. The roots are sqlx's (with the feature `tls`: those of the operating
/// system); `sslrootcert` comes on top of them and does not replace them.
impl TryFrom<&ConnectUrl> for PgConnectOptions {
    type Error = UrlError;

    fn try_from(url: &ConnectUrl) -> Result<Self, UrlError> {
        expect_backend(url, &["postgresql", "postgres"])?;
        let query = Query::new(url, "PostgreSQL", &KEYS)?;
        let mut options = Self::new_without_pgpass();

        if let Some(host) = query.one(HOST)?.or(url.host()) {
            if host.contains(',') {
                return Err(UrlError::Value { key: "host", expected: "one host" });
            }
            options = options.host(host);
        }
        let port = query.read(PORT, "a number from 0 to 65535", |port| port.parse().ok())?;
        if let Some(port) = port.or(url.port()) {
            options = options.port(port);
        }
        if let Some(user) = query.one(USER)?.or(url.username()).filter(|user| !user.is_empty()) {
            options = options.username(user);
        }
        if let Some(password) = query.one(PASSWORD)?.or(url.reveal_password()) {
            options = options.password(password);
        }
        let database = query.one(DATABASE)?.or(url.database());
        if let Some(database) = database.filter(|database| !database.is_empty()) {
            options = options.database(database);
        }
        if let Some(name) = query.one(NAME)? {
            options = options.application_name(name);
        }
        // Even an empty one would be sent, and poolers refuse it.
        if let Some(settings) = query.read(OPTIONS, "a row of `-c name=value`", settings)? {
            options = options.options(settings);
        }
        let capacity = query.read(CACHE, "a number of statements", |number| number.parse().ok())?;
        if let Some(capacity) = capacity {
            options = options.statement_cache_capacity(capacity);
        }
        set_tls(options, &query)
    }
}

fn set_tls(mut options: PgConnectOptions, query: &Query<'_>) -> Result<PgConnectOptions, UrlError> {
    let distance = Distance::to(options.get_host(), options.get_socket().map(|path| &**path));
    let named =
        query.read(TLS, "disable, allow, prefer, require, verify-ca or verify-full", |mode| {
            mode.parse::<PgSslMode>().ok()
        })?;
    options = options.ssl_mode(match (named, distance) {
        (Some(named), _) => named,
        (None, Distance::Socket) => PgSslMode::Disable,
        (None, Distance::Loopback) => PgSslMode::Prefer,
        (None, Distance::Remote) => {
            distance.expect_tls("a weaker sslmode")?;
            PgSslMode::VerifyFull
        }
    });
    if let Some(path) = query.one(ROOTS)? {
        options = options.ssl_root_cert(path);
    }
    if let Some(path) = query.one(CERTIFICATE)? {
        options = options.ssl_client_cert(path);
    }
    if let Some(path) = query.one(KEY)? {
        options = options.ssl_client_key(path);
    }
    Ok(options)
}

/// Reads the server's command line: `-c name=value` and `--name=value`, where a
/// backslash takes what follows as it is.
fn settings(line: &str) -> Option<Vec<(String, String)>> {
    let mut settings = Vec::new();
    let mut words = words(line).into_iter();
    while let Some(word) = words.next() {
        let setting = if word == "-c" {
            words.next()?
        } else {
            word.strip_prefix("--").or_else(|| word.strip_prefix("-c"))?.to_owned()
        };
        let (name, value) = setting.split_once('=')?;
        settings.push((name.to_owned(), value.to_owned()));
    }
    Some(settings)
}

fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => words.last_mut().into_iter().for_each(|word| word.extend(letters.next())),
            letter if letter.is_ascii_whitespace() => words.push(String::new()),
            letter => words.last_mut().into_iter().for_each(|word| word.push(letter)),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Result<PgConnectOptions, UrlError> {
        PgConnectOptions::try_from(&ConnectUrl::parse(url).unwrap())
    }

    fn mode(url: &str) -> String {
        format!("{:?}", options(url).unwrap().get_ssl_mode())
    }

    #[test]
    fn parts_arrive_as_they_are() {
        let url = "postgresql+psycopg2://us%40er:p%2Fss%25@127.0.0.1:5433/my%3Fdb\
                   ?application_name=till+4&options=-c%20a%3Db%20--c.d%3De%5C%20f";
        let options = options(url).unwrap();
        assert_eq!(options.get_username(), "us@er");
        assert_eq!(options.get_host(), "127.0.0.1");
        assert_eq!(options.get_port(), 5433);
        assert_eq!(options.get_database(), Some("my?db"));
        assert_eq!(options.get_application_name(), Some("till 4"));
        assert_eq!(options.get_options(), Some("-c a=b -c c.d=e\\ f"));
        assert!(format!("{options:?}").contains("p/ss%"), "sqlx's own Debug tells the password");
    }

    #[test]
    fn the_query_stands_over_the_other_parts() {
        let options = options(
            "postgres://u@h/d?host=127.0.0.1&port=6000&user=v&dbname=e&password=p&sslmode=disable",
        )
        .unwrap();
        assert_eq!(options.get_host(), "127.0.0.1");
        assert_eq!(options.get_port(), 6000);
        assert_eq!(options.get_username(), "v");
        assert_eq!(options.get_database(), Some("e"));
    }

    #[test]
    fn tls_is_verified_unless_it_stays_on_this_machine_or_a_weaker_mode_is_named() {
        assert_eq!(mode("postgres://localhost/d"), "Prefer");
        assert_eq!(mode("postgres://[::1]/d"), "Prefer");
        assert_eq!(mode("postgres:///d?host=/run/postgresql"), "Disable");
        assert_eq!(mode("postgres://%2Frun%2Fpostgresql/d"), "Disable");
        assert_eq!(mode("postgres://db.example/d?sslmode=require"), "Require");
        assert_eq!(mode("postgres://127.0.0.1/d?sslmode=verify-full"), "VerifyFull");
        assert_eq!(mode("postgresql+asyncpg://db.example/d?ssl=disable"), "Disable");
        if sqlx_core::net::tls::available() {
            assert_eq!(mode("postgres://db.example/d"), "VerifyFull");
            assert_eq!(mode("postgres://localhost/d?host=db.example"), "VerifyFull");
        } else {
            let refused = options("postgres://db.example/d").unwrap_err();
            assert!(matches!(refused, UrlError::NoTls(_)), "{refused}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_could() {
        let refused = |url| options(url).unwrap_err().to_string();
        assert_eq!(
            refused("postgres://h/d?target_session_attrs=rw&sslmode=disable&x=1"),
            "the database URL has target_session_attrs, x, which PostgreSQL does not know here; \
             it knows host, port, user, password, dbname, application_name, options, sslmode, \
             sslrootcert, sslcert, sslkey, statement_cache_capacity"
        );
        assert_eq!(
            refused("postgres://h/d?sslmode=none"),
            "sslmode of the database URL is to be \
             disable, allow, prefer, require, verify-ca or verify-full"
        );
        assert_eq!(
            refused("postgres:///d?host=a:1&host=b:2"),
            "the database URL gives host several times"
        );
        assert_eq!(refused("postgres:///d?host=a,b"), "host of the database URL is to be one host");
        assert_eq!(
            refused("mysql://h/d"),
            "a database URL for mysql, where one for postgresql or postgres is needed"
        );
        assert_eq!(
            refused("postgres://h/d?options=-x"),
            "options of the database URL is to be a row of `-c name=value`"
        );
    }
}
