//! Events on their way up: one ordered queue, and a descriptor that is readable while it holds something that is urgent.
//!
//! That a transport is up, and how good its connection is, is not: a thousand transports tell the latter hundreds of times a second, and waking the
//! reader costs a hundred times what the news does. It comes along with the next urgent event, or when somebody calls [`EventQueue::remind`].
//!
//! Bounded without loss of meaning. News of one kind about one object replaces older news that still waits (who speaks,
//! how good a connection is): only the latest matters. What happens once (connected, closed, an answer, a failed worker)
//! is bounded by the number of transports and questions; beyond [`EventQueue`]'s capacity, which only a reader that has
//! stopped for good can reach, events are lost and counted.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::MutexGuard;

use hocket_media::{Event as Media, ProducerId, TransportId, WorkerId};

use crate::lock::Lock;

/// Something that happened, for the program above.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// From the media core.
    Media(Media),
    /// A worker met a bug of ours and was replaced; these transports are gone with all that was on them.
    WorkerFailed {
        /// The worker's place.
        worker: WorkerId,
        /// What it owned.
        transports: Vec<TransportId>,
    },
}

/// What replaces what.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Topic {
    Speaking(ProducerId),
    Quality(TransportId),
}

impl Event {
    fn topic(&self) -> Option<Topic> {
        match self {
            Self::Media(Media::ProducerSpeaking { producer, .. }) => {
                Some(Topic::Speaking(*producer))
            }
            Self::Media(Media::Quality { transport, .. }) => Some(Topic::Quality(*transport)),
            _ => None,
        }
    }

    /// Whether its reader has to be woken for it.
    fn is_urgent(&self) -> bool {
        !matches!(
            self,
            Self::Media(Media::Quality { .. } | Media::TransportConnected(_))
        )
    }
}

/// The queue and its wake byte.
pub(crate) struct EventQueue {
    waiting: Lock<Waiting>,
    capacity: usize,
    reader: UnixStream,
    writer: UnixStream,
}

#[derive(Default)]
struct Waiting {
    events: Vec<Event>,
    /// Where the latest news of a topic waits in `events`.
    places: HashMap<Topic, usize>,
    lost: u64,
    /// Whether a wake byte was written since the last drain.
    told: bool,
}

impl EventQueue {
    /// An empty queue for at most `capacity` events.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub(crate) fn new(capacity: usize) -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self {
            waiting: Lock::default(),
            capacity,
            reader,
            writer,
        })
    }

    /// Add a batch, in order.
    pub(crate) fn push(&self, batch: impl IntoIterator<Item = Event>) {
        let mut waiting = self.lock();
        let mut urgent = false;
        for event in batch {
            urgent |= event.is_urgent();
            waiting.add(event, self.capacity);
        }
        self.wake(waiting, urgent);
    }

    /// Wake the reader for what is not urgent too.
    pub(crate) fn remind(&self) {
        let waiting = self.lock();
        let some = !waiting.events.is_empty();
        self.wake(waiting, some);
    }

    fn wake(&self, mut waiting: MutexGuard<'_, Waiting>, wake: bool) {
        let wake = wake && !waiting.told;
        waiting.told |= wake;
        drop(waiting);
        if wake {
            // A full socket pair holds thousands of wake bytes already: one more would say nothing new.
            let _ = (&self.writer).write(&[1]);
        }
    }

    /// Take everything, in order, and make the descriptor quiet.
    pub(crate) fn drain(&self) -> Vec<Event> {
        // First the bytes, then the events: one that comes between the two is taken too; at worst it has left a byte of its
        // own, and the next drain finds nothing.
        let mut bytes = [0; 64];
        while matches!((&self.reader).read(&mut bytes), Ok(count) if count > 0) {}
        let mut waiting = self.lock();
        waiting.places.clear();
        waiting.told = false;
        std::mem::take(&mut waiting.events)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().events.len()
    }

    /// How many were lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// The descriptor to watch for reading.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A push that panicked between its two writes left at worst a place that points to other news; `add` checks.
        self.waiting.take()
    }
}

impl Waiting {
    fn add(&mut self, event: Event, capacity: usize) {
        let topic = event.topic();
        let place = topic.and_then(|topic| self.places.get(&topic)).copied();
        let older = place.and_then(|place| self.events.get_mut(place));
        if let Some(older) = older.filter(|older| older.topic() == topic) {
            *older = event;
            return;
        }
        if self.events.len() >= capacity {
            self.lost += 1;
            return;
        }
        if let Some(topic) = topic {
            self.places.insert(topic, self.events.len());
        }
        self.events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hocket_media::CloseReason;

    fn connected(id: u64) -> Event {
        Event::Media(Media::TransportConnected(TransportId(id)))
    }

    fn closed(id: u64) -> Event {
        Event::Media(Media::TransportClosed {
            transport: TransportId(id),
            reason: CloseReason::PeerClosed,
        })
    }

    fn speaking(id: u64, speaking: bool) -> Event {
        Event::Media(Media::ProducerSpeaking {
            producer: ProducerId(id),
            speaking,
            level: -30,
        })
    }

    fn quality(id: u64) -> Event {
        Event::Media(Media::Quality {
            transport: TransportId(id),
            loss: 0.0,
            rtt_ms: None,
            jitter_ms: 1.0,
        })
    }

    fn is_readable(queue: &EventQueue) -> bool {
        let mut copy = queue.reader.try_clone().unwrap();
        // Peeking is not stable for Unix streams; read and put back what was read.
        match copy.read(&mut [0; 1]) {
            Ok(1) => (&queue.writer).write(&[1]).unwrap() == 1,
            _ => false,
        }
    }

    #[test]
    fn the_descriptor_is_readable_exactly_while_urgent_events_wait() {
        let queue = EventQueue::new(16).unwrap();
        assert!(!is_readable(&queue));
        queue.push([closed(1)]);
        queue.push([closed(2)]);
        assert!(is_readable(&queue));
        assert_eq!(queue.drain(), [closed(1), closed(2)]);
        assert!(!is_readable(&queue));
    }

    #[test]
    fn that_a_transport_is_up_and_how_good_it_is_wait_for_what_is_urgent_or_for_a_reminder() {
        let queue = EventQueue::new(16).unwrap();
        queue.remind();
        queue.push([connected(1), quality(1)]);
        assert!(!is_readable(&queue));
        queue.push([closed(2)]);
        assert!(is_readable(&queue));
        assert_eq!(queue.drain(), [connected(1), quality(1), closed(2)]);
        queue.push([quality(3)]);
        queue.push([quality(4)]);
        assert!(!is_readable(&queue));
        queue.remind();
        assert!(is_readable(&queue));
        assert_eq!(queue.drain(), [quality(3), quality(4)]);
        assert!(!is_readable(&queue));
    }

    #[test]
    fn an_empty_batch_wakes_nobody() {
        let queue = EventQueue::new(16).unwrap();
        queue.push([]);
        assert!(!is_readable(&queue));
    }

    #[test]
    fn newer_news_of_one_object_replace_older_ones() {
        let queue = EventQueue::new(16).unwrap();
        queue.push([
            speaking(1, true),
            connected(7),
            speaking(2, true),
            speaking(1, false),
        ]);
        assert_eq!(
            queue.drain(),
            [speaking(1, false), connected(7), speaking(2, true)]
        );
        queue.push([speaking(1, true)]);
        assert_eq!(
            queue.drain(),
            [speaking(1, true)],
            "what was drained is replaced no more"
        );
    }

    #[test]
    fn a_full_queue_loses_the_newest_and_counts_it() {
        let queue = EventQueue::new(2).unwrap();
        queue.push([
            connected(1),
            speaking(2, true),
            connected(3),
            speaking(2, false),
        ]);
        assert_eq!(queue.lost(), 1);
        assert_eq!(queue.drain(), [connected(1), speaking(2, false)]);
    }

    #[test]
    fn a_hundred_thousand_wake_ups_without_a_reader_block_nobody() {
        let queue = EventQueue::new(16).unwrap();
        for id in 0..100_000 {
            queue.push([closed(id)]);
            let mut waiting = queue.lock();
            waiting.events.clear();
            waiting.told = false;
        }
        assert!(is_readable(&queue));
    }
}
