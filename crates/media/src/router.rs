//! Who hears whom, as one worker sees it: for each producer that has consumers here, a [`Feed`].
//!
//! The router takes a producer's packet once and writes it out once a listener. It knows transports only by their places.

mod feed;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

pub(crate) use feed::Feed;

use crate::consumer::Consumer;
use crate::id::{ConsumerId, ProducerId, WorkerId};
use crate::outbox::Outbox;
use crate::packet::MediaPacket;
use crate::shared::ProducerShared;
use crate::slab::Slab;
use crate::transport::Transport;

/// See the module's documentation.
pub(crate) struct Router {
    worker: WorkerId,
    /// Where this worker's time begins: what abs-send-time and sender reports count from.
    start: Instant,
    feeds: HashMap<ProducerId, Feed>,
    producers: HashMap<ConsumerId, ProducerId>,
}

impl Router {
    pub(crate) fn new(worker: WorkerId, start: Instant) -> Self {
        Self {
            worker,
            start,
            feeds: HashMap::new(),
            producers: HashMap::new(),
        }
    }

    /// How many consumers there are.
    pub(crate) fn consumers(&self) -> usize {
        self.producers.len()
    }

    /// How many producers have consumers here.
    pub(crate) fn feeds(&self) -> usize {
        self.feeds.len()
    }

    /// Where this worker's time begins.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// Adds a paused consumer.
    pub(crate) fn insert(&mut self, producer: &Arc<ProducerShared>, consumer: Consumer) {
        self.producers.insert(consumer.id, producer.id());
        self.feeds
            .entry(producer.id())
            .or_insert_with(|| Feed::new(Arc::clone(producer)))
            .insert(consumer);
    }

    /// Removes a consumer; a feed without consumers goes with it.
    pub(crate) fn remove(&mut self, consumer: ConsumerId) -> Option<Consumer> {
        let producer = self.producers.remove(&consumer)?;
        let feed = self.feeds.get_mut(&producer)?;
        let removed = feed.remove(consumer, self.worker);
        if feed.is_empty() {
            self.feeds.remove(&producer);
        }
        removed
    }

    /// Removes a producer's feed with all its consumers.
    pub(crate) fn take_feed(&mut self, producer: ProducerId) -> Option<Feed> {
        let feed = self.feeds.remove(&producer)?;
        for consumer in feed.iter() {
            self.producers.remove(&consumer.id);
        }
        Some(feed)
    }

    /// Lets packets through to a consumer, or no longer. Harmless twice.
    pub(crate) fn set_active(&mut self, consumer: ConsumerId, active: bool) {
        let worker = self.worker;
        if let Some(feed) = self.feed_of(consumer) {
            feed.set_active(consumer, active, worker);
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
            feed.forward(packet, self.start, transports, outbox);
        }
    }

    /// The feed that a consumer belongs to.
    pub(crate) fn feed_of(&mut self, consumer: ConsumerId) -> Option<&mut Feed> {
        self.feeds.get_mut(self.producers.get(&consumer)?)
    }

    /// A consumer.
    pub(crate) fn get(&self, consumer: ConsumerId) -> Option<&Consumer> {
        self.feeds
            .get(self.producers.get(&consumer)?)?
            .get(consumer)
    }

    /// Whether a consumer is paused.
    pub(crate) fn is_paused(&self, consumer: ConsumerId) -> bool {
        let feed = self
            .producers
            .get(&consumer)
            .and_then(|producer| self.feeds.get(producer));
        feed.is_none_or(|feed| !feed.is_active(consumer))
    }
}
