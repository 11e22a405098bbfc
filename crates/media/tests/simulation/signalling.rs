//! What control does: lets people in and out, and says who may be heard by whom.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::control::CHANNELS;
use crate::model::Producer;
use crate::people::{NAMES, SIDES};
use crate::steps::{life, seats, somebody};
use crate::world::World;

pub fn enter(world: &mut World, random: &mut StdRng) {
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

pub fn signal(world: &mut World, random: &mut StdRng) {
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

pub fn produce(world: &mut World, seat: usize) {
    let life = world.seats[seat].present.as_mut().unwrap();
    let place = (seat, life.number, life.channel);
    let producer = world.control.produce(place, &life.person, world.now);
    life.person.producer = Some(producer);
}

/// Makes the consumers that this person and the others lack of each other.
pub fn consume_missing(world: &mut World, newcomer: usize) -> Vec<u32> {
    let mut made = Vec::new();
    let signalled = seats(world, |life| life.signalled);
    for listener in &signalled {
        let life = world.seats[*listener].present.as_ref().unwrap();
        let (transport, may_listen, channel) =
            (life.person.receive_transport, life.may_listen, life.channel);
        let wanted = |producer: &Producer| {
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

pub fn leave(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, |_| true) {
        world.leave(seat);
    }
}

pub fn mute(world: &mut World, random: &mut StdRng) {
    let producers: Vec<_> = world
        .control
        .open_producers()
        .map(|(id, one)| (id, one.paused))
        .collect();
    if let Some((producer, paused)) = producers.choose(random)
        && (*paused || random.random_bool(0.3))
    {
        world.control.pause_producer(*producer, !paused, world.now);
        world.settle();
    }
}

pub fn pause(world: &mut World, random: &mut StdRng) {
    if let Some(ssrc) = some_consumer(world, random, true) {
        world.control.pause_consumer(ssrc, true, world.now);
        world.settle();
    }
}

pub fn resume(world: &mut World, random: &mut StdRng) {
    if let Some(ssrc) = some_consumer(world, random, false) {
        world.control.pause_consumer(ssrc, false, world.now);
        world.settle();
    }
}

pub fn close_consumer(world: &mut World, random: &mut StdRng) {
    let active = random.random_bool(0.5);
    if let Some(ssrc) = some_consumer(world, random, active) {
        world.control.close_consumer(ssrc, world.now);
        world.settle();
    }
}

pub fn consume(world: &mut World, random: &mut StdRng) {
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
pub fn consume_again(world: &mut World, random: &mut StdRng) {
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

pub fn revoke_listen(world: &mut World, random: &mut StdRng) {
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

pub fn revoke_speak(world: &mut World, random: &mut StdRng) {
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
pub fn grant(world: &mut World, random: &mut StdRng) {
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

pub fn limit(world: &mut World, random: &mut StdRng) {
    let channel = random.random_range(0..CHANNELS);
    let limit = *[0, 0, 1, 2, 3].choose(random).unwrap();
    world.control.set_limit(channel, limit, world.now);
}

pub fn some_consumer(world: &World, random: &mut StdRng, active: bool) -> Option<u32> {
    let consumers = world
        .control
        .open_consumers()
        .filter(|(_, one)| one.active == active);
    let consumers: Vec<u32> = consumers.map(|(ssrc, _)| ssrc).collect();
    consumers.choose(random).copied()
}
