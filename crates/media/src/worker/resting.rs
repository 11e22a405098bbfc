//! What a producer that has fallen silent held is given back, here and in every worker that keeps its latest packets.

use std::time::Instant;

use super::Worker;
use crate::message::WorkerMessage;
use crate::slab::Slot;

impl Worker {
    /// Looks whether producers of a transport rest. Its reports bring it here once in a second or two.
    pub(super) fn rest(&mut self, slot: Slot, now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        let resting = transport.producers.iter_mut();
        let resting = resting.filter_map(|producer| producer.rest(now).then(|| producer.id()));
        for producer in resting.collect::<Vec<_>>() {
            self.router.forget_history(producer);
            self.broadcast(&WorkerMessage::ProducerRests(producer));
        }
    }
}
