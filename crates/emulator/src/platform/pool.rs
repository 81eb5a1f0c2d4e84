use super::Member;

/// A SAM pool: who owns it, and its IDs in their order.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) owner: String,
    pub(crate) members: Vec<Member>,
}
