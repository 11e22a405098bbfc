//! The server side of a scene: control, and its workers in one thread. The kernel's choice of a worker is a hash of the client's address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use hocket_media::{
    ActiveSpeakers, Certificate, Claim, Command, ConsumerId, ConsumerOptions, Credentials, Event,
    Fingerprints, Options, ProducerId, ProducerOptions, ProducerShared, RequestId, Role, Stats,
    StatsOf, Submission, TransportId, Worker, WorkerId, WorkerMessage,
};

use super::counting::held;
use super::network::Network;

/// Control and workers.
pub struct Server {
    pub address: SocketAddr,
    pub workers: Vec<Worker>,
    certificate: Arc<Certificate>,
    /// Events of all workers, oldest first.
    pub events: Vec<Event>,
    /// Bytes that the workers' doings have left allocated, in a binary whose allocator is [`Counting`](super::counting::Counting).
    pub held: isize,
    /// Messages between workers that have been carried.
    pub messages: usize,
    /// Of the one channel that there is.
    pub speakers: Arc<ActiveSpeakers>,
    claims: HashMap<TransportId, Arc<Claim>>,
    producers: HashMap<ProducerId, (TransportId, Arc<ProducerShared>)>,
    consumers: HashMap<ConsumerId, (TransportId, Arc<ProducerShared>)>,
    next_id: u64,
}

impl Server {
    pub fn new(address: SocketAddr, options: Options, now: Instant) -> Self {
        let certificate = Arc::new(Certificate::generate().unwrap());
        let options = Arc::new(options);
        let worker = |place| {
            Worker::new(
                WorkerId(place),
                Arc::clone(&options),
                Arc::clone(&certificate),
                now,
            )
        };
        let workers = (0..options.workers).map(worker).collect();
        Self {
            address,
            workers,
            certificate,
            events: Vec::new(),
            held: 0,
            messages: 0,
            speakers: Arc::new(ActiveSpeakers::new(now)),
            claims: HashMap::new(),
            producers: HashMap::new(),
            consumers: HashMap::new(),
            next_id: 0,
        }
    }

    /// What signalling tells clients about the certificate.
    pub fn fingerprints(&self) -> Fingerprints {
        let own = self.certificate.fingerprints();
        let pairs: Vec<_> = own
            .iter()
            .map(|one| (one.algorithm(), one.value()))
            .collect();
        Fingerprints::parse(pairs.iter().map(|(name, value)| (*name, value.as_str()))).unwrap()
    }

    pub fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub fn create_transport(&mut self, credentials: Credentials, now: Instant) -> TransportId {
        let id = TransportId(self.fresh_id());
        let claim = Arc::new(Claim::new(id, credentials));
        self.claims.insert(id, Arc::clone(&claim));
        self.tell_all(&Command::AddTransport(claim), now);
        id
    }

    pub fn connect(
        &mut self,
        transport: TransportId,
        role: Role,
        fingerprints: Fingerprints,
        now: Instant,
    ) {
        self.submit(
            transport,
            Command::Connect {
                transport,
                role,
                fingerprints,
            },
            now,
        );
    }

    pub fn restart_ice(&mut self, transport: TransportId, credentials: Credentials, now: Instant) {
        let claim = Arc::clone(&self.claims[&transport]);
        let retired = claim.restart(credentials);
        self.tell_all(
            &Command::RestartIce {
                claim,
                credentials,
                retired,
            },
            now,
        );
    }

    pub fn remove_transport(&mut self, transport: TransportId, now: Instant) {
        if let Some(claim) = self.claims.remove(&transport) {
            claim.close();
            self.tell_all(&Command::RemoveTransport(claim), now);
        }
    }

    pub fn produce(
        &mut self,
        transport: TransportId,
        options: ProducerOptions,
        now: Instant,
    ) -> ProducerId {
        options.check().unwrap();
        let id = ProducerId(self.fresh_id());
        let producer = Arc::new(ProducerShared::new(id, &options.cname));
        self.producers
            .insert(id, (transport, Arc::clone(&producer)));
        self.submit(
            transport,
            Command::Produce {
                transport,
                producer,
                speakers: Arc::clone(&self.speakers),
                options: Box::new(options),
            },
            now,
        );
        id
    }

    pub fn consume(
        &mut self,
        transport: TransportId,
        producer: ProducerId,
        options: ConsumerOptions,
        now: Instant,
    ) -> ConsumerId {
        options.check().unwrap();
        let consumer = ConsumerId::new(transport, options.ssrc).unwrap();
        let producer = Arc::clone(&self.producers[&producer].1);
        self.consumers
            .insert(consumer, (transport, Arc::clone(&producer)));
        self.submit(
            transport,
            Command::Consume {
                transport,
                consumer,
                producer,
                options: Box::new(options),
            },
            now,
        );
        consumer
    }

    pub fn pause_producer(&mut self, producer: ProducerId, paused: bool, now: Instant) {
        let transport = self.producers[&producer].0;
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

    pub fn pause_consumer(&mut self, consumer: ConsumerId, paused: bool, now: Instant) {
        let (transport, producer) = self.consumers[&consumer].clone();
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

    pub fn close_producer(&mut self, producer: ProducerId, now: Instant) {
        if let Some((_, shared)) = self.producers.remove(&producer) {
            shared.close();
            self.tell_all(&Command::CloseProducer(producer), now);
        }
    }

    pub fn close_consumer(&mut self, consumer: ConsumerId, now: Instant) {
        let transport = self.consumers[&consumer].0;
        self.submit(
            transport,
            Command::CloseConsumer {
                transport,
                consumer,
            },
            now,
        );
    }

    /// Asks and returns the answer, which comes at once in one thread.
    pub fn stats(&mut self, transport: TransportId, of: StatsOf, now: Instant) -> Stats {
        let request = RequestId(self.fresh_id());
        self.submit(
            transport,
            Command::Stats {
                transport,
                request,
                of,
            },
            now,
        );
        for worker in &mut self.workers {
            while let Some(event) = worker.poll_event() {
                match event {
                    Event::StatsReply {
                        request: answered,
                        stats,
                    } if answered == request => return stats,
                    other => self.events.push(other),
                }
            }
        }
        Stats::empty(of)
    }

    /// The worker that the kernel hands datagrams of this address to.
    pub fn home_of(&self, source: SocketAddr) -> usize {
        (usize::from(source.port()).wrapping_mul(31) ^ usize::from(source.port() >> 3))
            % self.workers.len()
    }

    pub fn handle_datagram(&mut self, source: SocketAddr, bytes: &mut [u8], now: Instant) {
        let (home, local) = (self.home_of(source), self.address.ip());
        self.weigh(|workers| workers[home].handle_datagram(source, local, bytes, now));
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.workers.iter().filter_map(Worker::next_timeout).min()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.weigh(|workers| {
            for worker in workers {
                if worker.next_timeout().is_some_and(|at| at <= now) {
                    worker.handle_timeout(now);
                }
            }
        });
    }

    /// Follows the rule of the driver: carries messages, sends datagrams, notes events, until all is quiet.
    pub fn drive(&mut self, network: &mut Network, now: Instant) {
        while self.carry_messages(now) {}
        for worker in &mut self.workers {
            for datagram in worker.outbox().iter() {
                assert_eq!(
                    datagram.local,
                    self.address.ip(),
                    "an answer leaves from the address that was asked"
                );
                network.send(
                    SocketAddr::new(datagram.local, self.address.port()),
                    datagram.destination,
                    datagram.bytes.to_vec(),
                    now,
                );
            }
            worker.outbox().clear();
            while let Some(event) = worker.poll_event() {
                self.events.push(event);
            }
        }
    }

    /// Takes messages between workers to where they go, once; tells whether there were any.
    pub fn carry_messages(&mut self, now: Instant) -> bool {
        let mut waiting: Vec<(WorkerId, WorkerMessage)> = Vec::new();
        for worker in &mut self.workers {
            while let Some(message) = worker.poll_message() {
                waiting.push(message);
            }
        }
        self.messages += waiting.len();
        let any = !waiting.is_empty();
        for (to, message) in waiting {
            self.weigh(|workers| workers[usize::from(to.0)].handle_message(message, now));
        }
        any
    }

    fn submit(&mut self, transport: TransportId, command: Command, now: Instant) {
        let Some(claim) = self.claims.get(&transport) else {
            return;
        };
        match claim.submit(command) {
            Submission::Send(owner, command) => {
                self.weigh(|workers| workers[usize::from(owner.0)].handle_command(command, now));
            }
            Submission::Waiting | Submission::Unclaimed(_) | Submission::Closed => {}
            Submission::Full => panic!("too many commands wait"),
        }
    }

    fn tell_all(&mut self, command: &Command, now: Instant) {
        self.weigh(|workers| {
            for worker in workers {
                worker.handle_command(command.clone(), now);
            }
        });
    }

    /// Our address as a peer of the server sees it, for tests of one worker.
    pub fn local(&self) -> IpAddr {
        self.address.ip()
    }

    fn weigh(&mut self, act: impl FnOnce(&mut [Worker])) {
        let before = held();
        act(&mut self.workers);
        self.held += held() - before;
    }
}
