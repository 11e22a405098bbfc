//! What a seed decides before the first step: how many workers, how promptly they turn, what the network is like, what has been negotiated.

use std::time::Duration;

use hocket_media::Options;
use hocket_media::options::Rates;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::common::Conditions;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Setting {
    pub seed: u64,
    /// Kinds of steps that are left out, by their names: for finding out what a failure needs.
    pub without: Vec<String>,
    /// Whether each step is told.
    pub traced: bool,
    pub workers: u8,
    /// The longest that a worker leaves waiting what came for it. Zero = it turns at once, and what it does is known to the packet.
    pub lag: Duration,
    /// Share of packets between workers that find a full queue.
    pub full: f64,
    pub conditions: Conditions,
    pub silence: bool,
    pub nack: bool,
    pub red: bool,
    /// Patience with a client that sends no checks.
    pub consent: Duration,
}

impl Setting {
    /// The setting of a seed: every second one has workers that lag, every third one a network that loses nothing.
    pub fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let lags = random.random_bool(0.4);
        let mut setting = Self {
            seed,
            without: Vec::new(),
            traced: false,
            workers: random.random_range(1..=3),
            lag: Duration::from_micros(if lags {
                random.random_range(50..4_000)
            } else {
                0
            }),
            full: if lags {
                random.random_range(0.0..0.01)
            } else {
                0.0
            },
            conditions: Conditions::default(),
            silence: random.random_bool(0.7),
            nack: random.random_bool(0.7),
            red: random.random_bool(0.5),
            consent: Duration::from_secs(random.random_range(9..30)),
        };
        setting.conditions = Self::weather(&mut random);
        setting
    }

    /// As of a seed, so that one worker and several must do the same to the packet: nothing is lost but what a client sends.
    pub fn comparable(seed: u64, workers: u8) -> Self {
        let mut setting = Self::of(seed);
        setting.without = ["fail", "weather", "reuse"].map(String::from).to_vec();
        (setting.workers, setting.lag, setting.full) = (workers, Duration::ZERO, 0.0);
        setting.conditions = Conditions {
            loss: 0.0,
            ..setting.conditions
        };
        setting
    }

    /// What the network is like for a while.
    pub fn weather(random: &mut StdRng) -> Conditions {
        let bad = random.random_bool(0.7);
        let share = |random: &mut StdRng, most| {
            if bad {
                random.random_range(0.0..most)
            } else {
                0.0
            }
        };
        Conditions {
            loss: share(random, 0.15),
            duplicates: share(random, 0.1),
            delay: Duration::from_micros(random.random_range(1_000..30_000)),
            jitter: Duration::from_micros(if bad {
                random.random_range(0..70_000)
            } else {
                500
            }),
        }
    }

    /// Whether what workers do is known to the packet.
    pub fn is_prompt(&self) -> bool {
        self.lag.is_zero()
    }

    /// How long after a command what it forbids may still leave the server: it waits for the owner's turn, and what was taken before waits
    /// for another worker's.
    pub fn grace(&self) -> Duration {
        self.lag * 4
    }

    pub fn options(&self) -> Options {
        Options {
            workers: self.workers,
            consent_timeout: self.consent,
            handshake_timeout: Duration::from_secs(30),
            max_transports: 64,
            producer: Rates::default(),
            silence_dbov: self.silence.then_some(-60),
            seed: [self.seed as u8; 32],
            dtls_seed: Some(self.seed),
        }
    }
}
