//! Times in bounded memory: log-linear buckets, as HdrHistogram has them.
//!
//! 64 buckets an octave, so that a value is told to 1.6 % over the whole range of a `u64`. 30 kB, whatever is counted.

use std::time::Duration;

/// Buckets an octave, as a power of two.
const BITS: u32 = 6;
const PER_OCTAVE: usize = 1 << BITS;
/// Below `PER_OCTAVE` each value has a bucket of its own; above, each octave has `PER_OCTAVE` of them.
const BUCKETS: usize = PER_OCTAVE * (64 - BITS as usize + 1);

/// A distribution of durations. Nanoseconds inside.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64]>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS].into(),
            count: 0,
            max: 0,
        }
    }
}

impl Histogram {
    /// Counts one value.
    pub fn record(&mut self, value: Duration) {
        let nanoseconds = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(nanoseconds)) {
            *count += 1;
        }
        self.count += 1;
        self.max = self.max.max(nanoseconds);
    }

    /// Counts all that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        (self.count, self.max) = (0, 0);
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest value, exactly; `None` when nothing was counted.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(self.max))
    }

    /// The smallest value that at least `share` (0.0–1.0) of all values do not exceed, up to 1.6 % too high; `None` when nothing was counted.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        let rank = ((share.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).max(1);
        let mut passed = 0;
        for (index, count) in self.counts.iter().enumerate() {
            passed += count;
            if passed >= rank {
                return Some(Duration::from_nanos(highest(index).min(self.max)));
            }
        }
        self.max()
    }
}

/// The bucket of a value.
fn bucket(value: u64) -> usize {
    let octave = (u64::BITS - value.leading_zeros()).saturating_sub(BITS + 1);
    octave as usize * PER_OCTAVE + (value >> octave) as usize
}

/// The highest value of a bucket.
fn highest(index: usize) -> u64 {
    let octave = (index / PER_OCTAVE).saturating_sub(1) as u32;
    let within = (index - octave as usize * PER_OCTAVE) as u64;
    within << octave | ((1 << octave) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values
            .into_iter()
            .for_each(|value| histogram.record(Duration::from_nanos(value)));
        histogram
    }

    #[test]
    fn quantiles_are_told_to_two_hundredths() {
        let histogram = of((1..=10_000).map(|value| value * 1_000));
        for (share, exact) in [(0.5, 5e6), (0.99, 9.9e6), (0.999, 9.99e6), (1.0, 1e7)] {
            let told = histogram.quantile(share).unwrap().as_nanos() as f64;
            assert!((exact..=exact * 1.016).contains(&told), "{share}: {told}");
        }
        assert_eq!(histogram.max(), Some(Duration::from_millis(10)));
    }

    #[test]
    fn nothing_counted_has_no_quantile() {
        assert_eq!(Histogram::default().quantile(0.5), None);
        assert_eq!(Histogram::default().max(), None);
    }

    #[test]
    fn merged_is_as_counted_together() {
        let (mut low, high) = (of(1..500), of(400..90_000));
        low.merge(&high);
        let together = of((1..500).chain(400..90_000));
        for share in [0.0, 0.001, 0.1, 0.5, 0.99, 1.0] {
            assert_eq!(low.quantile(share), together.quantile(share));
        }
        low.clear();
        assert_eq!((low.count(), low.quantile(0.5)), (0, None));
    }

    proptest! {
        #[test]
        fn every_value_has_a_bucket_that_holds_it(value: u64) {
            let index = bucket(value);
            prop_assert!(index < BUCKETS);
            prop_assert!(value <= highest(index));
            prop_assert!(highest(index) - value <= value / 64);
            prop_assert!(index == 0 || highest(index - 1) < value);
        }
    }
}
