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
use crate::id::{ProducerId, WorkerId};
use crate::outbox::Outbox;
use crate::packet::MediaPacket;
use crate::room;
use crate::shared::ProducerShared;
use crate::slab::{Slab, Slot};
use crate::transport::Transport;

/// See the module's documentation.
pub(crate) struct Router {
    worker: WorkerId,
    clock: Clock,
    feeds: Slab<Feed>,
    slots: HashMap<ProducerId, Slot>,
    consumers: usize,
}

/// Where a consumer is. Its transport keeps it, under the consumer's SSRC: a table of all consumers, of which there may be a million, would be
/// three times as large, and copied whole whenever it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
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
            consumers: 0,
        }
    }

    /// How many consumers there are.
    pub(crate) fn consumers(&self) -> usize {
        self.consumers
    }

    /// How many producers have consumers here.
    pub(crate) fn feeds(&self) -> usize {
        self.feeds.len()
    }

    /// Adds a paused consumer, and tells its transport where it is.
    pub(crate) fn insert(
        &mut self,
        producer: &Arc<ProducerShared>,
        consumer: Consumer,
        transports: &mut Slab<Transport>,
    ) {
        let known = self.slots.get(&producer.id()).copied();
        let slot = known.or_else(|| self.feeds.insert(Feed::new(Arc::clone(producer))));
        let Some(feed) = slot else {
            return;
        };
        self.slots.insert(producer.id(), feed);
        let position = self
            .feeds
            .get_mut(feed)
            .and_then(|feed| feed.insert(consumer));
        if let Some(position) = position {
            self.consumers += 1;
            self.note_place(Place { feed, position }, transports);
        }
    }

    /// Removes a consumer, which its transport still has to forget, and tells of which producer it was; a feed without consumers goes with it.
    pub(crate) fn remove(
        &mut self,
        place: Place,
        transports: &mut Slab<Transport>,
    ) -> Option<(Consumer, Arc<ProducerShared>)> {
        let place = self.set_active(place, false, transports);
        let feed = self.feeds.get_mut(place.feed)?;
        let removed = feed.remove(place.position)?;
        self.consumers -= 1;
        let producer = Arc::clone(feed.producer());
        if feed.is_empty() {
            self.forget(producer.id());
        } else {
            self.note_place(place, transports);
        }
        Some((removed, producer))
    }

    /// Removes a producer's feed; returns the consumers that it had, which their transports still have to forget.
    pub(crate) fn close(
        &mut self,
        producer: ProducerId,
    ) -> Option<(Arc<ProducerShared>, Vec<Consumer>)> {
        let (producer, consumers) = self.forget(producer)?.into_parts();
        self.consumers -= consumers.len();
        Some((producer, consumers))
    }

    /// Lets packets through to a consumer, or no longer. Harmless twice. Returns where the consumer is now.
    pub(crate) fn set_active(
        &mut self,
        place: Place,
        active: bool,
        transports: &mut Slab<Transport>,
    ) -> Place {
        let Some(feed) = self.feeds.get_mut(place.feed) else {
            return place;
        };
        let other = match feed.set_active(place.position, active, self.worker) {
            Some(position) if position != place.position => Place { position, ..place },
            _ => return place,
        };
        self.note_place(place, transports);
        self.note_place(other, transports);
        other
    }

    /// Says anew whether a producer's packets are wanted here.
    pub(crate) fn subscribe(&self, producer: &ProducerShared) {
        let slot = self.slots.get(&producer.id());
        let feed = slot.and_then(|slot| self.feeds.get(*slot));
        producer.subscribe(self.worker, feed.is_some_and(Feed::is_wanted));
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
        place: Place,
        sequences: impl Iterator<Item = u16>,
        transport: &mut Transport,
        outbox: &mut Outbox,
        now: Instant,
    ) {
        let Some(feed) = self.feeds.get_mut(place.feed) else {
            return;
        };
        for sequence in sequences {
            let sink = Sink {
                link: &mut transport.link,
                outbox,
            };
            feed.resend(place.position, sequence, self.clock, sink, now);
        }
    }

    /// A producer rests: nobody will ask again for what it said.
    pub(crate) fn forget_history(&mut self, producer: ProducerId) {
        let slot = self.slots.get(&producer);
        if let Some(feed) = slot.and_then(|slot| self.feeds.get_mut(*slot)) {
            feed.forget_history();
        }
    }

    /// A consumer, and whether it is active.
    pub(crate) fn get(&self, place: Place) -> Option<(&Consumer, bool)> {
        self.feeds.get(place.feed)?.get(place.position)
    }

    /// A consumer, to change, and of which producer it is.
    pub(crate) fn get_mut(
        &mut self,
        place: Place,
    ) -> Option<(&mut Consumer, &Arc<ProducerShared>)> {
        self.feeds.get_mut(place.feed)?.get_mut(place.position)
    }

    fn forget(&mut self, producer: ProducerId) -> Option<Feed> {
        let slot = self.slots.remove(&producer)?;
        room::give_back_table(&mut self.slots);
        self.feeds.remove(slot)
    }

    /// Tells the transport of whoever is at this place now. Nobody is behind the end of a feed.
    fn note_place(&self, place: Place, transports: &mut Slab<Transport>) {
        let found = self.get(place);
        if let Some((consumer, _)) = found
            && let Some(transport) = transports.get_mut(consumer.slot)
        {
            transport.note_consumer(consumer.ssrc, place);
        }
    }
}
