//! Whatever comes, in whatever order: no panic, and nothing left when all are gone.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Conditions, Scene, Setup, Side};
use proptest::prelude::*;

const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// One thing that somebody does.
#[derive(Clone, Debug)]
enum Step {
    Join,
    Leave,
    Speak,
    Mute(bool),
    Pause(usize, bool),
    CloseConsumer(usize),
    RestartIce(Side),
    Move(Side),
    Goodbye(Side),
    FallSilent(Side),
    Garbage(Side, Vec<u8>),
    SealedRtp(Vec<u8>, Vec<u8>),
    SealedRtcp(Side, Vec<u8>),
    Wait(u16),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Send), Just(Side::Receive)]
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..most)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Join),
        1 => Just(Step::Leave),
        3 => Just(Step::Speak),
        1 => any::<bool>().prop_map(Step::Mute),
        2 => (0..4usize, any::<bool>()).prop_map(|(whom, paused)| Step::Pause(whom, paused)),
        1 => (0..4usize).prop_map(Step::CloseConsumer),
        1 => side().prop_map(Step::RestartIce),
        2 => side().prop_map(Step::Move),
        1 => side().prop_map(Step::Goodbye),
        1 => side().prop_map(Step::FallSilent),
        2 => (side(), bytes(100)).prop_map(|(side, bytes)| Step::Garbage(side, bytes)),
        2 => (bytes(60), bytes(60)).prop_map(|(header, payload)| Step::SealedRtp(header, payload)),
        2 => (side(), bytes(100)).prop_map(|(side, bytes)| Step::SealedRtcp(side, bytes)),
        3 => (0..2_000u16).prop_map(Step::Wait),
    ]
}

/// Does a step as `name`; what makes no sense at that moment is left out.
fn act(scene: &mut Scene, name: &'static str, step: &Step) {
    let here = scene.people.iter().any(|person| person.name == name);
    let now = scene.now;
    match step {
        Step::Join if !here => scene.join(name),
        Step::Wait(ms) => scene.run(Duration::from_millis(u64::from(*ms))),
        _ if !here => {}
        Step::Join => {}
        Step::Leave => {
            scene.leave(name);
            scene.people.retain(|person| person.name != name);
            scene.people.iter_mut().for_each(|person| {
                let _ = person.consumers.remove(name);
            });
        }
        Step::Speak => scene.speak(name),
        Step::Mute(muted) => scene.mute(name, *muted),
        Step::Pause(whom, paused) => {
            if scene.person(name).consumers.contains_key(PEOPLE[*whom]) {
                scene.pause(name, PEOPLE[*whom], *paused);
            }
        }
        Step::CloseConsumer(whom) => {
            if let Some(consumer) = scene.person(name).consumers.remove(PEOPLE[*whom]) {
                scene.server.close_consumer(consumer, now);
            }
        }
        Step::RestartIce(side) => {
            let (fresh, transport) = (scene.fresh_credentials(), scene.transport(name, *side));
            scene.server.restart_ice(transport, fresh, now);
            scene.person(name).client(*side).restart_ice(fresh, now);
        }
        Step::Move(side) => {
            let address = scene.fresh_address();
            scene.person(name).client(*side).move_to(address, now);
        }
        Step::Goodbye(side) => scene.person(name).client(*side).say_goodbye(now),
        Step::FallSilent(side) => scene.person(name).client(*side).checks = false,
        Step::Garbage(side, bytes) => {
            let address = scene.person(name).client(*side).address;
            scene
                .server
                .handle_datagram(address, &mut bytes.clone(), now);
        }
        Step::SealedRtp(header, payload) => seal_rtp(scene, name, header, payload),
        Step::SealedRtcp(side, bytes) => seal_rtcp(scene, name, *side, bytes),
    }
    scene.run(Duration::from_millis(7));
}

/// Any header of a member's own source, with any bits and any extension block.
fn seal_rtp(scene: &mut Scene, name: &str, noise: &[u8], payload: &[u8]) {
    let person = scene.person(name);
    let mut header = person.header(noise[0] & 0x7F);
    header[0] = 0x80 | noise[0] & 0x3F;
    header.truncate(12);
    header.extend_from_slice(&noise[1..]);
    let index = person.index;
    person.index += 1;
    person.send.send_rtp(&header, payload, index);
}

fn seal_rtcp(scene: &mut Scene, name: &str, side: Side, noise: &[u8]) {
    let mut packet = noise.to_vec();
    packet.resize(packet.len().max(8), 1);
    packet[0] = 0x80 | packet[0] & 0x3F;
    packet[1] = 192 + packet[1] % 32;
    scene.person(name).client(side).send_rtcp(packet);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_events_panics_or_leaves_anything_behind(
        seed in any::<u64>(),
        workers in 1..4u8,
        loss in prop_oneof![Just(0.0), Just(0.1)],
        steps in prop::collection::vec((0..4usize, step()), 1..60),
    ) {
        let conditions = Conditions { loss, duplicates: loss, jitter: Duration::from_millis(15), ..Conditions::default() };
        let mut scene = Scene::new(Setup { seed, workers, conditions, ..Setup::default() });
        for (who, step) in &steps {
            act(&mut scene, PEOPLE[*who], step);
        }
        for name in PEOPLE {
            act(&mut scene, name, &Step::Leave);
        }
        scene.run(Duration::from_secs(1));
        prop_assert_eq!(scene.holders(), []);
    }

    #[test]
    fn no_bytes_from_anywhere_panic(bytes in prop::collection::vec(any::<u8>(), 0..1_500), first in 0..256usize, known in any::<bool>()) {
        let mut scene = Scene::with_people(Setup::default(), &["alice"]);
        let address = if known { scene.person("alice").send.address } else { scene.fresh_address() };
        let mut bytes = bytes;
        if let Some(byte) = bytes.first_mut() {
            *byte = first as u8;
        }
        let now = scene.now;
        for length in [bytes.len(), bytes.len() / 2, bytes.len().min(14), bytes.len().min(1)] {
            scene.server.handle_datagram(address, &mut bytes[..length].to_vec(), now);
        }
        scene.run(Duration::from_millis(50));
        let transport = scene.transport("alice", Side::Send);
        prop_assert_eq!(scene.close_reason(transport), None);
    }
}
