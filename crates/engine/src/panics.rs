//! What is said of a panic in a media thread: its place and backtrace, and nothing more of the same place for a minute.
//!
//! A worker that fails again as soon as it is replaced would fill the log, and writing to it takes the thread's time.

use std::collections::HashMap;
use std::panic::PanicHookInfo;
use std::sync::Once;
use std::time::{Duration, Instant};

use crate::lock::Lock;

/// How the names of media threads begin.
pub(crate) const THREADS: &str = "hocket-media-";

/// So long a place is not told again.
const QUIET: Duration = Duration::from_secs(60);

/// Where panics were told, and when. Bounded by the places in the program that can panic.
type Told = HashMap<(String, u32), Instant>;

/// Put the rule in front of the process's panic hook, once; panics of other threads are none of ours.
pub(crate) fn be_sparing() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        let told = Lock::new(Told::new());
        std::panic::set_hook(Box::new(move |panic| {
            if !is_ours() || is_news(&mut told.take(), place(panic), Instant::now()) {
                before(panic);
            }
        }));
    });
}

fn is_ours() -> bool {
    std::thread::current()
        .name()
        .is_some_and(|name| name.starts_with(THREADS))
}

fn place(panic: &PanicHookInfo<'_>) -> (String, u32) {
    panic.location().map_or_else(Default::default, |location| {
        (location.file().to_owned(), location.line())
    })
}

fn is_news(told: &mut Told, place: (String, u32), now: Instant) -> bool {
    let known = told.get(&place);
    let news = known.is_none_or(|at| now.duration_since(*at) >= QUIET);
    if news {
        told.insert(place, now);
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_again_after_a_minute_and_another_at_once() {
        let (mut told, start) = (Told::new(), Instant::now());
        let mut news = |line, seconds| {
            let now = start + Duration::from_secs(seconds);
            is_news(&mut told, ("turn.rs".to_owned(), line), now)
        };
        assert!(news(1, 0));
        assert!(!news(1, 1));
        assert!(news(2, 1));
        assert!(!news(1, 59));
        assert!(news(1, 60));
        assert!(!news(1, 61));
    }
}
