//! What ends what. A transport ends by control, by its peer or by silence; its producers and consumers end with it, the producers' consumers
//! everywhere too.

use std::sync::Arc;
use std::time::Instant;

use super::Worker;
use crate::claim::Claim;
use crate::event::{CloseReason, Event};
use crate::id::ProducerId;
use crate::message::WorkerMessage;
use crate::producer::Producer;
use crate::room;
use crate::slab::{Slab, Slot};
use crate::transport::{Env, Transport};

impl Worker {
    /// A transport ended by itself: everybody hears of it.
    pub(super) fn end_transport(&mut self, slot: Slot, reason: CloseReason) {
        let Some(transport) = self.transports.get(slot) else {
            return;
        };
        let claim = Arc::clone(&transport.claim);
        claim.close();
        self.take_apart(slot);
        self.forget_announcement(&claim);
        self.broadcast(&WorkerMessage::TransportGone(Arc::clone(&claim)));
        self.queues.event(Event::TransportClosed {
            transport: claim.id(),
            reason,
        });
    }

    /// Control removed a transport: its client hears goodbye, if it is ours.
    pub(super) fn remove_transport(&mut self, claim: &Claim, now: Instant) {
        if let Some(slot) = self.owned.get(&claim.id()).copied() {
            if let Some(transport) = self.transports.get_mut(slot) {
                let mut env = Env {
                    options: &self.options,
                    context: &self.context,
                    room: &mut self.room,
                    queues: &mut self.queues,
                    now,
                };
                transport.say_goodbye(&mut env);
            }
            self.take_apart(slot);
        }
        self.forget_announcement(claim);
    }

    /// Forgets the fragments by which checks would find the transport.
    pub(super) fn forget_announcement(&mut self, claim: &Claim) {
        for pair in claim.credentials() {
            self.fragments.remove(pair.ufrag);
        }
    }

    fn take_apart(&mut self, slot: Slot) {
        // Each is forgotten after it is removed: on its way out the router may tell the transport once more where it is.
        let last = |transports: &Slab<Transport>| transports.get(slot)?.last_consumer();
        while let Some((ssrc, place)) = last(&self.transports) {
            self.router.remove(place, &mut self.transports);
            if let Some(transport) = self.transports.get_mut(slot) {
                transport.remove_consumer(ssrc);
            }
        }
        let Some(transport) = self.transports.remove(slot) else {
            return;
        };
        self.owned.remove(&transport.id());
        room::give_back_table(&mut self.owned);
        for address in transport.ice.addresses() {
            self.release_address(address, slot);
        }
        for producer in transport.producers {
            self.end_producer(producer);
        }
    }

    /// A producer ended with its transport: its consumers everywhere do.
    fn end_producer(&mut self, mut producer: Producer) {
        producer.shared.close();
        producer.stop(&mut self.queues);
        let id = producer.id();
        self.forget_home(id);
        self.close_feed(id);
        self.broadcast(&WorkerMessage::ProducerGone(id));
    }

    /// Forgets where a producer sends; tells where it did.
    pub(super) fn forget_home(&mut self, producer: ProducerId) -> Option<Slot> {
        let slot = self.homes.remove(&producer);
        room::give_back_table(&mut self.homes);
        slot
    }

    /// A producer, here or elsewhere, is over: so are its consumers here.
    pub(super) fn close_feed(&mut self, producer: ProducerId) {
        let Some((producer, consumers)) = self.router.close(producer) else {
            return;
        };
        for consumer in consumers {
            self.let_go(&consumer, &producer);
        }
    }
}
