//! DTLS (RFC 6347, 9147) of one transport, and what goes with it: our certificate and the peer's fingerprints.

pub(crate) mod association;
pub mod certificate;
pub mod fingerprint;
pub(crate) mod keys;
