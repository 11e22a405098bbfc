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
use crate::slab::Slab;
use crate::transport::Transport;

/// See the module's documentation.
pub(crate) struct Router {
    worker: WorkerId,
    clock: Clock,
    feeds: HashMap<ProducerId, Feed>,
    places: HashMap<ConsumerId, Place>,
}

/// Where a consumer is.
#[derive(Clone, Copy, Debug)]
struct Place {
    producer: ProducerId,
    /// In its feed.
    position: usize,
}

impl Router {
    pub(crate) fn new(worker: WorkerId, clock: Clock) -> Self {
        Self {
            worker,
            clock,
            feeds: HashMap::new(),
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
        let id = consumer.id;
        let feed = self
            .feeds
            .entry(producer.id())
            .or_insert_with(|| Feed::new(Arc::clone(producer)));
        let position = feed.insert(consumer);
        self.places.insert(
            id,
            Place {
                producer: producer.id(),
                position,
            },
        );
    }

    /// Removes a consumer; a feed without consumers goes with it.
    pub(crate) fn remove(&mut self, id: ConsumerId) -> Option<Consumer> {
        self.set_active(id, false);
        let place = self.places.remove(&id)?;
        let feed = self.feeds.get_mut(&place.producer)?;
        let removed = feed.remove(place.position);
        if feed.is_empty() {
            self.feeds.remove(&place.producer);
        } else {
            self.note_place(place);
        }
        removed
    }

    /// Removes a producer's feed; returns the consumers that it had.
    pub(crate) fn close(&mut self, producer: ProducerId) -> Vec<Consumer> {
        let consumers = self
            .feeds
            .remove(&producer)
            .map(Feed::into_consumers)
            .unwrap_or_default();
        for consumer in &consumers {
            self.places.remove(&consumer.id);
        }
        consumers
    }

    /// Lets packets through to a consumer, or no longer. Harmless twice.
    pub(crate) fn set_active(&mut self, id: ConsumerId, active: bool) {
        let Some(place) = self.places.get(&id).copied() else {
            return;
        };
        let Some(feed) = self.feeds.get_mut(&place.producer) else {
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
        if let Some(feed) = self.feeds.get_mut(&packet.producer) {
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
        let Some(feed) = self.feeds.get_mut(&place.producer) else {
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
        self.feeds.get(&place.producer)?.get(place.position)
    }

    /// A consumer, to change.
    pub(crate) fn get_mut(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        let place = self.places.get(&id)?;
        self.feeds.get_mut(&place.producer)?.get_mut(place.position)
    }

    /// Somebody was moved to this place.
    fn note_place(&mut self, place: Place) {
        let found = self
            .feeds
            .get(&place.producer)
            .and_then(|feed| feed.get(place.position));
        if let Some((consumer, _)) = found {
            self.places.insert(consumer.id, place);
        }
    }
}
