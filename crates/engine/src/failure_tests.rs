//! A worker that panics with real people on it, or finds no room to send: what is lost, what is not, and who may come back.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hocket_media::{
    Certificate, Command, Event, Options, Outbox, StatsOf, TransportId, Worker, WorkerDump,
    WorkerId, WorkerMessage,
};

use crate::common::{Scene, on_loopback};
use crate::driven::Core;
use crate::random::Random;
use crate::{Engine, Error};

/// The real worker, with a bug.
struct Fragile(Worker);

/// The datagram that shows the bug.
const BUG: &[u8] = b"a stand-in panics on purpose";

impl Core for Fragile {
    fn handle_command(&mut self, command: Command, now: Instant) {
        self.0.handle_command(command, now);
    }

    fn handle_datagram(
        &mut self,
        source: SocketAddr,
        local: IpAddr,
        data: &mut [u8],
        now: Instant,
    ) {
        assert!(data != BUG, "a stand-in panics on purpose");
        self.0.handle_datagram(source, local, data, now);
    }

    fn handle_message(&mut self, message: WorkerMessage, now: Instant) {
        self.0.handle_message(message, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.0.next_timeout()
    }

    fn set_padding(&mut self, _: bool) {}

    fn outbox(&mut self) -> &mut Outbox {
        self.0.outbox()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.0.poll_event()
    }

    fn poll_message(&mut self) -> Option<(WorkerId, WorkerMessage)> {
        self.0.poll_message()
    }

    fn dump(&self) -> WorkerDump {
        self.0.dump()
    }
}

fn fragile_scene(workers: u8) -> Scene {
    let options = on_loopback("127.0.0.1", usize::from(workers), true);
    let core = Arc::new(Options {
        workers,
        ..Options::default()
    });
    let certificate = Arc::new(Certificate::generate().unwrap());
    let make = move |id, now| {
        Fragile(Worker::new(
            id,
            Arc::clone(&core),
            Arc::clone(&certificate),
            now,
        ))
    };
    let engine = Engine::start(&options, Random::new(None).unwrap(), vec![], make).unwrap();
    Scene::on(engine, options.addresses[0])
}

/// People until both workers own two; gives them by worker. The kernel deals clients by their ports.
fn two_on_each(scene: &mut Scene) -> [Vec<usize>; 2] {
    let mut people = [Vec::new(), Vec::new()];
    while people.iter().any(|of_one| of_one.len() < 2) {
        let person = scene.join_connected();
        let transport = scene.people[person].transport;
        let worker = owner(scene, transport);
        people[worker].push(person);
        assert!(
            scene.people.len() < 100,
            "the kernel deals all clients to one worker"
        );
    }
    people
}

fn owner(scene: &Scene, transport: TransportId) -> usize {
    let registry = scene.engine.shared.registry();
    usize::from(registry.claim(transport).unwrap().owner().unwrap().0)
}

#[test]
fn a_failed_worker_takes_its_own_people_and_nobody_elses() {
    let mut scene = fragile_scene(2);
    let [here, there] = two_on_each(&mut scene);
    let (lost, kept) = (scene.produce(here[0]), scene.produce(there[0]));
    scene.hear(there[1], lost, 7);
    scene.hear(there[1], kept, 8);
    scene.settle();
    let victims: Vec<TransportId> = here
        .iter()
        .map(|person| scene.people[*person].transport)
        .collect();

    scene.people[here[0]].client.send(BUG.to_vec());
    scene.run_until("the failure told", |scene| !scene.failed.is_empty());

    scene.failed.sort();
    assert_eq!(scene.failed, victims, "those it owned, and only those");
    let counts = scene.engine.dump().counts;
    assert_eq!(
        (counts.transports, counts.producers, counts.consumers),
        (there.len(), 1, 1)
    );
    assert!(matches!(
        scene.engine.request_stats(StatsOf::Producer(lost)),
        Err(Error::UnknownId(_))
    ));

    scene.run_until("no trace at the others", |scene| {
        let cores = scene.engine.dump().cores;
        let announced = cores.iter().all(|core| core.announced == there.len());
        announced
            && cores[1].transports == there.len()
            && cores[1].feeds == 1
            && cores[1].foreign_addresses == 0
    });

    scene.say(there[0], b"we go on");
    scene.run_until("the word", |scene| !scene.people[there[1]].heard.is_empty());
    assert_eq!(scene.people[there[1]].heard_from(8), [b"we go on"]);
}

#[test]
fn those_who_were_lost_can_join_again_at_once() {
    let mut scene = fragile_scene(2);
    let [here, there] = two_on_each(&mut scene);
    scene.people[here[0]].client.send(BUG.to_vec());
    scene.run_until("the failure told", |scene| !scene.failed.is_empty());
    let kept = scene.produce(there[0]);
    let back = loop {
        let person = scene.join_connected();
        if owner(&scene, scene.people[person].transport) == 0 {
            break person;
        }
        assert!(scene.people.len() < 100, "the new worker gets no clients");
    };
    scene.hear(back, kept, 9);
    scene.ask(StatsOf::Transport(scene.people[back].transport));
    scene.say(there[0], b"welcome back");
    scene.run_until("the word", |scene| !scene.people[back].heard.is_empty());
    assert_eq!(scene.people[back].heard_from(9), [b"welcome back"]);
}

#[test]
fn a_client_under_way_finds_the_new_worker() {
    let mut scene = fragile_scene(1);
    let early = scene.join_connected();
    let late = scene.join();
    scene.people[early].client.send(BUG.to_vec());
    // What `late` has sent may be lost with the old worker or reach the new one; its checks go on either way, unless
    // the old worker had claimed it.
    scene.run_until("connected or told", |scene| {
        scene.people[late].client.is_connected()
            || scene.failed.contains(&scene.people[late].transport)
    });
    scene.run_until("the failure told", |scene| {
        scene.failed.contains(&scene.people[early].transport)
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_whose_answers_find_no_room_counts_them_and_goes_on() {
    for batch in [true, false] {
        let options = on_loopback("127.0.0.1", 1, batch);
        let server = options.addresses[0];
        let engine = std::thread::spawn(move || {
            crate::socket::refusal::refuse_sends(libc::ENOBUFS).unwrap();
            Engine::new(&options).unwrap() // its threads are under the same rule
        });
        let mut scene = Scene::on(engine.join().unwrap(), server);
        let person = scene.join();
        scene.run_until("three answers that were lost", |scene| {
            let dropped = scene.engine.dump().dropped;
            dropped.get("send-no-room").is_some_and(|lost| *lost >= 3)
        });
        scene.ask(StatsOf::Transport(scene.people[person].transport));
        assert_eq!(scene.engine.dump().threads, 1);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_that_cannot_be_read_is_tried_a_hundred_times_a_second_and_no_oftener() {
    for batch in [true, false] {
        let options = on_loopback("127.0.0.1", 1, batch);
        let engine = std::thread::spawn(move || {
            crate::socket::refusal::refuse_receives(libc::ENOMEM).unwrap();
            Engine::new(&options).unwrap() // its threads are under the same rule
        });
        let engine = engine.join().unwrap();
        let began = Instant::now();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client
            .send_to(b"hello", ("127.0.0.1", engine.port()))
            .unwrap();
        let failures = || {
            let dropped = engine.dump().dropped;
            dropped.get("receive-error").copied().unwrap_or(0)
        };
        while failures() < 10 {
            assert!(began.elapsed() < Duration::from_secs(5), "it is not tried");
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(200));
        let most = began.elapsed().as_millis() as u64 / 10 + 2;
        assert!(failures() <= most, "{} of {most}", failures());
    }
}
