//! When a worker lets datagrams gather: under load it looks for new ones no more often than each [`Gathering::span`], so that several packets to
//! one listener leave as one message, and that wake-ups and system calls are shared. With little to do, or with few packets that each have many
//! listeners, nothing waits: there would be nothing to wait for.

use std::time::{Duration, Instant};

/// The load is judged anew after so long.
const WINDOW: Duration = Duration::from_millis(100);

/// Gathering begins when turns took more than this share of the last window, and ends below the other. Far apart, because gathering lowers the
/// load itself.
const BEGIN: f64 = 0.15;
const END: f64 = 0.04;

/// Datagrams that must come in one span, on average, for gathering to begin, and below which it ends.
const BEGIN_COMING: f64 = 2.0;
const END_COMING: f64 = 1.0;

/// The decision, turn by turn.
#[derive(Debug)]
pub(crate) struct Gathering {
    span: Duration,
    on: bool,
    window: Instant,
    busy: Duration,
    taken: usize,
}

impl Gathering {
    /// Nothing gathers yet. A `span` of zero is never.
    pub(crate) fn new(span: Duration, now: Instant) -> Self {
        Self {
            span,
            on: false,
            window: now,
            busy: Duration::ZERO,
            taken: 0,
        }
    }

    /// Whether the worker lets datagrams gather.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Takes when a turn began and ended, and how many datagrams it took in. Tells how long to let datagrams gather before the next;
    /// zero = look at once.
    pub(crate) fn note(&mut self, began: Instant, ended: Instant, taken: usize) -> Duration {
        self.busy += ended.saturating_duration_since(began);
        self.taken += taken;
        let passed = ended.saturating_duration_since(self.window);
        if passed >= WINDOW {
            self.on = self.pays(passed);
            (self.window, self.busy, self.taken) = (ended, Duration::ZERO, 0);
        }
        if !self.on {
            return Duration::ZERO;
        }
        (began + self.span).saturating_duration_since(ended)
    }

    /// Whether the window that has passed was busy, and had datagrams that would have come together.
    fn pays(&self, passed: Duration) -> bool {
        let (busy, coming) = if self.on {
            (END, END_COMING)
        } else {
            (BEGIN, BEGIN_COMING)
        };
        let share = self.busy.as_secs_f64() / passed.as_secs_f64();
        let in_a_span = self.taken as f64 * self.span.as_secs_f64() / passed.as_secs_f64();
        share > busy && in_a_span >= coming
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_millis(1);

    /// Turns of this length that take so many datagrams, one each 2 ms or as soon as it may begin, for half a second; tells the last answer
    /// and how many turns there were.
    fn run_taking(
        gathering: &mut Gathering,
        now: &mut Instant,
        turn: Duration,
        taken: usize,
    ) -> (Duration, u32) {
        let until = *now + Duration::from_millis(500);
        let (mut answer, mut turns) = (Duration::ZERO, 0);
        while *now < until {
            let ended = *now + turn;
            answer = gathering.note(*now, ended, taken);
            *now = ended + answer.max(Duration::from_millis(2).saturating_sub(turn));
            turns += 1;
        }
        (answer, turns)
    }

    fn run(gathering: &mut Gathering, now: &mut Instant, turn: Duration) -> (Duration, u32) {
        run_taking(gathering, now, turn, 5)
    }

    #[test]
    fn a_busy_worker_with_few_packets_that_have_many_listeners_lets_none_wait() {
        let mut now = Instant::now();
        let mut gathering = Gathering::new(SPAN, now);
        let turn = Duration::from_micros(1_900);
        assert_eq!(
            run_taking(&mut gathering, &mut now, turn, 1).0,
            Duration::ZERO
        );
        run_taking(&mut gathering, &mut now, turn, 10);
        assert!(gathering.is_on(), "five come in a span");
        run_taking(&mut gathering, &mut now, turn, 3);
        assert!(gathering.is_on(), "between the two limits");
        run_taking(&mut gathering, &mut now, turn, 1);
        assert!(!gathering.is_on());
    }

    #[test]
    fn with_little_to_do_nothing_waits() {
        let mut now = Instant::now();
        let mut gathering = Gathering::new(SPAN, now);
        assert_eq!(
            run(&mut gathering, &mut now, Duration::from_micros(200)).0,
            Duration::ZERO
        );
        assert!(!gathering.is_on());
    }

    #[test]
    fn under_load_turns_begin_a_span_apart() {
        let mut now = Instant::now();
        let mut gathering = Gathering::new(SPAN, now);
        let turn = Duration::from_micros(700);
        assert_eq!(run(&mut gathering, &mut now, turn).0, SPAN - turn);
        // A turn that took longer than the span leaves nothing to wait for.
        assert_eq!(gathering.note(now, now + SPAN * 2, 5), Duration::ZERO);
    }

    #[test]
    fn gathering_ends_when_the_load_has_gone_and_not_because_it_helped() {
        let mut now = Instant::now();
        let mut gathering = Gathering::new(SPAN, now);
        run(&mut gathering, &mut now, Duration::from_micros(700));
        run(&mut gathering, &mut now, Duration::from_micros(200));
        assert!(gathering.is_on(), "10 % is between the two limits");
        run(&mut gathering, &mut now, Duration::from_micros(20));
        assert!(!gathering.is_on());
    }

    #[test]
    fn a_span_of_zero_is_never() {
        let mut now = Instant::now();
        let mut gathering = Gathering::new(Duration::ZERO, now);
        run(&mut gathering, &mut now, Duration::from_micros(1_900));
        assert!(!gathering.is_on());
    }
}
