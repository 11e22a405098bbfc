//! Sockets, threads and queues around `hocket-media`.
//!
//! The media core is sans-IO; this crate gives it datagrams, time and commands, and carries away what it produces:
//!
//! - [`socket`]: one UDP port for IPv4 and IPv6, one socket a worker (`SO_REUSEPORT`), batches of receives and sends.
//!   The only `unsafe` code of the project, each block with its reason.
//! - queues: commands down, packets across, events up. Each has a capacity, one reader, and a rule for when it is full.
//! - one thread a worker; a panic there is caught at its root, told as an event, and a new worker takes its place.
#![deny(unsafe_code)]

pub mod error;
mod options;
pub mod socket;

pub use error::{Error, Result};
pub use options::EngineOptions;
