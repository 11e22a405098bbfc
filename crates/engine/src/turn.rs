//! The loop of one worker's thread.
//!
//! A *turn* takes what waits (commands, notes, packets, datagrams, what is due), bounded each so that none starves the
//! others, and then lets go what came of it: datagrams, messages, events. With nothing left it sleeps until a socket, a
//! mailbox or the core's next timeout wants it. Batches grow with load by themselves, and a little more where it lets them gather.
//!
//! A packet with hundreds of listeners takes milliseconds to leave. What arrives meanwhile does not wait for that: between two calls the worker
//! takes it in, passes it on to the others, and lets it leave along with what still waits for the same listeners.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hocket_media::{Command, Event, Outbox, WorkerId, WorkerMessage};
use mio::net::UdpSocket;
use mio::{Poll, Token};

use crate::affinity::Cores;
use crate::driven::Core;
use crate::gathering::Gathering;
use crate::lock;
use crate::mailbox::Mailbox;
use crate::shared::{Report, Shared};
use crate::socket::{Receiver, SendReport, Sender, Sockets, wait};

/// The token of the waker, the only one that the poll itself watches.
pub(crate) const WAKER: Token = Token(0);

/// Datagrams that may wait in the outbox before they are sent, in the middle of a turn too: bounds memory and delay.
const OUTBOX_MAX: usize = 1_024;

/// Transports whose datagrams are sent before the worker looks whether more has arrived meanwhile: a call of `sendmmsg`, some 150 µs. What comes for
/// those who still wait leaves along with what they wait for, and other workers have their part of it at once.
const SHARE: usize = 64;

/// Looks a turn at what has arrived meanwhile: whatever comes, commands and timers have their turn.
const LOOKS: usize = 16;

/// Receive calls a socket and turn, of up to 128 datagrams each.
const RECEIVES: usize = 8;

/// Packets of other workers a turn.
const PACKETS: usize = 1_024;

/// Commands come in flocks: a join is dozens of them. After some that are not patient, the worker looks for more only this much later, and nobody
/// has to wake it meanwhile, which costs both sides more than most commands do.
const LINGER: Duration = Duration::from_micros(100);

/// An error that stays at a socket must not keep the loop spinning.
const FAILED: Duration = Duration::from_millis(10);

/// Room for commands that is kept from turn to turn, two joins of a channel of a thousand; a flock that needed more gives it back.
const COMMANDS_KEPT: usize = 4_096;

/// How old a worker's published account may be.
const REPORT_AGE: Duration = Duration::from_millis(250);

/// One worker's place: what stays when its core is replaced.
pub(crate) struct Place {
    pub(crate) id: WorkerId,
    pub(crate) poll: Poll,
    pub(crate) sockets: Sockets,
    pub(crate) batch: bool,
    pub(crate) gather: Duration,
    /// Where the thread runs, if that is not the scheduler's affair alone.
    pub(crate) cores: Option<Cores>,
}

/// A core in its place.
pub(crate) struct Turner<'a, C> {
    core: C,
    place: &'a mut Place,
    shared: &'a Shared,
    mailbox: &'a Mailbox<Command, WorkerMessage>,
    report: &'a Report,
    receiver: Receiver,
    sender: Sender,
    ready: mio::Events,
    /// Sockets that may hold datagrams, IPv4 and IPv6.
    readable: [bool; 2],
    commands: VecDeque<Command>,
    notes: VecDeque<WorkerMessage>,
    events: Vec<Event>,
    reported: Option<Instant>,
    gathering: Gathering,
    /// Datagrams and packets that the present turn took in.
    taken: usize,
    /// Whether the present turn took commands that do not wait for a turn.
    commanded: bool,
    /// Whether a socket could not be read in the present turn.
    failed: bool,
}

impl<'a, C: Core> Turner<'a, C> {
    /// Put `core` in its place; `None` when there is no such place.
    pub(crate) fn new(
        core: C,
        place: &'a mut Place,
        shared: &'a Shared,
        now: Instant,
    ) -> Option<Self> {
        let index = usize::from(place.id.0);
        Some(Self {
            core,
            mailbox: shared.mailboxes.get(index)?,
            report: shared.reports.get(index)?,
            receiver: Receiver::new(place.batch),
            sender: Sender::new(place.batch),
            ready: mio::Events::with_capacity(1),
            readable: [true; 2],
            commands: VecDeque::new(),
            notes: VecDeque::new(),
            events: Vec::new(),
            reported: None,
            gathering: Gathering::new(place.gather, now),
            taken: 0,
            commanded: false,
            failed: false,
            place,
            shared,
        })
    }

    /// Turn until the engine stops.
    ///
    /// # Errors
    /// The poll failed, which it does not on a sound system.
    pub(crate) fn run(mut self) -> io::Result<()> {
        while !self.shared.is_stopped() {
            let now = Instant::now();
            let more = self.turn(now);
            self.settle()?;
            let unreported = self.publish(now);
            let pause = self.judge(now);
            if more {
                self.wait(Some(Duration::ZERO))?;
            } else {
                // They gather meanwhile; nobody can wake the worker.
                if !pause.is_zero() {
                    std::thread::sleep(pause);
                }
                let timeout = self.nap(unreported);
                self.wait(timeout)?;
            }
        }
        Ok(())
    }

    /// Judge a turn that is over: how long datagrams or commands should gather before the next.
    fn judge(&mut self, began: Instant) -> Duration {
        let before = self.gathering.is_on();
        let taken = core::mem::take(&mut self.taken);
        let pause = self.gathering.note(began, Instant::now(), taken);
        if self.gathering.is_on() != before {
            self.core.set_padding(self.gathering.is_on());
        }
        let least = match (core::mem::take(&mut self.failed), self.commanded) {
            (true, _) => FAILED,
            (false, true) => LINGER,
            (false, false) => Duration::ZERO,
        };
        pause.max(least)
    }

    /// Take what waits. Tells whether more waits than a turn takes.
    fn turn(&mut self, now: Instant) -> bool {
        self.mailbox.take_commands(&mut self.commands);
        self.commanded = false;
        for command in self.commands.drain(..) {
            self.commanded |= !command.is_patient();
            self.core.handle_command(command, now);
        }
        if self.commands.capacity() > COMMANDS_KEPT {
            self.commands = VecDeque::new();
        }
        let more_packets = self.take_arrived(now);
        if self.core.next_timeout().is_some_and(|due| due <= now) {
            self.core.handle_timeout(now);
        }
        more_packets || self.readable.contains(&true)
    }

    /// Take what other workers and clients have sent. Tells whether more of the workers' packets wait than a turn takes.
    fn take_arrived(&mut self, now: Instant) -> bool {
        self.mailbox.take_notes(&mut self.notes);
        for note in self.notes.drain(..) {
            self.core.handle_message(note, now);
        }
        let more_packets = self.take_packets(now);
        self.take_datagrams(now);
        more_packets
    }

    fn take_packets(&mut self, now: Instant) -> bool {
        for _ in 0..PACKETS {
            let Some(packet) = self.mailbox.pop_packet() else {
                return false;
            };
            self.core.handle_message(packet, now);
            self.taken += 1;
            send_full(
                &mut self.sender,
                &self.place.sockets,
                self.core.outbox(),
                self.report,
            );
        }
        true
    }

    fn take_datagrams(&mut self, now: Instant) {
        let Self {
            core,
            place,
            receiver,
            sender,
            report,
            readable,
            taken,
            failed,
            ..
        } = self;
        let sockets = &place.sockets;
        let columns = [
            (sockets.v4.as_ref(), IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            (sockets.v6.as_ref(), IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        ];
        for (readable, (socket, local)) in readable.iter_mut().zip(columns) {
            let Some(socket) = socket else {
                *readable = false;
                continue;
            };
            for _ in 0..RECEIVES {
                if !*readable {
                    break;
                }
                let receipt = receiver.receive(socket, local, |arrival| {
                    *taken += 1;
                    core.handle_datagram(arrival.source, arrival.local, arrival.data, now);
                    send_full(sender, sockets, core.outbox(), report);
                });
                match receipt {
                    Ok(receipt) => {
                        *readable = !receipt.drained;
                        count(&report.too_long, receipt.too_long);
                    }
                    Err(_) => {
                        *readable = false;
                        *failed = true;
                        count(&report.receive_errors, 1);
                    }
                }
            }
        }
    }

    /// Let go what came of a turn, and what arrives while a long flush lasts.
    ///
    /// # Errors
    /// The poll failed.
    fn settle(&mut self) -> io::Result<()> {
        self.hand_over();
        let mut looks = 0;
        while self.send_share() {
            // What was used of the outbox is free again only when all has left.
            if looks < LOOKS && self.core.outbox().len() < OUTBOX_MAX {
                looks += 1;
                self.watch(Some(Duration::ZERO))?;
                let now = Instant::now();
                if let Some(cores) = &mut self.place.cores {
                    cores.stay(now);
                }
                self.take_arrived(now);
                self.hand_over();
            }
        }
        self.events
            .extend(std::iter::from_fn(|| self.core.poll_event()));
        self.shared.publish(&mut self.events);
        Ok(())
    }

    /// Send what waits for some transports. Tells whether others still wait.
    fn send_share(&mut self) -> bool {
        let outbox = self.core.outbox();
        let sent = self.sender.relieve(&self.place.sockets, outbox, SHARE);
        note_sent(self.report, sent);
        !outbox.is_empty()
    }

    /// Give other workers what is theirs, before this one sends: they send to their listeners meanwhile.
    fn hand_over(&mut self) {
        let mut woken = 0_u64;
        while let Some((to, message)) = self.core.poll_message() {
            let Some(mailbox) = self.shared.mailboxes.get(usize::from(to.0)) else {
                continue;
            };
            woken |= u64::from(mailbox.push(message)) << to.0;
        }
        for (index, mailbox) in self.shared.mailboxes.iter().enumerate() {
            if woken >> index & 1 == 1 {
                mailbox.wake();
            }
        }
    }

    /// Publish the core's account, and the news that nobody was woken for, when the last one is old. Tells whether it still has to be.
    fn publish(&mut self, now: Instant) -> bool {
        if self
            .reported
            .is_some_and(|at| now.duration_since(at) < REPORT_AGE)
        {
            return true;
        }
        self.reported = Some(now);
        let account = self.core.dump();
        *self.report.core.take() = account;
        self.report.locks.store(lock::taken(), Ordering::Relaxed);
        self.shared.events.remind();
        if let Some(cores) = &mut self.place.cores {
            cores.relax(now);
        }
        false
    }

    /// How long to sleep; `None` = until woken.
    fn nap(&self, unreported: bool) -> Option<Duration> {
        let due = self
            .core
            .next_timeout()
            .map(|due| due.saturating_duration_since(Instant::now()));
        if !unreported {
            return due;
        }
        Some(due.map_or(REPORT_AGE, |due| due.min(REPORT_AGE)))
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let asleep = timeout != Some(Duration::ZERO) && self.mailbox.prepare_sleep();
        let timeout = if asleep {
            timeout
        } else {
            Some(Duration::ZERO)
        };
        let outcome = self.watch(timeout);
        self.mailbox.awake();
        outcome
    }

    fn watch(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let Place { poll, sockets, .. } = &mut *self.place;
        let waker = poll.registry().as_fd();
        let all = [
            descriptor(&sockets.v4, waker),
            descriptor(&sockets.v6, waker),
            waker,
        ];
        let [v4, v6, woken] = wait(all, timeout)?;
        // One that is not there is found empty.
        self.readable = [self.readable[0] || v4, self.readable[1] || v6];
        if woken {
            poll.poll(&mut self.ready, Some(Duration::ZERO))?; // takes the wake-up in
        }
        Ok(())
    }
}

fn descriptor<'a>(socket: &'a Option<UdpSocket>, without: BorrowedFd<'a>) -> BorrowedFd<'a> {
    socket.as_ref().map_or(without, AsFd::as_fd)
}

/// Send all that waits once it is much.
fn send_full(sender: &mut Sender, sockets: &Sockets, outbox: &mut Outbox, report: &Report) {
    if outbox.len() >= OUTBOX_MAX {
        note_sent(report, sender.empty(sockets, outbox));
    }
}

fn note_sent(report: &Report, sent: SendReport) {
    count(&report.send_no_room, sent.no_room);
    count(&report.send_refused, sent.refused);
}

/// Add to a counter of this thread that others only read; nothing to write is the usual case.
fn count(counter: &AtomicU64, by: usize) {
    if by > 0 {
        counter.fetch_add(by as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
