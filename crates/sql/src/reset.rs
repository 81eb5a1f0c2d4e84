use crate::effect::Effect;

/// What is done to a session that its borrower has used, before the next one may
/// have it.
///
/// An open transaction is rolled back at each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reset {
    /// Nothing more: settings, temporary tables, locks stay. For borrowers that are
    /// known to leave none.
    Rollback,
    /// Where a borrower sent anything that may leave something on its session, all
    /// session state is put back to what it was.
    #[default]
    Clean,
    /// All session state is put back after each use, whatever was sent: for functions
    /// with effects that cannot be seen in a statement.
    Always,
    /// Where [`Clean`](Self::Clean) would put state back, the session is ended instead
    /// and a fresh one opened.
    Discard,
}

impl Reset {
    /// As much of an effect as is heeded.
    pub(crate) fn heeds(self, effect: Effect) -> Effect {
        match self {
            Self::Rollback => Effect { touch: None, ..effect },
            Self::Always => Effect { touch: effect.touch.or(Some("any use")), ..effect },
            Self::Clean | Self::Discard => effect,
        }
    }
}
