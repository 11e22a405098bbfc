//! When a transport reports, and what its reports say about its quality (RFC 3550 §6).

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

use crate::allowance::Allowance;
use crate::event::Event;
use crate::id::TransportId;

/// Reports go out once in this time and as much again, at random, so that transports do not fall into step (RFC 3550 §6.2, §6.3.1).
const INTERVAL: Duration = Duration::from_secs(1);
/// Two seconds between two quality events is what control asked for at most.
const QUALITY_INTERVAL: Duration = Duration::from_secs(2);
/// A round trip beyond this is a peer's mistake or lie: it chooses what the measurement says.
const RTT_MAX: Duration = Duration::from_secs(10);
/// Share of a new round trip in the smoothed one (RFC 6298 §2).
const RTT_GAIN: f32 = 0.125;
/// RTCP datagrams a second that one client is listened to. Browsers send a few a second, and one for each burst of loss (T9).
const DATAGRAMS_PER_SECOND: u32 = 200;
const DATAGRAMS_AT_ONCE: u32 = 100;

/// One transport's side of RTCP.
#[derive(Debug)]
pub(crate) struct Reports {
    /// Under which we report and ask.
    pub(crate) ssrc: u32,
    next: Instant,
    pub(crate) datagrams: Allowance<DATAGRAMS_PER_SECOND, DATAGRAMS_AT_ONCE>,
    rtt_ms: Option<f32>,
    quality_sent: Option<Instant>,
    observed: Observed,
}

/// What was observed since the latest quality event.
#[derive(Clone, Copy, Debug, Default)]
struct Observed {
    /// Sum over the receiver's reports, and their number: its loss is that of the path, whichever stream it shows in.
    receiver_loss: f32,
    receiver_reports: u16,
    /// The worst of our own reports.
    sender_loss: f32,
    jitter_ms: f32,
    any: bool,
}

impl Reports {
    pub(crate) fn new(random: &mut StdRng, now: Instant) -> Self {
        Self {
            ssrc: random.random(),
            next: now + INTERVAL,
            datagrams: Allowance::default(),
            rtt_ms: None,
            quality_sent: None,
            observed: Observed::default(),
        }
    }

    /// When the next report is due.
    pub(crate) fn next_timeout(&self) -> Instant {
        self.next
    }

    /// Whether a report is due; if so, the next one is set.
    pub(crate) fn take_due(&mut self, random: &mut StdRng, now: Instant) -> bool {
        let due = self.next <= now;
        if due {
            self.next = now + INTERVAL + INTERVAL.mul_f32(2.0 * random.random::<f32>());
        }
        due
    }

    /// The smoothed round trip.
    pub(crate) fn rtt_ms(&self) -> Option<f32> {
        self.rtt_ms
    }

    /// The receiver reports on one of its streams. Returns the round trip that its report shows, when it is believable.
    pub(crate) fn observe_receiver(
        &mut self,
        loss: f32,
        jitter_ms: f32,
        rtt: Option<Duration>,
    ) -> Option<f32> {
        self.observed.receiver_loss += loss;
        self.observed.receiver_reports = self.observed.receiver_reports.saturating_add(1);
        self.observe_jitter(jitter_ms);
        let rtt_ms = rtt.filter(|rtt| *rtt <= RTT_MAX)?.as_secs_f32() * 1_000.0;
        self.rtt_ms = Some(
            self.rtt_ms
                .map_or(rtt_ms, |smoothed| smoothed + (rtt_ms - smoothed) * RTT_GAIN),
        );
        Some(rtt_ms)
    }

    /// We report on one of its producers.
    pub(crate) fn observe_sender(&mut self, loss: f32, jitter_ms: f32) {
        self.observed.sender_loss = self.observed.sender_loss.max(loss);
        self.observe_jitter(jitter_ms);
    }

    /// The quality since the last event, when there is something to say and it is time.
    pub(crate) fn quality(&mut self, transport: TransportId, now: Instant) -> Option<Event> {
        let early = self
            .quality_sent
            .is_some_and(|sent| now.saturating_duration_since(sent) < QUALITY_INTERVAL);
        if early || !self.observed.any {
            return None;
        }
        self.quality_sent = Some(now);
        let observed = core::mem::take(&mut self.observed);
        let receiver_loss = observed.receiver_loss / f32::from(observed.receiver_reports.max(1));
        Some(Event::Quality {
            transport,
            loss: receiver_loss.max(observed.sender_loss),
            rtt_ms: self.rtt_ms,
            jitter_ms: observed.jitter_ms,
        })
    }

    fn observe_jitter(&mut self, jitter_ms: f32) {
        self.observed.jitter_ms = self.observed.jitter_ms.max(jitter_ms);
        self.observed.any = true;
    }
}
