//! Our own certificate: made at every start, told to clients by its fingerprints, shared by all workers.

use core::fmt;

use dimpl::DtlsCertificate;

use crate::dtls::fingerprint::{Fingerprint, HashFunction};

/// A self-signed ECDSA P-256 certificate and its key.
pub struct Certificate {
    inner: DtlsCertificate,
}

/// The certificate could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateError;

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the DTLS certificate could not be made")
    }
}

impl std::error::Error for CertificateError {}

impl Certificate {
    /// Makes a fresh one out of the operating system's randomness.
    ///
    /// # Errors
    /// When the cipher library cannot make a key.
    pub fn generate() -> Result<Self, CertificateError> {
        let inner =
            dimpl::certificate::generate_self_signed_certificate().map_err(|_| CertificateError)?;
        Ok(Self { inner })
    }

    /// Its fingerprints, the usual one (SHA-256) first.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        HashFunction::ALL
            .into_iter()
            .map(|function| Fingerprint::of(function, &self.inner.certificate))
            .collect()
    }

    /// The certificate and key as the DTLS library wants them.
    pub(crate) fn to_dtls(&self) -> DtlsCertificate {
        self.inner.clone()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("fingerprints", &self.fingerprints())
            .finish_non_exhaustive()
    }
}
