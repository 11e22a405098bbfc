//! Room for what is there by the thousand or the million: lists that grow by a quarter, and lists and tables that give back what they no longer need.
//!
//! A `Vec` doubles, and holds up to twice what is in it; for a channel of a thousand that is a hundred megabytes. Neither it nor a table ever
//! shrinks by itself. What is given back leaves as much again free, so that coming and going does not copy each time.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Below so many entries nothing is worth the trouble.
const SMALL: usize = 32;

/// Makes room for one more entry: as `Vec` does at first, a quarter more at a time later.
pub fn for_one_more<T>(list: &mut Vec<T>) {
    let length = list.len();
    if length == list.capacity() && length >= SMALL {
        list.reserve_exact(length / 4);
    }
}

/// Gives back half or more of a list's room, if three quarters are empty.
pub fn give_back<T>(list: &mut Vec<T>) {
    if is_wide(list.len(), list.capacity()) {
        list.shrink_to(2 * list.len());
    }
}

/// As [`give_back`], for a table.
pub fn give_back_table<K: Eq + Hash, V, S: BuildHasher>(table: &mut HashMap<K, V, S>) {
    if is_wide(table.len(), table.capacity()) {
        table.shrink_to(2 * table.len());
    }
}

fn is_wide(length: usize, capacity: usize) -> bool {
    capacity > 2 * SMALL && length < capacity / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_has_never_more_than_a_quarter_to_spare_and_copies_seldom() {
        let (mut list, mut copied) = (Vec::new(), 0);
        for number in 0..10_000 {
            let before = list.capacity();
            for_one_more(&mut list);
            list.push(number);
            copied += usize::from(list.capacity() != before) * number;
            assert!(list.len() <= SMALL || list.capacity() <= list.len() * 5 / 4);
        }
        assert!(copied < 5 * list.len(), "{copied}");
    }

    #[test]
    fn an_emptied_list_and_table_hold_little_and_do_not_go_back_and_forth() {
        let mut list: Vec<usize> = (0..10_000).collect();
        let mut table: HashMap<usize, usize> = (0..10_000).map(|number| (number, 0)).collect();
        let mut changes = 0;
        for number in 0..10_000 {
            let before = (list.capacity(), table.capacity());
            list.pop();
            give_back(&mut list);
            table.remove(&number);
            give_back_table(&mut table);
            changes += usize::from(before.0 != list.capacity());
        }
        assert!(list.capacity() <= 2 * SMALL && table.capacity() <= 4 * SMALL);
        assert!(changes < 10, "{changes}");
    }
}
