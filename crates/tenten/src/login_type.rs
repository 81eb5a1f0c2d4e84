/// What a login does to a session that the user ID already has; it has to be chosen,
/// because the gateway's own default ends it.
///
/// | | no session | a session |
/// |---|---|---|
/// | [`Possess`](Self::Possess) | starts one | takes part in it |
/// | [`Kill`](Self::Kill) | starts one | ends it, its running query too, and starts one |
/// | [`NoKill`](Self::NoKill) | starts one | fails with [`Error::SessionConflict`](crate::Error::SessionConflict) |
///
/// And what closing does to it:
///
/// | | a single user's | a SAM pool's |
/// |---|---|---|
/// | [`Possess`](Self::Possess) | leaves it running | gives the ID back, leaves it running |
/// | [`Kill`](Self::Kill), [`NoKill`](Self::NoKill) | logs out | gives the ID back, leaves it running |
///
/// For a SAM pool take `Possess`: `Kill` throws away the warm session that comes with
/// the ID, and `NoKill` fails on every ID that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginType {
    /// Takes part in a running session.
    Possess,
    /// Ends a running session.
    Kill,
    /// Leaves a running session alone.
    NoKill,
}

impl LoginType {
    /// The value of the parameter `kill`.
    pub(crate) const fn as_parameter(self) -> &'static str {
        match self {
            Self::Possess => "possess",
            Self::Kill => "yes",
            Self::NoKill => "no",
        }
    }

    /// True if a session opened so is logged out when it is closed.
    pub(crate) const fn logs_out(self) -> bool {
        matches!(self, Self::Kill | Self::NoKill)
    }
}
