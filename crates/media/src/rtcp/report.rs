//! The fixed parts of sender and receiver reports, as plain values with their bytes (RFC 3550 §6.4.1).

use core::time::Duration;

use super::Ntp;

/// What a sender says about its own stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SenderInfo {
    /// Whose stream it is.
    pub ssrc: u32,
    /// The sender's wall clock when the report was sent.
    pub ntp: Ntp,
    /// The same instant in RTP ticks, with the stream's random offset.
    pub rtp_timestamp: u32,
    /// RTP packets sent since the stream began; wraps.
    pub packets: u32,
    /// Payload bytes sent since the stream began, without headers and padding; wraps.
    pub octets: u32,
}

impl SenderInfo {
    /// SSRC and sender info, as they follow the header.
    pub(super) const LEN: usize = 24;

    pub(super) fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        let [s0, s1, s2, s3, n0, n1, n2, n3, n4, n5, n6, n7, rest @ ..] = bytes;
        let [t0, t1, t2, t3, p0, p1, p2, p3, o0, o1, o2, o3] = rest;
        Self {
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            ntp: Ntp(u64::from_be_bytes([n0, n1, n2, n3, n4, n5, n6, n7])),
            rtp_timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            packets: u32::from_be_bytes([p0, p1, p2, p3]),
            octets: u32::from_be_bytes([o0, o1, o2, o3]),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&self.ntp.0.to_be_bytes());
        for field in [self.rtp_timestamp, self.packets, self.octets] {
            out.extend_from_slice(&field.to_be_bytes());
        }
    }
}

/// What a receiver says about a stream that it gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ReportBlock {
    /// The stream that is reported on.
    pub ssrc: u32,
    /// Loss since the report before, in 1/256; 0 when duplicates outnumber losses.
    pub fraction_lost: u8,
    /// Packets lost since reception began; negative when duplicates outnumber losses. 24 bits on the wire: writing clamps.
    pub lost: i32,
    /// The highest sequence number seen, with the count of its cycles in the upper 16 bits.
    pub highest: u32,
    /// Interarrival jitter in RTP ticks (RFC 3550 §6.4.1, A.8).
    pub jitter: u32,
    /// LSR: [`Ntp::middle`] of the last sender report that came in; 0 when there was none.
    pub last_sender_report: u32,
    /// DLSR: from that report's arrival to this block, in 1/65536 s; 0 when there was none.
    pub delay: u32,
}

impl ReportBlock {
    /// A block's bytes in a report.
    pub(super) const LEN: usize = 24;

    /// Loss since the report before, 0–1.
    #[must_use]
    pub fn fraction(&self) -> f32 {
        f32::from(self.fraction_lost) / 256.0
    }

    /// The round trip since our last sender report: arrival − LSR − DLSR (RFC 3550 §6.4.1).
    ///
    /// `now` is our wall clock at the block's arrival, the clock that stamped the report. `None` when the peer has no report of ours yet.
    /// A negative result, which rounding makes on a fast network, is zero. The peer chooses the outcome, up to nine hours:
    /// check LSR against what was sent, or clamp, before anything depends on it.
    #[must_use]
    pub fn round_trip(&self, now: Ntp) -> Option<Duration> {
        if self.last_sender_report == 0 {
            return None;
        }
        let since = now.middle().wrapping_sub(self.last_sender_report);
        let units = since.wrapping_sub(self.delay).cast_signed().max(0);
        Some(Duration::from_nanos(
            (u64::from(units.cast_unsigned()) * 1_000_000_000) >> 16,
        ))
    }

    pub(super) fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        let [s0, s1, s2, s3, fraction_lost, l0, l1, l2, rest @ ..] = bytes;
        let [h0, h1, h2, h3, j0, j1, j2, j3, rest @ ..] = rest;
        let [r0, r1, r2, r3, d0, d1, d2, d3] = rest;
        Self {
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            fraction_lost,
            // Shifted down from the top, so that the sign of 24 bits becomes that of 32.
            lost: i32::from_be_bytes([l0, l1, l2, 0]) >> 8,
            highest: u32::from_be_bytes([h0, h1, h2, h3]),
            jitter: u32::from_be_bytes([j0, j1, j2, j3]),
            last_sender_report: u32::from_be_bytes([r0, r1, r2, r3]),
            delay: u32::from_be_bytes([d0, d1, d2, d3]),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let [_, l0, l1, l2] = self.lost.clamp(-0x80_0000, 0x7F_FFFF).to_be_bytes();
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&[self.fraction_lost, l0, l1, l2]);
        for field in [
            self.highest,
            self.jitter,
            self.last_sender_report,
            self.delay,
        ] {
            out.extend_from_slice(&field.to_be_bytes());
        }
    }
}
