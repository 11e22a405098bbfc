//! A transport's place: its number among those of its thread, and the loopback address that goes with it.

use std::net::{IpAddr, Ipv4Addr};

/// The first address; below it are those that people use.
const FIRST: u32 = u32::from_be_bytes([127, 1, 0, 0]);
/// One behind the last, 127.255.0.0: more than sixteen million places.
const END: u32 = u32::from_be_bytes([127, 255, 0, 0]);

/// Most places of a thread.
pub(crate) const MAX: usize = (END - FIRST) as usize;

/// The address from which the transport at this place sends, and where it is sent to.
pub(crate) fn address(place: usize) -> IpAddr {
    let offset = u32::try_from(place).unwrap_or(0).min(END - FIRST);
    IpAddr::V4(Ipv4Addr::from(FIRST + offset))
}

/// The place that an address belongs to.
pub(crate) fn place(address: IpAddr) -> Option<usize> {
    let IpAddr::V4(address) = address else {
        return None;
    };
    let bits = u32::from(address);
    (FIRST..END)
        .contains(&bits)
        .then(|| (bits - FIRST) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_an_address_of_its_own() {
        for number in [0, 1, 255, 256, 65_536, MAX - 1] {
            assert_eq!(place(address(number)), Some(number));
            assert!(address(number).is_loopback());
        }
        for stranger in ["127.0.0.1", "127.255.0.0", "10.0.0.1", "::1"] {
            assert_eq!(stranger.parse().ok().and_then(place), None, "{stranger}");
        }
    }
}
