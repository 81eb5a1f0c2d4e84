//! Where heap allocations are not to be counted.
//!
//! Counting costs 4 ns for each, which would be 8 % of fastpool's time. Where it is
//! switched off, 2 ns are left.

use std::panic::{catch_unwind, resume_unwind};

use allocation_counter::opt_out;

/// Runs `work` without counting the allocations of this thread.
pub(crate) fn uncounted<T>(work: impl FnOnce() -> T) -> T {
    let mut result = None;
    opt_out(|| result = Some(work()));
    result.expect("opt_out runs what it is given")
}

/// Switches counting off on this thread, for good: the counter's own switch goes
/// back when what it runs returns, and this does not return, it unwinds.
pub(crate) fn never_count() {
    let unwound = catch_unwind(|| opt_out(|| resume_unwind(Box::new(()))));
    debug_assert!(unwound.is_err(), "the closure unwinds");
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use allocation_counter::measure;

    use super::*;

    fn allocate() {
        drop(black_box(Box::new(1)));
    }

    #[test]
    fn uncounted_ends_with_the_work() {
        assert_eq!(measure(|| uncounted(allocate)).count_total, 0);
        assert_eq!(measure(allocate).count_total, 1);
    }

    #[test]
    fn never_is_for_good() {
        never_count();
        assert_eq!(measure(allocate).count_total, 0);
    }
}
