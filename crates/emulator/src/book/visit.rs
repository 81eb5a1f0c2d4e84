use std::time::Duration;

/// Who is asking, and when.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) now: Duration,
    pub(crate) caller: String,
}
