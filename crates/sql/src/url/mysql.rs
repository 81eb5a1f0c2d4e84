use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use super::query::{Key, Query, expect_backend};
use super::tls::Distance;
use super::{ConnectUrl, UrlError};

const SOCKET: Key = &["unix_socket", "socket"];
const CHARSET: Key = &["charset"];
const COLLATION: Key = &["collation"];
const TIME_ZONE: Key = &["time_zone", "timezone"];
const TLS: Key = &["ssl_mode", "sslmode"];
const ROOTS: Key = &["ssl_ca", "sslca"];
const CERTIFICATE: Key = &["ssl_cert", "sslcert"];
const KEY: Key = &["ssl_key", "sslkey"];
const CACHE: Key = &["statement_cache_capacity"];

const KEYS: [Key; 9] = [SOCKET, CHARSET, COLLATION, TIME_ZONE, TLS, ROOTS, CERTIFICATE, KEY, CACHE];

/// The keys are those of MySQL's Python drivers: `unix_socket`, `charset`, `collation`,
/// `ssl_mode`, `ssl_ca`, `ssl_cert`, `ssl_key`; and sqlx's `time_zone` and
/// `statement_cache_capacity`.
///
/// TLS is `VERIFY_IDENTITY` where the host is neither loopback nor a socket; on loopback
/// it is `PREFERRED`, over a socket `DISABLED`. Anything else has to be named. The roots
/// are sqlx's (with the feature `tls`: those of the operating system); `ssl_ca` comes on
/// top of them and does not replace them.
impl TryFrom<&ConnectUrl> for MySqlConnectOptions {
    type Error = UrlError;

    fn try_from(url: &ConnectUrl) -> Result<Self, UrlError> {
        expect_backend(url, &["mysql", "mariadb"])?;
        let query = Query::new(url, "MySQL", &KEYS)?;
        let mut options = Self::new();

        if let Some(host) = url.host() {
            options = options.host(host);
        }
        if let Some(port) = url.port() {
            options = options.port(port);
        }
        if let Some(path) = query.one(SOCKET)? {
            options = options.socket(path);
        }
        if let Some(user) = url.username().filter(|user| !user.is_empty()) {
            options = options.username(user);
        }
        if let Some(password) = url.reveal_password() {
            options = options.password(password);
        }
        if let Some(database) = url.database().filter(|database| !database.is_empty()) {
            options = options.database(database);
        }
        if let Some(charset) = query.one(CHARSET)? {
            options = options.charset(charset);
        }
        if let Some(collation) = query.one(COLLATION)? {
            options = options.collation(collation);
        }
        if let Some(zone) = query.one(TIME_ZONE)? {
            options = options.timezone(zone.to_owned());
        }
        let capacity = query.read(CACHE, "a number of statements", |number| number.parse().ok())?;
        if let Some(capacity) = capacity {
            options = options.statement_cache_capacity(capacity);
        }
        set_tls(options, &query)
    }
}

fn set_tls(
    mut options: MySqlConnectOptions,
    query: &Query<'_>,
) -> Result<MySqlConnectOptions, UrlError> {
    let named =
        query.read(TLS, "DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY", |mode| {
            mode.parse::<MySqlSslMode>().ok()
        })?;
    options = match named {
        Some(named) => options.ssl_mode(named),
        None => {
            distance(&options).expect_tls("a weaker ssl_mode")?;
            encrypt(options)
        }
    };
    if let Some(path) = query.one(ROOTS)? {
        options = options.ssl_ca(path);
    }
    if let Some(path) = query.one(CERTIFICATE)? {
        options = options.ssl_client_cert(path);
    }
    if let Some(path) = query.one(KEY)? {
        options = options.ssl_client_key(path);
    }
    Ok(options)
}

/// Encrypts as far as the distance asks for it, where nobody has decided.
pub(crate) fn encrypt(options: MySqlConnectOptions) -> MySqlConnectOptions {
    match (options.get_ssl_mode(), distance(&options)) {
        (MySqlSslMode::Preferred, Distance::Socket) => options.ssl_mode(MySqlSslMode::Disabled),
        (MySqlSslMode::Preferred, Distance::Remote) => {
            options.ssl_mode(MySqlSslMode::VerifyIdentity)
        }
        _ => options,
    }
}

fn distance(options: &MySqlConnectOptions) -> Distance {
    Distance::to(options.get_host(), options.get_socket().map(|path| &**path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Result<MySqlConnectOptions, UrlError> {
        MySqlConnectOptions::try_from(&ConnectUrl::parse(url).unwrap())
    }

    fn mode(url: &str) -> String {
        format!("{:?}", options(url).unwrap().get_ssl_mode())
    }

    #[test]
    fn parts_arrive_as_they_are() {
        let url = "mysql+pymysql://us%40er:p%2Fss@127.0.0.1:3307/my%3Fdb\
                   ?charset=utf8mb4&collation=utf8mb4_bin&unix-socket=/run/my+sql";
        let options = options(url).unwrap();
        assert_eq!(options.get_username(), "us@er");
        assert_eq!(options.get_host(), "127.0.0.1");
        assert_eq!(options.get_port(), 3307);
        assert_eq!(options.get_database(), Some("my?db"));
        assert_eq!(options.get_charset(), "utf8mb4");
        assert_eq!(options.get_collation(), Some("utf8mb4_bin"));
        assert_eq!(options.get_socket().unwrap().to_str(), Some("/run/my sql"));
    }

    #[test]
    fn tls_is_verified_unless_it_stays_on_this_machine_or_a_weaker_mode_is_named() {
        assert_eq!(mode("mysql://localhost/d"), "Preferred");
        assert_eq!(mode("mariadb://[::1]/d"), "Preferred");
        assert_eq!(mode("mysql:///d?unix_socket=/run/mysqld/mysqld.sock"), "Disabled");
        assert_eq!(mode("mysql://db.example/d?ssl_mode=REQUIRED"), "Required");
        assert_eq!(mode("mysql://127.0.0.1/d?ssl-mode=verify_identity"), "VerifyIdentity");
        if sqlx_core::net::tls::available() {
            assert_eq!(mode("mysql://db.example/d"), "VerifyIdentity");
        } else {
            let refused = options("mysql://db.example/d").unwrap_err();
            assert!(matches!(refused, UrlError::NoTls(_)), "{refused}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_could() {
        let refused = |url| options(url).unwrap_err().to_string();
        assert_eq!(
            refused("mysql://h/d?local_infile=1"),
            "the database URL has local_infile, which MySQL does not know here; it knows \
             unix_socket, charset, collation, time_zone, ssl_mode, ssl_ca, ssl_cert, ssl_key, \
             statement_cache_capacity"
        );
        assert_eq!(
            refused("mysql://h/d?ssl_mode=on"),
            "ssl_mode of the database URL is to be \
             DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY"
        );
        assert_eq!(
            refused("postgresql://h/d"),
            "a database URL for postgresql, where one for mysql or mariadb is needed"
        );
    }
}
