//! Runs of a seed, and what is told of one that fails: the command that does it again, and which kinds of steps it needs.

use std::any::Any;
use std::cell::Cell;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::audit::audit;
use crate::setting::Setting;
use crate::steps;
use crate::world::{Identities, World};

/// Steps between two looks at who hears whom.
const AUDIT_EVERY: u64 = 500;

/// A run that broke a rule.
pub struct Failure {
    seed: u64,
    /// The number of the step in which it did, from 1.
    step: u64,
    without: Vec<String>,
    what: String,
}

/// Does a seed's steps, and then everybody leaves.
pub fn run(world: &mut World, steps: u64, done: &Cell<u64>) {
    steps::begin(world);
    for number in 1..=steps {
        done.set(number);
        steps::step(world, number);
        if number % AUDIT_EVERY == 0 {
            audit(world);
        }
    }
    audit(world);
    world.end();
}

/// As [`run`], in a world of its own.
///
/// # Errors
/// What rule was broken, and when.
pub fn attempt(setting: &Setting, steps: u64, identities: &Arc<Identities>) -> Result<(), Failure> {
    let done = Cell::new(0);
    let attempt = || {
        run(
            &mut World::new(setting.clone(), Arc::clone(identities)),
            steps,
            &done,
        )
    };
    catch_unwind(AssertUnwindSafe(attempt)).map_err(|panic| Failure {
        seed: setting.seed,
        step: done.get(),
        without: setting.without.clone(),
        what: words(&*panic),
    })
}

/// Leaves out one kind of steps after the other, as long as it fails all the same within as many steps.
pub fn shrink(failure: Failure, identities: &Arc<Identities>) -> Failure {
    let mut smallest = failure;
    for kind in steps::kinds() {
        let mut setting = Setting::of(smallest.seed);
        setting.without.clone_from(&smallest.without);
        setting.without.push(kind.to_owned());
        if let Err(smaller) = attempt(&setting, smallest.step, identities) {
            smallest = smaller;
        }
    }
    smallest
}

impl Failure {
    /// What broke, and the command that shows it step by step.
    pub fn report(&self) -> String {
        let Self {
            seed,
            step,
            without,
            what,
        } = self;
        let without = without.join(",");
        format!(
            "seed {seed}, step {step}: {what}\n\nreplay: HOCKET_SEED={seed} HOCKET_STEPS={step} HOCKET_WITHOUT={without} \
             cargo test -p hocket-media --test simulation -- --nocapture steps_keep\n"
        )
    }
}

/// A number from the environment.
pub fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
    )
}

/// What the environment wants left out.
pub fn without() -> Vec<String> {
    let text = env::var("HOCKET_WITHOUT").unwrap_or_default();
    let kinds = text.split(',').filter(|kind| !kind.is_empty());
    kinds.map(str::to_owned).collect()
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}
