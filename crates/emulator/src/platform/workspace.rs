use std::sync::Arc;

use crate::macros::Operation;
use crate::protocol::{Refusal, rc};
use crate::table::{Table, View};

/// What a session remembers between requests.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The current query: the last one defined, whoever defined it.
    pub(crate) query: Option<CurrentQuery>,
    pub(crate) infinity_is_na: bool,
}

/// A query as it was defined, and its result unless that was cleared.
#[derive(Clone, Debug)]
pub(crate) struct CurrentQuery {
    pub(crate) table: Arc<Table>,
    pub(crate) operations: Arc<[Operation]>,
    pub(crate) result: Option<Arc<View>>,
    /// Rows delivered by `mode="1"`.
    pub(crate) cursor: usize,
}

impl Workspace {
    pub(crate) const fn new(infinity_is_na: bool) -> Self {
        Self { query: None, infinity_is_na }
    }

    pub(crate) fn current(&self) -> Result<CurrentQuery, Refusal> {
        self.query.clone().ok_or(Refusal::fixed(rc::NO_QUERY, "No query specified"))
    }

    /// Drops results; they are computed again when asked for.
    pub(crate) fn clear(&mut self) {
        if let Some(query) = &mut self.query {
            query.result = None;
        }
    }

    /// Bytes used: a megabyte for the session, and its results.
    pub(crate) fn memory(&self) -> usize {
        let result = self.query.as_ref().and_then(|query| query.result.as_ref());
        (1 << 20) + result.map_or(0, |result| result.memory())
    }
}
