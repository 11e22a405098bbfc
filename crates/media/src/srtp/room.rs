//! Where in memory a worker's sealing keys lie: side by side, in the order in which transports connect, which is that of a channel's listeners.
//!
//! aws-lc allocates a key (600 bytes, all of which a packet needs) itself, so each would lie wherever its handshake left a gap, and a packet to
//! 1,000 listeners would find each on a page of its own, which the processor has to look up and cannot fetch ahead. Safe code cannot say where
//! a key goes, but an allocator gives what was freed last to the next who wants as much. So keys for nobody are made many at a time, and one
//! of them is dropped just before a real one is made. With an allocator that does otherwise nothing is lost but that.
//! Measured: a packet to one of 1,000 listeners costs half of what it did, where the caches are busy, and four fifths where they are not
//! (`docs/performance.md`).

use aws_lc_rs::aead::{AES_128_GCM, LessSafeKey, UnboundKey};

/// Keys for nobody that are made at a time: 40 kB.
const BATCH: usize = 64;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct KeyRoom {
    /// The one for the next place last.
    spare: Vec<LessSafeKey>,
}

impl KeyRoom {
    /// Gives up a place, for the key that is made next; of whatever AES, as all are equally large.
    pub(super) fn make_place(&mut self) {
        if self.spare.is_empty() {
            let spare = || UnboundKey::new(&AES_128_GCM, &[0; 16]).map(LessSafeKey::new);
            self.spare.extend((0..BATCH).filter_map(|_| spare().ok()));
            self.spare.reverse(); // the first made has the first place
        }
        self.spare.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spare_keys_are_made_a_batch_at_a_time_and_used_up_before_the_next() {
        let mut room = KeyRoom::default();
        for taken in 1..=3 * BATCH {
            room.make_place();
            assert_eq!(room.spare.len(), (BATCH - taken % BATCH) % BATCH);
        }
    }
}
