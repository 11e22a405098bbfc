//! What waits for one worker: commands from control, packets and notes from other workers.
//!
//! Three queues, each with a capacity and a rule for when it is full:
//!
//! | queue | written by | when full |
//! |---|---|---|
//! | commands | control | ordinary ones are refused, and control says so; those that end something always fit |
//! | packets | workers | the newest is lost and counted: late audio is worthless, and a slow worker must not slow the others |
//! | notes | workers | far beyond any honest number, lost and counted |
//!
//! Whoever writes calls [`Mailbox::wake`] once after a batch; it costs a system call only when the worker sleeps. A patient command or note
//! waits for whatever wakes the worker next, as long as few wait: [`must_wake`].

use std::collections::VecDeque;
use std::io;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

use crossbeam_queue::ArrayQueue;
use hocket_media::{Command, WorkerMessage};

use crate::lock::Lock;

/// Packets from other workers. At 50 packets a second each, 4,096 are a second of 80 people: far more than audio may wait.
pub(crate) const PACKETS_MAX: usize = 4_096;

/// Ordinary commands; a join of one person in a channel of 1,000 is about 2,000.
pub(crate) const COMMANDS_MAX: usize = 16_384;

/// Notes that state depends on (an address won or lost, a transport gone). A worker that is so far behind has stopped.
pub(crate) const NOTES_MAX: usize = 65_536;

/// Patient commands, and patient notes, that may wait for a worker that sleeps, some 100 kB.
pub(crate) const PATIENT_MAX: usize = 256;

/// One worker's queues. `C`: commands; `M`: packets and notes.
pub(crate) struct Mailbox<C, M> {
    commands: Guarded<C>,
    notes: Guarded<M>,
    packets: ArrayQueue<M>,
    lost: AtomicU64,
    sleeping: AtomicBool,
    waker: mio::Waker,
}

/// A queue behind a lock that is held for a push or a swap, and its length without the lock.
struct Guarded<T> {
    items: Lock<VecDeque<T>>,
    length: AtomicUsize,
}

impl<T> Guarded<T> {
    fn new() -> Self {
        Self {
            items: Lock::new(VecDeque::new()),
            length: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        // A thread that panicked with the lock held left a whole queue: pushes and swaps are not half done.
        self.items.take()
    }

    fn push(&self, item: T, capacity: usize) -> bool {
        let mut items = self.lock();
        if items.len() >= capacity {
            return false;
        }
        items.push_back(item);
        self.length.store(items.len(), Ordering::Release);
        true
    }

    /// Swap the waiting items for an empty queue, whose memory is used again.
    fn take(&self, empty: &mut VecDeque<T>) {
        if self.len() > 0 {
            let mut items = self.lock();
            std::mem::swap(&mut *items, empty);
            self.length.store(items.len(), Ordering::Release);
        }
    }

    fn len(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }
}

impl<C, M> Mailbox<C, M> {
    /// An empty mailbox of the worker whose poll `waker` belongs to.
    pub(crate) fn new(waker: mio::Waker) -> Self {
        Self {
            commands: Guarded::new(),
            notes: Guarded::new(),
            packets: ArrayQueue::new(PACKETS_MAX),
            lost: AtomicU64::new(0),
            sleeping: AtomicBool::new(false),
            waker,
        }
    }

    /// Whether `count` more ordinary commands fit. Only control pushes commands, so that what fits now still fits later.
    pub(crate) fn has_room(&self, count: usize) -> bool {
        self.commands.len() + count <= COMMANDS_MAX
    }

    /// Add a command. Those that end something come without asking [`Mailbox::has_room`]: there are no more of them than
    /// of things that were begun.
    pub(crate) fn push_command(&self, command: C) {
        self.commands.push(command, usize::MAX);
    }

    /// Add what may be lost.
    pub(crate) fn push_packet(&self, packet: M) {
        if self.packets.push(packet).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Add what state depends on.
    pub(crate) fn push_note(&self, note: M) {
        if !self.notes.push(note, NOTES_MAX) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Take all commands, oldest first, in exchange for an empty queue.
    pub(crate) fn take_commands(&self, empty: &mut VecDeque<C>) {
        self.commands.take(empty);
    }

    /// Take all notes, oldest first, in exchange for an empty queue.
    pub(crate) fn take_notes(&self, empty: &mut VecDeque<M>) {
        self.notes.take(empty);
    }

    /// Take the oldest packet.
    pub(crate) fn pop_packet(&self) -> Option<M> {
        self.packets.pop()
    }

    /// Forget everything: the worker that it was for is no more.
    pub(crate) fn clear(&self) {
        self.commands.take(&mut VecDeque::new());
        self.notes.take(&mut VecDeque::new());
        while self.packets.pop().is_some() {}
    }

    /// Waiting commands.
    pub(crate) fn commands(&self) -> usize {
        self.commands.len()
    }

    /// Waiting packets and notes.
    pub(crate) fn messages(&self) -> usize {
        self.packets.len() + self.notes.len()
    }

    /// Packets and notes lost so far because a queue was full.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Let the worker see what was pushed. Call it after the pushes, once for many.
    pub(crate) fn wake(&self) {
        // Pairs with the fence in `prepare_sleep`: either we see that the worker is about to sleep, or it sees our push.
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::AcqRel) {
            // The descriptor is open and never full of wake-ups; a failure here is the system's end, not ours to answer.
            let _: io::Result<()> = self.waker.wake();
        }
    }

    /// Wake the worker whether it sleeps or not: the engine stops.
    pub(crate) fn interrupt(&self) {
        let _: io::Result<()> = self.waker.wake();
    }

    /// For the worker, before it blocks: true = nothing waits and every later [`Mailbox::wake`] will wake the poll.
    pub(crate) fn prepare_sleep(&self) -> bool {
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.commands() > 0 || self.messages() > 0 {
            self.awake();
            return false;
        }
        true
    }

    /// For the worker, after it blocked.
    pub(crate) fn awake(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }
}

impl<M> Mailbox<Command, M> {
    /// Add a command, and let the worker see it if it must.
    pub(crate) fn hand_in(&self, command: Command) {
        let patient = command.is_patient();
        self.push_command(command);
        if must_wake(patient, self.commands()) {
            self.wake();
        }
    }
}

impl<C> Mailbox<C, WorkerMessage> {
    /// Add a packet or a note. Tells whether the worker must see it: call [`Mailbox::wake`] then, once for many.
    pub(crate) fn push(&self, message: WorkerMessage) -> bool {
        if message.is_lossy() {
            self.push_packet(message);
            return true;
        }
        let patient = message.is_patient();
        self.push_note(message);
        must_wake(patient, self.messages())
    }
}

/// Whether a worker that sleeps is woken for what was just pushed, with so many waiting: what is patient wakes nobody while they are few.
fn must_wake(patient: bool, waiting: usize) -> bool {
    !patient || waiting > PATIENT_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use hocket_media::{Claim, Credentials, TransportId};
    use std::sync::Arc;
    use std::time::Duration;

    fn mailbox() -> (mio::Poll, Mailbox<u32, u32>) {
        let poll = mio::Poll::new().unwrap();
        let waker = mio::Waker::new(poll.registry(), mio::Token(0)).unwrap();
        (poll, Mailbox::new(waker))
    }

    #[test]
    fn commands_and_notes_come_out_in_order() {
        let (_poll, mailbox) = mailbox();
        for i in 0..5 {
            mailbox.push_command(i);
            mailbox.push_note(10 + i);
        }
        let mut taken = VecDeque::new();
        mailbox.take_commands(&mut taken);
        assert_eq!(taken, [0, 1, 2, 3, 4]);
        taken.clear();
        mailbox.take_notes(&mut taken);
        assert_eq!(taken, [10, 11, 12, 13, 14]);
        assert_eq!((mailbox.commands(), mailbox.messages()), (0, 0));
    }

    #[test]
    fn a_full_packet_queue_loses_the_newest_and_counts_it() {
        let (_poll, mailbox) = mailbox();
        for i in 0..PACKETS_MAX as u32 + 3 {
            mailbox.push_packet(i);
        }
        assert_eq!(mailbox.lost(), 3);
        assert_eq!(mailbox.messages(), PACKETS_MAX);
        assert_eq!(mailbox.pop_packet(), Some(0));
    }

    #[test]
    fn the_note_queue_is_bounded() {
        let (_poll, mailbox) = mailbox();
        for i in 0..NOTES_MAX as u32 + 2 {
            mailbox.push_note(i);
        }
        assert_eq!((mailbox.lost(), mailbox.messages()), (2, NOTES_MAX));
    }

    #[test]
    fn a_full_command_queue_still_takes_what_ends_something() {
        let (_poll, mailbox) = mailbox();
        while mailbox.has_room(1) {
            mailbox.push_command(0);
        }
        assert_eq!(mailbox.commands(), COMMANDS_MAX);
        mailbox.push_command(1);
        assert_eq!(mailbox.commands(), COMMANDS_MAX + 1);
    }

    #[test]
    fn nothing_sleeps_over_work_that_waits() {
        let (_poll, mailbox) = mailbox();
        assert!(mailbox.prepare_sleep());
        mailbox.push_packet(1);
        assert!(!mailbox.prepare_sleep());
    }

    #[test]
    fn only_a_sleeper_is_woken() {
        let (mut poll, mailbox) = mailbox();
        let mut events = mio::Events::with_capacity(4);
        mailbox.push_packet(1);
        mailbox.wake();
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty(), "the worker was not asleep");
        mailbox.pop_packet();
        assert!(mailbox.prepare_sleep());
        mailbox.push_packet(2);
        mailbox.wake();
        poll.poll(&mut events, Some(Duration::from_secs(5)))
            .unwrap();
        assert!(!events.is_empty());
    }

    #[test]
    fn a_patient_command_wakes_nobody_before_many_wait() {
        let mut poll = mio::Poll::new().unwrap();
        let waker = mio::Waker::new(poll.registry(), mio::Token(0)).unwrap();
        let mailbox: Mailbox<Command, u32> = Mailbox::new(waker);
        let mut events = mio::Events::with_capacity(4);
        let mut is_woken = || {
            poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
            !events.is_empty()
        };
        let credentials = Credentials::from_random(&[7; Credentials::RANDOM]);
        let claim = Arc::new(Claim::new(TransportId(1), credentials));
        assert!(mailbox.prepare_sleep());
        for _ in 0..PATIENT_MAX {
            mailbox.hand_in(Command::AddTransport(Arc::clone(&claim)));
        }
        assert!(!is_woken());
        mailbox.hand_in(Command::AddTransport(Arc::clone(&claim)));
        assert!(is_woken(), "{PATIENT_MAX} is the most that wait");
        mailbox.clear();
        assert!(mailbox.prepare_sleep());
        mailbox.hand_in(Command::RemoveTransport(claim));
        assert!(is_woken(), "an end does not wait");
    }

    /// The race between falling asleep and pushing, run often: a lost wake-up would leave the reader in its five seconds.
    #[test]
    fn no_wake_up_is_lost() {
        const ROUNDS: u32 = 50_000;
        let (mut poll, mailbox) = mailbox();
        let mailbox = Arc::new(mailbox);
        let read = Arc::new(AtomicUsize::new(0));
        let writer = std::thread::spawn({
            let (mailbox, read) = (Arc::clone(&mailbox), Arc::clone(&read));
            move || {
                for i in 0..ROUNDS {
                    mailbox.push_note(i);
                    mailbox.wake();
                    // The next only when this one was read: no later wake-up makes good for one that was lost.
                    while read.load(Ordering::Acquire) <= i as usize {
                        std::thread::yield_now();
                    }
                }
            }
        });
        let (mut got, mut events, mut notes) = (0, mio::Events::with_capacity(4), VecDeque::new());
        while got < ROUNDS as usize {
            mailbox.take_notes(&mut notes);
            got += notes.drain(..).count();
            read.store(got, Ordering::Release);
            // So that the writer comes before, between and after the two steps of falling asleep.
            (0..got % 256).for_each(|_| std::hint::spin_loop());
            if got < ROUNDS as usize && mailbox.prepare_sleep() {
                poll.poll(&mut events, Some(Duration::from_secs(5)))
                    .unwrap();
                assert!(!events.is_empty(), "slept over work that waited");
                mailbox.awake();
            }
        }
        writer.join().unwrap();
    }
}
