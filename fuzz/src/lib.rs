//! The bodies of the fuzz targets: libFuzzer drives them from `fuzz_targets`, and `make test-rust` plays the corpus to them.
//!
//! Each takes any bytes and panics where a rule is broken. README.md says which rules.

#[path = "../../crates/media/tests/common/mod.rs"]
mod common;
#[cfg(test)]
mod corpus;
pub mod datagram;
pub mod dtls;
pub mod extension;
pub mod fingerprint;
pub mod line;
pub mod nack;
mod reader;
pub mod rtcp;
pub mod rtp;
pub mod srtp;
pub mod stun;
