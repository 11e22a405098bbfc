//! What is measured, and how: all subjects in turns, medians of many rounds.

use super::stopwatch::Stopwatch;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rounds that count; each runs every subject once.
    pub rounds: usize,
    /// Rounds before them.
    pub warm_up: usize,
    /// Widest fan-out.
    pub widest: usize,
    /// Whether figures mean anything: not when only allocations and sanity are looked at.
    pub is_timed: bool,
}

impl Plan {
    /// `cargo bench` passes `--bench`, and gives the whole; with `--quick` fewer rounds, some 5 s. Without `--bench` this is `cargo test`, whose
    /// build is not optimised: a few rounds, so that a bench that broke is seen.
    pub fn from_arguments() -> Self {
        let has = |name: &str| std::env::args().any(|argument| argument == name);
        match (has("--bench"), has("--quick")) {
            (true, false) => Self::new(150, 1_000, true),
            (true, true) => Self::new(20, 1_000, true),
            (false, _) => Self::new(2, 10, false),
        }
    }

    fn new(rounds: usize, widest: usize, is_timed: bool) -> Self {
        Self {
            rounds,
            warm_up: 2,
            widest,
            is_timed,
        }
    }
}

/// One thing that is measured.
pub struct Subject<'a> {
    /// What the table calls it.
    pub name: String,
    /// Packets out for one in; 0 = it is no fan-out, and only packets in are counted.
    pub fan_out: usize,
    /// The outcome that is the least that this could cost, by its name.
    pub floor: Option<String>,
    run: Box<dyn FnMut(&mut Stopwatch) -> usize + 'a>,
}

impl<'a> Subject<'a> {
    /// `run` prepares, times its work once or several times, and returns how many packets it handled: sent ones of a fan-out.
    pub fn new(
        name: impl Into<String>,
        fan_out: usize,
        run: impl FnMut(&mut Stopwatch) -> usize + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            fan_out,
            floor: None,
            run: Box::new(run),
        }
    }

    /// Calls it otherwise.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// Names its floor.
    pub fn over(mut self, floor: String) -> Self {
        self.floor = Some(floor);
        self
    }
}

/// What came of a subject.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub name: String,
    pub fan_out: usize,
    pub floor: Option<String>,
    /// CPU time a packet of each round, ns.
    pub samples: Vec<f64>,
    /// Allocations in all rounds that count.
    pub allocated: usize,
    /// What the table says behind the figures.
    pub note: String,
}

impl Outcome {
    /// What two things cost that are both to be done; the sum is its own floor.
    pub fn sum(name: String, first: &Self, second: &Self) -> Self {
        let pairs = first.samples.iter().zip(&second.samples);
        Self {
            floor: Some(name.clone()),
            name,
            fan_out: 0,
            samples: pairs.map(|(first, second)| first + second).collect(),
            allocated: first.allocated + second.allocated,
            note: format!("= {:.0} + {:.0}", first.median(), second.median()),
        }
    }

    /// Median CPU time a packet, ns.
    pub fn median(&self) -> f64 {
        quantile(&self.samples, 0.5)
    }

    /// How far the middle half of the rounds lies apart, as a share of the median.
    pub fn spread(&self) -> f64 {
        (quantile(&self.samples, 0.75) - quantile(&self.samples, 0.25)) / self.median()
    }

    /// How many times its floor it costs, and how many ns more. Each is the median over the rounds of one round's figure against the same
    /// round's floor: what slowed the machine for a while slowed both.
    pub fn against_floor(&self, all: &[Self]) -> Option<(f64, f64)> {
        let named = |other: &&Self| self.floor.as_ref() == Some(&other.name);
        let floor = all.iter().find(named)?;
        let rounds = || self.samples.iter().zip(&floor.samples);
        let ratios: Vec<f64> = rounds().map(|(own, least)| own / least).collect();
        let excess: Vec<f64> = rounds().map(|(own, least)| own - least).collect();
        Some((quantile(&ratios, 0.5), quantile(&excess, 0.5)))
    }
}

/// Runs all subjects in turns.
pub fn measure(plan: Plan, mut subjects: Vec<Subject<'_>>) -> Vec<Outcome> {
    let mut stopwatch = Stopwatch::new();
    let mut outcomes: Vec<Outcome> = subjects.iter().map(Outcome::of).collect();
    for round in 0..plan.warm_up + plan.rounds {
        for (subject, outcome) in subjects.iter_mut().zip(&mut outcomes) {
            let packets = (subject.run)(&mut stopwatch);
            let (spent, allocated) = stopwatch.reset();
            if round >= plan.warm_up {
                outcome
                    .samples
                    .push(spent.as_nanos() as f64 / packets as f64);
                outcome.allocated += allocated;
            }
        }
    }
    outcomes
}

impl Outcome {
    fn of(subject: &Subject<'_>) -> Self {
        Self {
            name: subject.name.clone(),
            fan_out: subject.fan_out,
            floor: subject.floor.clone(),
            samples: Vec::new(),
            allocated: 0,
            note: String::new(),
        }
    }
}

fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
