//! The load client's handle: every method checks, hands a command to the right thread and returns.

use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hocket_engine::{Error, Result};
use hocket_media::client::{Identity, Remote};
use hocket_media::{Certificate, Fingerprint, Fingerprints};
use mio::Waker;

use crate::crowd::{Common, SpeakOptions};
use crate::places;
use crate::ptime::Ptime;
use crate::report::{Counters, Progress, Report};
use crate::thread::{Command, Commands, Thread};

/// More threads than a load client has use for.
const THREADS_MAX: usize = 16;
/// Commands that may wait for a thread: a crowd of a thousand begins to hear itself with a million.
const COMMANDS_MAX: usize = 2_000_000;
/// Most addresses of one server that are tried.
const ADDRESSES_MAX: usize = 16;
/// How long a thread may take for a report.
const ANSWER: Duration = Duration::from_secs(20);

/// How a load client is set up.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// Threads, 1–16. One moves some hundred thousand packets a second.
    pub threads: usize,
    /// Each so manieth packet of a stream is authenticated and decrypted; 1 = all.
    pub sample: u64,
    /// Time for a transport to connect, and how long it lives without an answer.
    pub patience: Duration,
    /// Repeatable transaction ids, **for tests alone**; `None` takes the system's randomness.
    pub seed: Option<u64>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            sample: 16,
            patience: Duration::from_secs(15),
            seed: None,
        }
    }
}

/// A crowd of clients. Its threads end when it is dropped.
pub struct LoadClient {
    identity: Arc<Identity>,
    counters: Arc<Counters>,
    threads: Vec<Handle>,
    /// Transports made so far: the next one's id.
    made: Mutex<u64>,
}

struct Handle {
    commands: Commands,
    waker: Waker,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl LoadClient {
    /// Opens sockets and starts the threads.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], [`Error::Io`].
    pub fn new(options: &LoadOptions) -> Result<Self> {
        let refuse = |sentence: &str| Err(Error::InvalidOption(sentence.to_owned()));
        if !(1..=THREADS_MAX).contains(&options.threads) {
            return refuse("threads: 1 to 16");
        }
        if options.sample == 0 {
            return refuse("sample: at least 1");
        }
        let certificate =
            Certificate::generate().map_err(|error| Error::Io(std::io::Error::other(error)))?;
        let identity = Arc::new(Identity::new(&certificate, options.patience, None));
        let counters = Arc::new(Counters::default());
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| Error::Io(std::io::Error::other(error)))?;
        let mut common = Common {
            identity: Arc::clone(&identity),
            counters: Arc::clone(&counters),
            epoch: Instant::now(),
            patience: options.patience,
            sample: options.sample,
            seed: options.seed.unwrap_or(u64::from_ne_bytes(random)),
        };
        let mut threads = Vec::with_capacity(options.threads);
        for number in 0..options.threads {
            threads.push(Handle::start(common.clone(), number, options.threads)?);
            common.seed = common.seed.wrapping_mul(0x5851_F42D_4C95_7F2D) | 1;
        }
        Ok(Self {
            identity,
            counters,
            threads,
            made: Mutex::new(0),
        })
    }

    /// Our certificate's fingerprints, SHA-256 first, for signalling.
    #[must_use]
    pub fn fingerprints(&self) -> &[Fingerprint] {
        self.identity.fingerprints()
    }

    /// Makes a transport, which connects at once. Gives its id.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], [`Error::Overloaded`], [`Error::Closed`].
    pub fn create_transport(
        &self,
        fragment: &str,
        password: &str,
        addresses: Vec<SocketAddr>,
        fingerprints: Fingerprints,
    ) -> Result<u64> {
        if addresses.is_empty() || addresses.len() > ADDRESSES_MAX {
            return Err(Error::InvalidOption("addresses: 1 to 16".to_owned()));
        }
        let remote = Remote {
            fragment: fragment.to_owned(),
            password: password.to_owned(),
            addresses,
            fingerprints,
        };
        // Held until the command is queued: places are given in the order of commands.
        let mut made = self.made();
        if *made as usize / self.threads.len() >= places::MAX {
            return Err(Error::Overloaded("transports"));
        }
        let id = *made;
        self.tell(id, |_| Command::Create(remote))?;
        *made += 1;
        Ok(id)
    }

    /// Lets a transport send a packet each `ptime` of the options, from its connection on.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], [`Error::UnknownId`], [`Error::Closed`].
    pub fn speak(&self, transport: u64, options: SpeakOptions) -> Result<()> {
        options.check()?;
        self.known(transport)?;
        self.tell(transport, |place| Command::Speak(place, options))
    }

    /// Lets the packets of a transport that speaks hold so much sound from soon on, at most some packets later: clients do not all change in
    /// the same moment. It goes on as before when such packets would be longer than 1,200 bytes.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Closed`].
    pub fn set_ptime(&self, transport: u64, ptime: Ptime) -> Result<()> {
        self.known(transport)?;
        self.tell(transport, |place| Command::SetPtime(place, ptime))
    }

    /// Waits for streams on a transport; their first packets are timed from now.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Closed`].
    pub fn hear(&self, transport: u64, ssrcs: Vec<u32>) -> Result<()> {
        self.known(transport)?;
        self.tell(transport, |place| Command::Hear(place, ssrcs))
    }

    /// Forgets a stream whose speaker left.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Closed`].
    pub fn unhear(&self, transport: u64, ssrc: u32) -> Result<()> {
        self.known(transport)?;
        self.tell(transport, |place| Command::Unhear(place, ssrc))
    }

    /// Says goodbye on a transport.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Closed`].
    pub fn close_transport(&self, transport: u64) -> Result<()> {
        self.known(transport)?;
        self.tell(transport, Command::Close)
    }

    /// Lets nobody speak.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn silence(&self) -> Result<()> {
        self.tell_all(|| Command::Silence)
    }

    /// Lets every connected speaker send so much sound, in whole packets, and counts traffic from here on.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn measure(&self, sound: Duration) -> Result<()> {
        self.tell_all(|| Command::Measure(sound))
    }

    /// How far the crowd is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.counters.read()
    }

    /// What has been counted. Waits for the threads.
    ///
    /// # Errors
    /// [`Error::Closed`]: also when a thread is gone.
    pub fn report(&self) -> Result<Report> {
        let (reply, answers) = channel();
        self.tell_all(|| Command::Report(reply.clone()))?;
        drop(reply);
        let mut whole = Report::default();
        for _ in &self.threads {
            let part = answers.recv_timeout(ANSWER).map_err(|_| Error::Closed)?;
            whole.merge(part);
        }
        Ok(whole)
    }

    /// Ends the threads and waits for them. Does nothing the second time.
    pub fn close(&self) {
        let _ = self.tell_all(|| Command::Stop);
        for handle in &self.threads {
            let thread = handle
                .thread
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(thread) = thread {
                let _ = thread.join();
            }
        }
    }

    fn made(&self) -> MutexGuard<'_, u64> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, transport: u64) -> Result<()> {
        if transport < *self.made() {
            Ok(())
        } else {
            Err(Error::UnknownId("transport"))
        }
    }

    fn tell(&self, transport: u64, command: impl FnOnce(usize) -> Command) -> Result<()> {
        let (id, count) = (transport as usize, self.threads.len());
        let thread = self.threads.get(id % count).ok_or(Error::Closed)?;
        thread.push(command(id / count))
    }

    fn tell_all(&self, command: impl Fn() -> Command) -> Result<()> {
        self.threads
            .iter()
            .try_for_each(|thread| thread.push(command()))
    }
}

impl Drop for LoadClient {
    fn drop(&mut self) {
        self.close();
    }
}

impl Handle {
    fn start(common: Common, number: usize, siblings: usize) -> Result<Self> {
        let commands = Commands::default();
        let (thread, waker) = Thread::new(common, Arc::clone(&commands), number, siblings)?;
        let running = std::thread::Builder::new()
            .name(format!("hocket-load-{number}"))
            .spawn(move || thread.run())?;
        Ok(Self {
            commands,
            waker,
            thread: Mutex::new(Some(running)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Command>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, command: Command) -> Result<()> {
        let alive = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .is_some_and(|thread| !thread.is_finished());
        if !alive {
            return Err(Error::Closed);
        }
        let mut commands = self.lock();
        if commands.len() >= COMMANDS_MAX {
            return Err(Error::Overloaded("commands"));
        }
        commands.push(command);
        // The thread takes all at once: who finds some waiting finds it woken.
        let first = commands.len() == 1;
        drop(commands);
        if first {
            self.waker.wake()?;
        }
        Ok(())
    }
}
