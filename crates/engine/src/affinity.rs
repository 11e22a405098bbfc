//! Which cores a worker runs on.
//!
//! The scheduler wakes a worker behind another one that is in the middle of a long send, and moves it only milliseconds later. Where there is a
//! worker for each core nothing is lost by keeping each on its own for that time. Where there are fewer they have cores to choose from, and with
//! short sends the scheduler chooses better than we do: a worker goes where another program leaves room, and a join costs less.

use std::time::{Duration, Instant};

/// A worker stays on its core so long after its last long send.
const HOLD: Duration = Duration::from_secs(2);

/// The cores of one worker's thread, which is the only one that calls this.
pub(crate) struct Cores {
    own: usize,
    all: Vec<usize>,
    /// Until when it stays on its own, if it does.
    stays: Option<Instant>,
}

impl Cores {
    /// For each of so many workers, if this process may use exactly so many cores; else none.
    pub(crate) fn of_each(workers: usize) -> Vec<Self> {
        let all = allowed();
        if all.len() != workers {
            return Vec::new();
        }
        let of = |own: &usize| Self {
            own: *own,
            all: all.clone(),
            stays: None,
        };
        all.iter().map(of).collect()
    }

    /// A send has taken long: stay.
    pub(crate) fn stay(&mut self, now: Instant) {
        if self.stays.replace(now + HOLD).is_none() {
            run_on(&[self.own]);
        }
    }

    /// Run anywhere again, if no send has taken long for a while.
    pub(crate) fn relax(&mut self, now: Instant) {
        if self.stays.take_if(|until| *until <= now).is_some() {
            run_on(&self.all);
        }
    }
}

/// Where the calling thread may run; nothing where the system does not say.
#[cfg(target_os = "linux")]
pub(crate) fn allowed() -> Vec<usize> {
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
pub(crate) fn allowed() -> Vec<usize> {
    Vec::new()
}

/// Keep the calling thread on these. Where the system refuses, it runs where it did.
fn run_on(cores: &[usize]) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_setaffinity};

        let mut set = CpuSet::new();
        cores.iter().for_each(|core| set.set(*core));
        let _refused = sched_setaffinity(None, &set);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = cores;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn each_worker_has_a_core_of_its_own_only_where_there_are_as_many() {
        let all = allowed();
        let own = |workers| Vec::from_iter(Cores::of_each(workers).iter().map(|each| each.own));
        assert!(!all.is_empty());
        assert_eq!(own(all.len()), all);
        assert_eq!(own(all.len() + 1), []);
        assert_eq!(own(all.len() - 1), []);
    }

    #[test]
    fn a_thread_stays_on_its_core_until_a_while_after_the_last_long_send() {
        let all = allowed();
        let mut cores = Cores::of_each(all.len()).pop().unwrap();
        let own = [cores.own];
        let seen = std::thread::spawn(move || {
            let began = Instant::now();
            let late = began + HOLD / 2;
            let mut seen = Vec::new();
            let mut see = |act: &mut dyn FnMut(&mut Cores)| {
                act(&mut cores);
                seen.push(allowed());
            };
            see(&mut |cores| cores.relax(began));
            see(&mut |cores| cores.stay(began));
            see(&mut |cores| cores.stay(late));
            see(&mut |cores| cores.relax(began + HOLD));
            see(&mut |cores| cores.relax(late + HOLD));
            seen
        });
        let [anywhere, own] = [all.as_slice(), &own];
        assert_eq!(seen.join().unwrap(), [anywhere, own, own, own, anywhere]);
        assert_eq!(allowed(), all, "nobody else is told where to run");
    }

    #[test]
    fn a_thread_runs_where_it_did_when_the_system_refuses() {
        let refused = std::thread::spawn(|| {
            run_on(&[rustix::thread::CpuSet::MAX_CPU - 1]);
            allowed()
        });
        assert_eq!(refused.join().unwrap(), allowed());
    }
}
