//! From what DTLS exports to the keys of each cipher (RFC 5764 §4.2, RFC 3711 §4.3, RFC 6188 §3, RFC 7714 §11).

use aes::cipher::{
    BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore, typenum::U16,
};
use aes::{Aes128Enc, Aes256Enc};
use ctr::{CtrCore, flavors::Ctr128BE};

use super::{Error, Profile};

/// Bytes of the salt that key derivation works with; a shorter one is filled up with zeros at its end.
pub(super) const SALT: usize = 14;

/// What DTLS exports, cut into its four parts (RFC 5764 §4.2). The DTLS *client* sends with the client's key and salt.
#[derive(Clone, Copy)]
pub struct KeyingMaterial<'a> {
    /// Master key of what the DTLS client sends.
    pub client_key: &'a [u8],
    /// Master key of what the DTLS server sends.
    pub server_key: &'a [u8],
    /// Master salt of what the DTLS client sends.
    pub client_salt: &'a [u8],
    /// Master salt of what the DTLS server sends.
    pub server_salt: &'a [u8],
}

impl<'a> KeyingMaterial<'a> {
    /// Cuts `exported`, which must be [`Profile::keying_material_len`] bytes long.
    #[must_use]
    pub fn split(profile: Profile, exported: &'a [u8]) -> Option<Self> {
        let (client_key, rest) = exported.split_at_checked(profile.key_len())?;
        let (server_key, rest) = rest.split_at_checked(profile.key_len())?;
        let (client_salt, server_salt) = rest.split_at_checked(profile.salt_len())?;
        (server_salt.len() == profile.salt_len()).then_some(Self {
            client_key,
            server_key,
            client_salt,
            server_salt,
        })
    }
}

/// Which key is derived (RFC 3711 §4.3.2): the labels 0–2 for RTP, 3–5 for RTCP.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    Rtp,
    Rtcp,
}

impl Stream {
    fn first_label(self) -> u8 {
        match self {
            Self::Rtp => 0,
            Self::Rtcp => 3,
        }
    }
}

/// The keys of one stream of one direction. Only the first `key_len` bytes of `key` and `salt_len` of `salt` mean anything.
pub(super) struct SessionKeys {
    pub key: [u8; 32],
    /// For HMAC-SHA1; AES-GCM needs none.
    pub authentication: [u8; 20],
    pub salt: [u8; SALT],
}

impl SessionKeys {
    /// Derives them with a key derivation rate of zero: once, from the index 0.
    pub fn derive(
        profile: Profile,
        stream: Stream,
        master_key: &[u8],
        master_salt: &[u8],
    ) -> Result<Self, Error> {
        if master_key.len() != profile.key_len() || master_salt.len() != profile.salt_len() {
            return Err(Error::Keys);
        }
        let label = stream.first_label();
        let mut keys = Self {
            key: [0; 32],
            authentication: [0; 20],
            salt: [0; SALT],
        };
        let key = keys.key.get_mut(..profile.key_len()).ok_or(Error::Keys)?;
        derive(master_key, master_salt, label, key)?;
        derive(master_key, master_salt, label + 1, &mut keys.authentication)?;
        let salt = keys.salt.get_mut(..profile.salt_len()).ok_or(Error::Keys)?;
        derive(master_key, master_salt, label + 2, salt)?;
        Ok(keys)
    }
}

/// The pseudo-random function: AES in counter mode, started at the salt with the label mixed in (RFC 3711 §4.3.3, RFC 6188 §3).
pub(super) fn derive(
    master_key: &[u8],
    master_salt: &[u8],
    label: u8,
    out: &mut [u8],
) -> Result<(), Error> {
    out.fill(0);
    let iv = salt_bits(master_salt) << 16 ^ u128::from(label) << 64;
    match master_key.len() {
        16 => keystream(
            &Aes128Enc::new_from_slice(master_key).map_err(|_| Error::Keys)?,
            iv,
            out,
        ),
        32 => keystream(
            &Aes256Enc::new_from_slice(master_key).map_err(|_| Error::Keys)?,
            iv,
            out,
        ),
        _ => return Err(Error::Keys),
    }
    Ok(())
}

/// A salt as a 112-bit number; a shorter one counts as if zeros followed it.
pub(super) fn salt_bits(salt: &[u8]) -> u128 {
    let mut bytes = [0; SALT];
    for (slot, byte) in bytes.iter_mut().zip(salt) {
        *slot = *byte;
    }
    bytes
        .iter()
        .fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

/// Mixes `data` with AES in counter mode from `iv` on (RFC 3711 §4.1.1).
pub(super) fn keystream<C>(cipher: &C, iv: u128, data: &mut [u8])
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    <CtrCore<&C, Ctr128BE>>::inner_iv_init(cipher, &iv.to_be_bytes().into())
        .apply_keystream_partial(data.into());
}
