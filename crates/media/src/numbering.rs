//! The numbers of what is handed on of a stream, without gaps for what is withheld.
//!
//! Driven by the producer with each packet's 48-bit index (RFC 3711 §3.3.1). What was lost on its way to us leaves a gap, as it should; what we
//! leave out does not: listeners then see discontinuous transmission (RFC 3551 §4.1), with the timestamps' gap, and miss nothing.
//!
//! What is handed on comes in *stretches* of indices, and one offset holds for a stretch. A packet that comes late falls into its place if its
//! stretch is the last that began, whatever it holds; in an earlier one nobody misses it any more.

use core::ops::Range;

/// Packets that may be missing right before the first of a stretch and still get numbers, so that they can be asked for: the beginning of a
/// word, as far as an answer would come in time.
const LEAD: u64 = 5;
/// The end of a stretch that goes on.
const OPEN: u64 = u64::MAX;

/// A packet's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    /// Rises with the index; from 0.
    pub(crate) value: u64,
    /// When a stretch begins with this packet: the index from which on packets have numbers.
    pub(crate) begins: Option<u64>,
    /// Whether a newer one came before it.
    pub(crate) late: bool,
}

/// One stream's numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbering {
    /// Indices of the last stretch that began.
    stretch: Range<u64>,
    /// Indices below the stretch that have no number.
    left_out: u64,
    /// The highest index that came.
    highest: Option<u64>,
}

impl Numbering {
    /// Gives a packet its number; `None` = it is withheld. `wanted` is asked of packets that are newer than all before.
    pub(crate) fn place(&mut self, index: u64, wanted: impl FnOnce() -> bool) -> Option<Number> {
        let before = self.highest;
        if before.is_some_and(|highest| index <= highest) {
            let value = self.number(index)?;
            return Some(Number {
                value,
                begins: None,
                late: true,
            });
        }
        self.highest = Some(index);
        if !wanted() {
            self.stretch.end = self.stretch.end.min(index);
            return None;
        }
        let begins = (self.stretch.end != OPEN).then(|| self.begin(index, before));
        let value = self.number(index)?;
        Some(Number {
            value,
            begins,
            late: false,
        })
    }

    /// Begins a stretch that has room for what went missing right before `index`.
    fn begin(&mut self, index: u64, before: Option<u64>) -> u64 {
        let next = before.map_or(index, |before| before + 1);
        let start = next.max(index.saturating_sub(LEAD));
        self.left_out += start - self.stretch.end.min(start);
        self.stretch = start..OPEN;
        start
    }

    fn number(&self, index: u64) -> Option<u64> {
        self.stretch
            .contains(&index)
            .then(|| index.checked_sub(self.left_out))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::{LEAD, Number, Numbering};

    /// Feeds packets (index, wanted) and returns their numbers.
    fn numbers(packets: impl IntoIterator<Item = (u64, bool)>) -> Vec<Option<u64>> {
        let mut numbering = Numbering::default();
        packets
            .into_iter()
            .map(|(index, wanted)| {
                let number = numbering.place(index, || wanted)?;
                Some(number.value)
            })
            .collect()
    }

    #[test]
    fn what_is_withheld_leaves_no_gap_and_what_is_lost_does() {
        let packets = [(70, true), (71, true), (72, false), (73, false), (74, true)];
        assert_eq!(
            numbers(packets),
            [Some(0), Some(1), None, None, Some(2)],
            "withheld"
        );
        assert_eq!(
            numbers([(70, true), (72, true), (73, false), (74, true)]),
            [Some(0), Some(2), None, Some(3)],
            "lost"
        );
    }

    #[test]
    fn what_was_lost_in_silence_is_missed_by_nobody() {
        let packets = [(70, true), (71, false), (75, false), (76, true)];
        assert_eq!(numbers(packets), [Some(0), None, None, Some(1)]);
    }

    #[test]
    fn what_went_missing_right_before_a_word_has_a_place() {
        let packets = [(70, true), (71, false), (74, true), (73, true), (72, true)];
        assert_eq!(numbers(packets), [Some(0), None, Some(3), Some(2), Some(1)]);
        let far = 72 + 1_000;
        let packets = [(70, true), (71, false), (far, true), (far - LEAD, true)];
        assert_eq!(numbers(packets), [Some(0), None, Some(1 + LEAD), Some(1)]);
    }

    #[test]
    fn a_late_packet_falls_into_its_place_while_its_stretch_is_the_last() {
        let packets = [
            (70, true),
            (73, true),
            (75, false),
            (72, false),
            (74, false),
            (76, true),
            (71, true),
        ];
        assert_eq!(
            numbers(packets),
            [Some(0), Some(3), None, Some(2), Some(4), Some(5), None]
        );
    }

    #[test]
    fn a_beginning_is_told_with_the_index_from_which_on_packets_have_numbers() {
        let mut numbering = Numbering::default();
        let mut place = |index, wanted| numbering.place(index, || wanted);
        let begins = |value, start| {
            Some(Number {
                value,
                begins: Some(start),
                late: false,
            })
        };
        assert_eq!(place(5, true), begins(0, 5));
        assert_eq!(place(6, true).and_then(|number| number.begins), None);
        assert_eq!(place(7, false), None);
        assert_eq!(place(10, true), begins(4, 8));
    }

    #[test]
    fn the_last_indices_there_are_do_no_harm() {
        let packets = [
            (0, false),
            (u64::MAX - 1, true),
            (u64::MAX, true),
            (3, true),
        ];
        assert_eq!(numbers(packets), [None, Some(LEAD), None, None]);
    }

    /// Up to 400 packets from an index on, in runs of wanted and unwanted ones, some lost, some late by up to eight places.
    fn streams() -> impl Strategy<Value = (u64, Vec<(bool, bool, usize)>)> {
        let packet = (any::<bool>(), 0..10u8, 0..8usize);
        let runs = prop::collection::vec((any::<bool>(), 1..40usize, packet), 1..30);
        (0..1u64 << 48, runs).prop_map(|(first, runs)| {
            let packets = runs
                .into_iter()
                .flat_map(|(wanted, length, (loses, dice, late))| {
                    (0..length).map(move |place| {
                        let lost = loses && (place + usize::from(dice)).is_multiple_of(7);
                        (wanted, lost, if dice > 5 { late * (place % 3) } else { 0 })
                    })
                });
            (first, packets.take(400).collect())
        })
    }

    proptest! {
        #[test]
        fn numbers_never_repeat_and_rise_with_the_index((first, packets) in streams()) {
            let mut arrivals: Vec<(usize, u64, bool)> = packets.iter().enumerate()
                .filter(|(_, (_, lost, _))| !lost)
                .map(|(place, (wanted, _, late))| (place + late, first + place as u64, *wanted))
                .collect();
            arrivals.sort();
            let given = numbers(arrivals.iter().map(|(_, index, wanted)| (*index, *wanted)));
            let placed: BTreeMap<u64, u64> = arrivals.iter().zip(&given)
                .filter_map(|((_, index, _), number)| Some((*index, (*number)?)))
                .collect();
            prop_assert_eq!(placed.len(), given.iter().flatten().count());
            let values: Vec<u64> = placed.into_values().collect();
            prop_assert!(values.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", values);
        }

        #[test]
        fn without_loss_there_is_no_gap_and_all_that_is_wanted_is_handed_on((first, packets) in streams()) {
            let all = packets.iter().enumerate().map(|(place, (wanted, ..))| (first + place as u64, *wanted));
            let given: Vec<u64> = numbers(all).into_iter().flatten().collect();
            let wanted = packets.iter().filter(|(wanted, ..)| *wanted).count();
            prop_assert_eq!(given, (0..wanted as u64).collect::<Vec<_>>());
        }

        #[test]
        fn a_late_packet_never_takes_anothers_number((first, packets) in streams(), again in any::<prop::sample::Index>()) {
            let mut numbering = Numbering::default();
            let mut used = BTreeSet::new();
            for (place, (wanted, lost, _)) in packets.iter().enumerate() {
                if *lost { continue }
                let index = first + place as u64;
                used.extend(numbering.place(index, || *wanted).map(|number| number.value));
            }
            let lost: Vec<usize> = (0..packets.len()).filter(|place| packets[*place].1).collect();
            if !lost.is_empty() {
                let late = first + *again.get(&lost) as u64;
                if let Some(number) = numbering.place(late, || true) {
                    prop_assert!(used.insert(number.value));
                }
            }
        }
    }
}
