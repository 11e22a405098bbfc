//! Objects in places that are used again: transports are named by their place on the packet path, where a hash table would cost more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::room;

/// A place in a [`Slab`]. Whoever keeps one takes care that it is forgotten when the object goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    /// Ends with one that is taken.
    places: Vec<Option<T>>,
    /// The lowest is used first, so that the end comes free in time. Some may be behind the end.
    free: BinaryHeap<Reverse<Slot>>,
    taken: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: BinaryHeap::new(),
            taken: 0,
        }
    }
}

impl<T> Slab<T> {
    /// Puts an object in a free place. `None` when 2³² are taken.
    pub(crate) fn insert(&mut self, value: T) -> Option<Slot> {
        let free = self.free.pop().map(|Reverse(slot)| slot);
        let slot = match free.filter(|slot| self.places.get(slot.0 as usize).is_some()) {
            Some(slot) => slot,
            None => {
                self.free.clear(); // the lowest is behind the end, so all are
                let end = Slot(u32::try_from(self.places.len()).ok()?);
                room::for_one_more(&mut self.places);
                self.places.push(None);
                end
            }
        };
        *self.places.get_mut(slot.0 as usize)? = Some(value);
        self.taken += 1;
        Some(slot)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&T> {
        self.places.get(slot.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.places.get_mut(slot.0 as usize)?.as_mut()
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<T> {
        let value = self.places.get_mut(slot.0 as usize)?.take()?;
        self.taken -= 1;
        self.free.push(Reverse(slot));
        while matches!(self.places.last(), Some(None)) {
            self.places.pop();
        }
        room::give_back(&mut self.places);
        if self.taken == 0 {
            self.free = BinaryHeap::new();
        }
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_place_is_used_again() {
        let mut slab = Slab::default();
        let (one, two) = (slab.insert("one").unwrap(), slab.insert("two").unwrap());
        assert_eq!(slab.remove(one), Some("one"));
        assert_eq!(slab.remove(one), None);
        assert_eq!(slab.insert("three"), Some(one));
        assert_eq!(
            (slab.get(one), slab.get(two), slab.len()),
            (Some(&"three"), Some(&"two"), 2)
        );
    }

    #[test]
    fn places_at_the_end_are_given_back_and_none_is_given_twice() {
        let mut slab = Slab::default();
        let slots: Vec<Slot> = (0..1_000).filter_map(|n| slab.insert(n)).collect();
        for slot in slots.iter().rev().take(990) {
            slab.remove(*slot);
        }
        assert!(slab.places.capacity() <= 64, "{}", slab.places.capacity());
        for slot in slots.iter().take(5) {
            slab.remove(*slot);
        }
        let again: Vec<Slot> = (0..1_000).filter_map(|n| slab.insert(n)).collect();
        let mut all: Vec<Slot> = again.iter().chain(&slots[5..10]).copied().collect();
        all.sort();
        all.dedup();
        assert_eq!(
            (all.len(), slab.len(), all.last()),
            (1_005, 1_005, Some(&Slot(1_004)))
        );
    }
}
