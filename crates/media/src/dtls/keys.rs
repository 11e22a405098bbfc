//! From a finished handshake to SRTP keys (RFC 5764 §4.2).

use dimpl::{KeyingMaterial, SrtpProfile};

use crate::srtp::{self, Inbound, KeyRoom, Outbound, Profile};

/// The keys of one finished handshake.
pub(crate) struct SrtpKeys {
    pub(crate) profile: SrtpProfile,
    pub(crate) material: KeyingMaterial,
    /// Whether our side was the DTLS client.
    pub(crate) we_are_client: bool,
}

impl SrtpKeys {
    /// The ciphers of both directions; the sealing one in `room`, if there is one. `None` when the library's material does not fit its profile.
    pub(crate) fn to_srtp(
        &self,
        room: Option<&mut KeyRoom>,
    ) -> Option<(Profile, Outbound, Inbound)> {
        let profile = match self.profile {
            SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
            SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
            SrtpProfile::AES128_CM_SHA1_80 => Profile::AesCm128HmacSha1_80,
            _ => return None,
        };
        let parts = srtp::KeyingMaterial::split(profile, &self.material)?;
        let client = (parts.client_key, parts.client_salt);
        let server = (parts.server_key, parts.server_salt);
        let (ours, theirs) = if self.we_are_client {
            (client, server)
        } else {
            (server, client)
        };
        let outbound = match room {
            Some(room) => Outbound::new_in(room, profile, ours.0, ours.1),
            None => Outbound::new(profile, ours.0, ours.1),
        }
        .ok()?;
        let inbound = Inbound::new(profile, theirs.0, theirs.1).ok()?;
        Some((profile, outbound, inbound))
    }
}
