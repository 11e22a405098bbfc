//! Which SSRCs a transport's streams have ever had: none may come again, or its cipher would seal two packets under one nonce (RFC 7714 §8.1).

/// A set of numbers that are mostly handed out one after the other, kept as runs: what a long call uses is a handful of bytes.
#[derive(Debug, Default)]
pub(crate) struct UsedSsrcs {
    /// First and last of each run, rising, never touching.
    runs: Vec<(u32, u32)>,
}

impl UsedSsrcs {
    /// Adds a number. False when it is in already.
    pub(crate) fn insert(&mut self, ssrc: u32) -> bool {
        let after = self.runs.partition_point(|(first, _)| *first <= ssrc);
        let before = after.checked_sub(1);
        let previous = before.and_then(|before| self.runs.get(before)).copied();
        if previous.is_some_and(|(_, last)| ssrc <= last) {
            return false;
        }
        let follows = previous.is_some_and(|(_, last)| last.checked_add(1) == Some(ssrc));
        let next = self.runs.get(after).copied();
        let leads = next.is_some_and(|(first, _)| ssrc.checked_add(1) == Some(first));
        match (follows, leads) {
            (true, true) => {
                let (_, last) = self.runs.remove(after);
                self.set(before, |run| run.1 = last);
            }
            (true, false) => self.set(before, |run| run.1 = ssrc),
            (false, true) => self.set(Some(after), |run| run.0 = ssrc),
            (false, false) => self.runs.insert(after, (ssrc, ssrc)),
        }
        true
    }

    fn set(&mut self, run: Option<usize>, change: impl FnOnce(&mut (u32, u32))) {
        if let Some(run) = run.and_then(|run| self.runs.get_mut(run)) {
            change(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_knows_what_any_set_knows(ssrcs in proptest::collection::vec(prop_oneof![0..40u32, u32::MAX - 20..=u32::MAX], 0..80)) {
            let (mut used, mut known) = (UsedSsrcs::default(), HashSet::new());
            for ssrc in ssrcs {
                prop_assert_eq!(used.insert(ssrc), known.insert(ssrc));
            }
            let apart = used.runs.windows(2).all(|runs| matches!(runs, [a, b] if a.1 + 1 < b.0));
            prop_assert!(apart, "{:?}", used.runs);
        }
    }

    #[test]
    fn numbers_that_follow_each_other_take_one_place() {
        let mut used = UsedSsrcs::default();
        assert!((1_000..5_000).all(|ssrc| used.insert(ssrc)));
        assert_eq!(used.runs, [(1_000, 4_999)]);
    }
}
