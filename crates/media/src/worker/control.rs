//! Commands of control, one by one. A command about something that is gone does nothing: the event that says so is on its way.

use std::sync::Arc;
use std::time::Instant;

use super::Worker;
use crate::active_speakers::{ActiveSpeakers, Speaker};
use crate::claim::Claim;
use crate::command::Command;
use crate::consumer::Consumer;
use crate::credentials::{Credentials, Ufrag};
use crate::drops::Drop;
use crate::event::Event;
use crate::id::{ConsumerId, ProducerId, RequestId, TransportId};
use crate::options::{ConsumerOptions, ProducerOptions, SILENCE_DBOV};
use crate::producer::Producer;
use crate::router::Place;
use crate::shared::ProducerShared;
use crate::stats::{Stats, StatsOf};

impl Worker {
    /// Does what control asks.
    pub fn handle_command(&mut self, command: Command, now: Instant) {
        match command {
            Command::AddTransport(claim) => self.announce(&claim),
            Command::RemoveTransport(claim) => self.remove_transport(&claim, now),
            Command::RestartIce {
                claim,
                credentials,
                retired,
            } => self.restart_ice(&claim, credentials, retired),
            Command::CloseProducer(producer) => self.close_producer(producer),
            Command::Connect {
                transport,
                role,
                fingerprints,
            } => {
                if let Some(slot) = self.owned.get(&transport).copied() {
                    self.with_transport(slot, now, |transport, env| {
                        transport.connect(role, fingerprints, env)
                    });
                }
            }
            Command::Produce {
                transport,
                producer,
                speakers,
                options,
            } => self.produce(transport, producer, speakers, options),
            Command::Consume {
                transport,
                consumer,
                producer,
                options,
            } => self.consume(transport, consumer, &producer, &options),
            Command::PauseProducer { producer, .. } => self.pause_producer(producer, true),
            Command::ResumeProducer { producer, .. } => self.pause_producer(producer, false),
            Command::PauseConsumer { consumer, .. } => self.set_active(consumer, false),
            Command::ResumeConsumer {
                consumer, producer, ..
            } => self.resume(consumer, &producer),
            Command::CloseConsumer { consumer, .. } => self.close_consumer(consumer),
            Command::Stats { request, of, .. } => self.answer_stats(request, of),
        }
    }

    fn announce(&mut self, claim: &Arc<Claim>) {
        if claim.is_closed() {
            return; // another worker heard of it, and of its end, before this one
        }
        let max = self.options.max_transports.saturating_mul(2);
        for credentials in claim.credentials() {
            if !self.fragments.insert(claim, credentials, None, max) {
                self.drop_here(Drop::Overflow);
            }
        }
    }

    fn restart_ice(
        &mut self,
        claim: &Arc<Claim>,
        credentials: Credentials,
        retired: Option<Ufrag>,
    ) {
        if claim.is_closed() {
            return;
        }
        if let Some(retired) = retired {
            self.fragments.remove(retired);
        }
        let slot = self.owned.get(&claim.id()).copied();
        if !self.fragments.insert(
            claim,
            credentials,
            slot,
            self.options.max_transports.saturating_mul(2),
        ) {
            self.drop_here(Drop::Overflow);
        }
        if let Some(transport) = slot.and_then(|slot| self.transports.get_mut(slot)) {
            transport.ice.restart(credentials);
        }
    }

    fn produce(
        &mut self,
        transport: TransportId,
        producer: Arc<ProducerShared>,
        speakers: Arc<ActiveSpeakers>,
        options: Box<ProducerOptions>,
    ) {
        let Some(slot) = self.owned.get(&transport).copied() else {
            return;
        };
        if producer.is_closed() {
            return;
        }
        if let Some(transport) = self.transports.get_mut(slot) {
            self.homes.insert(producer.id(), slot);
            let silence = self.options.silence_dbov;
            let speaker = Speaker::new(speakers, silence.unwrap_or(SILENCE_DBOV));
            let producer =
                Producer::new(producer, options, silence, self.options.producer, speaker);
            transport.producers.push(producer);
        }
    }

    fn consume(
        &mut self,
        transport: TransportId,
        id: ConsumerId,
        producer: &Arc<ProducerShared>,
        options: &ConsumerOptions,
    ) {
        let Some(slot) = self.owned.get(&transport).copied() else {
            return;
        };
        if producer.is_closed() {
            return; // it waited in the claim while the producer ended
        }
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        if transport.use_ssrc(options.ssrc) {
            let consumer = Consumer::new(id, slot, options, &mut self.random);
            self.router.insert(producer, consumer, &mut self.transports);
        } else {
            transport.drop(Drop::SsrcUsed, &mut self.queues);
        }
    }

    fn pause_producer(&mut self, id: ProducerId, paused: bool) {
        let slot = self.homes.get(&id).copied();
        let Some(transport) = slot.and_then(|slot| self.transports.get_mut(slot)) else {
            return;
        };
        if let Some(producer) = transport
            .producers
            .iter_mut()
            .find(|producer| producer.id() == id)
        {
            producer.set_paused(paused, &mut self.queues);
        }
    }

    /// Control closed a producer: whoever has a part of it lets go.
    fn close_producer(&mut self, id: ProducerId) {
        let slot = self.forget_home(id);
        if let Some(transport) = slot.and_then(|slot| self.transports.get_mut(slot)) {
            transport.remove_producer(id, &mut self.queues);
        }
        self.close_feed(id);
    }

    fn close_consumer(&mut self, id: ConsumerId) {
        let place = self.place_of(id);
        let removed = place.and_then(|place| self.router.remove(place, &mut self.transports));
        if let Some((consumer, producer)) = removed {
            self.let_go(&consumer, &producer);
        }
    }

    fn set_active(&mut self, id: ConsumerId, active: bool) {
        if let Some(place) = self.place_of(id) {
            self.router.set_active(place, active, &mut self.transports);
        }
    }

    fn resume(&mut self, id: ConsumerId, producer: &Arc<ProducerShared>) {
        if self.place_of(id).is_some() {
            self.set_active(id, true);
        } else {
            self.router.subscribe(producer); // packets are on their way to somebody who has left meanwhile
        }
    }

    fn place_of(&self, id: ConsumerId) -> Option<Place> {
        self.transport(id.transport())?.consumer(id.ssrc())
    }

    fn answer_stats(&mut self, request: RequestId, of: StatsOf) {
        let stats = match of {
            StatsOf::Transport(id) => self
                .transport(id)
                .map(|transport| Stats::Transport(Box::new(transport.stats()))),
            StatsOf::Producer(id) => self
                .producer(id)
                .map(|producer| Stats::Producer(producer.stats())),
            StatsOf::Consumer(id) => self
                .place_of(id)
                .and_then(|place| self.router.get(place))
                .map(|(consumer, active)| Stats::Consumer(consumer.stats(!active))),
        };
        self.queues.event(Event::StatsReply {
            request,
            stats: stats.unwrap_or(Stats::Gone(of)),
        });
    }

    fn transport(&self, id: TransportId) -> Option<&crate::transport::Transport> {
        self.transports.get(*self.owned.get(&id)?)
    }

    fn producer(&self, id: ProducerId) -> Option<&Producer> {
        let transport = self.transports.get(*self.homes.get(&id)?)?;
        transport
            .producers
            .iter()
            .find(|producer| producer.id() == id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test needs some beginning of time"
    )]

    use super::*;
    use crate::dtls::certificate::Certificate;
    use crate::id::WorkerId;

    #[test]
    fn resuming_a_consumer_that_has_left_ends_the_way_of_its_packets() {
        let now = Instant::now();
        let certificate = Arc::new(Certificate::generate().unwrap());
        let mut worker = Worker::new(WorkerId(1), Arc::default(), certificate, now);
        let producer = Arc::new(ProducerShared::new(ProducerId(5), "cname"));
        producer.subscribe(WorkerId(0), true);
        producer.subscribe(WorkerId(1), true);
        let resume = Command::ResumeConsumer {
            transport: TransportId(1),
            consumer: ConsumerId::new(TransportId(1), 2).unwrap(),
            producer: Arc::clone(&producer),
        };
        worker.handle_command(resume, now);
        assert_eq!(producer.subscribers(), WorkerId(0).bit());
    }
}
