use std::sync::Arc;

use crate::macros::Operation;
use crate::protocol::{Refusal, rc};
use crate::table::{Table, View};

/// What a session takes without a result, as the documents' example has it.
const EMPTY: usize = 1_048_576;

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

    /// Drops the result, which is computed again when asked for; answers the bytes that
    /// are still used.
    pub(crate) fn clear(&mut self) -> usize {
        if let Some(query) = &mut self.query {
            query.result = None;
        }
        EMPTY
    }
}
