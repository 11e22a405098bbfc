//! Sequence numbers that do not wrap (RFC 3550 A.1).

/// The 64-bit index that ends in `sequence` and lies nearest to `near`.
///
/// What would lie before zero is taken as ahead: there is no packet −1.
#[must_use]
pub fn extend(near: u64, sequence: u16) -> u64 {
    let step = sequence.wrapping_sub(near as u16) as i16;
    near.checked_add_signed(i64::from(step))
        .unwrap_or_else(|| near.wrapping_add(u64::from(step as u16)))
}
