use std::time::Duration;

use super::text::{milliseconds, push};
use crate::required::Required;
use crate::reset::Reset;

/// What all sessions of a backend have in common.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) reset: Reset,
    /// Somebody stands between us and the server, and a session there is not one
    /// here.
    pub(super) behind_pooler: bool,
    /// The node is meant to be read only.
    pub(super) replica: bool,
    /// A lock that was not granted in time is a conflict.
    pub(super) lock_timeout_is_conflict: bool,
    pub(super) required: Required,
    pub(super) peer_timeout: Option<Duration>,
    pub(super) peer_check: Option<Duration>,
    pub(super) idle_in_transaction_timeout: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            reset: Reset::default(),
            behind_pooler: false,
            replica: false,
            lock_timeout_is_conflict: false,
            required: Required::default(),
            peer_timeout: Some(Duration::from_secs(60)),
            peer_check: Some(Duration::from_secs(1)),
            idle_in_transaction_timeout: Some(Duration::from_secs(600)),
        }
    }
}

impl Config {
    /// The settings of a fresh session, as far as a server of this version knows them.
    ///
    /// They are set again by each reset, since `RESET ALL` undoes them, too.
    pub(super) fn settings(&self, version: u32) -> String {
        let mut text = String::new();
        let mut set = |name, value| push(&mut text, format_args!("SET {name} = {value}"));
        if let Some(limit) = self.peer_timeout {
            set("tcp_keepalives_idle", seconds(limit / 2));
            set("tcp_keepalives_interval", seconds(limit / 6));
            set("tcp_keepalives_count", 3);
            if version >= 12_00_00 {
                set("tcp_user_timeout", milliseconds(limit));
            }
        }
        if let Some(interval) = self.peer_check.filter(|_| version >= 14_00_00) {
            set("client_connection_check_interval", milliseconds(interval));
        }
        if let Some(limit) = self.idle_in_transaction_timeout {
            set("idle_in_transaction_session_timeout", milliseconds(limit));
        }
        text
    }
}

/// Whole seconds, at least one: zero would be the system's own two hours.
fn seconds(limit: Duration) -> u128 {
    u128::from(limit.as_secs().clamp(1, i32::MAX as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_not_sent_what_it_does_not_know() {
        let config = Config::default();
        assert_eq!(
            config.settings(15_00_03),
            "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; \
             SET tcp_keepalives_count = 3; SET tcp_user_timeout = 60000; \
             SET client_connection_check_interval = 1000; \
             SET idle_in_transaction_session_timeout = 600000"
        );
        assert!(!config.settings(13_00_00).contains("client_connection_check_interval"));
        assert!(!config.settings(11_00_00).contains("tcp_user_timeout"));
    }

    #[test]
    fn what_is_switched_off_is_not_sent() {
        let config = Config {
            peer_timeout: None,
            peer_check: None,
            idle_in_transaction_timeout: None,
            ..Config::default()
        };
        assert_eq!(config.settings(15_00_00), "");
    }
}
