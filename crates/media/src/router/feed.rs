//! One producer's packets on one worker: who gets them here, and the last of them, in case somebody asks again.

use std::sync::Arc;
use std::time::Instant;

use crate::clock::Clock;
use crate::consumer::{Consumer, Sink, abs_send_time};
use crate::id::WorkerId;
use crate::outbox::Outbox;
use crate::packet::{HISTORY, MediaPacket};
use crate::room;
use crate::shared::ProducerShared;
use crate::slab::Slab;
use crate::transport::Transport;

/// Listeners whose state is fetched at a time.
const BLOCK: usize = 16;

/// See the module's documentation.
pub(super) struct Feed {
    producer: Arc<ProducerShared>,
    /// The first `active` of these want packets. The paused ones behind them cost a packet nothing.
    consumers: Vec<Consumer>,
    active: u32,
    /// The latest packets, each in the place that its number gives it; empty until a consumer that may ask again is active.
    history: Vec<Option<Arc<MediaPacket>>>,
}

impl Feed {
    pub(super) fn new(producer: Arc<ProducerShared>) -> Self {
        Self {
            producer,
            consumers: Vec::new(),
            active: 0,
            history: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.consumers.is_empty()
    }

    /// Whether a consumer wants packets.
    pub(super) fn is_wanted(&self) -> bool {
        self.active > 0
    }

    pub(super) fn producer(&self) -> &Arc<ProducerShared> {
        &self.producer
    }

    pub(super) fn into_parts(self) -> (Arc<ProducerShared>, Vec<Consumer>) {
        (self.producer, self.consumers)
    }

    /// Adds a paused consumer; returns its position. `None` when 2³² are taken.
    pub(super) fn insert(&mut self, consumer: Consumer) -> Option<u32> {
        let position = u32::try_from(self.consumers.len()).ok()?;
        room::for_one_more(&mut self.consumers);
        self.consumers.push(consumer);
        Some(position)
    }

    /// The consumer at a position, and whether it is active.
    pub(super) fn get(&self, position: u32) -> Option<(&Consumer, bool)> {
        self.consumers
            .get(position as usize)
            .map(|consumer| (consumer, position < self.active))
    }

    pub(super) fn get_mut(
        &mut self,
        position: u32,
    ) -> Option<(&mut Consumer, &Arc<ProducerShared>)> {
        let consumer = self.consumers.get_mut(position as usize)?;
        Some((consumer, &self.producer))
    }

    /// Removes a paused consumer; the last one takes its position.
    pub(super) fn remove(&mut self, position: u32) -> Option<Consumer> {
        let paused = (self.active as usize..self.consumers.len()).contains(&(position as usize));
        let removed = paused.then(|| self.consumers.swap_remove(position as usize));
        room::give_back(&mut self.consumers);
        removed
    }

    /// Moves a consumer over the line between active and paused. Returns the position that it changed places with, `None` when nothing changed.
    pub(super) fn set_active(
        &mut self,
        position: u32,
        active: bool,
        worker: WorkerId,
    ) -> Option<u32> {
        if active == (position < self.active) || position as usize >= self.consumers.len() {
            return None;
        }
        let other = if active {
            self.active += 1;
            self.active - 1
        } else {
            self.active -= 1;
            self.consumers.get_mut(position as usize)?.pause();
            self.active
        };
        self.consumers.swap(position as usize, other as usize);
        self.producer.subscribe(worker, self.is_wanted());
        if !self.is_wanted() {
            self.forget_history(); // nobody can ask for what nobody gets
        }
        Some(other)
    }

    /// Lets go of the latest packets.
    pub(super) fn forget_history(&mut self) {
        self.history = Vec::new();
    }

    /// Sends a packet to the active consumers.
    pub(super) fn forward(
        &mut self,
        packet: &Arc<MediaPacket>,
        clock: Clock,
        transports: &mut Slab<Transport>,
        outbox: &mut Outbox,
    ) {
        let time = abs_send_time(packet, clock);
        let mut may_ask_again = false;
        let active = self
            .consumers
            .get_mut(..self.active as usize)
            .unwrap_or_default();
        for block in active.chunks_mut(BLOCK) {
            touch(block, transports);
            for consumer in block {
                may_ask_again |= consumer.may_ask_again();
                if let Some(transport) = transports.get_mut(consumer.slot) {
                    consumer.forward(
                        packet,
                        time,
                        Sink {
                            link: &mut transport.link,
                            outbox,
                        },
                    );
                }
            }
        }
        if may_ask_again {
            self.remember(packet);
        }
    }

    /// Sends a packet again to the consumer at a position; a paused one gets none, nor what came late of before its pause.
    pub(super) fn resend(
        &mut self,
        position: u32,
        sequence: u16,
        clock: Clock,
        sink: Sink<'_>,
        now: Instant,
    ) {
        let Some(consumer) = self.consumers.get_mut(position as usize) else {
            return;
        };
        let meant = consumer.find(sequence).filter(|_| position < self.active);
        let packet = meant.and_then(|(source, sent)| {
            let packet = self.history.get(place(sent.source_index))?.as_deref()?;
            (packet.source == source && packet.sequence == sent.source_index)
                .then_some((packet, sent))
        });
        consumer.resend(packet, clock, sink, now);
    }

    fn remember(&mut self, packet: &Arc<MediaPacket>) {
        if self.history.is_empty() {
            self.history.resize(HISTORY, None);
        }
        if let Some(slot) = self.history.get_mut(place(packet.sequence)) {
            *slot = Some(Arc::clone(packet));
        }
    }
}

/// Reads a little of each listener's transport and cipher. The processor fetches them side by side, as none of these reads waits for another's;
/// between two sealings, which keep it busy for hundreds of instructions, it would fetch one behind the other.
fn touch(block: &[Consumer], transports: &Slab<Transport>) {
    let links = block
        .iter()
        .filter_map(|consumer| transports.get(consumer.slot))
        .map(|transport| transport.link.touch());
    core::hint::black_box(links.fold(0, |sum, read| sum ^ read));
}

/// A packet's place in the history: its number modulo the history's length.
fn place(sequence: u64) -> usize {
    const _: () = assert!(HISTORY.is_power_of_two());
    (sequence % HISTORY as u64) as usize
}
