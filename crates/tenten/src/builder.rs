use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::backend::{Inner, Manners, Who};
use crate::client::{Client, Gateway, Limits, Log, Manner};
use crate::config::ConfigError;
use crate::desk::Desk;
use crate::office::Office;
use crate::password::Password;
use crate::sam::Account;
use crate::secret::Secret;
use crate::settings::{certificates, check_limits, keep_journal, not_empty, required};
use crate::wire::sam::Group;
use crate::xml::XmlLimits;
use crate::{LoginType, Tenten, choices};

/// Sets up a [`Tenten`]. The gateway, who logs in, the password and the login type have
/// to be given; nothing is checked before [`build`](Self::build).
#[must_use = "a builder does nothing until `build` is called"]
pub struct TentenBuilder {
    gateway: String,
    insecure: bool,
    who: Option<(String, Option<String>)>,
    password: Option<Password>,
    kind: Option<LoginType>,
    limits: Limits,
    xml: XmlLimits,
    reuse_connections: bool,
    roots: Vec<Vec<u8>>,
    log_file: Option<PathBuf>,
    journal: Option<PathBuf>,
    reservation: Duration,
    manners: Manners,
}

/// Numbers backends.
static BACKENDS: AtomicU64 = AtomicU64::new(0);

impl TentenBuilder {
    pub(crate) fn new(gateway: String) -> Self {
        let manners = Manners {
            retry_wait: Duration::from_secs(10),
            busy_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            members: None,
            give_back_on_return: false,
            infinite_to_na: None,
        };
        Self {
            gateway,
            insecure: false,
            who: None,
            password: None,
            kind: None,
            limits: Limits::default(),
            xml: XmlLimits::default(),
            reuse_connections: true,
            roots: Vec::new(),
            log_file: None,
            journal: None,
            reservation: choices::RESERVATION,
            manners,
        }
    }

    /// Allows `http://`: passwords then travel in the clear, in the URL. Default: no.
    pub const fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Trusts these certificates, in PEM, as roots beside those of the system: for a gateway
    /// whose certificate the company signed itself. May be said several times. Default:
    /// the system's alone.
    ///
    /// Whatever is said here, a certificate has to be valid and to have the gateway's name.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Logs in as this user. A user has one session at the gateway, so a pool has one
    /// place.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.who = Some((user.into(), None));
        self
    }

    /// Logs in with IDs of this SAM group, in its owner's name and with the password
    /// that the owner and all members have.
    pub fn sam_pool(mut self, owner: impl Into<String>, group: impl Into<String>) -> Self {
        self.who = Some((owner.into(), Some(group.into())));
        self
    }

    /// The clear password.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Password::Fixed(Secret::new(password)));
        self
    }

    /// Asks for the clear password whenever one is needed, for those that rotate. May
    /// take as long as [`lifecycle_timeout`](Self::lifecycle_timeout).
    ///
    /// It is asked on the runtime of whoever opens a session, and on a thread of this
    /// crate's when an ID is given back whose password has changed.
    pub fn password_from<F, E>(mut self, provider: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        self.password = Some(Password::provided(provider));
        self
    }

    /// What a login does to a session that is there already.
    pub const fn login_type(mut self, kind: LoginType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// How often to ask again while the gateway is busy, as for a SAM group with all IDs
    /// taken; a tenth more or less, at random. Not zero. Default: 10 s.
    ///
    /// A session or an ID that comes back in this process is not waited for that long.
    pub const fn retry_wait(mut self, wait: Duration) -> Self {
        self.manners.retry_wait = wait;
        self
    }

    /// Bounds how long [`Tenten::connect`] asks a busy gateway. A pool's callers are
    /// bounded by their own deadlines. Default: 30 s.
    pub const fn busy_timeout(mut self, limit: Duration) -> Self {
        self.manners.busy_timeout = limit;
        self
    }

    /// The idle time suggested to a pool of a SAM group's sessions, whose idle IDs
    /// nobody else can have. Default: 30 s.
    pub const fn sam_idle_timeout(mut self, limit: Duration) -> Self {
        self.manners.idle_timeout = limit;
        self
    }

    /// How many members the SAM group has: no pool may be larger. Default: not known;
    /// the gateway says when all are taken.
    pub const fn sam_members(mut self, members: usize) -> Self {
        self.manners.members = Some(members);
        self
    }

    /// Gives an ID back whenever its session is returned to a pool, even when others
    /// wait for one here: good for neighbours in other processes, at the price of two
    /// requests for every lease. Default: no, idle sessions are kept for a while.
    pub const fn give_back_on_return(mut self) -> Self {
        self.manners.give_back_on_return = true;
        self
    }

    /// Whether the gateway turns infinities into N/A; set on every session. Default:
    /// nothing is said.
    ///
    /// The platform's session keeps it, and a SAM group's runs on for whoever possesses
    /// it next: a backend that says nothing then works with what another one said. Those
    /// that share a group should all say the same.
    pub const fn infinite_to_na(mut self, on: bool) -> Self {
        self.manners.infinite_to_na = Some(on);
        self
    }

    /// Bounds connecting. Not zero. Default: 10 s.
    pub const fn connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect = limit;
        self
    }

    /// Bounds the time from there to an answer's first byte, in which the gateway
    /// computes. Not zero. Default: 5 min.
    pub const fn first_byte_timeout(mut self, limit: Duration) -> Self {
        self.limits.first_byte = limit;
        self
    }

    /// Bounds the time from one piece of an answer to the next. Not zero. Default: 60 s.
    pub const fn idle_read_timeout(mut self, limit: Duration) -> Self {
        self.limits.idle_read = limit;
        self
    }

    /// Bounds each request from its beginning to its answer's end. Not zero. Default: 30 min.
    pub const fn total_timeout(mut self, limit: Duration) -> Self {
        self.limits.total = limit;
        self
    }

    /// Bounds each request that is no query's: to log in or out, to take or give back an
    /// ID, to see whether a session lives. Not zero. Default: 30 s.
    ///
    /// An ID with a login that nothing answered is given back so much later, at most 15 min:
    /// the login may still be on its way, and would meet whoever has the ID next. Until then
    /// the next session of the group in this process is opened on it;
    /// [`Tenten::settled`](crate::Tenten::settled) waits for that at a process's end.
    ///
    /// Opening a session may take several: asking the provider for a password, taking an
    /// ID, logging in (a second time when the answer was lost), a setting.
    pub const fn lifecycle_timeout(mut self, limit: Duration) -> Self {
        self.limits.lifecycle = limit;
        self
    }

    /// What an answer may cost. Default: [`XmlLimits::default`].
    pub fn xml_limits(mut self, limits: XmlLimits) -> Self {
        self.xml = limits;
        self
    }

    /// Whether connections are used more than once. Default: yes.
    pub const fn reuse_connections(mut self, reuse: bool) -> Self {
        self.reuse_connections = reuse;
        self
    }

    /// Appends a line for each transaction to this file: when, which, for which user,
    /// how it ended, also when nobody waited for that. No password, no session's number.
    /// Default: none.
    pub fn log_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.log_file = Some(path.into());
        self
    }

    /// Keeps a lease journal in this folder, which is made if it is missing: each ID is
    /// written down before it is taken, logged in, given back. What a process that died
    /// has certainly held is given back by the next to open a session with the same
    /// folder; see [`Tenten::journal_report`]. For SAM groups. Default: none.
    ///
    /// The folder may be shared by any number of processes on one host, also of different
    /// groups and gateways. It holds the names of users, no passwords. While it cannot be
    /// written to, no ID is taken.
    pub fn journal(mut self, folder: impl Into<PathBuf>) -> Self {
        self.journal = Some(folder.into());
        self
    }

    /// How long the gateway keeps an ID without a session for whoever took it. After that
    /// somebody else may have it, and it is not released any more; so longer than
    /// [`lifecycle_timeout`](Self::lifecycle_timeout). Default: 15 min, as documented.
    pub const fn sam_reservation(mut self, time: Duration) -> Self {
        self.reservation = time;
        self
    }

    /// Checks the settings. Sends nothing yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first setting that cannot work, and why.
    pub fn build(self) -> Result<Tenten, ConfigError> {
        let (user, group) = required("user", self.who, "say `user` or `sam_pool`")?;
        let password = required("password", self.password, "say `password` or `password_from`")?;
        let kind =
            required("login_type", self.kind, "the gateway's own default would end a session")?;
        let gateway = Gateway::parse(&self.gateway, self.insecure)?;
        not_empty("user", &user)?;
        let roots = certificates(&self.roots)?;
        let lifecycle = self.limits.lifecycle;
        check_limits(&self.limits, &self.manners)?;

        let desk = Desk::open()?;
        let who = match group {
            None => Who::User(user.into()),
            Some(gid) => {
                not_empty("sam_pool", &gid)?;
                let group = Group { owner: user.into(), gid: gid.into() };
                let account = Account::of(&gateway, group);
                keep_journal(&account, self.journal.as_deref(), &desk)?;
                Who::Group(account)
            }
        };
        let log = self.log_file.map(|path| Log::open(&path)).transpose();
        let log = log.map_err(|source| ConfigError::File { setting: "log_file", source })?;
        let manner = Arc::new(Manner {
            gateway,
            limits: self.limits,
            xml: self.xml,
            reuse_connections: self.reuse_connections,
            roots,
            log,
        });
        let office = Office {
            desk,
            client: Client::new(&manner)?,
            source: password,
            patience: lifecycle,
            reservation: self.reservation,
        };
        let inner = Inner {
            number: BACKENDS.fetch_add(1, Ordering::Relaxed),
            office: Arc::new(office),
            client: Client::new(&manner)?,
            who,
            kind,
            manners: self.manners,
        };
        Ok(Tenten { inner: Arc::new(inner) })
    }
}

/// Without the gateway's address, which is checked for credentials only later.
impl fmt::Debug for TentenBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TentenBuilder")
            .field("who", &self.who)
            .field("login_type", &self.kind)
            .field("limits", &self.limits)
            .field("manners", &self.manners)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_documented() {
        const fn secs(seconds: u64) -> Duration {
            Duration::from_secs(seconds)
        }
        let builder = TentenBuilder::new("https://host/gw".to_owned());
        let Limits { connect, first_byte, idle_read, total, lifecycle } = builder.limits;
        assert_eq!([connect, first_byte, idle_read], [secs(10), secs(300), secs(60)]);
        assert_eq!([total, lifecycle], [secs(30 * 60), secs(30)]);
        let manners = builder.manners;
        assert_eq!([manners.retry_wait, manners.busy_timeout], [secs(10), secs(30)]);
        assert_eq!((manners.idle_timeout, builder.reservation), (secs(30), secs(15 * 60)));
        assert_eq!((manners.members, manners.infinite_to_na), (None, None));
        assert!(!manners.give_back_on_return && builder.reuse_connections && !builder.insecure);
        assert!(builder.roots.is_empty() && builder.log_file.is_none());
        assert!(builder.journal.is_none());
        let limits = XmlLimits::default().max_bytes(256 << 20).max_depth(64).max_elements(100_000);
        let limits = limits.max_attributes(256).max_text(16 << 20).max_columns(4096);
        assert_eq!(builder.xml, limits);
    }

    #[test]
    fn no_credential_is_printed() {
        let builder = TentenBuilder::new("https://me:canary@host/gw?pswd=canary".to_owned());
        let builder = builder.user("demo").password("canary");
        let printed = format!("{builder:?}");
        assert!(printed.contains("demo") && !printed.contains("canary"), "{printed}");
    }
}
