//! One producer's packets on one worker: who gets them here, and the last of them, in case somebody asks again.

use std::sync::Arc;
use std::time::Instant;

use crate::consumer::Consumer;
use crate::id::{ConsumerId, WorkerId};
use crate::outbox::Outbox;
use crate::packet::{HISTORY, MediaPacket};
use crate::shared::ProducerShared;
use crate::slab::Slab;
use crate::transport::Transport;

/// See the module's documentation.
pub(crate) struct Feed {
    producer: Arc<ProducerShared>,
    /// The first `active` of these want packets. The paused ones behind them cost a packet nothing.
    consumers: Vec<Consumer>,
    active: usize,
    /// The latest packets, each in the place that its number gives it; empty until a consumer that may ask again is active.
    history: Vec<Option<Arc<MediaPacket>>>,
}

impl Feed {
    pub(crate) fn new(producer: Arc<ProducerShared>) -> Self {
        Self {
            producer,
            consumers: Vec::new(),
            active: 0,
            history: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.consumers.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Consumer> {
        self.consumers.iter()
    }

    pub(crate) fn into_consumers(self) -> Vec<Consumer> {
        self.consumers
    }

    pub(crate) fn insert(&mut self, consumer: Consumer) {
        self.consumers.push(consumer);
    }

    pub(crate) fn get(&self, id: ConsumerId) -> Option<&Consumer> {
        self.consumers.iter().find(|consumer| consumer.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        self.consumers.iter_mut().find(|consumer| consumer.id == id)
    }

    pub(crate) fn is_active(&self, id: ConsumerId) -> bool {
        self.position(id)
            .is_some_and(|position| position < self.active)
    }

    pub(crate) fn remove(&mut self, id: ConsumerId, worker: WorkerId) -> Option<Consumer> {
        self.set_active(id, false, worker);
        let position = self.position(id)?;
        Some(self.consumers.swap_remove(position)) // a paused one, so the active ones keep their places
    }

    /// Moves a consumer over the line between active and paused.
    pub(crate) fn set_active(&mut self, id: ConsumerId, active: bool, worker: WorkerId) {
        let Some(position) = self.position(id) else {
            return;
        };
        if active == (position < self.active) {
            return;
        }
        if active {
            self.consumers.swap(position, self.active);
            self.active += 1;
            self.producer.subscribe(worker, true);
        } else {
            self.active -= 1;
            self.consumers.swap(position, self.active);
            if let Some(consumer) = self.consumers.get_mut(self.active) {
                consumer.interrupt();
            }
            self.producer.subscribe(worker, self.active > 0);
            if self.active == 0 {
                self.history = Vec::new(); // nobody can ask for what nobody got
            }
        }
    }

    /// Sends a packet to the active consumers.
    pub(crate) fn forward(
        &mut self,
        packet: &Arc<MediaPacket>,
        start: Instant,
        transports: &mut Slab<Transport>,
        outbox: &mut Outbox,
    ) {
        let mut asked_again = false;
        for consumer in self.consumers.iter_mut().take(self.active) {
            asked_again |= consumer.may_ask_again();
            if let Some(transport) = transports.get_mut(consumer.slot) {
                consumer.forward(packet, start, &mut transport.link, outbox);
            }
        }
        if asked_again {
            self.remember(packet);
        }
    }

    /// A packet that was sent lately.
    pub(crate) fn recall(&self, source: u32, sequence: u64) -> Option<&Arc<MediaPacket>> {
        let packet = self.history.get(place(sequence))?.as_ref()?;
        (packet.source == source && packet.sequence == sequence).then_some(packet)
    }

    fn remember(&mut self, packet: &Arc<MediaPacket>) {
        if self.history.is_empty() {
            self.history.resize(HISTORY, None);
        }
        if let Some(slot) = self.history.get_mut(place(packet.sequence)) {
            *slot = Some(Arc::clone(packet));
        }
    }

    fn position(&self, id: ConsumerId) -> Option<usize> {
        self.consumers.iter().position(|consumer| consumer.id == id)
    }
}

/// A packet's place in the history: its number modulo the history's length.
fn place(sequence: u64) -> usize {
    const _: () = assert!(HISTORY.is_power_of_two());
    (sequence % HISTORY as u64) as usize
}
