//! A channel on one worker or several: speakers and listeners who have joined by real ICE, DTLS and SRTP, without a network between.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hocket_media::rtp::Fields;
use hocket_media::{
    ConsumerOptions, Credentials, Event, Options, ProducerId, ProducerOptions, Role, TransportId,
    Worker,
};

use super::parts::person::{
    CONSUMER_LEVEL_EXTENSION, CONSUMER_MID_EXTENSION, CONSUMER_OPUS, CONSUMER_TIME_EXTENSION,
    FRAME, FRAME_TICKS, LEVEL_EXTENSION, MID_EXTENSION, OPUS, TIME_EXTENSION,
};
use super::parts::{Client, Server, Version};
use super::stopwatch::Stopwatch;
use super::{DATAGRAM, PAYLOAD};

/// The server's own address.
pub const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// No bench checks its connectivity as a browser does, so consent must outlast all that is simulated.
const CONSENT: Duration = Duration::from_secs(1_000_000);

/// Packets until pools and histories have the size that they keep.
const SETTLING: usize = 200;

/// See the module's documentation.
pub struct Channel {
    pub now: Instant,
    server: Server,
    speakers: Vec<Speaker>,
    clients: u64,
}

struct Speaker {
    client: Client,
    producer: ProducerId,
    ssrc: u32,
    index: u64,
}

impl Channel {
    /// Everybody joins on one worker; `hears(listener, speaker)` tells who listens to whom, by their places.
    pub fn new(
        server: SocketAddr,
        speakers: &[SocketAddr],
        listeners: &[SocketAddr],
        hears: impl Fn(usize, usize) -> bool,
    ) -> Self {
        Self::on_workers(1, server, speakers, listeners, hears)
    }

    /// As [`Channel::new`], on so many workers; which one gets a client follows from its port.
    pub fn on_workers(
        workers: u8,
        server: SocketAddr,
        speakers: &[SocketAddr],
        listeners: &[SocketAddr],
        hears: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let options = Options {
            workers,
            consent_timeout: CONSENT,
            dtls_seed: Some(1),
            seed: [1; 32],
            ..Options::default()
        };
        let now = Instant::now();
        let mut channel = Self {
            now,
            server: Server::new(server, options, now),
            speakers: Vec::new(),
            clients: 0,
        };
        speakers
            .iter()
            .for_each(|address| channel.add_speaker(*address));
        for (place, address) in listeners.iter().enumerate() {
            channel.add_listener(*address, |speaker| hears(place, speaker));
        }
        channel.settle();
        channel
    }

    /// The worker, or the first of them, to be timed.
    pub fn worker(&mut self) -> &mut Worker {
        &mut self.server.workers[0]
    }

    /// How many speak.
    pub fn speakers(&self) -> usize {
        self.speakers.len()
    }

    /// A speaker's next packet as it leaves the microphone: from where, and sealed.
    pub fn speak(&mut self, speaker: usize) -> (SocketAddr, Vec<u8>) {
        let speaker = &mut self.speakers[speaker];
        let header = speaker.header();
        speaker
            .client
            .send_rtp(&header, &[0xA5; PAYLOAD], speaker.index);
        speaker.client.recorded.clear();
        speaker.index += 1;
        speaker.client.outgoing.pop_front().unwrap()
    }

    /// Time for the next packets.
    pub fn advance(&mut self, time: Duration) {
        self.now += time;
    }

    /// A speaker's packet comes in, and goes to all workers that have listeners: as their threads would, without the queues between.
    pub fn forward(&mut self, from: SocketAddr, bytes: &mut [u8]) {
        let (home, now) = (self.server.home_of(from), self.now);
        let workers = &mut self.server.workers;
        workers[home].handle_datagram(from, LOCAL, bytes, now);
        while let Some((to, message)) = workers[home].poll_message() {
            workers[usize::from(to.0)].handle_message(message, now);
        }
    }

    /// Datagrams that wait to be sent.
    pub fn sent(&mut self) -> usize {
        let workers = self.server.workers.iter_mut();
        workers.map(|worker| worker.outbox().len()).sum()
    }

    /// Forgets what a driver would have carried away.
    pub fn clear(&mut self) {
        for worker in &mut self.server.workers {
            worker.outbox().clear();
            while worker.poll_event().is_some() {}
        }
    }

    /// Timers that are due, outside what is timed.
    pub fn run_timers(&mut self) {
        let now = self.now;
        for worker in &mut self.server.workers {
            while worker.next_timeout().is_some_and(|due| due <= now) {
                worker.handle_timeout(now);
            }
        }
        self.clear();
    }

    fn add_speaker(&mut self, address: SocketAddr) {
        let (client, transport) = self.join(address);
        let ssrc = 7_000 + self.speakers.len() as u32;
        let options = ProducerOptions {
            ssrc: Some(ssrc),
            mid: Some("audio".into()),
            opus_payload_type: Some(OPUS),
            red_payload_type: None,
            mid_extension: Some(MID_EXTENSION),
            audio_level_extension: Some(LEVEL_EXTENSION),
            abs_send_time_extension: Some(TIME_EXTENSION),
            nack: true,
            cname: Arc::from("speaker"),
        };
        let producer = self.server.produce(transport, options, self.now);
        self.speakers.push(Speaker {
            client,
            producer,
            ssrc,
            index: 1,
        });
    }

    fn add_listener(&mut self, address: SocketAddr, hears: impl Fn(usize) -> bool) {
        let (_, transport) = self.join(address);
        for (place, speaker) in self
            .speakers
            .iter()
            .enumerate()
            .filter(|(at, _)| hears(*at))
        {
            let ssrc = 10_000_000 + place as u32;
            let options = ConsumerOptions {
                ssrc,
                mid: ssrc.to_string().into(),
                opus_payload_type: CONSUMER_OPUS,
                red_payload_type: None,
                mid_extension: Some(CONSUMER_MID_EXTENSION),
                audio_level_extension: Some(CONSUMER_LEVEL_EXTENSION),
                abs_send_time_extension: Some(CONSUMER_TIME_EXTENSION),
                nack: true,
            };
            let (producer, now) = (speaker.producer, self.now);
            let consumer = self.server.consume(transport, producer, options, now);
            self.server.pause_consumer(consumer, false, now);
        }
    }

    fn join(&mut self, address: SocketAddr) -> (Client, TransportId) {
        self.clients += 1;
        let mut untimed = Stopwatch::default();
        join(
            &mut self.server,
            (address, self.clients),
            &mut self.now,
            &mut untimed,
        )
    }

    /// Lets everybody speak until nothing grows any more, and sees that packets come out as the floor has them.
    fn settle(&mut self) {
        for _ in 0..SETTLING {
            self.advance(FRAME);
            for speaker in 0..self.speakers.len() {
                let (from, mut bytes) = self.speak(speaker);
                self.forward(from, &mut bytes);
            }
            // Of all workers together: one of many may have no listener of this channel.
            let workers = self.server.workers.iter_mut();
            let largest = workers
                .filter_map(|worker| worker.outbox().iter().map(|sent| sent.bytes.len()).max())
                .max();
            assert_eq!(largest, Some(DATAGRAM), "a packet as the floor has it");
            self.clear();
            self.run_timers();
        }
    }
}

/// A transport and the client on it, connected; what the server does for that is timed. The client's number makes its credentials and keys.
pub fn join(
    server: &mut Server,
    (address, number): (SocketAddr, u64),
    now: &mut Instant,
    stopwatch: &mut Stopwatch,
) -> (Client, TransportId) {
    let mut random = [0; Credentials::RANDOM];
    for (place, byte) in random.iter_mut().take(4).enumerate() {
        *byte = (number >> (6 * place)) as u8 & 63; // a letter is made of six bits
    }
    let credentials = Credentials::from_random(&random);
    let transport = stopwatch.time_allocating(|| server.create_transport(credentials, *now));
    let mut client = Client::new(
        address,
        server.address,
        credentials,
        Version::Both,
        number,
        *now,
    );
    let fingerprints = client.fingerprints();
    stopwatch.time_allocating(|| server.connect(transport, Role::Client, fingerprints, *now));
    let begun = *now;
    while !exchange(server, &mut client, transport, *now, stopwatch) {
        *now += Duration::from_millis(1);
        assert!(
            *now < begun + Duration::from_secs(10),
            "{address} could not join"
        );
    }
    (client, transport)
}

/// Carries datagrams both ways once; tells whether media may flow.
fn exchange(
    server: &mut Server,
    client: &mut Client,
    transport: TransportId,
    now: Instant,
    stopwatch: &mut Stopwatch,
) -> bool {
    client.handle_timeout(now);
    while let Some((from, mut bytes)) = client.outgoing.pop_front() {
        stopwatch.time_allocating(|| server.handle_datagram(from, &mut bytes, now));
    }
    stopwatch.time_allocating(|| while server.carry_messages(now) {});
    let home = server.home_of(client.address);
    let worker = &mut server.workers[home];
    let answers = worker
        .outbox()
        .iter()
        .filter(|sent| sent.destination == client.address);
    let answers: Vec<Vec<u8>> = answers.map(|sent| sent.bytes.to_vec()).collect();
    worker.outbox().clear();
    for mut bytes in answers {
        client.handle_datagram(&mut bytes, now);
    }
    let opened = Event::TransportConnected(transport);
    std::iter::from_fn(|| worker.poll_event()).any(|event| event == opened)
}

impl Speaker {
    fn header(&self) -> Vec<u8> {
        let fields = Fields {
            marker: false,
            payload_type: OPUS,
            sequence: self.index as u16,
            timestamp: self.index as u32 * FRAME_TICKS,
            ssrc: self.ssrc,
        };
        let mut header = Vec::new();
        let elements: [(u8, &[u8]); 2] = [(TIME_EXTENSION, &[1, 2, 3]), (LEVEL_EXTENSION, &[30])];
        fields.write(&elements, &mut header).unwrap();
        header
    }
}
