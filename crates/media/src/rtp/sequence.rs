//! Sequence numbers that do not wrap: 16 bits on the wire, 48 in the packet index of SRTP, 64 here (RFC 3550 A.1, RFC 3711 §3.3.1).

/// The index that ends in `sequence` and lies nearest to `near`; of two that are equally near the lower one.
///
/// What would lie before zero is taken as ahead: there is no packet −1.
#[must_use]
pub fn extend(near: u64, sequence: u16) -> u64 {
    let ahead = sequence.wrapping_sub(near as u16);
    near.checked_add_signed(i64::from(ahead as i16))
        .unwrap_or_else(|| near.wrapping_add(u64::from(ahead)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::extend;

    #[test]
    fn the_nearest_index_is_taken_on_both_sides_of_a_rollover() {
        for (near, sequence, index) in [
            (0, 0, 0),
            (0, 1, 1),
            (100, 90, 90),
            (0xFFFF, 0, 0x1_0000),
            (0xFFF0, 0x10, 0x1_0010),
            (0x1_0000, 0xFFFF, 0xFFFF),
            (0x1_0010, 0xFFF0, 0xFFF0),
            (0x2_8000, 0x0000, 0x2_0000),
            (0x2_8001, 0x0000, 0x3_0000),
            (0x2_0000, 0x7FFF, 0x2_7FFF),
            (0x2_0000, 0x8000, 0x1_8000),
        ] {
            assert_eq!(extend(near, sequence), index, "{near:#x} {sequence:#x}");
        }
    }

    #[test]
    fn nothing_lies_before_zero() {
        assert_eq!(extend(5, 0xFFFF), 0xFFFF);
        assert_eq!(extend(0, 0x8001), 0x8001);
    }

    proptest! {
        #[test]
        fn it_ends_in_the_sequence_number_and_is_near(near in 0x8000_u64..1 << 60, sequence in any::<u16>()) {
            let index = extend(near, sequence);
            prop_assert_eq!(index as u16, sequence);
            prop_assert!(index.abs_diff(near) <= 0x8000);
        }
    }
}
