//! The rules of protection: what goes in comes out, once; what was not made with our keys moves nothing.

mod properties;
mod replay;
mod vectors;

use super::cipher::{Cipher, Place};
use super::keys::Stream;
use super::*;
use crate::rtp::Fields;

const PROFILES: [Profile; 3] = [
    Profile::AeadAes256Gcm,
    Profile::AeadAes128Gcm,
    Profile::AesCm128HmacSha1_80,
];
const SSRC: u32 = 0xCAFE_BABE;

fn pair(profile: Profile) -> (Outbound, Inbound) {
    let (key, salt) = ([7; 32], [9; 14]);
    let (key, salt) = (&key[..profile.key_len()], &salt[..profile.salt_len()]);
    (
        Outbound::new(profile, key, salt).unwrap(),
        Inbound::new(profile, key, salt).unwrap(),
    )
}

fn header(ssrc: u32, index: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let fields = Fields {
        marker: false,
        payload_type: 111,
        sequence: index as u16,
        timestamp: 960,
        ssrc,
    };
    fields
        .write(&[(1, b"mid"), (2, &[0x80])], &mut out)
        .unwrap();
    out
}

fn sealed(outbound: &Outbound, ssrc: u32, index: u64) -> Vec<u8> {
    let mut out = Vec::new();
    outbound
        .protect_rtp_into(&header(ssrc, index), b"some sound", index, &mut out)
        .unwrap();
    out
}

fn report(ssrc: u32) -> Vec<u8> {
    [&[0x80, 201, 0, 1][..], &ssrc.to_be_bytes()].concat()
}

fn sealed_report(outbound: &mut Outbound, ssrc: u32) -> Vec<u8> {
    let mut packet = report(ssrc);
    outbound.protect_rtcp(&mut packet).unwrap();
    packet
}

fn heard(inbound: &mut Inbound, packet: &[u8]) -> Result<u64, Error> {
    inbound
        .unprotect_rtp(&mut packet.to_vec())
        .map(|plain| plain.index)
}

fn reported(inbound: &mut Inbound, packet: &[u8]) -> Result<usize, Error> {
    inbound.unprotect_rtcp(&mut packet.to_vec())
}

#[test]
fn keys_of_a_wrong_length_are_refused() {
    for profile in PROFILES {
        let (key, salt) = (vec![0; profile.key_len()], vec![0; profile.salt_len()]);
        for (key, salt) in [
            (&key[1..], &salt[..]),
            (&key[..], &salt[1..]),
            (&[][..], &salt[..]),
            (&[0; 33][..], &salt[..]),
        ] {
            assert_eq!(Outbound::new(profile, key, salt).err(), Some(Error::Keys));
            assert_eq!(Inbound::new(profile, key, salt).err(), Some(Error::Keys));
        }
    }
}

#[test]
fn exported_keying_material_is_cut_into_client_and_server_keys_then_salts() {
    let lengths = [
        (Profile::AeadAes256Gcm, 88),
        (Profile::AeadAes128Gcm, 56),
        (Profile::AesCm128HmacSha1_80, 60),
    ];
    for (profile, length) in lengths {
        assert_eq!(profile.keying_material_len(), length);
        let exported: Vec<u8> = (0..length as u8).collect();
        let parts = KeyingMaterial::split(profile, &exported).unwrap();
        let joined = [
            parts.client_key,
            parts.server_key,
            parts.client_salt,
            parts.server_salt,
        ]
        .concat();
        assert_eq!(joined, exported);
        assert_eq!(
            (parts.server_key.len(), parts.client_salt.len()),
            (profile.key_len(), profile.salt_len())
        );
        assert!(KeyingMaterial::split(profile, &exported[1..]).is_none());
        assert!(KeyingMaterial::split(profile, &[&exported[..], &[0]].concat()).is_none());
    }
}

#[test]
fn a_packet_grows_by_the_overhead_that_the_profile_names() {
    for profile in PROFILES {
        let (mut outbound, _) = pair(profile);
        assert_eq!(
            sealed(&outbound, SSRC, 0).len(),
            header(SSRC, 0).len() + 10 + profile.rtp_overhead()
        );
        assert_eq!(
            sealed_report(&mut outbound, SSRC).len(),
            8 + profile.rtcp_overhead()
        );
    }
}

#[test]
fn the_two_ways_to_protect_rtp_agree() {
    for profile in PROFILES {
        let (outbound, _) = pair(profile);
        let index = 3 << 16 | 0xFFFE;
        let header = header(SSRC, index);
        let mut packet = [&header[..], b"some sound"].concat();
        outbound.protect_rtp(header.len(), &mut packet, 3).unwrap();
        assert_eq!(packet, sealed(&outbound, SSRC, index));
    }
}

#[test]
fn a_payload_in_two_parts_is_sealed_as_if_it_were_one() {
    for profile in PROFILES {
        let (outbound, _) = pair(profile);
        let expected = sealed(&outbound, SSRC, 5);
        for cut in 0..=10 {
            let (first, second) = b"some sound".split_at(cut);
            let mut out = Vec::new();
            outbound
                .protect_rtp_in_parts(&header(SSRC, 5), [first, second], 5, &mut out)
                .unwrap();
            assert_eq!(out, expected, "{profile:?}, {cut} bytes before the cut");
        }
    }
}

#[test]
fn packets_are_appended_to_what_stands_in_the_buffer_and_nothing_is_left_of_a_failure() {
    let (outbound, _) = pair(Profile::AeadAes128Gcm);
    let mut out = b"before".to_vec();
    assert_eq!(
        outbound.protect_rtp_into(&header(SSRC, 5), b"x", 6, &mut out),
        Err(Error::Malformed)
    );
    assert_eq!(
        outbound.protect_rtp_into(&header(SSRC, 5)[..11], b"x", 5, &mut out),
        Err(Error::Malformed)
    );
    assert_eq!(
        outbound.protect_rtp_into(&header(SSRC, 5), b"x", 1 << 48 | 5, &mut out),
        Err(Error::Exhausted)
    );
    assert_eq!(out, b"before");
    outbound
        .protect_rtp_into(&header(SSRC, 5), b"x", 5, &mut out)
        .unwrap();
    assert_eq!(&out[..6], b"before");
}

#[test]
fn forged_packets_move_no_state() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = pair(profile);
        heard(&mut inbound, &sealed(&outbound, SSRC, 40_000)).unwrap();
        reported(&mut inbound, &sealed_report(&mut outbound, SSRC)).unwrap();
        let before = inbound.sources();
        let report = sealed_report(&mut outbound, SSRC);
        for step in (0..=u16::MAX).step_by(97) {
            let mut packet = sealed(&outbound, SSRC ^ u32::from(step % 3), u64::from(step));
            *packet.last_mut().unwrap() ^= 1;
            let refused = heard(&mut inbound, &packet).unwrap_err();
            assert!(
                matches!(refused, Error::Authentication | Error::Replay),
                "{refused:?}"
            );
            let mut packet = report.clone();
            packet[usize::from(step) % report.len()] ^= 1;
            assert!(reported(&mut inbound, &packet).is_err());
        }
        assert_eq!(inbound.sources(), before);
        assert_eq!(
            heard(&mut inbound, &sealed(&outbound, SSRC, 40_001)),
            Ok(40_001)
        );
        assert_eq!(
            heard(&mut inbound, &sealed(&outbound, SSRC, 39_999)),
            Ok(39_999)
        );
        assert_eq!(
            reported(&mut inbound, &sealed_report(&mut outbound, SSRC)),
            Ok(8)
        );
    }
}

#[test]
fn one_flipped_bit_anywhere_is_noticed() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = pair(profile);
        let (rtp, rtcp) = (
            sealed(&outbound, SSRC, 7),
            sealed_report(&mut outbound, SSRC),
        );
        for bit in 0..rtp.len() * 8 {
            let mut packet = rtp.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            assert!(
                heard(&mut inbound, &packet).is_err(),
                "{profile:?} RTP bit {bit}"
            );
        }
        for bit in 0..rtcp.len() * 8 {
            let mut packet = rtcp.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            assert!(
                reported(&mut inbound, &packet).is_err(),
                "{profile:?} RTCP bit {bit}"
            );
        }
        assert_eq!(inbound.sources(), (0, 0));
        assert_eq!(
            (heard(&mut inbound, &rtp), reported(&mut inbound, &rtcp)),
            (Ok(7), Ok(8))
        );
    }
}

#[test]
fn every_shorter_packet_is_refused() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = pair(profile);
        let (rtp, rtcp) = (
            sealed(&outbound, SSRC, 7),
            sealed_report(&mut outbound, SSRC),
        );
        for length in 0..rtp.len() {
            assert!(heard(&mut inbound, &rtp[..length]).is_err());
        }
        for length in 0..rtcp.len() {
            assert!(reported(&mut inbound, &rtcp[..length]).is_err());
        }
    }
}

#[test]
fn a_packet_made_with_other_keys_does_not_pass() {
    for profile in PROFILES {
        let (mut outbound, _) = pair(profile);
        let other = (vec![8; profile.key_len()], vec![9; profile.salt_len()]);
        let mut stranger = Inbound::new(profile, &other.0, &other.1).unwrap();
        assert_eq!(
            heard(&mut stranger, &sealed(&outbound, SSRC, 7)),
            Err(Error::Authentication)
        );
        assert_eq!(
            reported(&mut stranger, &sealed_report(&mut outbound, SSRC)),
            Err(Error::Authentication)
        );
    }
}

#[test]
fn sources_are_bounded() {
    let (mut outbound, mut inbound) = pair(Profile::AeadAes128Gcm);
    for ssrc in 0..MAX_SOURCES as u32 {
        heard(&mut inbound, &sealed(&outbound, ssrc, 1)).unwrap();
    }
    assert_eq!(
        heard(&mut inbound, &sealed(&outbound, SSRC, 1)),
        Err(Error::TooManySources)
    );
    assert_eq!(heard(&mut inbound, &sealed(&outbound, 5, 2)), Ok(2));
    for ssrc in 0..MAX_SOURCES as u32 {
        reported(&mut inbound, &sealed_report(&mut outbound, ssrc)).unwrap();
    }
    assert_eq!(
        reported(&mut inbound, &sealed_report(&mut outbound, SSRC)),
        Err(Error::TooManySources)
    );
    assert_eq!(inbound.sources(), (MAX_SOURCES, MAX_SOURCES));
}

#[test]
fn indices_end_and_are_not_started_again() {
    let (mut outbound, mut inbound) = pair(Profile::AeadAes128Gcm);
    outbound.set_rtcp_index(0x7FFF_FFFF);
    assert_eq!(
        reported(&mut inbound, &sealed_report(&mut outbound, SSRC)),
        Ok(8)
    );
    let mut packet = report(SSRC);
    assert_eq!(outbound.protect_rtcp(&mut packet), Err(Error::Exhausted));
    assert_eq!(packet, report(SSRC));
}

#[test]
fn a_tag_cut_short_is_no_tag() {
    let place = Place::Rtp {
        ssrc: SSRC,
        index: 7,
    };
    for profile in PROFILES {
        let (key, salt) = (vec![7; profile.key_len()], vec![9; profile.salt_len()]);
        let cipher = Cipher::new(profile, Stream::Rtp, &key, &salt).unwrap();
        let mut body = *b"some sound";
        let tag = cipher.seal(place, b"head", &mut body).unwrap();
        for length in 0..tag.as_slice().len() {
            let opened = cipher.open(place, b"head", &mut body.clone(), &tag.as_slice()[..length]);
            assert_eq!(opened, Err(Error::Authentication), "{profile:?} {length}");
        }
        assert_eq!(
            cipher.open(place, b"head", &mut body, tag.as_slice()),
            Ok(())
        );
    }
}

#[test]
fn keys_do_not_show_in_debug_output() {
    let (outbound, inbound) = pair(Profile::AesCm128HmacSha1_80);
    let shown = format!("{outbound:?} {inbound:?}");
    assert_eq!(
        shown,
        "Outbound { profile: AesCm128HmacSha1_80, rtcp_index: 0, .. } \
         Inbound { profile: AesCm128HmacSha1_80, sources: (0, 0), .. }"
    );
}
