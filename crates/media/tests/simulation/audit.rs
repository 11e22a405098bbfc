//! Every now and then the network is good, nobody is crowded out, and everybody speaks: then who hears whom is what control allows, neither more nor less.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::Conditions;
use crate::people::{LOUD, Life, SIDES};
use crate::world::World;
use crate::{signalling, steps};

/// The longest that a handshake takes which a bad network has held up, in halves of a second.
const PATIENCE: usize = 60;
/// The least: whoever has just moved checks anew within that.
const LEAST: usize = 6;

/// Waits until all are connected, lets them speak, and looks who is heard.
pub fn audit(world: &mut World) {
    let weather = world.network.conditions;
    let limits = world.control.channels.each_ref();
    let limits = limits.map(|channel| channel.speakers.limit());
    world.network.conditions = Conditions::default();
    for channel in 0..limits.len() {
        world.control.set_limit(channel, 0, world.now);
    }
    let said = |life: &mut Life| (life.person.number, life.person.speaks, life.person.level);
    let before: Vec<_> = everybody(world).map(said).collect();
    let now = world.now;
    for life in everybody(world) {
        life.person.speaks = false;
        life.asleep_until = life.asleep_until.map(|_| now);
    }
    for seat in steps::seats(world, |life| !life.signalled) {
        signalling::signal_one(world, seat);
    }
    wait_for_all(world);
    let heard = listen(world);
    assert_eq!(heard, allowed(world), "who hears whom");
    settle(world);
    world.invariants.check_bounds(&world.control);
    let now = world.now;
    for (number, speaks, level) in before {
        let found = everybody(world).find(|life| life.person.number == number);
        if let Some(life) = found {
            life.person.level = level;
            if speaks {
                life.person.speak(now);
            }
        }
    }
    world.network.conditions = weather;
    for (channel, limit) in limits.into_iter().enumerate() {
        world.control.set_limit(channel, limit, world.now);
    }
}

fn everybody(world: &mut World) -> impl Iterator<Item = &mut Life> {
    world
        .seats
        .iter_mut()
        .filter_map(|seat| seat.present.as_mut())
}

/// Waits until workers have done what control has asked for: one who has vanished may have been given up a moment ago.
fn settle(world: &mut World) {
    let open = |world: &World| world.control.open_transports().count();
    let mut before = None;
    while before != Some(open(world)) {
        before = Some(open(world));
        world.run(world.setting.grace().max(Duration::from_millis(1)));
    }
}

fn wait_for_all(world: &mut World) {
    for halves in 0.. {
        let present = everybody(world).filter(|life| !life.vanished);
        let ends = present.flat_map(|life| {
            SIDES.map(|side| (life.person.name, life.transport(side), life.is_connected()))
        });
        let mut lacking: Vec<_> = ends.collect();
        lacking.retain(|(_, transport, connected)| {
            !connected || !world.control.transports[transport].connected
        });
        if lacking.is_empty() && halves >= LEAST {
            return;
        }
        assert!(halves < PATIENCE, "not connected: {lacking:?}");
        world.run(Duration::from_millis(500));
    }
}

/// Everybody speaks for a while. Gives the seats of those who hear, and whom.
fn listen(world: &mut World) -> BTreeSet<(usize, usize)> {
    let now = world.now;
    for life in everybody(world).filter(|life| !life.vanished) {
        life.person.level = Some(LOUD);
        let phase = Duration::from_micros(713 * u64::from(life.person.number));
        life.person.speak(now + phase);
    }
    world.run(Duration::from_millis(100));
    let earlier = world.heard.replace(Vec::new());
    world.run(Duration::from_millis(200));
    let heard = core::mem::replace(&mut world.heard, earlier).unwrap_or_default();
    everybody(world).for_each(|life| life.person.speaks = false);
    heard
        .iter()
        .map(|(listener, speaker, _)| (*listener, *speaker))
        .collect()
}

/// Who may hear whom, of those who are there.
fn allowed(world: &World) -> BTreeSet<(usize, usize)> {
    let there = |seat: usize| {
        world.seats[seat]
            .present
            .as_ref()
            .is_some_and(|life| !life.vanished)
    };
    let consumers = world.control.open_consumers();
    consumers
        .filter(|(_, consumer)| world.control.is_heard(consumer))
        .map(|(_, consumer)| {
            (
                consumer.seat,
                world.control.producers[&consumer.producer].seat,
            )
        })
        .filter(|(listener, speaker)| there(*listener) && there(*speaker))
        .collect()
}
