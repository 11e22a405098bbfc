//! Sockets, threads and queues around `hocket-media`.
//!
//! The media core is sans-IO; this crate gives it datagrams, time and commands, and carries away what it produces:
//!
//! - [`socket`]: one UDP port for IPv4 and IPv6, one socket a worker (`SO_REUSEPORT`), batches of receives and sends.
//!   The only `unsafe` code of the project, each block with its reason.
//! - queues: commands down, packets across, events up. Each has a capacity, one reader, and a rule for when it is full.
//! - one thread a worker; a panic there is caught at its root, told as an event, and a new worker takes its place.
#![deny(unsafe_code)]

mod affinity;
mod control;
mod dispatch;
mod driven;
mod dump;
mod engine;
pub mod error;
mod events;
mod gathering;
mod lock;
mod mailbox;
mod options;
mod panics;
mod random;
mod registry;
mod shared;
pub mod socket;
mod thread;
mod turn;

pub use control::TransportInfo;
pub use dump::EngineDump;
pub use engine::Engine;
pub use error::{Error, Result};
pub use events::Event;
pub use options::{EngineOptions, MAX_WORKERS};
pub use registry::{Counts, RouterId};

#[cfg(test)]
extern crate self as hocket_engine;

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;

#[cfg(test)]
mod failure_tests;
