//! What control knows: which routers, transports, producers and consumers there are, and what ends with what.
//!
//! Pure bookkeeping behind one lock, taken by commands and by rare events, never for a packet. What closes what:
//!
//! | ended | goes with it |
//! |---|---|
//! | router | its transports |
//! | transport | its producers and its consumers |
//! | producer | every consumer of it, on whatever transport |
//! | consumer | nothing |

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hocket_media::{
    ActiveSpeakers, Claim, ConsumerId, ProducerId, ProducerShared, RequestId, StatsOf, TransportId,
    WorkerId, room,
};

/// Producers of one transport. A client of this protocol has one.
pub(crate) const PRODUCERS_PER_TRANSPORT_MAX: usize = 16;

/// Consumers on one transport: everybody else in the largest channel.
pub(crate) const CONSUMERS_PER_TRANSPORT_MAX: usize = 4_096;

/// Unanswered questions for statistics.
pub(crate) const QUESTIONS_MAX: usize = 4_096;

/// One channel's media.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RouterId(pub u64);

/// All objects, and the counter that names them.
#[derive(Default)]
pub(crate) struct Registry {
    last_id: u64,
    routers: HashMap<RouterId, Router>,
    transports: HashMap<TransportId, Transport>,
    producers: HashMap<ProducerId, Producer>,
    /// How many there are; an id says on which transport to look.
    consumers: usize,
    questions: HashMap<RequestId, (TransportId, StatsOf)>,
}

struct Router {
    transports: HashSet<TransportId>,
    speakers: Arc<ActiveSpeakers>,
}

struct Transport {
    router: RouterId,
    claim: Arc<Claim>,
    producers: HashSet<ProducerId>,
    /// SSRCs, rising, with their producers. Lists, as a channel of a thousand has a million consumers.
    consumers: Vec<(u32, ProducerId)>,
}

struct Producer {
    transport: TransportId,
    shared: Arc<ProducerShared>,
    /// By rising id.
    consumers: Vec<ConsumerId>,
}

impl Transport {
    /// Where a consumer of this transport is in its list, or belongs.
    fn find(&self, consumer: ConsumerId) -> Result<usize, usize> {
        let ssrc = consumer.ssrc();
        self.consumers
            .binary_search_by_key(&ssrc, |(known, _)| *known)
    }
}

/// What ended with a transport: workers must hear of it.
pub(crate) struct EndedTransport {
    pub(crate) claim: Arc<Claim>,
    pub(crate) producers: Vec<Arc<ProducerShared>>,
    /// Questions that nobody will answer any more.
    pub(crate) questions: Vec<(RequestId, StatsOf)>,
}

/// How many of each there are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Routers.
    pub routers: usize,
    /// Transports.
    pub transports: usize,
    /// Producers.
    pub producers: usize,
    /// Consumers.
    pub consumers: usize,
    /// Unanswered questions for statistics.
    pub questions: usize,
}

impl Registry {
    /// A number that names nothing else but a consumer, 1 … 2^64-1.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            routers: self.routers.len(),
            transports: self.transports.len(),
            producers: self.producers.len(),
            consumers: self.consumers,
            questions: self.questions.len(),
        }
    }

    /// Add an empty router; `speakers`: who is heard there.
    pub(crate) fn add_router(&mut self, speakers: ActiveSpeakers) -> RouterId {
        let router = RouterId(self.next_id());
        self.routers.insert(
            router,
            Router {
                transports: HashSet::new(),
                speakers: Arc::new(speakers),
            },
        );
        router
    }

    /// Forget a router; gives the transports that were in it, which the caller ends.
    pub(crate) fn remove_router(&mut self, router: RouterId) -> Option<Vec<TransportId>> {
        let removed = self.routers.remove(&router)?;
        room::give_back_table(&mut self.routers);
        Some(removed.transports.into_iter().collect())
    }

    pub(crate) fn has_router(&self, router: RouterId) -> bool {
        self.routers.contains_key(&router)
    }

    /// Who is heard in a router.
    pub(crate) fn speakers(&self, router: RouterId) -> Option<&Arc<ActiveSpeakers>> {
        self.routers.get(&router).map(|router| &router.speakers)
    }

    /// Who is heard in a transport's router.
    pub(crate) fn speakers_beside(&self, transport: TransportId) -> Option<&Arc<ActiveSpeakers>> {
        self.speakers(self.transports.get(&transport)?.router)
    }

    pub(crate) fn add_transport(&mut self, router: RouterId, claim: Arc<Claim>) {
        let id = claim.id();
        if let Some(router) = self.routers.get_mut(&router) {
            router.transports.insert(id);
        }
        let transport = Transport {
            router,
            claim,
            producers: HashSet::new(),
            consumers: Vec::new(),
        };
        self.transports.insert(id, transport);
    }

    pub(crate) fn claim(&self, transport: TransportId) -> Option<&Arc<Claim>> {
        self.transports
            .get(&transport)
            .map(|transport| &transport.claim)
    }

    pub(crate) fn claims(&self) -> impl Iterator<Item = &Arc<Claim>> {
        self.transports.values().map(|transport| &transport.claim)
    }

    /// Transports that this worker owns.
    pub(crate) fn owned_by(&self, worker: WorkerId) -> Vec<TransportId> {
        self.claims()
            .filter(|claim| claim.owner() == Some(worker))
            .map(|claim| claim.id())
            .collect()
    }

    /// Forget a transport and what ends with it.
    pub(crate) fn remove_transport(&mut self, id: TransportId) -> Option<EndedTransport> {
        let transport = self.transports.remove(&id)?;
        if let Some(router) = self.routers.get_mut(&transport.router) {
            router.transports.remove(&id);
        }
        room::give_back_table(&mut self.transports);
        self.consumers -= transport.consumers.len();
        for (ssrc, producer) in transport.consumers {
            if let Some(consumer) = ConsumerId::new(id, ssrc) {
                self.strike_from_producer(consumer, producer);
            }
        }
        let producers = transport
            .producers
            .into_iter()
            .filter_map(|id| self.remove_producer(id))
            .collect();
        Some(EndedTransport {
            claim: transport.claim,
            producers,
            questions: self.take_questions(id),
        })
    }

    pub(crate) fn producers_of(&self, transport: TransportId) -> Option<usize> {
        self.transports
            .get(&transport)
            .map(|transport| transport.producers.len())
    }

    pub(crate) fn consumers_of(&self, transport: TransportId) -> Option<usize> {
        self.transports
            .get(&transport)
            .map(|transport| transport.consumers.len())
    }

    pub(crate) fn add_producer(&mut self, transport: TransportId, shared: Arc<ProducerShared>) {
        let id = shared.id();
        if let Some(owner) = self.transports.get_mut(&transport) {
            owner.producers.insert(id);
            self.producers.insert(
                id,
                Producer {
                    transport,
                    shared,
                    consumers: Vec::new(),
                },
            );
        }
    }

    /// A producer's transport, and what its consumers share with it.
    pub(crate) fn producer(&self, id: ProducerId) -> Option<(TransportId, &Arc<ProducerShared>)> {
        self.producers
            .get(&id)
            .map(|producer| (producer.transport, &producer.shared))
    }

    pub(crate) fn producers(&self) -> impl Iterator<Item = &Arc<ProducerShared>> {
        self.producers.values().map(|producer| &producer.shared)
    }

    /// Whether both are in one router: nobody hears another channel.
    pub(crate) fn share_router(&self, producer: ProducerId, transport: TransportId) -> bool {
        let router = |id| {
            self.transports
                .get(id)
                .map(|transport: &Transport| transport.router)
        };
        let of_producer = self
            .producers
            .get(&producer)
            .and_then(|producer| router(&producer.transport));
        of_producer.is_some() && of_producer == router(&transport)
    }

    /// Forget a producer and every consumer of it.
    pub(crate) fn remove_producer(&mut self, id: ProducerId) -> Option<Arc<ProducerShared>> {
        let producer = self.producers.remove(&id)?;
        room::give_back_table(&mut self.producers);
        for consumer in producer.consumers {
            self.strike_from_transport(consumer);
        }
        if let Some(transport) = self.transports.get_mut(&producer.transport) {
            transport.producers.remove(&id);
        }
        Some(producer.shared)
    }

    pub(crate) fn add_consumer(&mut self, producer: ProducerId, id: ConsumerId) {
        let (Some(on), Some(of)) = (
            self.transports.get_mut(&id.transport()),
            self.producers.get_mut(&producer),
        ) else {
            return;
        };
        if let Err(place) = on.find(id) {
            room::for_one_more(&mut on.consumers);
            on.consumers.insert(place, (id.ssrc(), producer));
            self.consumers += 1;
        }
        if let Err(place) = of.consumers.binary_search(&id) {
            room::for_one_more(&mut of.consumers);
            of.consumers.insert(place, id);
        }
    }

    /// The transport that a consumer is sent on, and whose stream it is; `None` when there is no such consumer.
    pub(crate) fn consumer(&self, id: ConsumerId) -> Option<(TransportId, &Arc<ProducerShared>)> {
        let transport = self.transports.get(&id.transport())?;
        let (_, producer) = transport.consumers.get(transport.find(id).ok()?)?;
        self.producers
            .get(producer)
            .map(|producer| (id.transport(), &producer.shared))
    }

    pub(crate) fn remove_consumer(&mut self, id: ConsumerId) {
        if let Some(producer) = self.strike_from_transport(id) {
            self.strike_from_producer(id, producer);
        }
    }

    /// Tells whose consumer it was.
    fn strike_from_transport(&mut self, id: ConsumerId) -> Option<ProducerId> {
        let transport = self.transports.get_mut(&id.transport())?;
        let place = transport.find(id).ok()?;
        let (_, producer) = transport.consumers.remove(place);
        room::give_back(&mut transport.consumers);
        self.consumers -= 1;
        Some(producer)
    }

    fn strike_from_producer(&mut self, id: ConsumerId, producer: ProducerId) {
        if let Some(producer) = self.producers.get_mut(&producer)
            && let Ok(place) = producer.consumers.binary_search(&id)
        {
            producer.consumers.remove(place);
            room::give_back(&mut producer.consumers);
        }
    }

    pub(crate) fn questions(&self) -> usize {
        self.questions.len()
    }

    pub(crate) fn add_question(&mut self, request: RequestId, transport: TransportId, of: StatsOf) {
        self.questions.insert(request, (transport, of));
    }

    /// Strike off a question that has its answer; false = it had one before.
    pub(crate) fn answer(&mut self, request: RequestId) -> bool {
        self.questions.remove(&request).is_some()
    }

    fn take_questions(&mut self, transport: TransportId) -> Vec<(RequestId, StatsOf)> {
        let about = |(request, (on, of)): (&RequestId, &(TransportId, StatsOf))| {
            (*on == transport).then_some((*request, *of))
        };
        let taken: Vec<_> = self.questions.iter().filter_map(about).collect();
        for (request, _) in &taken {
            self.questions.remove(request);
        }
        taken
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
