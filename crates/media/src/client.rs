//! The other side: what a client of a server like this one does, made of the same parts in the opposite roles.
//!
//! A [`Transport`] is one ICE/DTLS/SRTP association with an ICE-lite server: it sends checks and nominates (RFC 8445 §6, §7.2), keeps consent
//! (RFC 7675), is the DTLS client (RFC 5764) and lets nothing through before the server's certificate has matched the fingerprint that
//! signalling told. It is driven like a worker: datagrams and time in, an [`crate::Outbox`] out; no sockets, threads or clock.
//!
//! It is made for thousands at once in one process (`hocket bench`), so it decrypts only what its driver asks it to.

mod ice;
mod transport;

pub use transport::{Failure, Identity, Outcome, Remote, Transport, TransportOptions};
