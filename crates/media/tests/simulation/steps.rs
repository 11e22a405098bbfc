//! What may happen: each step is drawn by chance, done by control or by a person, and then some time passes.
//!
//! A step's chance follows from the seed and the step's number alone, so that the others are the same when some are left out.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::network::mix;
use crate::people::{LOUD, Life, NAMES, SILENT};
use crate::world::World;
use crate::{mischance, signalling};

/// The longest time that a step takes, but for a few; their middle is half a frame.
const TIME: Duration = Duration::from_millis(20);

type Act = fn(&mut World, &mut StdRng);

/// Names, how often each comes in a thousand steps, and what it does. Nothing happens in the rest.
const KINDS: [(&str, u32, Act); 30] = [
    ("enter", 12, signalling::enter),
    ("signal", 60, signalling::signal),
    ("leave", 4, signalling::leave),
    ("goodbye", 2, mischance::goodbye),
    ("vanish", 1, mischance::vanish),
    ("mute", 40, signalling::mute),
    ("pause", 25, signalling::pause),
    ("resume", 60, signalling::resume),
    ("close", 8, signalling::close_consumer),
    ("consume", 40, signalling::consume),
    ("consume-again", 3, signalling::consume_again),
    ("revoke-listen", 3, signalling::revoke_listen),
    ("revoke-speak", 4, signalling::revoke_speak),
    ("grant", 12, signalling::grant),
    ("talk", 40, talk),
    ("level", 30, level),
    ("red", 10, red),
    ("limit", 8, signalling::limit),
    ("move", 8, mischance::change_address),
    ("restart", 4, mischance::restart_ice),
    ("source", 4, mischance::change_source),
    ("ask", 40, mischance::ask),
    ("bye", 4, mischance::say_bye),
    ("weather", 8, mischance::weather),
    ("jump", 3, mischance::jump),
    ("sleep", 3, mischance::sleep),
    ("lull", 1, mischance::lull),
    ("fail", 2, mischance::fail),
    ("padding", 4, mischance::padding),
    ("reuse", 3, mischance::reuse_address),
];

/// Some people are there at once, so that there is something to hear.
pub fn begin(world: &mut World) {
    let mut random = StdRng::seed_from_u64(mix(world.setting.seed, 0));
    for _ in 0..random.random_range(2..NAMES.len()) {
        signalling::enter(world, &mut random);
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
                if world.setting.traced {
                    println!("{number:6} {:>12?} {name}", world.now - world.start);
                }
                act(world, &mut random);
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

/// Where those sit for whom something holds.
pub fn seats(world: &World, wanted: impl Fn(&Life) -> bool) -> Vec<usize> {
    let present = |seat: &usize| world.seats[*seat].present.as_ref().is_some_and(&wanted);
    (0..NAMES.len()).filter(present).collect()
}

/// Somebody for whom something holds.
pub fn somebody(
    world: &World,
    random: &mut StdRng,
    wanted: impl Fn(&Life) -> bool,
) -> Option<usize> {
    seats(world, wanted).choose(random).copied()
}

/// Who sits there.
pub fn life(world: &mut World, seat: usize) -> &mut Life {
    world.seats[seat].present.as_mut().unwrap()
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
