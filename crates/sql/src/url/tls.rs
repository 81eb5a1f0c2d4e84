use std::net::IpAddr;
use std::path::Path;

use super::UrlError;

/// How far away a server is, for the question of who could listen or answer in its
/// place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distance {
    /// A Unix socket.
    Socket,
    /// This machine, by its network.
    Loopback,
    /// Anything else.
    Remote,
}

impl Distance {
    pub(crate) fn to(host: &str, socket: Option<&Path>) -> Self {
        if socket.is_some() || host.starts_with('/') {
            return Self::Socket;
        }
        let is_loopback = host.eq_ignore_ascii_case("localhost")
            || host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback());
        if is_loopback { Self::Loopback } else { Self::Remote }
    }

    /// Refuses what could only fail.
    pub(super) fn expect_tls(self, weaker: &'static str) -> Result<(), UrlError> {
        if self == Self::Remote && !sqlx_core::net::tls::available() {
            return Err(UrlError::NoTls(weaker));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_what_stays_on_this_machine() {
        for near in ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
        {
            assert_eq!(Distance::to(near, None), Distance::Loopback, "{near}");
        }
        for far in ["localhost.example", "0.0.0.0", "10.0.0.1", "::", "127.0.0.1.example", ""] {
            assert_eq!(Distance::to(far, None), Distance::Remote, "{far}");
        }
        assert_eq!(Distance::to("/run/postgresql", None), Distance::Socket);
        assert_eq!(Distance::to("db.example", Some(Path::new("/s"))), Distance::Socket);
    }
}
