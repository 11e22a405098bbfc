//! What befalls people, networks and workers.

use std::net::SocketAddr;
use std::time::Duration;

use hocket_media::WorkerId;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::people::{Life, SIDES};
use crate::setting::Setting;
use crate::signalling::some_consumer;
use crate::steps::{life, seats, somebody};
use crate::world::World;

pub fn goodbye(world: &mut World, random: &mut StdRng) {
    let now = world.now;
    if let Some(seat) = somebody(world, random, |life| life.is_awake() && life.is_connected()) {
        let side = *SIDES.choose(random).unwrap();
        life(world, seat).person.client(side).say_goodbye(now);
    }
}

pub fn vanish(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, |_| true) {
        life(world, seat).vanished = true;
    }
}

pub fn change_address(world: &mut World, random: &mut StdRng) {
    let address = world.fresh_address();
    if let Some(seat) = somebody(world, random, Life::is_awake) {
        move_one(world, random, seat, address);
    }
}

/// A NAT gives somebody an address that somebody else had who has left.
pub fn reuse_address(world: &mut World, random: &mut StdRng) {
    let Some(seat) = somebody(world, random, Life::is_awake) else {
        return;
    };
    if let Some(address) = world.free_addresses.pop() {
        move_one(world, random, seat, address);
    }
}

pub fn move_one(world: &mut World, random: &mut StdRng, seat: usize, address: SocketAddr) {
    let (now, side) = (world.now, *SIDES.choose(random).unwrap());
    let life = life(world, seat);
    life.move_to(side, address, now);
    let transport = life.transport(side);
    world.control.addresses.insert(address, transport);
}

pub fn restart_ice(world: &mut World, random: &mut StdRng) {
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

pub fn change_source(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, |life| life.person.writes_mid) {
        life(world, seat).change_source();
    }
}

/// A listener misses something, or says so.
pub fn ask(world: &mut World, random: &mut StdRng) {
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

pub fn say_bye(world: &mut World, random: &mut StdRng) {
    if let Some(seat) = somebody(world, random, Life::is_awake) {
        life(world, seat).say_bye();
    }
}

pub fn weather(world: &mut World, random: &mut StdRng) {
    world.network.conditions = Setting::weather(random);
}

pub fn jump(world: &mut World, random: &mut StdRng) {
    let longest = if random.random_bool(0.1) {
        40_000
    } else {
        3_000
    };
    world.jump(Duration::from_millis(random.random_range(10..longest)));
}

pub fn sleep(world: &mut World, random: &mut StdRng) {
    let until = world.now + Duration::from_millis(random.random_range(50..8_000));
    if let Some(seat) = somebody(world, random, Life::is_awake) {
        life(world, seat).asleep_until = Some(until);
    }
}

/// Nobody says anything for longer than a producer keeps what it said.
pub fn lull(world: &mut World, random: &mut StdRng) {
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

pub fn fail(world: &mut World, random: &mut StdRng) {
    let worker = random.random_range(0..world.control.workers.count());
    let worker = WorkerId(u8::try_from(worker).unwrap());
    for seat in world.control.fail(worker, world.now) {
        world.leave(seat);
    }
    world.settle();
}

pub fn padding(world: &mut World, random: &mut StdRng) {
    let worker = random.random_range(0..world.control.workers.count());
    world.control.workers.toggle_padding(worker);
}
