use std::fmt;

use sessionpool_core::CloseReport;

/// What a [`Server`](crate::Server) left behind when it ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Connections whose request was not finished in time.
    pub cut_off: usize,
    /// Works in the background that were not.
    pub unfinished: usize,
    /// What each pool has to say, by its name.
    pub pools: Vec<(Option<String>, CloseReport)>,
}

impl ShutdownReport {
    /// True if every request and all work was finished, and every session ended with the
    /// remote end's word.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let Self { cut_off, unfinished, pools } = self;
        *cut_off == 0 && *unfinished == 0 && pools.iter().all(|(_, report)| report.is_complete())
    }
}

/// One line: `0 requests cut off, 0 works unfinished; pool "shop": 4 closed, 0 failed, 0
/// still out`.
impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cut_off, unfinished, pools } = self;
        write!(f, "{cut_off} requests cut off, {unfinished} works unfinished")?;
        pools.iter().try_for_each(|(name, report)| match name {
            Some(name) => write!(f, "; pool \"{name}\": {report}"),
            None => write!(f, "; pool: {report}"),
        })
    }
}
