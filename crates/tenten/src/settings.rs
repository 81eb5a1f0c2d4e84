//! Whether settings can work.

use std::path::Path;
use std::sync::Arc;

use crate::backend::Manners;
use crate::client::Limits;
use crate::config::ConfigError;
use crate::desk::Desk;
use crate::journal::Journal;
use crate::sam::Account;

pub(crate) fn required<T>(
    setting: &'static str,
    value: Option<T>,
    why: &'static str,
) -> Result<T, ConfigError> {
    value.ok_or(ConfigError::Missing { setting, why })
}

pub(crate) fn certificates(pems: &[Vec<u8>]) -> Result<Vec<reqwest::Certificate>, ConfigError> {
    let unfit = |why: &str| ConfigError::Unfit { setting: "root_certificate", why: why.to_owned() };
    let mut roots = Vec::new();
    for pem in pems {
        let some = reqwest::Certificate::from_pem_bundle(pem);
        let some = some.map_err(|_| unfit("it is damaged"))?;
        if some.is_empty() {
            return Err(unfit("it holds no certificate in PEM"));
        }
        roots.extend(some);
    }
    if roots.is_empty() {
        return Ok(roots);
    }
    // They are looked into only when a client is built with them.
    match reqwest::Client::builder().tls_certs_only(roots.iter().cloned()).build() {
        Ok(_) => Ok(roots),
        Err(_) => Err(unfit("it holds something that is no certificate")),
    }
}

pub(crate) fn keep_journal(
    account: &Arc<Account>,
    folder: Option<&Path>,
    desk: &Desk,
) -> Result<(), ConfigError> {
    let Some(folder) = folder else { return Ok(()) };
    let journal = Journal::in_folder(folder);
    let journal = journal.map_err(|source| ConfigError::File { setting: "journal", source })?;
    match account.keep_journal(&journal, desk) {
        true => Ok(()),
        false => Err(ConfigError::Unfit {
            setting: "journal",
            why: "the group has one in another folder in this process".to_owned(),
        }),
    }
}

pub(crate) fn not_empty(setting: &'static str, value: &str) -> Result<(), ConfigError> {
    match value.trim().is_empty() {
        true => Err(ConfigError::Unfit { setting, why: "it is empty".to_owned() }),
        false => Ok(()),
    }
}

pub(crate) fn check_limits(limits: &Limits, manners: &Manners) -> Result<(), ConfigError> {
    let Limits { connect, first_byte, idle_read, total, lifecycle } = limits;
    for (setting, value) in [
        ("connect_timeout", connect),
        ("first_byte_timeout", first_byte),
        ("idle_read_timeout", idle_read),
        ("total_timeout", total),
        ("lifecycle_timeout", lifecycle),
        ("retry_wait", &manners.retry_wait),
        ("sam_idle_timeout", &manners.idle_timeout),
    ] {
        if value.is_zero() {
            return Err(ConfigError::Unfit { setting, why: "it is zero".to_owned() });
        }
    }
    match manners.members {
        Some(0) => Err(ConfigError::Unfit {
            setting: "sam_members",
            why: "a group without members lends nothing".to_owned(),
        }),
        _ => Ok(()),
    }
}
