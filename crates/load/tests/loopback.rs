//! The load client's threads and sockets against a real engine: one shared socket (127.0.0.1), and a socket each (::1).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hocket_engine::{Engine, EngineOptions, RouterId};
use hocket_load::{LoadClient, LoadOptions, Ptime, SpeakOptions};
use hocket_media::{ConsumerOptions, Fingerprints, ProducerId, ProducerOptions, Role, TransportId};

const PATIENCE: Duration = Duration::from_secs(30);
const PACKETS: u64 = 25;
const SOUND: Duration = Duration::from_millis(20 * PACKETS);

struct Hall {
    engine: Engine,
    router: RouterId,
    client: LoadClient,
    address: SocketAddr,
}

impl Hall {
    fn new(host: &str, threads: usize) -> Self {
        let engine = Engine::new(&EngineOptions::default()).unwrap();
        let options = LoadOptions {
            threads,
            sample: 1,
            ..LoadOptions::default()
        };
        Self {
            router: engine.create_router().unwrap(),
            address: SocketAddr::new(host.parse().unwrap(), engine.port()),
            client: LoadClient::new(&options).unwrap(),
            engine,
        }
    }

    /// A transport on both sides.
    fn transport(&self) -> (TransportId, u64) {
        let info = self.engine.create_transport(self.router).unwrap();
        let theirs = self.engine.fingerprints().iter();
        let theirs = Fingerprints::parse(theirs.map(|(name, value)| (&**name, &**value))).unwrap();
        let ours = &self.client.fingerprints()[0];
        let ours = Fingerprints::parse([(ours.algorithm(), &*ours.value())]).unwrap();
        self.engine
            .connect_transport(info.id, Role::Client, ours)
            .unwrap();
        let (fragment, password) = (info.credentials.ufrag, info.credentials.password);
        let number = self
            .client
            .create_transport(
                fragment.as_str(),
                password.as_str(),
                vec![self.address],
                theirs,
            )
            .unwrap();
        (info.id, number)
    }

    fn speaker(&self, ssrc: u32) -> ProducerId {
        self.speaker_of(ssrc, Ptime::Ms20).0
    }

    /// Somebody with packets of this length, and its number.
    fn speaker_of(&self, ssrc: u32, ptime: Ptime) -> (ProducerId, u64) {
        let (transport, number) = self.transport();
        let options = SpeakOptions {
            ssrc,
            payload_type: 111,
            payload: 80,
            vary: 20,
            ptime,
            level_extension: Some(1),
            level: -30,
        };
        self.client.speak(number, options).unwrap();
        let options = ProducerOptions {
            ssrc: Some(ssrc),
            opus_payload_type: Some(111),
            audio_level_extension: Some(1),
            ..ProducerOptions::default()
        };
        (self.engine.produce(transport, options).unwrap(), number)
    }

    fn listener(&self, speakers: &[ProducerId]) {
        let (transport, number) = self.transport();
        for (index, speaker) in speakers.iter().enumerate() {
            let ssrc = 500 + index as u32;
            let options = ConsumerOptions {
                ssrc,
                mid: format!("{ssrc}").into(),
                opus_payload_type: 100,
                red_payload_type: None,
                mid_extension: None,
                audio_level_extension: None,
                abs_send_time_extension: None,
                nack: false,
            };
            let consumer = self.engine.consume(transport, *speaker, options).unwrap();
            self.client.hear(number, vec![ssrc]).unwrap();
            self.engine.resume_consumer(consumer).unwrap();
        }
    }

    /// Waits until so many are connected and so many streams are heard, and until nothing is under way.
    fn settle(&self, transports: usize, streams: usize) {
        self.until("connected", |client| {
            client.progress().connected == transports
        });
        self.until("heard", |client| client.progress().begun == streams);
        self.client.silence().unwrap();
        std::thread::sleep(Duration::from_millis(200)); // what is under way does not count
    }

    fn until(&self, what: &str, condition: impl Fn(&LoadClient) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !condition(&self.client) {
            let report = self.client.report().unwrap();
            assert!(Instant::now() < until, "{what}: {report:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn everyone_is_heard(host: &str, threads: usize) {
    let hall = Hall::new(host, threads);
    let speakers = [hall.speaker(11), hall.speaker(12)];
    (0..3).for_each(|_| hall.listener(&speakers));
    hall.settle(5, 6);
    hall.client.measure(SOUND).unwrap();
    let expected = PACKETS * 2 * 3;
    hall.until("counted", |client| {
        client.report().unwrap().received >= expected
    });
    let report = hall.client.report().unwrap();
    assert_eq!((report.expected, report.received), (expected, expected));
    assert_eq!((report.opened, report.delay.count()), (expected, expected));
    assert_eq!(
        (report.unreadable, report.unexpected, report.again),
        (0, 0, 0)
    );
    assert!(report.failures.is_empty());
    let mut sent = report.sent;
    sent.sort_unstable();
    assert_eq!(sent, [(0, PACKETS), (1, PACKETS)]);
    assert_eq!(
        (report.by_ptime, report.asked),
        ([PACKETS * 2, 0, 0], PACKETS * 2)
    );
    assert_eq!(hall.client.progress().speaking, 0);
    assert_eq!(report.threads.len(), threads);
}

#[test]
fn everyone_is_heard_over_one_socket() {
    everyone_is_heard("127.0.0.1", 1);
}

#[test]
fn everyone_is_heard_over_a_socket_each() {
    everyone_is_heard("::1", 1);
}

#[test]
fn two_threads_count_together_what_one_would() {
    everyone_is_heard("127.0.0.1", 2);
}

#[test]
fn a_measurement_is_as_long_for_packets_of_every_length_and_counts_each() {
    let hall = Hall::new("127.0.0.1", 1);
    let people = [(11, Ptime::Ms20), (12, Ptime::Ms40), (13, Ptime::Ms60)];
    let speakers = people.map(|(ssrc, ptime)| hall.speaker_of(ssrc, ptime).0);
    (0..2).for_each(|_| hall.listener(&speakers));
    hall.settle(5, 6);
    hall.client.measure(SOUND).unwrap();
    let sent = [25, 13, 9];
    let expected = sent.iter().sum::<u64>() * 2;
    hall.until("counted", |client| {
        client.report().unwrap().received >= expected
    });
    let report = hall.client.report().unwrap();
    assert_eq!((report.by_ptime, report.asked), (sent, 25 + 13 + 9));
    assert_eq!((report.expected, report.received), (expected, expected));
    assert_eq!((report.opened, report.delay.count()), (expected, expected));
    assert_eq!((report.unreadable, report.again), (0, 0));
}

#[test]
fn packets_that_become_longer_in_the_middle_are_still_all_there() {
    let hall = Hall::new("127.0.0.1", 1);
    let (speaker, number) = hall.speaker_of(11, Ptime::Ms20);
    hall.listener(&[speaker]);
    hall.settle(2, 1);
    hall.client.measure(Duration::from_secs(2)).unwrap();
    hall.until("begun", |client| client.report().unwrap().by_ptime[0] >= 10);
    hall.client.set_ptime(number, Ptime::Ms60).unwrap();
    hall.until("said", |client| client.progress().speaking == 0);
    let sent = |report: &hocket_load::Report| report.by_ptime.iter().sum::<u64>();
    hall.until("counted", |client| {
        let report = client.report().unwrap();
        report.received >= sent(&report)
    });
    let report = hall.client.report().unwrap();
    let [short, _, long] = report.by_ptime;
    assert!((10..100).contains(&short) && long > 0, "{short} and {long}");
    assert_eq!(
        long,
        (2_000 - 20 * short).div_ceil(60),
        "two seconds in all"
    );
    assert_eq!(
        (report.expected, report.received),
        (short + long, short + long)
    );
    assert_eq!(report.delay.count(), short + long);
    assert_eq!(report.unreadable, 0);
}

#[test]
fn a_closed_client_and_an_unknown_transport_are_refused() {
    let hall = Hall::new("127.0.0.1", 1);
    assert!(hall.client.hear(7, vec![1]).is_err());
    assert!(hall.client.set_ptime(7, Ptime::Ms40).is_err());
    hall.client.close();
    hall.client.close();
    assert!(hall.client.report().is_err());
    assert!(hall.client.measure(SOUND).is_err());
}
