//! RTP as a forwarder needs it: headers read and written, header extensions, one continuous line per consumer, reception counts.
//!
//! Everything is a pure function or a small state machine; nothing allocates, and nothing here knows of producers or consumers.

pub mod abs_send_time;
pub mod extension;
pub mod header;
pub mod level;
pub mod reception;
pub mod red;
pub mod rewrite;
pub mod sequence;

#[cfg(test)]
mod tests;

pub use header::{Fields, Header};
pub use level::Level;
pub use reception::Reception;
pub use rewrite::{Line, Mapped, Sent};
