//! Datagrams without our keys, and packets of any shape on their way out and in again.

use hocket_media::rtp::Header;
use hocket_media::srtp::{Inbound, Outbound, Profile};

const PROFILES: [Profile; 3] = [
    Profile::AeadAes256Gcm,
    Profile::AeadAes128Gcm,
    Profile::AesCm128HmacSha1_80,
];

/// A datagram as it comes, and what is to be protected.
pub fn run(bytes: &[u8]) {
    for profile in PROFILES {
        let (key, salt) = (vec![7; profile.key_len()], vec![9; profile.salt_len()]);
        let mut inbound = Inbound::new(profile, &key, &salt).unwrap();
        assert!(inbound.unprotect_rtp(&mut bytes.to_vec()).is_err());
        assert!(inbound.unprotect_rtcp(&mut bytes.to_vec()).is_err());
        assert_eq!(inbound.sources(), (0, 0));
        let mut outbound = Outbound::new(profile, &key, &salt).unwrap();
        rtp(bytes, &outbound, &mut inbound);
        rtcp(bytes, &mut outbound, &mut inbound);
    }
}

fn rtp(bytes: &[u8], outbound: &Outbound, inbound: &mut Inbound) {
    let Ok(header) = Header::parse_protected(bytes) else {
        return;
    };
    let mut packet = bytes.to_vec();
    outbound
        .protect_rtp(header.header_len(), &mut packet, 0)
        .unwrap();
    let mut replayed = packet.clone();
    let plain = inbound.unprotect_rtp(&mut packet).unwrap();
    assert_eq!(
        (&packet[..plain.len], plain.index),
        (bytes, u64::from(header.sequence))
    );
    assert!(inbound.unprotect_rtp(&mut replayed).is_err());
}

fn rtcp(bytes: &[u8], outbound: &mut Outbound, inbound: &mut Inbound) {
    let mut packet = bytes.to_vec();
    if outbound.protect_rtcp(&mut packet).is_err() || bytes[0] >> 6 != 2 {
        return;
    }
    let mut replayed = packet.clone();
    let len = inbound.unprotect_rtcp(&mut packet).unwrap();
    assert_eq!(&packet[..len], bytes);
    assert!(inbound.unprotect_rtcp(&mut replayed).is_err());
}
