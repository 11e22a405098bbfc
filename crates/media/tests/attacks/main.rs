//! What must not work (THREATS.md), on the core: one module a class, named after its number, and each test after the rule that it proves.
//! A legal pair talks meanwhile and does not notice.
//!
//! What needs sockets or signalling (T12 to T17, T20, T21) is tested on a running server, in `tests/`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and one measures what a look-up takes"
)]

#[path = "../common/mod.rs"]
mod common;
mod t01_client_hello;
mod t02_forged_records;
mod t03_certificate;
mod t04_garbage;
mod t05_injection;
mod t06_replay;
mod t07_before_authentication;
mod t08_malformed_rtp;
mod t09_rtcp;
mod t10_stun;
mod t11_consent;
mod t18_audio_level;
mod t19_flood;

use std::time::Duration;

use common::person::OPUS;

const SECOND: Duration = Duration::from_secs(1);

/// An RTP packet in the clear.
fn rtp(ssrc: u32, sequence: u16, length: usize) -> Vec<u8> {
    let mut bytes = vec![0x80, OPUS];
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&ssrc.to_be_bytes());
    bytes.resize(12 + length, 0x5A);
    bytes
}
