//! Objects in places that are used again: transports are named by their place on the packet path, where a hash table would cost more.

/// A place in a [`Slab`]. Whoever keeps one takes care that it is forgotten when the object goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<Slot>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Puts an object in a free place. `None` when 2³² are taken.
    pub(crate) fn insert(&mut self, value: T) -> Option<Slot> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.places.push(None);
                Slot(u32::try_from(self.places.len().checked_sub(1)?).ok()?)
            }
        };
        *self.places.get_mut(slot.0 as usize)? = Some(value);
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
        self.free.push(slot);
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
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
}
