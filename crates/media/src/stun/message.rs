//! Reading a STUN message: one walk over the attributes, which remembers the ones that ICE needs (RFC 8489 §5, §14).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{
    CRC, Class, Error, FINGERPRINT_MASK, HEADER, INTEGRITY, MAGIC_COOKIE, TransactionId, attribute,
};

/// Bytes of an attribute's type and length.
const ATTRIBUTE_HEADER: usize = 4;
/// Attributes that are read at most. A browser's check has seven or eight; the bound keeps a datagram full of empty ones cheap.
const MAX_ATTRIBUTES: usize = 32;
/// The largest USERNAME (RFC 8489 §14.3): what does not fit is no name of ours.
const MAX_USERNAME: usize = 513;

/// A STUN message, borrowed from its datagram.
///
/// Of an attribute that stands in it twice the first counts, and what stands behind MESSAGE-INTEGRITY does not count at all
/// (RFC 8489 §14, §14.5), so every accessor speaks of bytes that [`Message::verify`] covers.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    bytes: &'a [u8],
    class: Class,
    method: u16,
    transaction_id: TransactionId,
    username: Option<&'a [u8]>,
    priority: Option<u32>,
    use_candidate: bool,
    ice_controlling: Option<u64>,
    ice_controlled: Option<u64>,
    mapped_address: Option<SocketAddr>,
    error_code: Option<u16>,
    /// Where MESSAGE-INTEGRITY starts, counted from the message's first byte, and its value.
    integrity: Option<(usize, &'a [u8; INTEGRITY])>,
    has_fingerprint: bool,
}

impl<'a> Message<'a> {
    /// Reads a whole datagram as one message. Allocates nothing.
    ///
    /// # Errors
    /// See [`Error`]; all of them mean: drop the datagram, answer nothing.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let (&[t0, t1, l0, l1, c0, c1, c2, c3, id @ ..], body) =
            bytes.split_first_chunk::<HEADER>().ok_or(Error::TooShort)?;
        let kind = u16::from_be_bytes([t0, t1]);
        if kind & 0xC000 != 0 || u32::from_be_bytes([c0, c1, c2, c3]) != MAGIC_COOKIE {
            return Err(Error::NotStun);
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if length != body.len() || !length.is_multiple_of(4) {
            return Err(Error::Length);
        }
        let mut message = Self {
            bytes,
            class: class_of(kind),
            method: method_of(kind),
            transaction_id: TransactionId(id),
            username: None,
            priority: None,
            use_candidate: false,
            ice_controlling: None,
            ice_controlled: None,
            mapped_address: None,
            error_code: None,
            integrity: None,
            has_fingerprint: false,
        };
        message.read_attributes(body)?;
        Ok(message)
    }

    fn read_attributes(&mut self, body: &'a [u8]) -> Result<(), Error> {
        let mut attributes = Attributes { rest: body };
        for _ in 0..MAX_ATTRIBUTES {
            let offset = HEADER + body.len() - attributes.rest.len();
            let Some((kind, value)) = attributes.read()? else {
                return Ok(());
            };
            if kind == attribute::FINGERPRINT {
                return self.check_fingerprint(offset, value, attributes.rest);
            }
            if self.integrity.is_none() {
                self.read_attribute(kind, value, offset)?;
            }
        }
        if attributes.rest.is_empty() {
            Ok(())
        } else {
            Err(Error::TooManyAttributes)
        }
    }

    fn read_attribute(&mut self, kind: u16, value: &'a [u8], offset: usize) -> Result<(), Error> {
        match kind {
            attribute::USERNAME if value.len() > MAX_USERNAME => return Err(Error::Attribute),
            attribute::USERNAME => keep_first(&mut self.username, value),
            attribute::PRIORITY => {
                keep_first(&mut self.priority, u32::from_be_bytes(exactly(value)?))
            }
            attribute::USE_CANDIDATE => self.use_candidate = true,
            attribute::ICE_CONTROLLING => keep_first(
                &mut self.ice_controlling,
                u64::from_be_bytes(exactly(value)?),
            ),
            attribute::ICE_CONTROLLED => keep_first(
                &mut self.ice_controlled,
                u64::from_be_bytes(exactly(value)?),
            ),
            attribute::XOR_MAPPED_ADDRESS => {
                keep_first(
                    &mut self.mapped_address,
                    read_xor_address(value, self.transaction_id)?,
                );
            }
            attribute::ERROR_CODE => keep_first(&mut self.error_code, read_error_code(value)?),
            attribute::MESSAGE_INTEGRITY => {
                self.integrity = Some((offset, value.try_into().map_err(|_| Error::Attribute)?))
            }
            _ => {}
        }
        Ok(())
    }

    /// FINGERPRINT covers everything in front of it, with a header length that counts it in; so it has to stand last.
    fn check_fingerprint(
        &mut self,
        offset: usize,
        value: &[u8],
        behind: &[u8],
    ) -> Result<(), Error> {
        let covered = self.bytes.get(..offset).ok_or(Error::Fingerprint)?;
        let claimed = u32::from_be_bytes(value.try_into().map_err(|_| Error::Fingerprint)?);
        if !behind.is_empty() || CRC.checksum(covered) ^ FINGERPRINT_MASK != claimed {
            return Err(Error::Fingerprint);
        }
        self.has_fingerprint = true;
        Ok(())
    }

    /// Request, indication, or one of the two responses.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// The method; ICE only ever sends [`super::BINDING`].
    #[must_use]
    pub fn method(&self) -> u16 {
        self.method
    }

    /// What a response repeats from its request.
    #[must_use]
    pub fn transaction_id(&self) -> TransactionId {
        self.transaction_id
    }

    /// USERNAME, at most 513 bytes. `None` when absent or not UTF-8.
    #[must_use]
    pub fn username(&self) -> Option<&'a str> {
        self.username
            .and_then(|name| core::str::from_utf8(name).ok())
    }

    /// A check's USERNAME in its two halves: the ufrag of whom it is sent to, then the sender's (RFC 8445 §7.2.2).
    #[must_use]
    pub fn fragments(&self) -> Option<(&'a str, &'a str)> {
        self.username()?.split_once(':')
    }

    /// PRIORITY that a candidate learnt from this check would get (RFC 8445 §7.1.1).
    #[must_use]
    pub fn priority(&self) -> Option<u32> {
        self.priority
    }

    /// Does the controlling side nominate this pair (RFC 8445 §7.1.2)?
    #[must_use]
    pub fn use_candidate(&self) -> bool {
        self.use_candidate
    }

    /// The tie-breaker of a sender that believes it is controlling.
    #[must_use]
    pub fn ice_controlling(&self) -> Option<u64> {
        self.ice_controlling
    }

    /// The tie-breaker of a sender that believes it is controlled.
    #[must_use]
    pub fn ice_controlled(&self) -> Option<u64> {
        self.ice_controlled
    }

    /// XOR-MAPPED-ADDRESS of a success response: where our request seemed to come from.
    #[must_use]
    pub fn mapped_address(&self) -> Option<SocketAddr> {
        self.mapped_address
    }

    /// The code of an error response, 300–699.
    #[must_use]
    pub fn error_code(&self) -> Option<u16> {
        self.error_code
    }

    /// Did a FINGERPRINT stand in it? (If so it was right: [`Message::parse`] refuses wrong ones.) ICE demands one in every check.
    #[must_use]
    pub fn has_fingerprint(&self) -> bool {
        self.has_fingerprint
    }

    /// Is there a MESSAGE-INTEGRITY to verify?
    #[must_use]
    pub fn has_integrity(&self) -> bool {
        self.integrity.is_some()
    }

    /// Types of attributes that we would have to understand and do not, in the order in which they stand there.
    pub fn unknown_required(&self) -> impl Iterator<Item = u16> + use<'a> {
        let end = self
            .integrity
            .map_or(self.bytes.len(), |(offset, _)| offset);
        let mut attributes = Attributes {
            rest: self.bytes.get(HEADER..end).unwrap_or_default(),
        };
        core::iter::from_fn(move || attributes.read().ok().flatten())
            .map(|(kind, _)| kind)
            .filter(|kind| attribute::is_unknown_required(*kind))
    }

    /// Was this message made by somebody who knows `password`? Compared in constant time; `false` without MESSAGE-INTEGRITY.
    ///
    /// The HMAC-SHA1 covers what stands in front of the attribute, under a header whose length ends with it (RFC 8489 §14.5).
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        let Some((offset, claimed)) = self.integrity else {
            return false;
        };
        let Some((kind, covered)) = self
            .bytes
            .get(..offset)
            .and_then(|head| head.split_first_chunk::<2>())
        else {
            return false;
        };
        let (Some(rest), Ok(length)) = (
            covered.get(2..),
            u16::try_from(offset - HEADER + ATTRIBUTE_HEADER + INTEGRITY),
        ) else {
            return false;
        };
        let Ok(mut hmac) = <Hmac<Sha1>>::new_from_slice(password) else {
            return false;
        };
        hmac.update(kind);
        hmac.update(&length.to_be_bytes());
        hmac.update(rest);
        hmac.verify_slice(claimed).is_ok()
    }
}

/// A walk over type-length-value triples, each padded to four bytes.
struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// The next type and value, or `None` at the end.
    fn read(&mut self) -> Result<Option<(u16, &'a [u8])>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (&[k0, k1, l0, l1], rest) = self
            .rest
            .split_first_chunk::<ATTRIBUTE_HEADER>()
            .ok_or(Error::Attribute)?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (padded, rest) = rest
            .split_at_checked(length.next_multiple_of(4))
            .ok_or(Error::Attribute)?;
        self.rest = rest;
        Ok(Some((
            u16::from_be_bytes([k0, k1]),
            padded.get(..length).ok_or(Error::Attribute)?,
        )))
    }
}

/// The class bits stand at 0x0010 and 0x0100 of the message type.
fn class_of(kind: u16) -> Class {
    match (kind & 0x0100 != 0, kind & 0x0010 != 0) {
        (false, false) => Class::Request,
        (false, true) => Class::Indication,
        (true, false) => Class::Success,
        (true, true) => Class::Error,
    }
}

/// The method is what is left of the message type when the class bits are taken out.
fn method_of(kind: u16) -> u16 {
    (kind & 0x000F) | ((kind & 0x00E0) >> 1) | ((kind & 0x3E00) >> 2)
}

fn keep_first<T>(slot: &mut Option<T>, value: T) {
    slot.get_or_insert(value);
}

fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Error> {
    value.try_into().map_err(|_| Error::Attribute)
}

/// XOR-MAPPED-ADDRESS: port and address mixed with the cookie, IPv6 with the transaction id as well (RFC 8489 §14.2).
fn read_xor_address(value: &[u8], id: TransactionId) -> Result<SocketAddr, Error> {
    let (&[_, family, p0, p1], address) = value.split_first_chunk::<4>().ok_or(Error::Attribute)?;
    let port = u16::from_be_bytes([p0, p1]) ^ super::write::COOKIE_PORT;
    let ip: IpAddr = match family {
        1 => Ipv4Addr::from_bits(u32::from_be_bytes(exactly(address)?) ^ MAGIC_COOKIE).into(),
        2 => {
            Ipv6Addr::from_bits(u128::from_be_bytes(exactly(address)?) ^ super::write::xor_mask(id))
                .into()
        }
        _ => return Err(Error::Attribute),
    };
    Ok(SocketAddr::new(ip, port))
}

/// ERROR-CODE: the hundreds in three bits, then the number 0–99 (RFC 8489 §14.8). The reason phrase is for people and left unread.
fn read_error_code(value: &[u8]) -> Result<u16, Error> {
    match value {
        [_, _, class, number, ..] if (3..=6).contains(&(class & 7)) && *number < 100 => {
            Ok(u16::from(class & 7) * 100 + u16::from(*number))
        }
        _ => Err(Error::Attribute),
    }
}
