//! An engine's life: it binds the port, starts the threads, and closes both. What it is told to do meanwhile is in
//! `control`.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use hocket_media::{Certificate, Command, Worker, WorkerId, WorkerMessage};

use crate::affinity::Cores;
use crate::driven::Core;
use crate::dump::EngineDump;
use crate::events::{Event, EventQueue};
use crate::lock::Lock;
use crate::mailbox::Mailbox;
use crate::random::Random;
use crate::shared::Shared;
use crate::socket::{self, Sockets};
use crate::turn::{Place, WAKER};
use crate::{EngineOptions, Error, Result, panics, thread};

/// Events beyond two a transport that may wait: answers, failures, and what happens while the reader is slow.
const EVENTS_BESIDE: usize = 16_384;

/// A running engine. Dropping it closes it.
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    threads: Lock<Vec<JoinHandle<()>>>,
    pub(crate) random: Lock<Random>,
    fingerprints: Vec<(String, String)>,
    port: u16,
    workers: usize,
    pub(crate) max_transports: usize,
}

impl Engine {
    /// Bind the port and start the threads.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option out of its range, [`Error::Io`] when the system refuses a socket or thread.
    pub fn new(options: &EngineOptions) -> Result<Self> {
        options.validate()?;
        let mut random = Random::new(options.seed)?;
        let core_options = Arc::new(core_options(options, &mut random));
        let certificate = Arc::new(
            Certificate::generate().map_err(|error| Error::Io(std::io::Error::other(error)))?,
        );
        let fingerprints = certificate
            .fingerprints()
            .iter()
            .map(|fingerprint| (fingerprint.algorithm().to_owned(), fingerprint.value()))
            .collect();
        Self::start(options, random, fingerprints, move |id, now| {
            Worker::new(id, Arc::clone(&core_options), Arc::clone(&certificate), now)
        })
    }

    /// Start an engine over any core; `make` makes each worker's, again after a panic.
    pub(crate) fn start<C, F>(
        options: &EngineOptions,
        random: Random,
        fingerprints: Vec<(String, String)>,
        make: F,
    ) -> Result<Self>
    where
        C: Core,
        F: Fn(WorkerId, Instant) -> C + Clone + Send + 'static,
    {
        panics::be_sparing();
        let port = socket::bind(options)?;
        let (places, mailboxes) = furnish(port.sockets, options)?;
        let events = EventQueue::new(options.max_transports * 2 + EVENTS_BESIDE)?;
        let engine = Self {
            shared: Arc::new(Shared::new(mailboxes, events)),
            threads: Lock::default(),
            random: Lock::new(random),
            fingerprints,
            port: port.number,
            workers: places.len(),
            max_transports: options.max_transports,
        };
        for place in places {
            // On an error `engine` is dropped, which stops the threads that were started before.
            let thread = thread::spawn(place, Arc::clone(&engine.shared), make.clone())?;
            engine.threads.take().push(thread);
        }
        Ok(engine)
    }

    /// The UDP port in use.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The certificate's fingerprints: algorithm and upper-case value.
    #[must_use]
    pub fn fingerprints(&self) -> &[(String, String)] {
        &self.fingerprints
    }

    /// A descriptor that is readable while urgent events wait; it lives as long as the engine's value. That a transport is up, and how good its
    /// connection is, is not urgent: it waits for a quarter of a second at most.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.shared.events.descriptor()
    }

    /// Take all events that wait, in order.
    #[must_use]
    pub fn drain_events(&self) -> Vec<Event> {
        self.shared.events.drain()
    }

    /// What the engine holds now.
    #[must_use]
    pub fn dump(&self) -> EngineDump {
        EngineDump::of(&self.shared)
    }

    /// Stop the threads, wait for them and release the port. Idempotent; takes a few milliseconds.
    pub fn close(&self) {
        self.shared.stop.store(true, Ordering::Release);
        let threads = std::mem::take(&mut *self.threads.take());
        for (thread, mailbox) in threads.iter().zip(&self.shared.mailboxes) {
            mailbox.interrupt();
            thread.thread().unpark();
        }
        for thread in threads {
            // A panic outside the caught part has ended the thread, which is what is wanted here.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

fn core_options(options: &EngineOptions, random: &mut Random) -> hocket_media::Options {
    hocket_media::Options {
        workers: u8::try_from(options.worker_count()).unwrap_or(WorkerId::LIMIT),
        consent_timeout: options.consent,
        handshake_timeout: options.handshake,
        max_transports: options.max_transports,
        silence_dbov: options.silence_dbov,
        producer: options.producer,
        seed: random.bytes(),
        ..hocket_media::Options::default()
    }
}

/// What each worker's thread gets, and what others write to it through.
type Furniture = (Vec<Place>, Vec<Mailbox<Command, WorkerMessage>>);

/// A poll and a mailbox for each worker's sockets.
fn furnish(sockets: Vec<Sockets>, options: &EngineOptions) -> Result<Furniture> {
    let mut places = Vec::with_capacity(sockets.len());
    let mut mailboxes = Vec::with_capacity(sockets.len());
    let cores = options.pin_workers.then(|| Cores::of_each(sockets.len()));
    let mut cores = cores.into_iter().flatten();
    for (id, sockets) in (0..WorkerId::LIMIT).zip(sockets) {
        let poll = mio::Poll::new()?;
        mailboxes.push(Mailbox::new(mio::Waker::new(poll.registry(), WAKER)?));
        places.push(Place {
            id: WorkerId(id),
            poll,
            sockets,
            batch: options.batched(),
            gather: options.gather,
            cores: cores.next(),
        });
    }
    Ok((places, mailboxes))
}
