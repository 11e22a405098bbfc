//! What the handle and all workers' threads share, and how rare events change what control knows.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use hocket_media::{
    Command, Event as Media, RequestId, Stats, StatsOf, WorkerDump, WorkerId, WorkerMessage,
};

use crate::events::{Event, EventQueue};
use crate::lock::Lock;
use crate::mailbox::Mailbox;
use crate::registry::{EndedTransport, Registry};

/// The part of an engine that outlives any one worker.
pub(crate) struct Shared {
    pub(crate) mailboxes: Vec<Mailbox<Command, WorkerMessage>>,
    pub(crate) reports: Vec<Report>,
    pub(crate) events: EventQueue,
    pub(crate) stop: AtomicBool,
    pub(crate) threads: AtomicUsize,
    registry: Lock<Registry>,
}

/// What a worker's thread lets others read of it.
#[derive(Default)]
pub(crate) struct Report {
    /// The worker's own account, a quarter of a second old at most.
    pub(crate) core: Lock<WorkerDump>,
    /// Locks that the thread has taken, as of the same time.
    pub(crate) locks: AtomicU64,
    /// Datagrams longer than any that we expect.
    pub(crate) too_long: AtomicU64,
    /// Receive calls that failed.
    pub(crate) receive_errors: AtomicU64,
    /// Datagrams not sent because the kernel's room was full.
    pub(crate) send_no_room: AtomicU64,
    /// Datagrams that the kernel refused to send.
    pub(crate) send_refused: AtomicU64,
}

impl Shared {
    pub(crate) fn new(mailboxes: Vec<Mailbox<Command, WorkerMessage>>, events: EventQueue) -> Self {
        let reports = mailboxes.iter().map(|_| Report::default()).collect();
        let (stop, threads) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self {
            mailboxes,
            reports,
            events,
            stop,
            threads,
            registry: Lock::default(),
        }
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        // The registry's methods leave it whole at every point where they could panic: they only insert and remove.
        self.registry.take()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Give every worker a command, except the one that needs none.
    pub(crate) fn broadcast(&self, command: &Command, except: Option<WorkerId>) {
        for (place, mailbox) in self.mailboxes.iter().enumerate() {
            if except.is_none_or(|worker| usize::from(worker.0) != place) {
                mailbox.hand_in(command.clone());
            }
        }
    }

    /// Pass on what a worker told, in order; what ended by itself leaves the registry first.
    pub(crate) fn publish(&self, batch: &mut Vec<Media>) {
        if !batch.is_empty() {
            let mut told = Vec::with_capacity(batch.len());
            batch
                .drain(..)
                .for_each(|event| self.account(event, &mut told));
            self.events.push(told);
        }
    }

    fn account(&self, event: Media, told: &mut Vec<Event>) {
        match &event {
            Media::TransportClosed { transport, .. } => {
                // None: control closed it meanwhile, and hears nothing more of it.
                let Some(ended) = self.registry().remove_transport(*transport) else {
                    return;
                };
                ended.claim.close();
                ended.producers.iter().for_each(|producer| producer.close());
                told.extend(gone(ended.questions));
            }
            Media::TransportConnected(transport) if self.registry().claim(*transport).is_none() => {
                return;
            }
            Media::StatsReply { request, .. } if !self.registry().answer(*request) => return,
            _ => {}
        }
        told.push(Event::Media(event));
    }

    /// Tell all workers that a transport is over with all its producers.
    pub(crate) fn end_transport(&self, ended: EndedTransport, except: Option<WorkerId>) {
        ended.claim.close();
        for producer in &ended.producers {
            producer.close();
            self.broadcast(&Command::CloseProducer(producer.id()), except);
        }
        self.broadcast(&Command::RemoveTransport(Arc::clone(&ended.claim)), except);
        if !ended.questions.is_empty() {
            self.events.push(gone(ended.questions));
        }
    }

    /// Clear up after a worker that panicked, so that a new one can take its place: what it owned is over, and the others
    /// hear of it; what it did not own is announced to its successor.
    pub(crate) fn bury(&self, worker: WorkerId) {
        let mut registry = self.registry();
        let transports = registry.owned_by(worker);
        for transport in &transports {
            if let Some(ended) = registry.remove_transport(*transport) {
                self.end_transport(ended, Some(worker));
            }
        }
        registry
            .producers()
            .for_each(|producer| producer.forget_worker(worker));
        if let Some(mailbox) = self.mailboxes.get(usize::from(worker.0)) {
            mailbox.clear();
            registry
                .claims()
                .for_each(|claim| mailbox.push_command(Command::AddTransport(Arc::clone(claim))));
        }
        for (place, mailbox) in self.mailboxes.iter().enumerate() {
            if place != usize::from(worker.0) {
                mailbox.push_note(WorkerMessage::WorkerGone(worker));
                mailbox.wake();
            }
        }
        // The registry is held until here, so that no command comes between the clearing and the announcing.
        self.events
            .push([Event::WorkerFailed { worker, transports }]);
        drop(registry);
    }
}

/// The answers to questions whose object went.
fn gone(questions: Vec<(RequestId, StatsOf)>) -> impl Iterator<Item = Event> {
    questions.into_iter().map(|(request, of)| {
        Event::Media(Media::StatsReply {
            request,
            stats: Stats::Gone(of),
        })
    })
}
