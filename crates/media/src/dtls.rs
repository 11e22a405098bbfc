//! DTLS (RFC 6347, 9147) of one transport, and what goes with it: our certificate, the peer's fingerprints, and a look at records in the clear.

pub(crate) mod association;
pub mod certificate;
pub mod fingerprint;
pub(crate) mod keys;
pub mod record;
