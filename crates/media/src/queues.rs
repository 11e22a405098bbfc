//! What a worker has to say, collected until the driver takes it.

use std::collections::VecDeque;

use crate::drops::{Drop, Drops};
use crate::event::Event;
use crate::id::WorkerId;
use crate::message::WorkerMessage;
use crate::outbox::Outbox;

/// The outputs of a worker. Emptied by the driver after each input, so their size is bounded by what one input can cause.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    pub(crate) outbox: Outbox,
    pub(crate) events: VecDeque<Event>,
    pub(crate) messages: VecDeque<(WorkerId, WorkerMessage)>,
    /// All drops. Those that can be laid to a transport stand in its own account too.
    pub(crate) drops: Drops,
}

impl Queues {
    pub(crate) fn drop(&mut self, reason: Drop) {
        self.drops.count(reason);
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(crate) fn message(&mut self, worker: WorkerId, message: WorkerMessage) {
        self.messages.push_back((worker, message));
    }
}
