//! What the benches of this crate and of the engine are made of: a stopwatch, a channel on one worker, the steps of a packet's way, a table.
//!
//! Not criterion or divan: a shared machine makes the wall clock worthless and two runs incomparable, so everything here is measured in the
//! thread's own CPU time, and all subjects take turns in one run (A B C, A B C, …). Neither offers both, or fails over an allocation.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench fails by panicking, starts its clock somewhere, and each uses its part of this"
)]

pub mod channel;
pub mod cipher;
pub mod forwarding;
pub mod handshake;
pub mod steps;
pub mod stopwatch;
pub mod subject;
pub mod table;

#[path = "../../tests/common/mod.rs"]
pub mod parts;

pub use channel::{Channel, LOCAL};
pub use subject::{Outcome, Plan, Subject, measure};

/// Opus bytes a packet: 40 kbit/s in frames of 20 ms, as in `BASELINE.md` of the project.
pub const PAYLOAD: usize = 100;

/// Header of a packet as a listener gets it: fixed part, and an extension block with mid, audio level and abs-send-time.
pub const HEADER: usize = 32;

/// Bytes that AES-GCM adds.
pub const TAG: usize = 16;

/// A datagram to a listener.
pub const DATAGRAM: usize = HEADER + PAYLOAD + TAG;
