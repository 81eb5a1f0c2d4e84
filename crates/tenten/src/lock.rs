use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whoever panicked under it changed what it guards all at once, or not at all.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
