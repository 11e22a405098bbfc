//! What must hold of everything that the server sends, takes and keeps. The driver calls these; each panics with what it found.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hocket_media::rtp::Header;
use hocket_media::{Drop, ProducerId, WorkerDump};

use crate::common::Heard;
use crate::control::{CHANNELS, Control};
use crate::ledger::Between;
use crate::model::{Consumer, Producer};
use crate::network::is_rtcp;
use crate::people::{LOUD, SILENT, Seat};
use crate::setting::Setting;
use crate::workers::{Cause, Spoken};

/// The gate stays open for so long after a loud packet, and then shuts.
const HANGOVER: Duration = Duration::from_millis(400);

const SECOND: Duration = Duration::from_secs(1);
const FRAMES_A_SECOND: usize = 50;

/// See the module's documentation.
pub struct Invariants {
    setting: Setting,
    /// Packets that left for the first time since the last [`Invariants::check_completeness`]: what, and to which consumer.
    forwarded: BTreeSet<(Spoken, u32)>,
    /// Packets that a worker took since then, newer than all before.
    taken: Vec<(Spoken, ProducerId)>,
    /// When packets of each channel were taken in the latest second.
    spoke: [VecDeque<Instant>; CHANNELS],
    /// Of all that left for the first time: listener's seat, speaker's, and which of the speaker's packets. Only for comparisons.
    pub history: Option<BTreeSet<(usize, Spoken)>>,
}

impl Invariants {
    pub fn new(setting: &Setting) -> Self {
        Self {
            setting: setting.clone(),
            forwarded: BTreeSet::new(),
            taken: Vec::new(),
            spoke: Default::default(),
            history: None,
        }
    }

    /// A datagram leaves the server.
    pub fn sent(
        &mut self,
        control: &mut Control,
        to: SocketAddr,
        bytes: &[u8],
        cause: Cause,
        now: Instant,
    ) {
        let id = *control.addresses.get(&to).expect("somebody's address");
        if bytes[0] >> 6 != 2 {
            return; // an answer to a check, or a handshake
        }
        let transport = control.transports.get_mut(&id).unwrap();
        if is_rtcp(bytes) {
            return transport.sealed.note_rtcp(bytes);
        }
        let header = Header::parse_protected(bytes).unwrap();
        let ssrc = header.ssrc;
        let consumer = control
            .consumers
            .get_mut(&ssrc)
            .expect("a consumer's stream");
        assert_eq!(consumer.transport, id, "SSRC {ssrc} goes to its listener");
        let producer = &control.producers[&consumer.producer];
        let index = consumer.line.index(header.sequence);
        let again = transport.sealed.note_rtp(ssrc, index, bytes);
        let over = consumer.closed.is_some_and(|at| !self.is_recent(at, now));
        assert!(!over, "SSRC {ssrc}: a packet of a closed consumer");
        match cause {
            Cause::Report(seat) => {
                assert_eq!(seat, consumer.seat, "who asks gets it");
                let paused = !consumer.active && !self.is_recent(consumer.changed, now);
                assert!(!paused, "SSRC {ssrc}: sent again to a paused consumer");
                let missed = consumer.line.lacks(index); // it came late, in a pause
                assert!(again || missed, "SSRC {ssrc}: sent again what never was");
            }
            Cause::Speech(spoken) => {
                assert!(!again, "SSRC {ssrc}: {spoken:?} leaves twice");
                self.check_permission(consumer, producer, spoken, now);
                let between = Between {
                    prompt: self.setting.is_prompt(),
                    grace: self.setting.grace(),
                    overruns: &control.workers.overruns,
                    jumped: control.jumped,
                };
                let place = (index, header.timestamp);
                let line = &mut consumer.line;
                line.place_first(&producer.source, place, spoken, &between, now);
                self.forwarded.insert((
                    Spoken {
                        asked: false,
                        ..spoken
                    },
                    ssrc,
                ));
                if let Some(history) = &mut self.history {
                    history.insert((
                        consumer.seat,
                        Spoken {
                            asked: false,
                            ..spoken
                        },
                    ));
                }
            }
            Cause::Other => panic!("SSRC {ssrc}: a packet of nobody"),
        }
    }

    /// Whether control's word of that time may not have reached all yet.
    fn is_recent(&self, at: Instant, now: Instant) -> bool {
        !self.setting.is_prompt() && now.saturating_duration_since(at) <= self.setting.grace()
    }

    fn check_permission(
        &self,
        consumer: &Consumer,
        producer: &Producer,
        spoken: Spoken,
        now: Instant,
    ) {
        let who = (producer.seat, producer.life);
        assert_eq!((spoken.seat, spoken.life), who, "somebody else's packet");
        let recent = |at| self.is_recent(at, now);
        let over = producer.closed.is_some_and(|at| !recent(at));
        assert!(!over, "{spoken:?}: a packet of a closed producer");
        let muted = producer.paused && !recent(producer.changed);
        assert!(!muted, "{spoken:?}: a packet of a muted producer");
        let paused = !consumer.active && !recent(consumer.changed);
        assert!(!paused, "{spoken:?}: a packet to a paused consumer");
    }

    /// The last worker of a spoken packet has dropped it, or taken it.
    pub fn judged(
        &mut self,
        control: &mut Control,
        spoken: Spoken,
        dropped: Option<Drop>,
        now: Instant,
    ) {
        let never = [
            Drop::RtpMalformed,
            Drop::RtpPayloadType,
            Drop::RtpFlood,
            Drop::UnknownClass,
        ];
        assert!(
            dropped.is_none_or(|reason| !never.contains(&reason)),
            "{spoken:?}: {dropped:?}"
        );
        let of_it = |producer: &Producer| {
            (producer.seat, producer.life) == (spoken.seat, spoken.life)
                && producer.closed.is_none()
        };
        let mut open = control
            .producers
            .iter_mut()
            .map(|(id, producer)| (*id, producer));
        let Some((id, producer)) = open.find(|(_, producer)| of_it(producer)) else {
            let late = !self.setting.is_prompt(); // the end of its producer is on its way
            assert!(late || dropped.is_some(), "{spoken:?}: taken from nobody");
            return;
        };
        match dropped {
            Some(Drop::ProducerPaused) => {
                let muted = producer.paused || self.is_recent(producer.changed, now);
                assert!(muted, "{spoken:?}: dropped, but its producer is not muted");
                producer.source.note(spoken, false, now);
            }
            None | Some(Drop::Silence | Drop::CrowdedOut) => {
                let muted = producer.paused && !self.is_recent(producer.changed, now);
                assert!(!muted, "{spoken:?}: taken, but its producer is muted");
                let is_newest = producer.source.note(spoken, dropped.is_none(), now);
                if spoken.level != SILENT {
                    // It may open the gate, if what is newer came in a pause.
                    producer.source.loud = Some(now);
                }
                if is_newest {
                    let channel = &control.channels[producer.channel];
                    let limit = channel.speakers.limit();
                    self.check_gate(producer, spoken, dropped, limit, now);
                    if dropped.is_none() {
                        let since = channel.since.max(control.jumped);
                        self.check_limit(producer.channel, limit, since, now);
                    }
                    self.taken.extend(dropped.is_none().then_some((spoken, id)));
                }
            }
            Some(_) => {}
        }
    }

    /// Who is loud is heard, who is silent is not, and nobody is crowded out without a limit. Of the newest packets alone: a late one falls into
    /// its place, if that has one.
    fn check_gate(
        &self,
        producer: &mut Producer,
        spoken: Spoken,
        dropped: Option<Drop>,
        limit: usize,
        now: Instant,
    ) {
        let limited = limit > 0;
        if spoken.level == LOUD {
            assert!(
                dropped != Some(Drop::Silence),
                "{spoken:?}: loud, and taken for silence"
            );
        }
        assert!(
            limited || dropped != Some(Drop::CrowdedOut),
            "{spoken:?}: crowded out of nothing"
        );
        let loud = producer.source.loud;
        let lately = loud.is_some_and(|at| now.saturating_duration_since(at) < HANGOVER);
        if spoken.level == SILENT && !lately && self.setting.silence {
            assert!(dropped.is_some(), "{spoken:?}: silence is forwarded");
        }
        if !self.setting.silence && !limited {
            assert!(dropped.is_none(), "{spoken:?}: {dropped:?} without a gate");
        }
    }

    /// No more is heard than so many can say, and a little as places change hands. `since`: when the limit was set, or the clock jumped.
    fn check_limit(&mut self, channel: usize, limit: usize, since: Instant, now: Instant) {
        let spoke = &mut self.spoke[channel];
        spoke.push_back(now);
        while spoke.front().is_some_and(|at| *at + SECOND < now) {
            spoke.pop_front();
        }
        let most = limit * (FRAMES_A_SECOND + 10) + 10;
        let settled = since + 2 * SECOND < now;
        assert!(
            limit == 0 || !settled || spoke.len() <= most,
            "{limit} may be heard: {} packets in a second",
            spoke.len()
        );
    }

    /// Whatever was taken since the last time has gone to everybody who is to hear it, and to nobody else. Only when no worker lags.
    pub fn check_completeness(&mut self, control: &Control) {
        let forwarded = core::mem::take(&mut self.forwarded);
        for (spoken, producer) in core::mem::take(&mut self.taken) {
            let listeners = control.open_consumers();
            let listeners = listeners.filter(|(_, consumer)| consumer.producer == producer);
            let expected: BTreeSet<u32> = listeners
                .filter(|(_, consumer)| control.is_heard(consumer))
                .map(|(ssrc, _)| ssrc)
                .collect();
            let spoken = Spoken {
                asked: false,
                ..spoken
            };
            let of_it = forwarded.iter().filter(|(sent, _)| *sent == spoken);
            let got: BTreeSet<u32> = of_it.map(|(_, ssrc)| *ssrc).collect();
            assert!(
                !self.setting.is_prompt() || got == expected,
                "{spoken:?}: {got:?} of {expected:?}"
            );
        }
    }

    /// A listener opened a packet: it is what its number was given to, and carries nothing along that nobody is to hear.
    pub fn heard(&self, control: &Control, seats: &[Seat], listener: usize, heard: &Heard) {
        let Some(consumer) = control.consumers.get(&heard.ssrc) else {
            return; // it was over long before
        };
        assert_eq!(consumer.seat, listener, "opened by its listener");
        let producer = &control.producers[&consumer.producer];
        assert_eq!(
            usize::from(heard.speaker),
            producer.seat + 1,
            "who is heard is who speaks"
        );
        let Some((spoken, at)) = consumer.line.place(heard.sequence) else {
            return; // older than what is remembered
        };
        let Some(life) = seats[producer.seat].life(producer.life) else {
            return;
        };
        let index = |count| life.index_of(count);
        assert!(
            index(heard.count).is_none_or(|index| index == spoken.index),
            "the same packet"
        );
        for carried in &heard.carried {
            assert!(*carried < heard.count);
            let kept_back = index(*carried)
                .is_some_and(|index| producer.source.kept_back(spoken.ssrc, index, at));
            assert!(
                !kept_back,
                "{spoken:?} carries along {carried}, which was kept back"
            );
        }
    }

    /// What workers hold is what control asked for. Exactly so when nothing waits anywhere.
    pub fn check_bounds(&self, control: &Control) {
        let dumps: Vec<WorkerDump> = control.workers.dumps().collect();
        let known = control.open_transports().count();
        let sum = |count: fn(&WorkerDump) -> usize| dumps.iter().map(count).sum::<usize>();
        for dump in &dumps {
            assert!(
                (known..=2 * known).contains(&dump.announced),
                "{known} transports: {dump:?}"
            );
            assert!(dump.addresses <= 8 * dump.transports, "{dump:?}");
            let others = sum(|dump| dump.addresses) - dump.addresses;
            assert!(
                dump.foreign_addresses <= others,
                "{others} addresses elsewhere: {dump:?}"
            );
            assert!(dump.feeds <= dump.consumers, "{dump:?}");
        }
        let owned = |id| control.transports[&id].claim.owner().is_some();
        let consumers = control
            .open_consumers()
            .filter(|(_, one)| owned(one.transport));
        let producers = control
            .open_producers()
            .filter(|(_, one)| owned(one.transport));
        let transports = control.open_transports().filter(|(id, _)| owned(*id));
        assert_eq!(
            sum(|dump| dump.transports),
            transports.count(),
            "transports: {dumps:?}"
        );
        assert_eq!(
            sum(|dump| dump.producers),
            producers.count(),
            "producers: {dumps:?}"
        );
        assert_eq!(
            sum(|dump| dump.consumers),
            consumers.count(),
            "consumers: {dumps:?}"
        );
    }
}
