//! What the server itself says: its events, its statistics of people by their names, its dumps.

use hocket_media::{
    CloseReason, ConsumerStats, Drop, Event, ProducerStats, Stats, StatsOf, TransportId,
    TransportStats, WorkerDump,
};

use super::{Scene, Side};

impl Scene {
    pub fn stats(&mut self, transport: TransportId, of: StatsOf) -> Stats {
        self.server.stats(transport, of, self.now)
    }

    pub fn is_connected(&mut self, transport: TransportId) -> bool {
        self.server
            .events
            .contains(&Event::TransportConnected(transport))
    }

    /// Why the transport ended by itself, if it did.
    pub fn close_reason(&self, transport: TransportId) -> Option<CloseReason> {
        self.server.events.iter().find_map(|event| match event {
            Event::TransportClosed {
                transport: closed,
                reason,
            } if *closed == transport => Some(*reason),
            _ => None,
        })
    }

    pub fn transport_stats(&mut self, name: &str, side: Side) -> TransportStats {
        let transport = self.transport(name, side);
        match self.stats(transport, StatsOf::Transport(transport)) {
            Stats::Transport(stats) => *stats,
            other => panic!("{other:?}"),
        }
    }

    pub fn producer_stats(&mut self, name: &str) -> ProducerStats {
        let transport = self.transport(name, Side::Send);
        let producer = self.person(name).producer.unwrap();
        match self.stats(transport, StatsOf::Producer(producer)) {
            Stats::Producer(stats) => stats,
            other => panic!("{other:?}"),
        }
    }

    pub fn consumer_stats(&mut self, listener: &str, speaker: &str) -> ConsumerStats {
        let transport = self.transport(listener, Side::Receive);
        let consumer = self.person(listener).consumers[speaker];
        match self.stats(transport, StatsOf::Consumer(consumer)) {
            Stats::Consumer(stats) => stats,
            other => panic!("{other:?}"),
        }
    }

    /// How many were dropped for this reason, over all workers.
    pub fn dropped(&self, reason: Drop) -> u32 {
        let workers = self.server.workers.iter();
        workers
            .map(|worker| worker.dump().dropped.get(reason))
            .sum()
    }

    /// Workers that hold anything but counts of what they dropped.
    pub fn holders(&self) -> Vec<WorkerDump> {
        let mut dumps: Vec<_> = self.server.workers.iter().map(|w| w.dump()).collect();
        dumps.retain(|dump| {
            let held = [
                dump.announced,
                dump.transports,
                dump.producers,
                dump.consumers,
                dump.feeds,
                dump.addresses,
                dump.foreign_addresses,
            ];
            held != [0; 7]
        });
        dumps
    }
}
