//! Who hears whom, as one worker sees it: for each producer that has consumers here, a [`Feed`].
//!
//! The router takes a producer's packet once and writes it out once a listener. It knows transports only by their places.

mod feed;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use feed::Feed;

use crate::clock::Clock;
use crate::consumer::{Consumer, Sink};
use crate::id::{ConsumerId, ProducerId, WorkerId};
use crate::outbox::Outbox;
use crate::packet::MediaPacket;
use crate::shared::ProducerShared;
use crate::slab::{Slab, Slot};
use crate::transport::Transport;

/// See the module's documentation.
pub(crate) struct Router {
    worker: WorkerId,
    clock: Clock,
    feeds: Slab<Feed>,
    slots: HashMap<ProducerId, Slot>,
    places: HashMap<ConsumerId, Place>,
}

/// Where a consumer is. Small, as there is one of it for each of what may be a million consumers.
#[derive(Clone, Copy, Debug)]
struct Place {
    feed: Slot,
    /// In its feed.
    position: u32,
}

impl Router {
    pub(crate) fn new(worker: WorkerId, clock: Clock) -> Self {
        Self {
            worker,
            clock,
            feeds: Slab::default(),
            slots: HashMap::new(),
            places: HashMap::new(),
        }
    }

    /// How many consumers there are.
    pub(crate) fn consumers(&self) -> usize {
        self.places.len()
    }

    /// How many producers have consumers here.
    pub(crate) fn feeds(&self) -> usize {
        self.feeds.len()
    }

    /// Adds a paused consumer.
    pub(crate) fn insert(&mut self, producer: &Arc<ProducerShared>, consumer: Consumer) {
        let known = self.slots.get(&producer.id()).copied();
        let slot = known.or_else(|| self.feeds.insert(Feed::new(Arc::clone(producer))));
        let Some(slot) = slot else {
            return;
        };
        self.slots.insert(producer.id(), slot);
        let id = consumer.id;
        if let Some(position) = self
            .feeds
            .get_mut(slot)
            .and_then(|feed| feed.insert(consumer))
        {
            let feed = slot;
            self.places.insert(id, Place { feed, position });
        }
    }

    /// Removes a consumer, and tells of which producer it was; a feed without consumers goes with it.
    pub(crate) fn remove(&mut self, id: ConsumerId) -> Option<(Consumer, Arc<ProducerShared>)> {
        self.set_active(id, false);
        let place = self.places.remove(&id)?;
        let feed = self.feeds.get_mut(place.feed)?;
        let removed = feed.remove(place.position);
        let producer = Arc::clone(feed.producer());
        if feed.is_empty() {
            self.slots.remove(&producer.id());
            self.feeds.remove(place.feed);
        } else {
            self.note_place(place);
        }
        removed.map(|consumer| (consumer, producer))
    }

    /// Removes a producer's feed; returns the consumers that it had.
    pub(crate) fn close(
        &mut self,
        producer: ProducerId,
    ) -> Option<(Arc<ProducerShared>, Vec<Consumer>)> {
        let slot = self.slots.remove(&producer)?;
        let (producer, consumers) = self.feeds.remove(slot)?.into_parts();
        for consumer in &consumers {
            self.places.remove(&consumer.id);
        }
        Some((producer, consumers))
    }

    /// Lets packets through to a consumer, or no longer. Harmless twice.
    pub(crate) fn set_active(&mut self, id: ConsumerId, active: bool) {
        let Some(place) = self.places.get(&id).copied() else {
            return;
        };
        let Some(feed) = self.feeds.get_mut(place.feed) else {
            return;
        };
        if let Some(other) = feed.set_active(place.position, active, self.worker) {
            self.note_place(place);
            self.note_place(Place {
                position: other,
                ..place
            });
        }
    }

    /// Sends a producer's packet to its active consumers here.
    pub(crate) fn forward(
        &mut self,
        packet: &Arc<MediaPacket>,
        transports: &mut Slab<Transport>,
        outbox: &mut Outbox,
    ) {
        let slot = self.slots.get(&packet.producer);
        if let Some(feed) = slot.and_then(|slot| self.feeds.get_mut(*slot)) {
            feed.forward(packet, self.clock, transports, outbox);
        }
    }

    /// Sends packets again that a consumer's receiver asks for.
    pub(crate) fn resend(
        &mut self,
        id: ConsumerId,
        sequences: impl Iterator<Item = u16>,
        transport: &mut Transport,
        outbox: &mut Outbox,
        now: Instant,
    ) {
        let Some(place) = self.places.get(&id) else {
            return;
        };
        let Some(feed) = self.feeds.get_mut(place.feed) else {
            return;
        };
        for sequence in sequences {
            let sink = Sink {
                clock: self.clock,
                link: &mut transport.link,
                outbox,
            };
            feed.resend(place.position, sequence, sink, now);
        }
    }

    /// A consumer, and whether it is active.
    pub(crate) fn get(&self, id: ConsumerId) -> Option<(&Consumer, bool)> {
        let place = self.places.get(&id)?;
        self.feeds.get(place.feed)?.get(place.position)
    }

    /// A consumer, to change, and of which producer it is.
    pub(crate) fn get_mut(
        &mut self,
        id: ConsumerId,
    ) -> Option<(&mut Consumer, &Arc<ProducerShared>)> {
        let place = self.places.get(&id)?;
        self.feeds.get_mut(place.feed)?.get_mut(place.position)
    }

    /// Somebody was moved to this place.
    fn note_place(&mut self, place: Place) {
        let found = self
            .feeds
            .get(place.feed)
            .and_then(|feed| feed.get(place.position));
        if let Some((consumer, _)) = found {
            self.places.insert(consumer.id, place);
        }
    }
}
