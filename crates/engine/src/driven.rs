//! What a worker's thread drives: the media core's `Worker`, seen as a trait so that the thread's own rules (batches,
//! wake-ups, panics) are tested with small stand-ins.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use hocket_media::{Command, Event, Outbox, Worker, WorkerDump, WorkerId, WorkerMessage};

/// See `hocket_media::worker` for the meaning of each method and the order in which to call them.
pub(crate) trait Core {
    fn handle_command(&mut self, command: Command, now: Instant);
    fn handle_datagram(&mut self, source: SocketAddr, local: IpAddr, data: &mut [u8], now: Instant);
    fn handle_message(&mut self, message: WorkerMessage, now: Instant);
    fn handle_timeout(&mut self, now: Instant);
    fn next_timeout(&self) -> Option<Instant>;
    fn set_padding(&mut self, pads: bool);
    fn outbox(&mut self) -> &mut Outbox;
    fn poll_event(&mut self) -> Option<Event>;
    fn poll_message(&mut self) -> Option<(WorkerId, WorkerMessage)>;
    fn dump(&self) -> WorkerDump;
}

impl Core for Worker {
    fn handle_command(&mut self, command: Command, now: Instant) {
        self.handle_command(command, now);
    }

    fn handle_datagram(
        &mut self,
        source: SocketAddr,
        local: IpAddr,
        data: &mut [u8],
        now: Instant,
    ) {
        self.handle_datagram(source, local, data, now);
    }

    fn handle_message(&mut self, message: WorkerMessage, now: Instant) {
        self.handle_message(message, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.next_timeout()
    }

    fn set_padding(&mut self, pads: bool) {
        self.set_padding(pads);
    }

    fn outbox(&mut self) -> &mut Outbox {
        self.outbox()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.poll_event()
    }

    fn poll_message(&mut self) -> Option<(WorkerId, WorkerMessage)> {
        self.poll_message()
    }

    fn dump(&self) -> WorkerDump {
        self.dump()
    }
}
