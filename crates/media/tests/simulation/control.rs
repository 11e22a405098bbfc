//! What control knows and asks, as the engine's registry does, and with it the model that the media is measured against: who may be heard by whom.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hocket_media::{
    ActiveSpeakers, Claim, Command, ConsumerId, ConsumerOptions, Credentials, Fingerprints,
    ProducerId, ProducerOptions, ProducerShared, Role, Submission, TransportId, WorkerId,
};

use crate::common::person;
use crate::ledger::{Line, Sealed, Source};
use crate::model::{Channel, Consumer, Producer, Transport};
use crate::workers::Workers;

/// Channels of the one server. What is said in one is not heard in the other.
pub const CHANNELS: usize = 2;

/// See the module's documentation.
pub struct Control {
    pub workers: Workers,
    pub transports: BTreeMap<TransportId, Transport>,
    pub producers: BTreeMap<ProducerId, Producer>,
    /// By their SSRCs, which no two have alike.
    pub consumers: BTreeMap<u32, Consumer>,
    /// Whose each address is, or was last.
    pub addresses: BTreeMap<SocketAddr, TransportId>,
    pub channels: [Channel; CHANNELS],
    /// When time was lost last.
    pub jumped: Instant,
    nack: bool,
    red: bool,
    next_id: u64,
    next_ssrc: u32,
}

impl Control {
    pub fn new(workers: Workers, (nack, red): (bool, bool), now: Instant) -> Self {
        Self {
            workers,
            transports: BTreeMap::new(),
            producers: BTreeMap::new(),
            consumers: BTreeMap::new(),
            addresses: BTreeMap::new(),
            channels: [(); CHANNELS].map(|()| Channel {
                speakers: Arc::new(ActiveSpeakers::new(now)),
                since: now,
            }),
            jumped: now,
            nack,
            red,
            next_id: 0,
            next_ssrc: 1_000,
        }
    }

    pub fn create_transport(
        &mut self,
        seat: usize,
        credentials: Credentials,
        address: SocketAddr,
        now: Instant,
    ) -> TransportId {
        let id = TransportId(self.fresh_id());
        let claim = Arc::new(Claim::new(id, credentials));
        let transport = Transport {
            seat,
            claim: Arc::clone(&claim),
            connected: false,
            closed: None,
            sealed: Sealed::default(),
        };
        self.transports.insert(id, transport);
        self.addresses.insert(address, id);
        self.tell_all(&Command::AddTransport(claim), None, now);
        id
    }

    pub fn connect(&mut self, transport: TransportId, fingerprints: Fingerprints, now: Instant) {
        let role = Role::Client;
        let command = Command::Connect {
            transport,
            role,
            fingerprints,
        };
        self.submit(transport, command, now);
    }

    pub fn restart_ice(&mut self, transport: TransportId, credentials: Credentials, now: Instant) {
        let claim = Arc::clone(&self.transports[&transport].claim);
        let retired = claim.restart(credentials);
        let command = Command::RestartIce {
            claim,
            credentials,
            retired,
        };
        self.tell_all(&command, None, now);
    }

    pub fn produce(
        &mut self,
        (seat, life, channel): (usize, u32, usize),
        person: &person::Person,
        now: Instant,
    ) -> ProducerId {
        let options = ProducerOptions {
            ssrc: (!person.writes_mid).then_some(person.ssrc),
            mid: Some(person.mid().into()),
            opus_payload_type: Some(person.opus),
            red_payload_type: Some(person::RED),
            mid_extension: Some(person::MID_EXTENSION),
            audio_level_extension: Some(person::LEVEL_EXTENSION),
            abs_send_time_extension: Some(person::TIME_EXTENSION),
            nack: self.nack,
            cname: Arc::from(person.name),
        };
        options.check().unwrap();
        let id = ProducerId(self.fresh_id());
        let shared = Arc::new(ProducerShared::new(id, &options.cname));
        let transport = person.send_transport;
        let producer = Producer {
            seat,
            life,
            channel,
            transport,
            shared: Arc::clone(&shared),
            paused: false,
            changed: now,
            closed: None,
            source: Source::default(),
        };
        self.producers.insert(id, producer);
        let command = Command::Produce {
            transport,
            producer: shared,
            speakers: Arc::clone(&self.channels[channel].speakers),
            options: Box::new(options),
        };
        self.submit(transport, command, now);
        id
    }

    /// A paused consumer, by its SSRC.
    pub fn consume(&mut self, transport: TransportId, producer: ProducerId, now: Instant) -> u32 {
        self.next_ssrc += 1;
        let ssrc = self.next_ssrc;
        let consumer = Consumer {
            seat: self.transports[&transport].seat,
            transport,
            producer,
            active: false,
            changed: now,
            closed: None,
            line: Line::default(),
        };
        self.consumers.insert(ssrc, consumer);
        self.consume_as(ssrc, transport, producer, now);
        ssrc
    }

    /// Asks for a consumer under an SSRC of our choice, which may be one that was used before.
    pub fn consume_as(
        &mut self,
        ssrc: u32,
        transport: TransportId,
        producer: ProducerId,
        now: Instant,
    ) {
        let options = ConsumerOptions {
            ssrc,
            mid: format!("c{ssrc}").into(),
            opus_payload_type: person::CONSUMER_OPUS,
            red_payload_type: self.red.then_some(person::CONSUMER_RED),
            mid_extension: Some(person::CONSUMER_MID_EXTENSION),
            audio_level_extension: Some(person::CONSUMER_LEVEL_EXTENSION),
            abs_send_time_extension: Some(person::CONSUMER_TIME_EXTENSION),
            nack: self.nack,
        };
        options.check().unwrap();
        let command = Command::Consume {
            transport,
            consumer: ConsumerId::new(transport, ssrc).unwrap(),
            producer: Arc::clone(&self.producers[&producer].shared),
            options: Box::new(options),
        };
        self.submit(transport, command, now);
    }

    pub fn pause_producer(&mut self, producer: ProducerId, paused: bool, now: Instant) {
        let known = self.producers.get_mut(&producer).unwrap();
        (known.paused, known.changed) = (paused, now);
        let transport = known.transport;
        let lines = self.consumers.values_mut();
        lines
            .filter(|consumer| consumer.producer == producer)
            .for_each(|consumer| consumer.line.was_interrupted());
        let command = if paused {
            Command::PauseProducer {
                transport,
                producer,
            }
        } else {
            Command::ResumeProducer {
                transport,
                producer,
            }
        };
        self.submit(transport, command, now);
    }

    pub fn pause_consumer(&mut self, ssrc: u32, paused: bool, now: Instant) {
        let known = self.consumers.get_mut(&ssrc).unwrap();
        (known.active, known.changed) = (!paused, now);
        known.line.was_interrupted();
        let (transport, producer) = (known.transport, known.producer);
        let producer = Arc::clone(&self.producers[&producer].shared);
        let consumer = ConsumerId::new(transport, ssrc).unwrap();
        let command = if paused {
            Command::PauseConsumer {
                transport,
                consumer,
            }
        } else {
            Command::ResumeConsumer {
                transport,
                consumer,
                producer,
            }
        };
        self.submit(transport, command, now);
    }

    pub fn close_consumer(&mut self, ssrc: u32, now: Instant) {
        let known = self.consumers.get_mut(&ssrc).unwrap();
        known.closed = Some(now);
        let transport = known.transport;
        let consumer = ConsumerId::new(transport, ssrc).unwrap();
        let command = Command::CloseConsumer {
            transport,
            consumer,
        };
        self.submit(transport, command, now);
    }

    pub fn close_producer(&mut self, producer: ProducerId, now: Instant) {
        self.note_producer_closed(producer, now);
        self.producers[&producer].shared.close();
        self.tell_all(&Command::CloseProducer(producer), None, now);
    }

    /// So many may be heard at a time in a channel; 0 = all.
    pub fn set_limit(&mut self, channel: usize, limit: usize, now: Instant) {
        let channel = &mut self.channels[channel];
        channel.speakers.set_limit(limit);
        channel.since = now;
    }

    /// Ends a transport that control wants no more; harmless when it is gone.
    pub fn remove_transport(&mut self, transport: TransportId, now: Instant) {
        self.end_transport(transport, None, now);
    }

    /// A transport ended by itself. False when control has ended it before.
    pub fn note_ended(&mut self, transport: TransportId, now: Instant) -> bool {
        let known = &self.transports[&transport];
        if known.closed.is_some() {
            return false;
        }
        known.claim.close();
        self.note_transport_closed(transport, now);
        true
    }

    /// A worker fails (`Shared::bury`): what it owned is over. Gives the seats of those whose transports were its.
    pub fn fail(&mut self, worker: WorkerId, now: Instant) -> Vec<usize> {
        let owned: Vec<TransportId> = self
            .open_transports()
            .filter(|(_, transport)| transport.claim.owner() == Some(worker))
            .map(|(id, _)| id)
            .collect();
        for transport in &owned {
            self.end_transport(*transport, Some(worker), now);
        }
        for producer in self.producers.values() {
            producer.shared.forget_worker(worker);
        }
        self.workers.replace(worker, now);
        for transport in self.transports.values() {
            let announced = Command::AddTransport(Arc::clone(&transport.claim));
            self.workers.command(worker, announced, now);
        }
        owned.iter().map(|id| self.transports[id].seat).collect()
    }

    pub fn open_transports(&self) -> impl Iterator<Item = (TransportId, &Transport)> {
        let all = self
            .transports
            .iter()
            .map(|(id, transport)| (*id, transport));
        all.filter(|(_, transport)| transport.closed.is_none())
    }

    pub fn open_producers(&self) -> impl Iterator<Item = (ProducerId, &Producer)> {
        let all = self.producers.iter().map(|(id, producer)| (*id, producer));
        all.filter(|(_, producer)| producer.closed.is_none())
    }

    pub fn open_consumers(&self) -> impl Iterator<Item = (u32, &Consumer)> {
        let all = self
            .consumers
            .iter()
            .map(|(ssrc, consumer)| (*ssrc, consumer));
        all.filter(|(_, consumer)| consumer.closed.is_none())
    }

    /// Whether somebody is to be heard by this consumer now.
    pub fn is_heard(&self, consumer: &Consumer) -> bool {
        let producer = &self.producers[&consumer.producer];
        consumer.active && !producer.paused && self.transports[&consumer.transport].connected
    }

    /// Forgets what has been over for long enough that nothing of it is on its way.
    pub fn forget_ended(&mut self, before: Instant) {
        let over = |closed: Option<Instant>| closed.is_some_and(|at| at < before);
        self.consumers.retain(|_, consumer| !over(consumer.closed));
        let consumers = &self.consumers;
        self.producers.retain(|id, producer| {
            !over(producer.closed) || consumers.values().any(|consumer| consumer.producer == *id)
        });
        self.transports
            .retain(|_, transport| !over(transport.closed));
        let transports = &self.transports;
        self.addresses.retain(|_, id| transports.contains_key(id));
    }

    fn end_transport(&mut self, transport: TransportId, except: Option<WorkerId>, now: Instant) {
        let open = |known: &&Transport| known.closed.is_none();
        let Some(known) = self.transports.get(&transport).filter(open) else {
            return;
        };
        let claim = Arc::clone(&known.claim);
        claim.close();
        for producer in self.note_transport_closed(transport, now) {
            self.tell_all(&Command::CloseProducer(producer), except, now);
        }
        self.tell_all(&Command::RemoveTransport(claim), except, now);
    }

    /// Everything on a transport is over with it. Gives its producers.
    fn note_transport_closed(&mut self, transport: TransportId, now: Instant) -> Vec<ProducerId> {
        self.transports.get_mut(&transport).unwrap().closed = Some(now);
        let on_it = self
            .consumers
            .values_mut()
            .filter(|one| one.transport == transport);
        on_it.for_each(|consumer| consumer.closed = consumer.closed.or(Some(now)));
        let producers = self
            .open_producers()
            .filter(|(_, one)| one.transport == transport);
        let producers: Vec<ProducerId> = producers.map(|(id, _)| id).collect();
        for producer in &producers {
            self.note_producer_closed(*producer, now);
            self.producers[producer].shared.close();
        }
        producers
    }

    fn note_producer_closed(&mut self, producer: ProducerId, now: Instant) {
        self.producers.get_mut(&producer).unwrap().closed = Some(now);
        let of_it = self
            .consumers
            .values_mut()
            .filter(|one| one.producer == producer);
        of_it.for_each(|consumer| consumer.closed = consumer.closed.or(Some(now)));
    }

    fn submit(&mut self, transport: TransportId, command: Command, now: Instant) {
        match self.transports[&transport].claim.submit(command) {
            Submission::Send(owner, command) => self.workers.command(owner, command, now),
            Submission::Waiting | Submission::Closed => {}
            other => panic!("{other:?}"),
        }
    }

    fn tell_all(&mut self, command: &Command, except: Option<WorkerId>, now: Instant) {
        for place in 0..self.workers.count() {
            let worker = WorkerId(u8::try_from(place).unwrap());
            if Some(worker) != except {
                self.workers.command(worker, command.clone(), now);
            }
        }
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}
