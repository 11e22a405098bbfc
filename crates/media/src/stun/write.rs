//! Writing the STUN messages that an ICE agent sends: a server's two answers, a client's check, a keepalive (RFC 8445 §7, §11).
//!
//! Everything is appended to the caller's buffer, so several messages may stand in one arena; room in it is the caller's matter.

use core::net::{IpAddr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{
    BINDING, CRC, Class, FINGERPRINT_MASK, HEADER, INTEGRITY, MAGIC_COOKIE, TransactionId,
    attribute,
};

/// The half of the cookie that ports are mixed with.
pub(super) const COOKIE_PORT: u16 = (MAGIC_COOKIE >> 16) as u16;
/// The longest USERNAME that is written (RFC 8489 §14.3).
const MAX_USERNAME: usize = 513;

/// What IPv6 addresses are mixed with: the cookie, then the transaction id.
pub(super) fn xor_mask(id: TransactionId) -> u128 {
    let TransactionId([a, b, c, d, e, f, g, h, i, j, k, l]) = id;
    (u128::from(MAGIC_COOKIE) << 96)
        | u128::from_be_bytes([0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j, k, l])
}

/// Which side of ICE the sender believes itself to be, with its tie-breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nominates pairs.
    Controlling(u64),
    /// Follows. An ICE-lite server always does.
    Controlled(u64),
}

/// A connectivity check (RFC 8445 §7.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindingRequest<'a> {
    /// 96 fresh random bits.
    pub transaction_id: TransactionId,
    /// `receiver's ufrag:own ufrag`, at most 513 bytes; what is longer is cut off and will not authenticate.
    pub username: &'a str,
    /// PRIORITY of the candidate that the receiver may learn from this check.
    pub priority: u32,
    /// The sender's role.
    pub role: Role,
    /// Nominate this pair; only a controlling sender may.
    pub use_candidate: bool,
}

impl BindingRequest<'_> {
    /// Appends the check, signed with the receiver's `password`, with FINGERPRINT.
    pub fn write(&self, password: &[u8], out: &mut Vec<u8>) {
        let mut writer = Writer::begin(Class::Request, self.transaction_id, out);
        let name = self.username.as_bytes();
        writer.attribute(
            attribute::USERNAME,
            &[name.get(..MAX_USERNAME).unwrap_or(name)],
        );
        writer.attribute(attribute::PRIORITY, &[&self.priority.to_be_bytes()]);
        match self.role {
            Role::Controlling(tie) => {
                writer.attribute(attribute::ICE_CONTROLLING, &[&tie.to_be_bytes()])
            }
            Role::Controlled(tie) => {
                writer.attribute(attribute::ICE_CONTROLLED, &[&tie.to_be_bytes()])
            }
        }
        if self.use_candidate {
            writer.attribute(attribute::USE_CANDIDATE, &[]);
        }
        writer.sign(password);
        writer.fingerprint();
    }
}

/// Errors that an ICE agent answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 400: the request lacks what ICE demands.
    BadRequest,
    /// 401: no or wrong credentials. ICE-lite on the open internet stays silent instead (T10).
    Unauthenticated,
    /// 420: comprehension-required attributes that we do not know.
    UnknownAttribute,
    /// 487: both sides believe in the same role.
    RoleConflict,
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::UnknownAttribute => 420,
            Self::RoleConflict => 487,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::BadRequest => "Bad Request",
            Self::Unauthenticated => "Unauthenticated",
            Self::UnknownAttribute => "Unknown Attribute",
            Self::RoleConflict => "Role Conflict",
        }
    }
}

/// Appends a success response: `mapped` is where the request came from (XOR-MAPPED-ADDRESS); signed, with FINGERPRINT.
///
/// At most 76 bytes, which is less than any authenticated check has: nothing is amplified.
pub fn write_success(id: TransactionId, mapped: SocketAddr, password: &[u8], out: &mut Vec<u8>) {
    let mut writer = Writer::begin(Class::Success, id, out);
    let port = (mapped.port() ^ COOKIE_PORT).to_be_bytes();
    match mapped.ip() {
        IpAddr::V4(ip) => {
            let address = (ip.to_bits() ^ MAGIC_COOKIE).to_be_bytes();
            writer.attribute(attribute::XOR_MAPPED_ADDRESS, &[&[0, 1], &port, &address]);
        }
        IpAddr::V6(ip) => {
            let address = (ip.to_bits() ^ xor_mask(id)).to_be_bytes();
            writer.attribute(attribute::XOR_MAPPED_ADDRESS, &[&[0, 2], &port, &address]);
        }
    }
    writer.sign(password);
    writer.fingerprint();
}

/// Appends an error response.
///
/// `unknown` are the attribute types that a 420 names (the first eight). `password` is `None` where the sender is not known, since
/// there is nothing to sign with; 400 and 401 go out so.
pub fn write_error(
    id: TransactionId,
    error: ErrorCode,
    unknown: &[u16],
    password: Option<&[u8]>,
    out: &mut Vec<u8>,
) {
    let mut writer = Writer::begin(Class::Error, id, out);
    let [class, number] = [(error.code() / 100) as u8, (error.code() % 100) as u8];
    writer.attribute(
        attribute::ERROR_CODE,
        &[&[0, 0, class, number], error.reason().as_bytes()],
    );
    if !unknown.is_empty() {
        let mut types = [[0; 2]; 8];
        let count = unknown.len().min(types.len());
        for (slot, kind) in types.iter_mut().zip(unknown) {
            *slot = kind.to_be_bytes();
        }
        writer.attribute(
            attribute::UNKNOWN_ATTRIBUTES,
            &[types.as_flattened().get(..count * 2).unwrap_or_default()],
        );
    }
    if let Some(password) = password {
        writer.sign(password);
    }
    writer.fingerprint();
}

/// Appends a Binding indication: the keepalive of RFC 8445 §11, which nobody answers. 28 bytes.
pub fn write_indication(id: TransactionId, out: &mut Vec<u8>) {
    Writer::begin(Class::Indication, id, out).fingerprint();
}

/// One message in the making, at the end of a buffer.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Writer<'a> {
    fn begin(class: Class, id: TransactionId, out: &'a mut Vec<u8>) -> Self {
        let kind = BINDING
            | match class {
                Class::Request => 0x0000,
                Class::Indication => 0x0010,
                Class::Success => 0x0100,
                Class::Error => 0x0110,
            };
        let start = out.len();
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&id.0);
        Self { out, start }
    }

    /// Appends one attribute, whose value is given in parts, padded with zeros to four bytes.
    fn attribute(&mut self, kind: u16, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.out.extend_from_slice(&kind.to_be_bytes());
        self.out.extend_from_slice(&(length as u16).to_be_bytes());
        for part in parts {
            self.out.extend_from_slice(part);
        }
        self.out
            .resize(self.out.len() + length.next_multiple_of(4) - length, 0);
    }

    /// Sets the header's length as if `extra` more bytes stood there: signature and checksum cover a header that counts them in.
    fn set_length(&mut self, extra: usize) {
        let length = (self.out.len() + extra).saturating_sub(self.start + HEADER) as u16;
        if let Some([_, _, high, low]) = self.out.get_mut(self.start..self.start + 4) {
            [*high, *low] = length.to_be_bytes();
        }
    }

    fn sign(&mut self, password: &[u8]) {
        self.set_length(4 + INTEGRITY);
        // HMAC takes keys of every length, so this never goes wrong; without a signature the receiver would just drop the message.
        let Ok(mut hmac) = <Hmac<Sha1>>::new_from_slice(password) else {
            return;
        };
        hmac.update(self.out.get(self.start..).unwrap_or_default());
        let signature = hmac.finalize().into_bytes();
        self.attribute(attribute::MESSAGE_INTEGRITY, &[&signature]);
    }

    fn fingerprint(&mut self) {
        self.set_length(8);
        let checksum =
            CRC.checksum(self.out.get(self.start..).unwrap_or_default()) ^ FINGERPRINT_MASK;
        self.attribute(attribute::FINGERPRINT, &[&checksum.to_be_bytes()]);
    }
}
