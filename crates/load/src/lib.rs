//! A crowd of clients in one process: the load that `hocket bench` puts on a server, and what it measures meanwhile.
//!
//! - `crowd`: thousands of client transports, who speaks when, who hears what; sans-IO, like the media core that it is made of.
//! - `voices`: those of them who speak; `pace` has their schedule, `ptime` the length of their packets, which may change while they speak.
//! - a thread or a few around it, with the engine's batched sockets.
//!
//! **Where clients send from.** A server tells clients apart by their addresses. Towards a server on the loopback one socket a thread is
//! enough: it sends from an address of 127.0.0.0/8 for each transport (`IP_PKTINFO`) and receives for all of them in batches. Towards any
//! other server each transport has a socket of its own.
//!
//! **What it costs.** A packet in costs a look-up and a few counters; only a sample is authenticated and decrypted, and delays are read from
//! those. A client that is itself the limit says so: see [`report::ThreadReport`].
#![forbid(unsafe_code)]

pub mod client;
mod clock;
mod crowd;
pub mod histogram;
mod kernel;
mod pace;
mod places;
mod ptime;
pub mod report;
mod speaker;
mod stamp;
mod stream;
mod streams;
mod thread;
mod voices;

pub use client::{LoadClient, LoadOptions};
pub use crowd::SpeakOptions;
pub use histogram::Histogram;
pub use ptime::Ptime;
pub use report::{Progress, Report};
