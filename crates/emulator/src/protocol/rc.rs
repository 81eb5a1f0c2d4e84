//! Return codes: the documented ones that this gateway answers with.

use std::borrow::Cow;

pub(crate) const OK: u16 = 0;
pub(crate) const UNCLASSIFIED: u16 = 1;
pub(crate) const XML_ERROR: u16 = 2;
pub(crate) const NO_USER: u16 = 3;
pub(crate) const INVALID_USER: u16 = 4;
pub(crate) const ALREADY_LOGGED_IN: u16 = 5;
pub(crate) const NO_TRANSACTION: u16 = 6;
pub(crate) const INVALID_TRANSACTION: u16 = 7;
pub(crate) const NO_ELEMENT: u16 = 8;
pub(crate) const INVALID_CONTENTS: u16 = 10;
pub(crate) const NO_ATTRIBUTE: u16 = 11;
pub(crate) const INVALID_VALUE: u16 = 13;
pub(crate) const NO_DIRECTORY: u16 = 15;
pub(crate) const INVALID_TABLE_NAME: u16 = 16;
pub(crate) const NO_TABLE: u16 = 17;
pub(crate) const NO_DIRECTORY_OR_TABLE: u16 = 18;
pub(crate) const TABLE_EXISTS: u16 = 20;
pub(crate) const NO_QUERY: u16 = 21;
pub(crate) const TOO_MANY_VALUES: u16 = 23;
pub(crate) const EMPTY_TABLE: u16 = 24;
pub(crate) const NOT_SAVED: u16 = 25;
pub(crate) const NOT_INTO_UPLOADS: u16 = 26;
pub(crate) const DUPLICATE_COLUMNS: u16 = 29;
pub(crate) const NOT_LOGGED_IN: u16 = 35;
pub(crate) const BUSY: u16 = 38;

/// An answer other than success: a code to act on, and words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rc: u16,
    pub(crate) msg: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(rc: u16, msg: impl Into<Cow<'static, str>>) -> Self {
        Self { rc, msg: msg.into() }
    }

    pub(crate) const fn fixed(rc: u16, msg: &'static str) -> Self {
        Self { rc, msg: Cow::Borrowed(msg) }
    }

    pub(crate) const fn invalid_user() -> Self {
        Self::fixed(INVALID_USER, "Invalid user identification")
    }

    pub(crate) const fn not_logged_in() -> Self {
        Self::fixed(NOT_LOGGED_IN, "Not logged in")
    }

    pub(crate) const fn pool_busy() -> Self {
        Self::fixed(BUSY, "System busy, please try again")
    }

    pub(crate) const fn cannot_release() -> Self {
        Self::fixed(UNCLASSIFIED, "Error releasing uid")
    }

    pub(crate) fn no_element(name: &str) -> Self {
        Self::new(NO_ELEMENT, format!("Missing element: {name}"))
    }
}
