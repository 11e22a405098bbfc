//! What a producer's worker shares with the workers that have consumers of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::id::{ProducerId, WorkerId};

/// A producer as everyone sees it. Control makes it at `produce`, and hands the same one to every `consume`.
#[derive(Debug)]
pub struct ProducerShared {
    id: ProducerId,
    cname: Box<str>,
    closed: AtomicBool,
    /// One bit a worker that has consumers of it which want packets, or will have when it has done its commands.
    subscribers: AtomicU64,
}

impl ProducerShared {
    /// A producer that nobody listens to yet. `cname` as in [`crate::ProducerOptions::cname`].
    #[must_use]
    pub fn new(id: ProducerId, cname: &str) -> Self {
        Self {
            id,
            cname: cname.into(),
            closed: AtomicBool::new(false),
            subscribers: AtomicU64::new(0),
        }
    }

    /// The producer's id.
    #[must_use]
    pub fn id(&self) -> ProducerId {
        self.id
    }

    /// The canonical name under which its listeners get it (RFC 3550 §6.5.1).
    #[must_use]
    pub fn cname(&self) -> &str {
        &self.cname
    }

    /// Ends it. A `Consume` or `Produce` that arrives later finds it closed and does nothing.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// For control, after a worker's panic and before its successor starts: nobody there wants packets any more.
    pub fn forget_worker(&self, worker: WorkerId) {
        self.subscribe(worker, false);
    }

    /// Says whether this worker wants packets. Relaxed: a packet more or less at the edge of a pause changes nothing.
    pub(crate) fn subscribe(&self, worker: WorkerId, wanted: bool) {
        if wanted {
            self.subscribers.fetch_or(worker.bit(), Ordering::Relaxed);
        } else {
            self.subscribers.fetch_and(!worker.bit(), Ordering::Relaxed);
        }
    }

    /// The workers that want packets, as a mask of [`WorkerId::bit`]s.
    pub(crate) fn subscribers(&self) -> u64 {
        self.subscribers.load(Ordering::Relaxed)
    }
}
