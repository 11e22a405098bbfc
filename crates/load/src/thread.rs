//! One thread of the load client: a crowd, its sockets, its clock.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::sync::mpsc::Sender as Reply;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hocket_engine::EngineOptions;
use hocket_engine::socket::{Departure, Receiver, SendReport, Sender, Sockets, bind, wait};
use hocket_media::Datagram;
use hocket_media::client::Remote;
use mio::event::Event;
use mio::{Interest, Poll, Token, Waker};

use crate::clock::Clock;
use crate::crowd::{Common, Crowd, SpeakOptions};
use crate::ptime::Ptime;
use crate::report::{Report, ThreadReport};
use crate::{kernel, places};

/// Sockets among which the transports to a server on the loopback are dealt out. One would do, but two threads of the server that send to it at
/// the same time wait for each other, and for us: a thousand listeners behind one socket cost the server a third more than behind sixteen.
const SHARED: usize = 16;

/// Tokens: those of the shared sockets, the waker's, and those of the transports that have a socket for themselves, by place.
const WAKER: Token = Token(SHARED);
const FIRST_OWN: usize = SHARED + 1;

/// Where so many packets arrive in a turn, more are on their way. The thread sleeps so long before it looks for them: waking it for each few would
/// be the sender's work, the server's. When they arrived the kernel has noted meanwhile.
const MANY: usize = 16;
const NAP: Duration = Duration::from_micros(500);

/// Receive calls a socket and turn, of up to 128 datagrams each.
const RECEIVES: usize = 8;
/// Packets that are stamped with one look at the clock and leave in one call: 64 take some 20 µs to seal.
const BURST: usize = 64;

/// Kernel room for what arrives at a shared socket; all together some 40,000 packets: a third of a second for 1,000 listeners of three.
/// With four times as much, a client that got too little of the machine heard answers to its checks 23 s late and gave up.
const ROOM_BYTES: usize = (16 << 20) / SHARED;

/// What the thread is told.
pub(crate) enum Command {
    Create(Remote),
    Close(usize),
    Speak(usize, SpeakOptions),
    SetPtime(usize, Ptime),
    Hear(usize, Vec<u32>),
    Unhear(usize, u32),
    Silence,
    Measure(Duration),
    Report(Reply<Report>),
    Stop,
}

/// Where commands wait.
pub(crate) type Commands = Arc<Mutex<Vec<Command>>>;

/// See the module's documentation.
pub(crate) struct Thread {
    crowd: Crowd,
    poll: Poll,
    commands: Commands,
    /// The sockets of all transports to a server on the loopback.
    shared: Vec<Sockets>,
    /// Sockets of the others, by place.
    own: HashMap<usize, Sockets>,
    ports: HashSet<u16>,
    receiver: Receiver,
    sender: Sender,
    sent: SendReport,
    /// Tokens of sockets that may hold datagrams: the poll tells each arrival once.
    readable: Vec<Token>,
    /// The thread's place among its siblings, and their number: id = place × siblings + number.
    number: usize,
    siblings: usize,
    /// When the count began, and what the kernel had counted then.
    began: (Instant, Duration, Duration, u64),
}

impl Thread {
    /// Opens the shared socket. The waker wakes the thread after a command.
    pub(crate) fn new(
        common: Common,
        commands: Commands,
        number: usize,
        siblings: usize,
    ) -> hocket_engine::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let mut thread = Self {
            crowd: Crowd::new(common),
            poll,
            commands,
            shared: Vec::with_capacity(SHARED),
            own: HashMap::new(),
            ports: HashSet::new(),
            receiver: Receiver::new(true),
            sender: Sender::new(true),
            sent: SendReport::default(),
            readable: Vec::new(),
            number,
            siblings,
            began: (Instant::now(), Duration::ZERO, Duration::ZERO, 0),
        };
        for _ in 0..SHARED {
            let sockets = thread.open(IpAddr::V4(Ipv4Addr::UNSPECIFIED))?;
            sockets.widen(ROOM_BYTES);
            thread.shared.push(sockets);
        }
        Ok((thread, waker))
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        let mut ready = mio::Events::with_capacity(1_024);
        self.restart();
        while self.take_commands() {
            let (more, arrived) = self.receive();
            self.crowd.handle_timeout(Instant::now());
            self.flush();
            let behind = self.speak();
            let timeout = if more || behind {
                Some(Duration::ZERO)
            } else {
                let next = self.crowd.next_timeout();
                next.map(|at| at.saturating_duration_since(Instant::now()))
            };
            if arrived >= MANY && timeout.is_none_or(|left| left > NAP) {
                std::thread::sleep(NAP);
            }
            if self.wait(&mut ready, timeout).is_err() {
                return;
            }
        }
        self.flush();
    }

    /// The shared sockets are watched while the thread sleeps, and not all the time as the others, at the server's cost.
    fn wait(&mut self, ready: &mut mio::Events, timeout: Option<Duration>) -> io::Result<()> {
        let others = self.poll.registry().as_fd();
        let shared = |number: usize| self.shared.get(number).and_then(|both| both.v4.as_ref());
        let watched: [_; SHARED + 1] =
            std::array::from_fn(|number| shared(number).map_or(others, AsFd::as_fd));
        let mut found = wait(watched, timeout)?;
        if let [.., others] = &mut found
            && std::mem::take(others)
        {
            self.poll.poll(ready, Some(Duration::ZERO))?;
            let tokens = ready.iter().map(Event::token);
            self.readable.extend(tokens.filter(|token| *token != WAKER));
        }
        let shared = found.iter().enumerate().filter(|(_, ready)| **ready);
        self.readable
            .extend(shared.map(|(number, _)| Token(number)));
        self.readable.sort_unstable();
        self.readable.dedup();
        Ok(())
    }

    /// False when the thread is to end.
    fn take_commands(&mut self) -> bool {
        let waiting = {
            let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *commands)
        };
        let now = Instant::now();
        for command in waiting {
            match command {
                Command::Create(remote) => self.create(remote, now),
                Command::Close(place) => self.crowd.close(place, now),
                Command::Speak(place, options) => self.crowd.add_speaker(place, options, now),
                Command::SetPtime(place, ptime) => self.crowd.set_ptime(place, ptime),
                Command::Hear(place, ssrcs) => self.crowd.hear(place, &ssrcs, now),
                Command::Unhear(place, ssrc) => self.crowd.unhear(place, ssrc),
                Command::Silence => self.crowd.silence(),
                Command::Measure(sound) => {
                    self.restart();
                    self.crowd.measure(sound, now);
                }
                Command::Report(reply) => {
                    let _ = reply.send(self.report()); // whoever asked may be gone
                }
                Command::Stop => return false,
            }
        }
        true
    }

    /// A transport to a server on the loopback shares a socket; another one gets its own.
    fn create(&mut self, remote: Remote, now: Instant) {
        let place = self.crowd.len();
        let shares = cfg!(target_os = "linux")
            && remote
                .addresses
                .iter()
                .all(|address| address.is_ipv4() && address.ip().is_loopback());
        if !shares {
            let family =
                remote
                    .addresses
                    .first()
                    .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| {
                        match address.ip() {
                            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                            IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
                        }
                    });
            // Without a socket nothing leaves, and the transport ends with "no answer".
            if let Ok(sockets) = self.open_own(family, Token(FIRST_OWN + place)) {
                self.own.insert(place, sockets);
            }
        }
        self.crowd.create(remote, now);
    }

    fn open_own(&mut self, address: IpAddr, token: Token) -> hocket_engine::Result<Sockets> {
        let mut sockets = self.open(address)?;
        for socket in [&mut sockets.v4, &mut sockets.v6].into_iter().flatten() {
            self.poll
                .registry()
                .register(socket, token, Interest::READABLE)?;
        }
        Ok(sockets)
    }

    fn open(&mut self, address: IpAddr) -> hocket_engine::Result<Sockets> {
        let options = EngineOptions {
            workers: 1,
            addresses: vec![address],
            ..EngineOptions::default()
        };
        let port = bind(&options)?;
        self.ports.insert(port.number);
        let sockets = port
            .sockets
            .into_iter()
            .next()
            .unwrap_or(Sockets { v4: None, v6: None });
        sockets.stamp_arrivals();
        Ok(sockets)
    }

    /// Takes what waits on the sockets; who is due in between speaks, since a turn's datagrams take milliseconds. Tells whether more waits than a turn
    /// takes, and how many RTP packets have arrived.
    fn receive(&mut self) -> (bool, usize) {
        let mut waiting = std::mem::take(&mut self.readable);
        let mut behind = false;
        waiting.retain(|token| {
            let empty = self.receive_from(*token);
            behind |= self.speak();
            !empty
        });
        self.readable = waiting;
        let more = behind || !self.readable.is_empty();
        (more, self.crowd.publish())
    }

    /// True when the socket is empty.
    fn receive_from(&mut self, token: Token) -> bool {
        let own = token.0.checked_sub(FIRST_OWN);
        for _ in 0..RECEIVES {
            let sockets = match own {
                Some(place) => self.own.get(&place),
                None => self.shared.get(token.0),
            };
            let Some(socket) = sockets.and_then(|both| both.v4.as_ref().or(both.v6.as_ref()))
            else {
                return true;
            };
            let (crowd, mut clock) = (&mut self.crowd, None);
            let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            let receipt = self.receiver.receive(socket, unknown, |arrival| {
                let clock = clock.get_or_insert_with(Clock::read);
                if let Some(place) = own.or_else(|| places::place(arrival.local)) {
                    let arrived = clock.arrived(arrival.at);
                    crowd.handle_datagram(place, arrival.source, arrival.data, arrived, clock.now);
                }
            });
            self.flush();
            // After an error the next arrival wakes the poll again.
            if receipt.map_or(true, |receipt| receipt.drained) {
                return true;
            }
        }
        false
    }

    /// Lets some speak who are due. Tells whether more may be: what has arrived is taken in between.
    fn speak(&mut self) -> bool {
        let spoken = self.crowd.speak(Instant::now(), BURST);
        self.flush();
        spoken == BURST
    }

    fn flush(&mut self) {
        let outbox = self.crowd.outbox();
        if outbox.is_empty() {
            return;
        }
        let own = &self.own;
        let place_of = |datagram: &Datagram<'_>| places::place(datagram.local).unwrap_or_default();
        for (number, sockets) in self.shared.iter().enumerate() {
            let theirs = outbox.iter().filter(|datagram| {
                let place = place_of(datagram);
                place % SHARED == number && !own.contains_key(&place)
            });
            let departures = theirs.map(|datagram| Departure {
                destination: datagram.destination,
                local: datagram.local,
                data: datagram.bytes,
            });
            add(&mut self.sent, self.sender.send(sockets, departures));
        }
        if !own.is_empty() {
            // One call a datagram: a batch is of one socket, and a burst rarely holds two of the same transport.
            for datagram in outbox.iter() {
                let Some(sockets) = own.get(&place_of(&datagram)) else {
                    continue;
                };
                let departure = Departure {
                    destination: datagram.destination,
                    local: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    data: datagram.bytes,
                };
                add(
                    &mut self.sent,
                    self.sender.send(sockets, std::iter::once(departure)),
                );
            }
        }
        outbox.clear();
    }

    /// Counts from here on.
    fn restart(&mut self) {
        let (running, waiting) = kernel::thread_times();
        self.began = (Instant::now(), running, waiting, kernel::drops(&self.ports));
        self.sent = SendReport::default();
    }

    fn report(&self) -> Report {
        let (running, waiting) = kernel::thread_times();
        let (began, ran, waited, dropped) = self.began;
        let mut report = self
            .crowd
            .report(|place| (place * self.siblings + self.number) as u64);
        report.threads = vec![ThreadReport {
            wall: began.elapsed(),
            running: running.saturating_sub(ran),
            waiting: waiting.saturating_sub(waited),
            paused: self.crowd.paused(),
            socket_drops: kernel::drops(&self.ports).saturating_sub(dropped),
            unsent: (self.sent.no_room + self.sent.refused) as u64,
        }];
        report
    }
}

fn add(sum: &mut SendReport, more: SendReport) {
    sum.sent += more.sent;
    sum.no_room += more.no_room;
    sum.refused += more.refused;
}
