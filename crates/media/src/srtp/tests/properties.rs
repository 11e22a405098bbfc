//! Protection under any input: identity for what was made with our keys, refusal of everything else, the window against its model.

use proptest::prelude::*;

use super::{PROFILES, header, heard, pair, report, reported};
use crate::srtp::Profile;
use crate::srtp::replay::Window;

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
