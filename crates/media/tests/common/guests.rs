//! Clients of the library's own kind (`hocket_media::client`) at the real workers, on the emulated network, in one thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hocket_media::client::{Identity, Outcome, Remote, Transport, TransportOptions};
use hocket_media::{Certificate, Credentials, Fingerprints, Options, Outbox, Role, TransportId};

use super::network::{Conditions, Network};
use super::server::Server;

/// How long a guest waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One client transport and its counterpart.
pub struct Guest {
    pub address: SocketAddr,
    pub transport: Transport,
    pub counterpart: TransportId,
    /// Everything that it told, with when.
    pub outcomes: Vec<(Outcome, Instant)>,
    /// RTP packets as they came, still sealed.
    pub sealed: Vec<Vec<u8>>,
    outbox: Outbox,
}

/// See the module's documentation.
pub struct Guests {
    pub now: Instant,
    pub network: Network,
    pub server: Server,
    pub guests: Vec<Guest>,
    pub identity: Arc<Identity>,
    /// Datagrams that went to nobody: from, to, bytes.
    pub astray: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
}

impl Guests {
    pub fn new(conditions: Conditions) -> Self {
        let now = Instant::now();
        let options = Options {
            dtls_seed: Some(5),
            ..Options::default()
        };
        let certificate = Certificate::generate().unwrap();
        Self {
            now,
            network: Network::new(3, conditions),
            server: Server::new("198.51.100.1:3478".parse().unwrap(), options, now),
            guests: Vec::new(),
            identity: Arc::new(Identity::new(&certificate, PATIENCE, Some(6))),
            astray: Vec::new(),
        }
    }

    /// What signalling would tell a client of a new transport.
    pub fn invite(&mut self) -> (TransportId, Remote) {
        let credentials = Credentials::from_random(&self.network.random_bytes());
        let counterpart = self.server.create_transport(credentials, self.now);
        let remote = Remote {
            fragment: credentials.ufrag.as_str().to_owned(),
            password: credentials.password.as_str().to_owned(),
            addresses: vec![self.server.address],
            fingerprints: self.server.fingerprints(),
        };
        (counterpart, remote)
    }

    /// A guest who was told the truth.
    pub fn join(&mut self) -> usize {
        let (counterpart, remote) = self.invite();
        self.join_with(counterpart, remote)
    }

    pub fn join_with(&mut self, counterpart: TransportId, remote: Remote) -> usize {
        let number = self.guests.len();
        let address: SocketAddr = format!("127.0.1.{number}:4000").parse().unwrap();
        let options = TransportOptions {
            local: address.ip(),
            fragment: "guest".into(),
            patience: PATIENCE,
            seed: number as u64,
        };
        let own = self.identity.fingerprints()[0].clone();
        let own = Fingerprints::parse([(own.algorithm(), own.value().as_str())]).unwrap();
        self.server
            .connect(counterpart, Role::Client, own, self.now);
        self.guests.push(Guest {
            address,
            transport: Transport::new(Arc::clone(&self.identity), remote, &options, self.now),
            counterpart,
            outcomes: Vec::new(),
            sealed: Vec::new(),
            outbox: Outbox::default(),
        });
        number
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            match self.next_event().filter(|next| *next <= end) {
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
            self.step();
        }
        self.now = end;
    }

    /// What a guest told, without when, and without the media.
    pub fn told(&self, guest: usize) -> Vec<Outcome> {
        let outcomes = self.guests[guest]
            .outcomes
            .iter()
            .map(|(outcome, _)| *outcome);
        outcomes
            .filter(|outcome| !matches!(outcome, Outcome::Rtp | Outcome::Rtcp))
            .collect()
    }

    /// Seals and sends one packet of a guest's.
    pub fn say(&mut self, guest: usize, header: &[u8], payload: &[u8], index: u64) -> bool {
        let guest = &mut self.guests[guest];
        guest
            .transport
            .send_rtp(header, payload, index, &mut guest.outbox)
    }

    pub fn close(&mut self, guest: usize) {
        let guest = &mut self.guests[guest];
        guest.transport.close(self.now, &mut guest.outbox);
    }

    fn settle(&mut self) {
        self.server.drive(&mut self.network, self.now);
        for guest in &mut self.guests {
            for datagram in guest.outbox.iter() {
                assert_eq!(datagram.local, guest.address.ip());
                let bytes = datagram.bytes.to_vec();
                self.network
                    .send(guest.address, datagram.destination, bytes, self.now);
            }
            guest.outbox.clear();
        }
    }

    fn next_event(&self) -> Option<Instant> {
        let guests = self
            .guests
            .iter()
            .filter_map(|guest| guest.transport.next_timeout());
        [self.network.next_arrival(), self.server.next_timeout()]
            .into_iter()
            .flatten()
            .chain(guests)
            .min()
    }

    fn step(&mut self) {
        while let Some(mut flight) = self.network.arrived(self.now) {
            if flight.to == self.server.address {
                self.server
                    .handle_datagram(flight.from, &mut flight.bytes, self.now);
                continue;
            }
            let Some(guest) = self.guests.iter_mut().find(|one| one.address == flight.to) else {
                self.astray.push((flight.from, flight.to, flight.bytes));
                continue;
            };
            let outcome = guest.transport.handle_datagram(
                flight.from,
                &flight.bytes,
                self.now,
                &mut guest.outbox,
            );
            guest.note(outcome, self.now);
            if outcome == Outcome::Rtp {
                guest.sealed.push(flight.bytes);
            }
        }
        self.server.handle_timeout(self.now);
        for guest in &mut self.guests {
            if guest
                .transport
                .next_timeout()
                .is_some_and(|at| at <= self.now)
            {
                let outcome = guest.transport.handle_timeout(self.now, &mut guest.outbox);
                guest.note(outcome, self.now);
            }
        }
    }
}

impl Guest {
    fn note(&mut self, outcome: Outcome, now: Instant) {
        if outcome != Outcome::Nothing {
            self.outcomes.push((outcome, now));
        }
    }
}
