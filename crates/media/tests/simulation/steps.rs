//! What may happen: each step is drawn by chance, done by control or by a person, and then some time passes.
//!
//! A step's chance follows from the seed and the step's number alone, so that the others are the same when some are left out.

use std::collections::BTreeSet;
use std::time::Duration;

use hocket_media::WorkerId;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::control::CHANNELS;
use crate::network::mix;
use crate::people::{LOUD, Life, NAMES, SIDES, SILENT};
use crate::setting::Setting;
use crate::world::World;

/// The longest time that a step takes, but for a few; their middle is half a frame.
const TIME: Duration = Duration::from_millis(20);

type Act = fn(&mut World, &mut StdRng);

/// Names, how often each comes in a thousand steps, and what it does. Nothing happens in the rest.
const KINDS: [(&str, u32, Act); 30] = [
    ("enter", 12, enter),
    ("signal", 60, signal),
    ("leave", 4, leave),
    ("goodbye", 2, goodbye),
    ("vanish", 1, vanish),
    ("mute", 40, mute),
    ("pause", 25, pause),
    ("resume", 60, resume),
    ("close", 8, close_consumer),
    ("consume", 40, consume),
    ("consume-again", 3, consume_again),
    ("revoke-listen", 3, revoke_listen),
    ("revoke-speak", 4, revoke_speak),
    ("grant", 12, grant),
    ("talk", 40, talk),
    ("level", 30, level),
    ("red", 10, red),
    ("limit", 8, limit),
    ("move", 8, change_address),
    ("restart", 4, restart_ice),
    ("source", 4, change_source),
    ("ask", 40, ask),
    ("bye", 4, say_bye),
    ("weather", 8, weather),
    ("jump", 3, jump),
    ("sleep", 3, sleep),
    ("lull", 1, lull),
    ("fail", 2, fail),
    ("padding", 4, padding),
    ("reuse", 3, reuse_address),
];

/// Some people are there at once, so that there is something to hear.
pub fn begin(world: &mut World) {
    let mut random = StdRng::seed_from_u64(mix(world.setting.seed, 0));
    for _ in 0..random.random_range(2..NAMES.len()) {
        enter(world, &mut random);
    }
}

/// Does one step, by its number.
pub fn step(world: &mut World, number: u64) {
    let mut random = StdRng::seed_from_u64(mix(world.setting.seed, number));
    let mut dice = random.random_range(0..1_000);
    let time = TIME.mul_f64(random.random());
    for (name, share, act) in KINDS {
        if dice < share {
            if !world.setting.without.iter().any(|kind| kind == name) {
                act(world, &mut random);
                if world.setting.traced {
                    println!("{number:6} {:>12?} {name}", world.now - world.start);
                }
            }
            break;
        }
        dice -= share;
    }
    world.run(time);
    world.check();
}

/// Names of all kinds.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter().map(|(name, ..)| name)
}

fn seats(world: &World, wanted: impl Fn(&Life) -> bool) -> Vec<usize> {
    let present = |seat: &usize| world.seats[*seat].present.as_ref().is_some_and(&wanted);
    (0..NAMES.len()).filter(present).collect()
}

/// Somebody for whom something holds.
fn somebody(world: &World, random: &mut StdRng, wanted: impl Fn(&Life) -> bool) -> Option<usize> {
    seats(world, wanted).choose(random).copied()
}

fn life(world: &mut World, seat: usize) -> &mut Life {
    world.seats[seat].present.as_mut().unwrap()
}

fn enter(world: &mut World, random: &mut StdRng) {
    let taken: BTreeSet<usize> = seats(world, |_| true).into_iter().collect();
    let free: Vec<usize> = (0..NAMES.len())
        .filter(|seat| !taken.contains(seat))
        .collect();
    let channel = usize::from(random.random_bool(0.3)) % CHANNELS;
    let (writes_mid, wraps, carries) = (
        random.random_bool(0.3),
        random.random_bool(0.4),
        random.random_range(1..4),
    );
    let (speaks, signals) = (random.random_bool(0.6), random.random_bool(0.5));
    let Some(seat) = free.choose(random).copied() else {
        return;
    };
    let now = world.now;
    world.enter(seat, channel, |person| {
        (person.writes_mid, person.wraps_in_red, person.carries) = (writes_mid, wraps, carries);
        person.payload_length = 20 + 15 * usize::from(person.number);
        if speaks {
            person.speak(now + Duration::from_micros(911 * u64::from(person.number)));
        }
    });
    if signals {
        signal_one(world, seat);
    }
}

fn signal(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, |life| !life.signalled) {
        signal_one(world, seat);
    }
}

/// What JoinChannel brings: certificates, a producer, consumers of and for everybody else, resumed at once.
pub fn signal_one(world: &mut World, seat: usize) {
    for side in SIDES {
        let life = life(world, seat);
        life.signalled = true;
        let (transport, fingerprints) = (
            life.transport(side),
            life.person.client(side).fingerprints(),
        );
        world.control.connect(transport, fingerprints, world.now);
    }
    produce(world, seat);
    for ssrc in consume_missing(world, seat) {
        world.control.pause_consumer(ssrc, false, world.now);
    }
    world.settle();
}

fn produce(world: &mut World, seat: usize) {
    let life = world.seats[seat].present.as_mut().unwrap();
    let place = (seat, life.number, life.channel);
    let producer = world.control.produce(place, &life.person, world.now);
    life.person.producer = Some(producer);
}

/// Makes the consumers that this person and the others lack of each other.
fn consume_missing(world: &mut World, newcomer: usize) -> Vec<u32> {
    let mut made = Vec::new();
    let signalled = seats(world, |life| life.signalled);
    for listener in &signalled {
        let life = world.seats[*listener].present.as_ref().unwrap();
        let (transport, may_listen, channel) =
            (life.person.receive_transport, life.may_listen, life.channel);
        let wanted = |producer: &crate::control::Producer| {
            producer.channel == channel
                && producer.seat != *listener
                && [producer.seat, *listener].contains(&newcomer)
        };
        let producers = world.control.open_producers();
        let producers = producers.filter(|(_, producer)| may_listen && wanted(producer));
        let known: BTreeSet<_> = world
            .control
            .open_consumers()
            .filter(|(_, consumer)| consumer.transport == transport)
            .map(|(_, consumer)| consumer.producer)
            .collect();
        let missing: Vec<_> = producers
            .map(|(id, _)| id)
            .filter(|id| !known.contains(id))
            .collect();
        for producer in missing {
            made.push(world.control.consume(transport, producer, world.now));
        }
    }
    made
}

fn leave(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, |_| true) {
        world.leave(seat);
    }
}

fn goodbye(world: &mut World, random: &mut StdRng) {
    let now = world.now;
    if let Some(seat) = somebody(world, random, |life| life.is_awake() && life.is_connected()) {
        let side = *SIDES.choose(random).unwrap();
        life(world, seat).person.client(side).say_goodbye(now);
    }
}

fn vanish(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, |_| true) {
        life(world, seat).vanished = true;
    }
}

fn mute(world: &mut World, random: &mut StdRng) {
    let producers: Vec<_> = world
        .control
        .open_producers()
        .map(|(id, one)| (id, one.paused))
        .collect();
    if let Some((producer, paused)) = producers.choose(random) {
        if *paused || random.random_bool(0.3) {
            world.control.pause_producer(*producer, !paused, world.now);
            world.settle();
        }
    }
}

fn some_consumer(world: &World, random: &mut StdRng, active: bool) -> Option<u32> {
    let consumers = world
        .control
        .open_consumers()
        .filter(|(_, one)| one.active == active);
    let consumers: Vec<u32> = consumers.map(|(ssrc, _)| ssrc).collect();
    consumers.choose(random).copied()
}

fn pause(world: &mut World, random: &mut StdRng) {
    if let Some(ssrc) = some_consumer(world, random, true) {
        world.control.pause_consumer(ssrc, true, world.now);
        world.settle();
    }
}

fn resume(world: &mut World, random: &mut StdRng) {
    if let Some(ssrc) = some_consumer(world, random, false) {
        world.control.pause_consumer(ssrc, false, world.now);
        world.settle();
    }
}

fn close_consumer(world: &mut World, random: &mut StdRng) {
    let active = random.random_bool(0.5);
    if let Some(ssrc) = some_consumer(world, random, active) {
        world.control.close_consumer(ssrc, world.now);
        world.settle();
    }
}

fn consume(world: &mut World, random: &mut StdRng) {
    let resumes = random.random_bool(0.7);
    if let Some(seat) = somebody(world, random, |life| life.signalled) {
        for ssrc in consume_missing(world, seat) {
            if resumes {
                world.control.pause_consumer(ssrc, false, world.now);
            }
        }
        world.settle();
    }
}

/// Control asks for a consumer under an SSRC that its transport had before: it must not get one.
fn consume_again(world: &mut World, random: &mut StdRng) {
    let consumers = world.control.consumers.iter();
    let open =
        consumers.filter(|(_, one)| world.control.transports[&one.transport].closed.is_none());
    let used: Vec<_> = open
        .map(|(ssrc, one)| (*ssrc, one.transport, one.producer))
        .collect();
    if let Some((ssrc, transport, producer)) = used.choose(random).copied() {
        world
            .control
            .consume_as(ssrc, transport, producer, world.now);
        world.settle();
    }
}

fn revoke_listen(world: &mut World, random: &mut StdRng) {
    let Some(seat) = somebody(world, random, |life| life.may_listen) else {
        return;
    };
    life(world, seat).may_listen = false;
    let consumers = world
        .control
        .open_consumers()
        .filter(|(_, one)| one.seat == seat);
    for ssrc in consumers.map(|(ssrc, _)| ssrc).collect::<Vec<_>>() {
        world.control.close_consumer(ssrc, world.now);
    }
    world.settle();
}

fn revoke_speak(world: &mut World, random: &mut StdRng) {
    let Some(seat) = somebody(world, random, |life| life.may_speak && life.signalled) else {
        return;
    };
    life(world, seat).may_speak = false;
    if let Some(producer) = life(world, seat).person.producer.take() {
        world.control.close_producer(producer, world.now);
    }
    world.settle();
}

/// Whoever lacks a permission gets it back.
fn grant(world: &mut World, random: &mut StdRng) {
    let Some(seat) = somebody(world, random, |life| !(life.may_listen && life.may_speak)) else {
        return;
    };
    let life = life(world, seat);
    let muted = !core::mem::replace(&mut life.may_speak, true);
    life.may_listen = true;
    if life.signalled && muted {
        produce(world, seat);
    }
    consume(world, random);
}

fn talk(world: &mut World, random: &mut StdRng) {
    let now = world.now;
    if let Some(seat) = somebody(world, random, |_| true) {
        let person = &mut life(world, seat).person;
        if !person.speaks {
            person.speak(now);
        } else if random.random_bool(0.3) {
            person.speaks = false;
        }
    }
}

fn level(world: &mut World, random: &mut StdRng) {
    let level = *[Some(LOUD), Some(LOUD), Some(SILENT), Some(55), None]
        .choose(random)
        .unwrap();
    if let Some(seat) = somebody(world, random, |_| true) {
        life(world, seat).person.level = level;
    }
}

fn red(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, |_| true) {
        let person = &mut life(world, seat).person;
        person.wraps_in_red = !person.wraps_in_red;
    }
}

fn limit(world: &mut World, random: &mut StdRng) {
    let channel = random.random_range(0..CHANNELS);
    world.control.channels[channel].set_limit(*[0, 0, 1, 2, 3].choose(random).unwrap());
}

fn change_address(world: &mut World, random: &mut StdRng) {
    let address = world.fresh_address();
    if let Some(seat) = somebody(world, random, Life::is_awake) {
        move_one(world, random, seat, address);
    }
}

/// A NAT gives somebody an address that somebody else had who has left.
fn reuse_address(world: &mut World, random: &mut StdRng) {
    let Some(seat) = somebody(world, random, Life::is_awake) else {
        return;
    };
    if let Some(address) = world.free_addresses.pop() {
        move_one(world, random, seat, address);
    }
}

fn move_one(world: &mut World, random: &mut StdRng, seat: usize, address: std::net::SocketAddr) {
    let (now, side) = (world.now, *SIDES.choose(random).unwrap());
    let life = life(world, seat);
    life.move_to(side, address, now);
    let transport = life.transport(side);
    world.control.addresses.insert(address, transport);
}

fn restart_ice(world: &mut World, random: &mut StdRng) {
    let credentials = world.fresh_credentials();
    if let Some(seat) = somebody(world, random, |life| life.is_awake() && life.signalled) {
        let (now, side) = (world.now, *SIDES.choose(random).unwrap());
        let transport = life(world, seat).transport(side);
        world.control.restart_ice(transport, credentials, now);
        world.settle();
        if let Some(life) = &mut world.seats[seat].present {
            life.restart_ice(side, credentials, now);
        }
    }
}

fn change_source(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, |life| life.person.writes_mid) {
        life(world, seat).change_source();
    }
}

/// A listener misses something, or says so.
fn ask(world: &mut World, random: &mut StdRng) {
    let active = random.random_bool(0.8);
    let Some(ssrc) = some_consumer(world, random, active) else {
        return;
    };
    let consumer = &world.control.consumers[&ssrc];
    let back = random.random_range(0..100);
    let mut sequences: Vec<u16> = consumer.line.recent().rev().skip(back).take(8).collect();
    sequences.extend(
        sequences
            .first()
            .map(|first| first.wrapping_add(random.random_range(0..20))),
    );
    let seat = consumer.seat;
    if sequences.is_empty() {
        return;
    }
    if let Some(life) = world.seats[seat]
        .present
        .as_mut()
        .filter(|life| life.is_awake())
    {
        life.ask(ssrc, &sequences);
    }
}

fn say_bye(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, Life::is_awake) {
        life(world, seat).say_bye();
    }
}

fn weather(world: &mut World, random: &mut StdRng) {
    world.network.conditions = Setting::weather(random);
}

fn jump(world: &mut World, random: &mut StdRng) {
    let longest = if random.random_bool(0.1) {
        40_000
    } else {
        3_000
    };
    world.jump(Duration::from_millis(random.random_range(10..longest)));
}

fn sleep(world: &mut World, random: &mut StdRng) {
    let until = world.now + Duration::from_millis(random.random_range(50..8_000));
    if let Some(seat) = somebody(world, random, Life::is_awake) {
        life(world, seat).asleep_until = Some(until);
    }
}

/// Nobody says anything for longer than a producer keeps what it said.
fn lull(world: &mut World, random: &mut StdRng) {
    let speakers = seats(world, |life| life.person.speaks);
    for seat in &speakers {
        life(world, *seat).person.speaks = false;
    }
    world.run(Duration::from_millis(random.random_range(5_000..40_000)));
    let now = world.now;
    for seat in speakers {
        if let Some(life) = &mut world.seats[seat].present {
            life.person.speak(now);
        }
    }
}

fn fail(world: &mut World, random: &mut StdRng) {
    let worker = random.random_range(0..world.control.workers.count());
    let worker = WorkerId(u8::try_from(worker).unwrap());
    for seat in world.control.fail(worker, world.now) {
        world.leave(seat);
    }
    world.settle();
}

fn padding(world: &mut World, random: &mut StdRng) {
    let worker = random.random_range(0..world.control.workers.count());
    world.control.workers.toggle_padding(worker);
}
