//! The rules of protection: what goes in comes out, once; what was not made with our keys moves nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;

use super::replay::Window;
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
fn a_packet_is_let_in_once() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = pair(profile);
        let packet = sealed(&outbound, SSRC, 100);
        assert_eq!(heard(&mut inbound, &packet), Ok(100));
        assert_eq!(heard(&mut inbound, &packet), Err(Error::Replay));
        let packet = sealed_report(&mut outbound, SSRC);
        assert_eq!(reported(&mut inbound, &packet), Ok(8));
        assert_eq!(reported(&mut inbound, &packet), Err(Error::Replay));
    }
}

#[test]
fn every_packet_of_the_window_is_let_in_late_but_once_and_older_ones_never() {
    let (outbound, mut inbound) = pair(Profile::AeadAes128Gcm);
    let newest = 1_000;
    let inside: Vec<_> = (newest - 127..=newest)
        .map(|index| (index, sealed(&outbound, SSRC, index)))
        .collect();
    heard(&mut inbound, &inside[127].1).unwrap();
    assert_eq!(
        heard(&mut inbound, &sealed(&outbound, SSRC, newest - 128)),
        Err(Error::Replay)
    );
    for (index, packet) in &inside[..127] {
        assert_eq!(heard(&mut inbound, packet), Ok(*index));
    }
    for (_, packet) in &inside {
        assert_eq!(heard(&mut inbound, packet), Err(Error::Replay));
    }
}

#[test]
fn the_rtcp_window_is_as_wide() {
    let (mut outbound, mut inbound) = pair(Profile::AesCm128HmacSha1_80);
    let packets: Vec<_> = (0..130)
        .map(|_| sealed_report(&mut outbound, SSRC))
        .collect();
    assert_eq!(reported(&mut inbound, &packets[129]), Ok(8));
    assert_eq!(reported(&mut inbound, &packets[1]), Err(Error::Replay));
    assert_eq!(reported(&mut inbound, &packets[2]), Ok(8));
    assert_eq!(reported(&mut inbound, &packets[2]), Err(Error::Replay));
}

#[test]
fn the_sequence_number_rolls_over_and_late_packets_still_belong_before_it() {
    for profile in PROFILES {
        let (outbound, mut inbound) = pair(profile);
        let around = 0x1_0000;
        let order = [
            around - 3,
            around - 1,
            around + 1,
            around - 2,
            around,
            around + 2,
        ];
        // Without a packet before it nobody could know that the rollover has happened.
        for index in order {
            assert_eq!(
                heard(&mut inbound, &sealed(&outbound, SSRC, index)),
                Ok(index),
                "{profile:?}"
            );
        }
        for index in order {
            assert_eq!(
                heard(&mut inbound, &sealed(&outbound, SSRC, index)),
                Err(Error::Replay)
            );
        }
    }
}

#[test]
fn a_recording_is_refused_a_whole_rollover_later() {
    let (outbound, mut inbound) = pair(Profile::AeadAes256Gcm);
    let recorded = sealed(&outbound, SSRC, 20_000);
    for index in [20_000, 50_000, 0x1_0000 + 10_000, 0x1_0000 + 19_990] {
        heard(&mut inbound, &sealed(&outbound, SSRC, index)).unwrap();
    }
    // Its sequence number is now that of a packet to come; under that index its tag is wrong.
    assert_eq!(heard(&mut inbound, &recorded), Err(Error::Authentication));
    assert_eq!(
        heard(&mut inbound, &sealed(&outbound, SSRC, 0x1_0000 + 20_000)),
        Ok(0x1_0000 + 20_000)
    );
}

#[test]
fn a_stream_whose_first_packets_came_in_reverse_across_zero_is_heard() {
    let (outbound, mut inbound) = pair(Profile::AeadAes128Gcm);
    assert_eq!(heard(&mut inbound, &sealed(&outbound, SSRC, 2)), Ok(2));
    assert_eq!(heard(&mut inbound, &sealed(&outbound, SSRC, 0)), Ok(0));
    // There is no packet −1: the number is taken as lying ahead, and its tag decides.
    assert_eq!(
        heard(&mut inbound, &sealed(&outbound, SSRC, 0xFFFF)),
        Ok(0xFFFF)
    );
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
fn sources_are_bounded_and_a_forgotten_one_makes_room() {
    let (mut outbound, mut inbound) = pair(Profile::AeadAes128Gcm);
    for ssrc in 0..MAX_RTP_SOURCES as u32 {
        heard(&mut inbound, &sealed(&outbound, ssrc, 1)).unwrap();
    }
    assert_eq!(
        heard(&mut inbound, &sealed(&outbound, SSRC, 1)),
        Err(Error::TooManySources)
    );
    assert_eq!(heard(&mut inbound, &sealed(&outbound, 5, 2)), Ok(2));
    inbound.forget(5);
    assert_eq!(heard(&mut inbound, &sealed(&outbound, SSRC, 1)), Ok(1));
    for ssrc in 0..MAX_RTCP_SOURCES as u32 {
        reported(&mut inbound, &sealed_report(&mut outbound, ssrc)).unwrap();
    }
    assert_eq!(
        reported(&mut inbound, &sealed_report(&mut outbound, SSRC)),
        Err(Error::TooManySources)
    );
    assert_eq!(inbound.sources(), (MAX_RTP_SOURCES, MAX_RTCP_SOURCES));
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
fn keys_do_not_show_in_debug_output() {
    let (outbound, inbound) = pair(Profile::AesCm128HmacSha1_80);
    let shown = format!("{outbound:?} {inbound:?}");
    assert_eq!(
        shown,
        "Outbound { profile: AesCm128HmacSha1_80, rtcp_index: 0, .. } \
         Inbound { profile: AesCm128HmacSha1_80, sources: (0, 0), .. }"
    );
}

fn any_profile() -> impl Strategy<Value = Profile> {
    prop::sample::select(&PROFILES[..])
}

proptest! {
    #[test]
    fn what_was_protected_comes_out_as_it_went_in(
        profile in any_profile(), ssrc in any::<u32>(), sequence in any::<u16>(),
        payload in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let (mut outbound, mut inbound) = pair(profile);
        let header = header(ssrc, u64::from(sequence));
        let mut packet = Vec::new();
        outbound.protect_rtp_into(&header, &payload, u64::from(sequence), &mut packet).unwrap();
        let plain = inbound.unprotect_rtp(&mut packet).unwrap();
        prop_assert_eq!(plain.index, u64::from(sequence));
        prop_assert_eq!(&packet[..plain.len], &[&header[..], &payload].concat()[..]);

        let compound = [&report(ssrc)[..], &payload].concat();
        let mut packet = compound.clone();
        outbound.protect_rtcp(&mut packet).unwrap();
        let len = inbound.unprotect_rtcp(&mut packet).unwrap();
        prop_assert_eq!(&packet[..len], &compound[..]);
    }

    #[test]
    fn no_bytes_pass_or_panic(profile in any_profile(), first in 0x80_u8..0xC0, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (_, mut inbound) = pair(profile);
        let packet = [&[first][..], &bytes].concat();
        prop_assert!(heard(&mut inbound, &packet).is_err());
        prop_assert!(reported(&mut inbound, &packet).is_err());
        prop_assert!(heard(&mut inbound, &bytes).is_err() && reported(&mut inbound, &bytes).is_err());
        prop_assert_eq!(inbound.sources(), (0, 0));
    }

    #[test]
    fn no_packet_makes_protection_panic(
        profile in any_profile(), header_len in 0_usize..300, rollover in any::<u32>(), bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let (mut outbound, _) = pair(profile);
        let mut packet = bytes.clone();
        if outbound.protect_rtp(header_len, &mut packet, rollover).is_err() {
            prop_assert_eq!(&packet, &bytes);
        }
        let mut packet = bytes.clone();
        prop_assert_eq!(outbound.protect_rtcp(&mut packet).is_ok(), bytes.len() >= 8);
    }

    /// The window against the obvious model: a set of all indices ever accepted.
    #[test]
    fn the_window_agrees_with_a_set_of_all_that_was_accepted(start in 0_u64..1 << 40, steps in proptest::collection::vec(-200_i64..200, 1..300)) {
        let (mut window, mut accepted, mut at) = (Window::default(), std::collections::BTreeSet::new(), start);
        for step in steps {
            at = at.saturating_add_signed(step);
            let newest = accepted.last().copied();
            let refuse = accepted.contains(&at) || newest.is_some_and(|newest| at + 128 <= newest);
            prop_assert_eq!(window.check(at).is_err(), refuse);
            if !refuse {
                prop_assert_eq!(if newest.is_some() { window.estimate(at as u16) } else { at }, at);
                window.accept(at);
                accepted.insert(at);
            }
        }
    }
}
