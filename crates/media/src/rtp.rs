//! RTP as a forwarder needs it: headers read and written, header extensions, one continuous line per consumer, reception counts.
//!
//! Everything is a pure function or a small state machine; nothing allocates, and nothing here knows of producers or consumers.

pub mod extension;
pub mod header;
pub mod sequence;

pub use header::{Fields, Header};
