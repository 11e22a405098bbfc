//! Which core a worker stays on.
//!
//! The scheduler wakes a worker behind another one that is in the middle of a long send, and moves it only milliseconds later. Where there is a
//! worker for each core nothing is lost by telling it; where there are fewer it has cores to choose from, and chooses better than we do.

/// A core for each of so many workers, if this process may use exactly so many; else none.
pub(crate) fn cores(workers: usize) -> Vec<usize> {
    let mut allowed = allowed();
    if allowed.len() != workers {
        allowed.clear();
    }
    allowed
}

#[cfg(target_os = "linux")]
fn allowed() -> Vec<usize> {
    use rustix::thread::{CpuSet, sched_getaffinity};

    sched_getaffinity(None).map_or_else(
        |_| Vec::new(),
        |set| {
            (0..CpuSet::MAX_CPU)
                .filter(|core| set.is_set(*core))
                .collect()
        },
    )
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Vec<usize> {
    Vec::new()
}

/// Keep the calling thread on this core. Where the system refuses, the thread runs anywhere.
pub(crate) fn stay_on(core: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_setaffinity};

        let mut set = CpuSet::new();
        set.set(core);
        let _refused = sched_setaffinity(None, &set);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = core;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn each_worker_has_a_core_of_its_own_only_where_there_are_as_many() {
        let all = allowed();
        assert!(!all.is_empty());
        assert_eq!(cores(all.len()), all);
        assert_eq!(cores(all.len() + 1), []);
        assert_eq!(cores(all.len() - 1), []);
    }

    #[test]
    fn a_thread_stays_where_it_was_told_to_and_no_other_does() {
        let all = allowed();
        let last = all[all.len() - 1];
        let told = std::thread::spawn(move || {
            stay_on(last);
            allowed()
        });
        assert_eq!(told.join().unwrap(), [last]);
        assert_eq!(allowed(), all);
        let refused = std::thread::spawn(|| {
            stay_on(rustix::thread::CpuSet::MAX_CPU - 1);
            allowed()
        });
        assert_eq!(refused.join().unwrap(), all);
    }
}
