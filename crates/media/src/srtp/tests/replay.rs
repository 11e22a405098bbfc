//! T6: what was let in once is not let in again, in the window, outside it, across a rollover.

use super::{PROFILES, SSRC, heard, pair, reported, sealed, sealed_report};
use crate::srtp::{Error, Profile};

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
