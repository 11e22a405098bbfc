//! What an engine holds at one moment: the base line that tests return to, and the source of gauges.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use hocket_media::WorkerDump;

use crate::registry::Counts;
use crate::shared::Shared;

/// Counts of everything that could leak or queue up.
#[derive(Debug, Clone, Default)]
pub struct EngineDump {
    /// What control knows.
    pub counts: Counts,
    /// Media threads alive.
    pub threads: usize,
    /// Events that wait to be drained.
    pub events: usize,
    /// Events lost because nobody drained them.
    pub events_lost: u64,
    /// Waiting commands, by worker.
    pub commands: Vec<usize>,
    /// Waiting packets and notes from other workers, by worker.
    pub messages: Vec<usize>,
    /// Each worker's own account, a quarter of a second old at most.
    pub cores: Vec<WorkerDump>,
    /// How many of this crate's locks each worker's thread has taken so far, as old as the accounts. Commands, notes, events and the account
    /// itself take one each or in batches; a packet takes none.
    pub locks: Vec<u64>,
    /// Datagrams and messages that went nowhere since the start, by reason, over all workers and all transports that were.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl EngineDump {
    pub(crate) fn of(shared: &Shared) -> Self {
        let cores = || shared.reports.iter().map(|report| report.core.take());
        Self {
            counts: shared.registry().counts(),
            threads: shared.threads.load(Ordering::Acquire),
            events: shared.events.len(),
            events_lost: shared.events.lost(),
            commands: shared
                .mailboxes
                .iter()
                .map(|mailbox| mailbox.commands())
                .collect(),
            messages: shared
                .mailboxes
                .iter()
                .map(|mailbox| mailbox.messages())
                .collect(),
            cores: cores().map(|core| core.clone()).collect(),
            locks: shared
                .reports
                .iter()
                .map(|report| report.locks.load(Ordering::Relaxed))
                .collect(),
            dropped: dropped(shared),
        }
    }
}

fn dropped(shared: &Shared) -> BTreeMap<&'static str, u64> {
    let mut dropped = BTreeMap::new();
    let mut add = |reason, count| {
        if count > 0 {
            *dropped.entry(reason).or_insert(0) += count;
        }
    };
    for (report, mailbox) in shared.reports.iter().zip(&shared.mailboxes) {
        let core = report.core.take();
        core.dropped
            .iter()
            .for_each(|(reason, count)| add(reason.as_str(), u64::from(count)));
        add("too-long", report.too_long.load(Ordering::Relaxed));
        add(
            "receive-error",
            report.receive_errors.load(Ordering::Relaxed),
        );
        add("send-no-room", report.send_no_room.load(Ordering::Relaxed));
        add("send-refused", report.send_refused.load(Ordering::Relaxed));
        add("message-queue-full", mailbox.lost());
    }
    dropped
}
