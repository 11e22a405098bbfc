//! The engine's options and their ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use hocket_media::options::{Rates, SILENCE_DBOV};

use crate::{Error, Result};

/// More threads than any machine of today has use for here; also the width of the bit masks of `hocket-media`.
pub const MAX_WORKERS: usize = 64;

/// Longer than this would be heard.
const GATHER_MAX: Duration = Duration::from_millis(3);

/// How an engine is set up.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// UDP port for all media; 0 takes one that is free for every address.
    pub port: u16,
    /// Threads, 1 … [`MAX_WORKERS`]; 0 is one a core. Always one without `batch` or outside Linux.
    pub workers: usize,
    /// Each worker stays on a core of its own while what it sends is long, where there are exactly as many; Linux only.
    pub pin_workers: bool,
    /// Local addresses, at most one a family. An unspecified address takes every interface of its family.
    pub addresses: Vec<IpAddr>,
    /// `recvmmsg` and `sendmmsg` with per-packet local addresses; Linux only. Off: one call a datagram.
    pub batch: bool,
    /// How long a worker that has much to do lets datagrams gather at most, 0–3 ms; zero = never. Several packets to one listener then leave
    /// as one message.
    pub gather: Duration,
    /// Packets of somebody quieter than this are not forwarded, dBov −127…0 (RFC 6464); `None` = whatever comes is.
    pub silence_dbov: Option<i8>,
    /// What one producer may send: 10–10,000 packets and 16,000–100,000,000 bits a second.
    pub producer: Rates,
    /// A transport that hears no valid check for so long is closed (RFC 7675).
    pub consent: Duration,
    /// DTLS must be done so long after the first valid check.
    pub handshake: Duration,
    /// Bound on transports in all.
    pub max_transports: usize,
    /// Repeatable randomness, for tests alone; `None` takes the system's.
    pub seed: Option<u64>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            port: 0,
            workers: 0,
            pin_workers: true,
            addresses: vec![
                IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            ],
            batch: true,
            gather: Duration::from_millis(1),
            silence_dbov: Some(SILENCE_DBOV),
            producer: Rates::default(),
            consent: Duration::from_secs(30),
            handshake: Duration::from_secs(30),
            max_transports: 20_000,
            seed: None,
        }
    }
}

impl EngineOptions {
    /// Whether the batched socket path is used: asked for, and there is one on this system.
    #[must_use]
    pub fn batched(&self) -> bool {
        self.batch && cfg!(target_os = "linux")
    }

    /// The number of threads after defaults and limits.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        if !self.batched() {
            return 1;
        }
        match self.workers {
            0 => {
                std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_WORKERS))
            }
            workers => workers,
        }
    }

    /// Check every range.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with a sentence that names the option.
    pub fn validate(&self) -> Result<()> {
        let refuse = |sentence: &str| Err(Error::InvalidOption(sentence.to_owned()));
        if self.workers > MAX_WORKERS {
            return refuse("workers: at most 64");
        }
        if self.addresses.is_empty() {
            return refuse("addresses: at least one");
        }
        let of_version_4 = self
            .addresses
            .iter()
            .filter(|address| address.is_ipv4())
            .count();
        if of_version_4 > 1 || self.addresses.len() - of_version_4 > 1 {
            return refuse("addresses: at most one of IPv4 and one of IPv6");
        }
        if self.consent < Duration::from_millis(100) || self.handshake < Duration::from_millis(100)
        {
            return refuse("consent_ms, handshake_ms: at least 100");
        }
        if self.gather > GATHER_MAX {
            return refuse("gather_us: at most 3,000");
        }
        if self
            .silence_dbov
            .is_some_and(|level| !(-127..=0).contains(&level))
        {
            return refuse("silence_dbov: -127 to 0, or none");
        }
        if !(10..=10_000).contains(&self.producer.packets) {
            return refuse("producer_packets: 10 to 10,000 a second");
        }
        if !(16_000..=100_000_000).contains(&self.producer.bits) {
            return refuse("producer_bits: 16,000 to 100,000,000 a second"); // a full datagram is 12,000
        }
        if self.max_transports == 0 || self.max_transports > 1_000_000 {
            return refuse("max_transports: 1 to 1,000,000");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        EngineOptions::default().validate().unwrap();
    }

    #[test]
    fn without_batches_there_is_one_worker() {
        let options = EngineOptions {
            batch: false,
            workers: 8,
            ..EngineOptions::default()
        };
        assert_eq!(options.worker_count(), 1);
    }

    #[test]
    fn without_a_number_there_is_one_worker_a_core() {
        let cores = std::thread::available_parallelism().unwrap().get();
        let options = EngineOptions {
            workers: 0,
            ..EngineOptions::default()
        };
        let expected = if options.batched() {
            cores.min(MAX_WORKERS)
        } else {
            1
        };
        assert_eq!(options.worker_count(), expected);
    }

    #[test]
    fn each_range_is_checked_and_named() {
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let base = EngineOptions::default;
        let cases = [
            (
                EngineOptions {
                    workers: 65,
                    ..base()
                },
                "workers",
            ),
            (
                EngineOptions {
                    addresses: vec![],
                    ..base()
                },
                "addresses",
            ),
            (
                EngineOptions {
                    addresses: vec![local, local],
                    ..base()
                },
                "addresses",
            ),
            (
                EngineOptions {
                    consent: Duration::ZERO,
                    ..base()
                },
                "consent_ms",
            ),
            (
                EngineOptions {
                    gather: Duration::from_millis(4),
                    ..base()
                },
                "gather_us",
            ),
            (
                EngineOptions {
                    silence_dbov: Some(1),
                    ..base()
                },
                "silence_dbov",
            ),
            (
                EngineOptions {
                    producer: Rates {
                        packets: 9,
                        ..Rates::default()
                    },
                    ..base()
                },
                "producer_packets",
            ),
            (
                EngineOptions {
                    producer: Rates {
                        bits: 15_999,
                        ..Rates::default()
                    },
                    ..base()
                },
                "producer_bits",
            ),
            (
                EngineOptions {
                    max_transports: 0,
                    ..base()
                },
                "max_transports",
            ),
        ];
        for (options, word) in cases {
            let error = options.validate().unwrap_err().to_string();
            assert!(error.contains(word), "{error} does not name {word}");
        }
    }
}
