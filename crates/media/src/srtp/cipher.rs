//! The two ciphers behind one face: seal a body in place and get its tag, open a body in place if its tag is right.

use aes::Aes128Enc;
use aes::cipher::KeyInit;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::keys::{SessionKeys, Stream, keystream, salt_bits};
use super::{Error, Profile, RTCP_ENCRYPTED, RTCP_HEADER, RTCP_WORD};

/// Bytes of AES-GCM's tag.
const TAG: usize = 16;

/// Which packet of which stream: what the nonce is made of, so never the same for two different packets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// RTP: SSRC and 48-bit index, of which the upper 32 bits are the rollover counter.
    Rtp { ssrc: u32, index: u64 },
    /// RTCP: the sender's SSRC and a 31-bit index.
    Rtcp { ssrc: u32, index: u32 },
}

impl Place {
    /// SSRC and index side by side: both ciphers' nonces have them so (RFC 3711 §4.1.1, RFC 7714 §8.1, §9.1).
    fn nonce_bits(self) -> u128 {
        match self {
            Self::Rtp { ssrc, index } => u128::from(ssrc) << 48 | u128::from(index),
            Self::Rtcp { ssrc, index } => u128::from(ssrc) << 48 | u128::from(index),
        }
    }

    /// What HMAC covers behind the packet: the rollover counter, which is not sent, or the word behind SRTCP, which is.
    fn suffix(self) -> [u8; 4] {
        match self {
            Self::Rtp { index, .. } => ((index >> 16) as u32).to_be_bytes(),
            Self::Rtcp { index, .. } => (RTCP_ENCRYPTED | index).to_be_bytes(),
        }
    }
}

/// An authentication tag, 10 or 16 bytes.
pub(super) struct Tag {
    bytes: [u8; 16],
    len: usize,
}

impl Tag {
    fn of(bytes: &[u8], len: usize) -> Self {
        let mut tag = Self {
            bytes: [0; 16],
            len,
        };
        for (slot, byte) in tag.bytes.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        tag
    }

    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// One stream's cipher: RTP and RTCP have keys of their own, and so has each direction.
pub(super) enum Cipher {
    /// RFC 7714.
    Gcm(Gcm),
    /// RFC 3711. `salt` in its lower 112 bits. Boxed: its expanded keys are 336 bytes; so the enum stays at 48.
    Cm(Box<CounterMode>),
}

/// AES-GCM. `salt` in its lower 96 bits.
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: u128,
}

/// AES-CM with HMAC-SHA1, keys expanded.
pub(super) struct CounterMode {
    aes: Aes128Enc,
    hmac: Hmac<Sha1>,
    salt: u128,
    tag_len: usize,
}

impl Cipher {
    pub fn new(
        profile: Profile,
        stream: Stream,
        master_key: &[u8],
        master_salt: &[u8],
    ) -> Result<Self, Error> {
        Self::from_session_keys(
            profile,
            &SessionKeys::derive(profile, stream, master_key, master_salt)?,
        )
    }

    pub fn from_session_keys(profile: Profile, keys: &SessionKeys) -> Result<Self, Error> {
        let key = keys.key.get(..profile.key_len()).ok_or(Error::Keys)?;
        let algorithm = match profile {
            Profile::AeadAes256Gcm => &AES_256_GCM,
            Profile::AeadAes128Gcm => &AES_128_GCM,
            Profile::AesCm128HmacSha1_80 => {
                return Ok(Self::Cm(Box::new(CounterMode {
                    aes: Aes128Enc::new_from_slice(key).map_err(|_| Error::Keys)?,
                    hmac: <Hmac<Sha1> as KeyInit>::new_from_slice(&keys.authentication)
                        .map_err(|_| Error::Keys)?,
                    salt: salt_bits(&keys.salt),
                    tag_len: profile.tag_len(),
                })));
            }
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).map_err(|_| Error::Keys)?);
        // The last two of the fourteen bytes are not part of this salt.
        let salt = salt_bits(&keys.salt) >> 16;
        Ok(Self::Gcm(Gcm { key, salt }))
    }

    /// Encrypts `body` in place and returns the tag over it and over `head`, which stays in the clear.
    pub fn seal(&self, place: Place, head: &[u8], body: &mut [u8]) -> Result<Tag, Error> {
        match self {
            Self::Gcm(Gcm { key, salt }) => {
                let tag = with_associated_data(place, head, |aad| {
                    key.seal_in_place_separate_tag(nonce(*salt, place), Aad::from(aad), body)
                        .map_err(|_| Error::Malformed)
                })?;
                Ok(Tag::of(tag.as_ref(), TAG))
            }
            Self::Cm(cipher) => {
                cipher.apply(place, body);
                let tag = cipher
                    .authenticate(place, head, body)
                    .finalize()
                    .into_bytes();
                Ok(Tag::of(&tag, cipher.tag_len))
            }
        }
    }

    /// See [`super::Outbound::touch`].
    pub fn touch(&self) -> u8 {
        match self {
            Self::Gcm(cipher) => cipher.salt as u8,
            Self::Cm(cipher) => cipher.salt as u8,
        }
    }

    /// Checks the tag in constant time, then decrypts `body` in place. After an error `body` is worth nothing.
    pub fn open(
        &self,
        place: Place,
        head: &[u8],
        body: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Error> {
        match self {
            Self::Gcm(Gcm { key, salt }) => with_associated_data(place, head, |aad| {
                key.open_in_place_separate_tag(nonce(*salt, place), Aad::from(aad), tag, body)
                    .map(|_| ())
                    .map_err(|_| Error::Authentication)
            }),
            Self::Cm(cipher) => {
                let expected = cipher.authenticate(place, head, body);
                if tag.len() != cipher.tag_len || expected.verify_truncated_left(tag).is_err() {
                    return Err(Error::Authentication);
                }
                cipher.apply(place, body);
                Ok(())
            }
        }
    }
}

impl Gcm {
    /// Appends an RTP packet: `head`, then `body` encrypted, then the tag. The cipher reads the body where it stands and writes it where it will be:
    /// copied first and sealed in place, a packet to a listener costs a tenth more. After an error what was appended is worth nothing.
    pub fn append_rtp(
        &self,
        place: Place,
        head: &[u8],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let start = out.len();
        out.resize(start + head.len() + body.len() + TAG, 0);
        let (clear, rest) = out
            .get_mut(start..)
            .and_then(|packet| packet.split_at_mut_checked(head.len()))
            .ok_or(Error::Malformed)?;
        let (sealed, tag) = rest
            .split_at_mut_checked(body.len())
            .ok_or(Error::Malformed)?;
        clear.copy_from_slice(head);
        self.key
            .seal_out_of_place_scatter(
                nonce(self.salt, place),
                Aad::from(head),
                body,
                sealed,
                &[],
                tag,
            )
            .map_err(|_| Error::Malformed)
    }
}

impl CounterMode {
    fn apply(&self, place: Place, body: &mut [u8]) {
        keystream(&self.aes, (self.salt ^ place.nonce_bits()) << 16, body);
    }

    /// The HMAC over head, encrypted body and suffix (RFC 3711 §4.2), not yet finished.
    fn authenticate(&self, place: Place, head: &[u8], body: &[u8]) -> Hmac<Sha1> {
        let mut hmac = self.hmac.clone();
        hmac.update(head);
        hmac.update(body);
        hmac.update(&place.suffix());
        hmac
    }
}

/// AES-GCM covers RTP's head alone, but RTCP's head and the word behind the packet (RFC 7714 §8.2, §9.2).
fn with_associated_data<T>(
    place: Place,
    head: &[u8],
    run: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<T, Error> {
    match place {
        Place::Rtp { .. } => run(head),
        Place::Rtcp { .. } => {
            let head: &[u8; RTCP_HEADER] = head.try_into().map_err(|_| Error::Malformed)?;
            let mut aad = [0; RTCP_HEADER + RTCP_WORD];
            for (slot, byte) in aad.iter_mut().zip(head.iter().chain(&place.suffix())) {
                *slot = *byte;
            }
            run(&aad)
        }
    }
}

/// Two zero bytes, SSRC, 48 bits of index, mixed with the salt (RFC 7714 §8.1, §9.1).
fn nonce(salt: u128, place: Place) -> Nonce {
    let [_, _, _, _, bytes @ ..] = (salt ^ place.nonce_bits()).to_be_bytes();
    const _: () = assert!(NONCE_LEN == 12);
    Nonce::assume_unique_for_key(bytes)
}
