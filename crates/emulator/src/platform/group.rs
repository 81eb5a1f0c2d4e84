use super::Secret;

/// A group of user IDs that are handed out one at a time (a SAM pool).
///
/// Its owner and its IDs become users with the group's password, unless there are
/// users of those names already. The owner may be one of the IDs.
///
/// ```
/// use sessionpool_emulator::Group;
///
/// let group = Group::new("clientx", "clientx_owner", "secret").ids(8); // clientx_0 to clientx_7
/// let group = Group::new("sam_pool", "sam_pool_01", "secret").id("sam_pool_01").id("sam_pool_02");
/// ```
#[derive(Clone, Debug)]
pub struct Group {
    pub(crate) gid: String,
    pub(crate) owner: String,
    pub(crate) password: Secret,
    pub(crate) ids: Vec<String>,
}

impl Group {
    /// A group without IDs.
    #[must_use]
    pub fn new(gid: &str, owner: &str, password: &str) -> Self {
        Self {
            gid: gid.to_owned(),
            owner: owner.to_owned(),
            password: Secret::new(password),
            ids: Vec::new(),
        }
    }

    /// Adds `count` IDs: the group's name, an underscore, and a number from 0 on.
    #[must_use]
    pub fn ids(mut self, count: usize) -> Self {
        self.ids.extend((0..count).map(|number| format!("{}_{number}", self.gid)));
        self
    }

    /// Adds an ID. The name of another group is accepted, as the platform accepts
    /// it: it can be handed out, and its login fails.
    #[must_use]
    pub fn id(mut self, uid: &str) -> Self {
        self.ids.push(uid.to_owned());
        self
    }
}
