use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::choices::Choices;
use crate::clock::Clock;
use crate::emulator::Emulator;
use crate::error::StartError;
use crate::gateway::Gateway;
use crate::http::Door;
use crate::platform::{Group, Member, Platform, Pool, Secret, User};
use crate::table::{Catalog, Table};

/// An emulator to be: its users, groups, tables and choices.
#[derive(Clone, Debug)]
#[must_use = "nothing listens before `start`"]
pub struct EmulatorBuilder {
    address: SocketAddr,
    users: Vec<(String, Secret, bool)>,
    groups: Vec<Group>,
    catalog: Catalog,
    choices: Choices,
    clock: Clock,
    keep_alive: Duration,
    door: Door,
}

impl EmulatorBuilder {
    pub(crate) fn new() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            users: Vec::new(),
            groups: Vec::new(),
            catalog: Catalog::default(),
            choices: Choices::default(),
            clock: Clock::running(),
            keep_alive: Duration::from_secs(30),
            door: Door::Plain,
        }
    }

    /// Adds a user with a clear password.
    pub fn user(mut self, uid: &str, password: &str) -> Self {
        self.users.push((uid.to_owned(), Secret::new(password), false));
        self
    }

    /// Adds a user who administers the company, and so all groups: may warm, flush,
    /// reset and look at them.
    pub fn admin(mut self, uid: &str, password: &str) -> Self {
        self.users.push((uid.to_owned(), Secret::new(password), true));
        self
    }

    /// Adds a group, with its owner and its IDs as users.
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// Adds a table; one of the same path is replaced. `default.lonely`, the
    /// customary base table of one row, is always there.
    pub fn table(mut self, table: Table) -> Self {
        self.catalog.put(table);
        self
    }

    /// Sets what the documents leave open.
    pub fn choose(mut self, choose: impl FnOnce(&mut Choices)) -> Self {
        choose(&mut self.choices);
        self
    }

    /// Sets the clock that sessions and reservations end by. Default: a
    /// [running](Clock::running) one.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Closes a connection that brings no request for this long: real time, whatever
    /// the clock. Default: 30 seconds.
    pub const fn keep_alive(mut self, time: Duration) -> Self {
        self.keep_alive = time;
        self
    }

    /// Listens on this port of the loopback interface. Default: a free one.
    pub const fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Listens on this address. Default: `127.0.0.1`. Passwords are those of tests
    /// and travel in the clear: think before you leave the loopback interface.
    pub const fn address(mut self, address: IpAddr) -> Self {
        self.address.set_ip(address);
        self
    }

    /// Serves https with this certificate, and no plain HTTP. Default: plain HTTP.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, certificate: &crate::Certificate) -> Self {
        self.door = Door::Tls(certificate.config());
        self
    }

    /// Listens, in a task of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// The port is taken, or the groups are not well-formed.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, it leaves nothing behind.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let platform = self.platform()?;
        let Self { address, clock, keep_alive, door, .. } = self;
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener.map_err(|source| StartError::Listen { address, source })?;
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
        let gateway = Gateway::new(platform, clock, keep_alive);
        Ok(Emulator::serve(gateway, listener, address, door))
    }

    fn platform(&self) -> Result<Platform, StartError> {
        let mut platform = Platform::new(self.choices.clone(), self.catalog.clone());
        for (uid, password, is_admin) in &self.users {
            let mut user = User::new(password.clone());
            user.is_admin = *is_admin;
            platform.add_user(uid, user);
        }
        let mut gids = BTreeSet::new();
        let mut members = BTreeSet::new();
        for group in &self.groups {
            if !gids.insert(&group.gid) {
                return Err(StartError::DuplicateGroup(group.gid.clone()));
            }
            if group.ids.is_empty() {
                return Err(StartError::EmptyGroup(group.gid.clone()));
            }
            for uid in &group.ids {
                if !members.insert(uid) {
                    return Err(StartError::DuplicateMember(uid.clone()));
                }
            }
        }
        for group in &self.groups {
            let users = group.ids.iter().filter(|uid| !gids.contains(uid));
            for uid in users.chain([&group.owner]) {
                platform.add_user(uid, User::new(group.password.clone()));
            }
            let members = group.ids.iter().map(|uid| Member::new(uid.clone())).collect();
            platform.add_pool(&group.gid, Pool { owner: group.owner.clone(), members });
        }
        Ok(platform)
    }
}
