//! Who owns a transport.
//!
//! Control makes a [`Claim`] for every transport and shows it to all workers. The kernel decides by the client's address which worker
//! hears of it first; that worker claims it on the first valid connectivity check and owns it from then on. What control wants done with
//! the transport before that waits in the claim. The lock is taken by commands and by first checks, never for a packet.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::command::Command;
use crate::credentials::{Credentials, Ufrag};
use crate::id::{TransportId, WorkerId};

/// Commands that may wait for an owner. A person in a channel of 1,000 gets one `Consume` and some pauses each; more is a fault of control.
pub const WAITING_MAX: usize = 8_192;

/// Values of `Claim::owner` that are no worker.
const UNCLAIMED: u8 = u8::MAX;
const CLOSED: u8 = u8::MAX - 1;
const _: () = assert!(WorkerId::LIMIT < CLOSED);

/// A transport that control has announced, and its owner once it has one.
#[derive(Debug)]
pub struct Claim {
    id: TransportId,
    /// The same fact as `state`, readable without the lock.
    owner: AtomicU8,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The pair in use, and after an ICE restart the one to come.
    credentials: Credentials,
    next: Option<Credentials>,
    waiting: VecDeque<Command>,
}

/// Where a command went.
#[derive(Debug)]
#[must_use]
pub enum Submission {
    /// It waits in the claim, and the owner-to-be takes it.
    Waiting,
    /// Nobody can answer it yet: a question for statistics about an unclaimed transport comes back, see [`crate::stats::Stats::empty`].
    Unclaimed(Command),
    /// Put it on this worker's queue.
    Send(WorkerId, Command),
    /// The transport is gone; so is the command.
    Closed,
    /// Too many commands wait; so this one is refused.
    Full,
}

impl Claim {
    /// Announces a transport with its first credentials.
    #[must_use]
    pub fn new(id: TransportId, credentials: Credentials) -> Self {
        let state = State {
            credentials,
            next: None,
            waiting: VecDeque::new(),
        };
        Self {
            id,
            owner: AtomicU8::new(UNCLAIMED),
            state: Mutex::new(state),
        }
    }

    /// The transport's id.
    #[must_use]
    pub fn id(&self) -> TransportId {
        self.id
    }

    /// The owner, if there is one and the transport still is.
    #[must_use]
    pub fn owner(&self) -> Option<WorkerId> {
        let owner = self.owner.load(Ordering::Acquire);
        (owner < CLOSED).then_some(WorkerId(owner))
    }

    /// Whether the transport has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.owner.load(Ordering::Acquire) == CLOSED
    }

    /// For control: hands in a command that names this transport. The owner may sleep while it waits to resume a consumer: from here on the
    /// producer's packets are sent there, and wake it.
    pub fn submit(&self, command: Command) -> Submission {
        let mut state = self.lock();
        if self.is_closed() {
            return Submission::Closed;
        }
        if let Some(owner) = self.owner() {
            if let Command::ResumeConsumer { producer, .. } = &command {
                producer.subscribe(owner, true);
            }
            return Submission::Send(owner, command);
        }
        if matches!(command, Command::Stats { .. }) {
            return Submission::Unclaimed(command);
        }
        if state.waiting.len() >= WAITING_MAX {
            return Submission::Full;
        }
        state.waiting.push_back(command);
        Submission::Waiting
    }

    /// For control: replaces the credentials to come (RFC 8445 §9). Returns the fragment that nobody will use any more, if there is one;
    /// it goes into [`Command::RestartIce`].
    pub fn restart(&self, credentials: Credentials) -> Option<Ufrag> {
        let mut state = self.lock();
        let pending = state.next.replace(credentials)?;
        let retired = state.credentials.ufrag;
        state.credentials = pending;
        Some(retired)
    }

    /// Marks the transport as ended and forgets what waited. True for the one caller who ended it.
    pub fn close(&self) -> bool {
        let mut state = self.lock();
        state.waiting = VecDeque::new();
        self.owner.swap(CLOSED, Ordering::AcqRel) != CLOSED
    }

    /// For a worker that has a valid check in hand: becomes the owner and takes what waited. `None` = somebody else was faster, or it is gone.
    pub(crate) fn take(&self, worker: WorkerId) -> Option<VecDeque<Command>> {
        let mut state = self.lock();
        self.owner
            .compare_exchange(UNCLAIMED, worker.0, Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        Some(core::mem::take(&mut state.waiting))
    }

    /// All credentials under which a check is valid now.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = Credentials> + use<> {
        let state = self.lock();
        core::iter::once(state.credentials).chain(state.next)
    }

    /// A thread that panicked with the lock held left at worst a command less: nothing under the lock can be half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::id::{ConsumerId, ProducerId, RequestId};
    use crate::shared::ProducerShared;
    use crate::stats::StatsOf;

    fn claim() -> Claim {
        Claim::new(
            TransportId(1),
            Credentials::from_random(&[1; Credentials::RANDOM]),
        )
    }

    fn command() -> Command {
        Command::CloseConsumer {
            transport: TransportId(1),
            consumer: ConsumerId(2),
        }
    }

    #[test]
    fn commands_wait_for_the_first_owner_and_then_go_to_it() {
        let claim = claim();
        assert!(matches!(claim.submit(command()), Submission::Waiting));
        assert_eq!(claim.take(WorkerId(3)).unwrap().len(), 1);
        assert!(matches!(
            claim.submit(command()),
            Submission::Send(WorkerId(3), _)
        ));
        assert!(claim.take(WorkerId(4)).is_none(), "there is one owner");
    }

    #[test]
    fn packets_find_their_way_to_an_owner_that_sleeps_over_a_resume() {
        let claim = claim();
        let producer = Arc::new(ProducerShared::new(ProducerId(5), "cname"));
        let resume = || Command::ResumeConsumer {
            transport: TransportId(1),
            consumer: ConsumerId(2),
            producer: Arc::clone(&producer),
        };
        let _ = claim.submit(resume());
        assert_eq!(producer.subscribers(), 0, "nobody knows yet who takes it");
        let _ = claim.take(WorkerId(3));
        let _ = claim.submit(resume());
        assert_eq!(producer.subscribers(), WorkerId(3).bit());
    }

    #[test]
    fn a_question_about_an_unclaimed_transport_does_not_wait() {
        let question = Command::Stats {
            transport: TransportId(1),
            request: RequestId(1),
            of: StatsOf::Transport(TransportId(1)),
        };
        assert!(matches!(claim().submit(question), Submission::Unclaimed(_)));
    }

    #[test]
    fn a_closed_transport_takes_no_commands_and_no_owner() {
        let claim = claim();
        let _ = claim.submit(command());
        assert!(claim.close());
        assert!(!claim.close(), "it is ended once");
        assert!(matches!(claim.submit(command()), Submission::Closed));
        assert!(claim.take(WorkerId(0)).is_none());
    }

    #[test]
    fn waiting_commands_are_bounded() {
        let claim = claim();
        for _ in 0..WAITING_MAX {
            assert!(matches!(claim.submit(command()), Submission::Waiting));
        }
        assert!(matches!(claim.submit(command()), Submission::Full));
    }

    #[test]
    fn a_second_restart_retires_the_oldest_credentials() {
        let [first, second, third] =
            [1, 2, 3].map(|byte| Credentials::from_random(&[byte; Credentials::RANDOM]));
        let claim = Claim::new(TransportId(1), first);
        assert_eq!(claim.restart(second), None);
        assert_eq!(claim.restart(third), Some(first.ufrag));
        assert_eq!(claim.credentials().collect::<Vec<_>>(), [second, third]);
    }
}
