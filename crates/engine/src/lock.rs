//! A lock that goes on after a panic, and knows how often each thread has taken one: forwarding takes none, and a test counts.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

/// How many locks this thread has taken so far.
pub(crate) fn taken() -> u64 {
    TAKEN.get()
}

/// A mutex. Whoever panics while holding it must leave a whole value: those who come later go on with what is there. Say at each use why that
/// holds.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Waits for it.
    pub(crate) fn take(&self) -> MutexGuard<'_, T> {
        TAKEN.set(TAKEN.get() + 1);
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_lock_goes_on_after_a_panic() {
        let lock = Arc::new(Lock::new(1));
        let held = Arc::clone(&lock);
        let panicked = std::thread::spawn(move || {
            let _guard = held.take();
            panic!("with the lock held");
        });
        assert!(panicked.join().is_err());
        assert_eq!(*lock.take(), 1);
    }

    #[test]
    fn each_thread_counts_the_locks_that_it_takes() {
        let lock = Arc::new(Lock::new(0));
        let before = taken();
        (0..3).for_each(|_| *lock.take() += 1);
        let other = Arc::clone(&lock);
        let of_the_other = std::thread::spawn(move || {
            drop(other.take());
            taken()
        });
        assert_eq!(of_the_other.join().unwrap(), 1);
        assert_eq!((taken() - before, *lock.take()), (3, 3));
    }
}
