//! What an engine is told: every method checks, queues a command and returns.
//!
//! All take `&self` and may be called from any thread; the registry's lock puts them in order.

use std::sync::Arc;
use std::time::Instant;

use hocket_media::{
    ActiveSpeakers, Claim, Command, ConsumerId, ConsumerOptions, Credentials, Event as Media,
    Fingerprints, ProducerId, ProducerOptions, ProducerShared, RequestId, Role, Stats, StatsOf,
    Submission, TransportId,
};

use crate::dispatch::transport_of;
use crate::engine::Engine;
use crate::events::Event;
use crate::registry::{
    CONSUMERS_PER_TRANSPORT_MAX, PRODUCERS_PER_TRANSPORT_MAX, QUESTIONS_MAX, RouterId,
};
use crate::{Error, Result};

/// A new transport: its id, and the credentials that its client is told.
#[derive(Debug, Clone, Copy)]
pub struct TransportInfo {
    /// The id.
    pub id: TransportId,
    /// User name fragment and password (RFC 8445 §5.3).
    pub credentials: Credentials,
}

impl Engine {
    /// Make an empty router, in which everybody is heard.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn create_router(&self) -> Result<RouterId> {
        Ok(self.open()?.add_router(ActiveSpeakers::new(Instant::now())))
    }

    /// Let only so many be heard at a time in a router, the loudest, from the next packet on; 0 = all. See [`hocket_media::active_speakers`].
    ///
    /// # Errors
    /// [`Error::InvalidOption`] above [`ActiveSpeakers::MAX`], [`Error::UnknownId`], [`Error::Closed`].
    pub fn set_active_speakers(&self, router: RouterId, limit: usize) -> Result<()> {
        if limit > ActiveSpeakers::MAX {
            let range = format!("active_speakers: 0 to {}", ActiveSpeakers::MAX);
            return Err(Error::InvalidOption(range));
        }
        let registry = self.open()?;
        let speakers = registry.speakers(router);
        speakers.ok_or(Error::UnknownId("router"))?.set_limit(limit);
        Ok(())
    }

    /// Close a router with all its transports.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Closed`].
    pub fn close_router(&self, router: RouterId) -> Result<()> {
        let mut registry = self.open()?;
        let transports = registry
            .remove_router(router)
            .ok_or(Error::UnknownId("router"))?;
        for transport in transports {
            if let Some(ended) = registry.remove_transport(transport) {
                self.shared.end_transport(ended, None);
            }
        }
        Ok(())
    }

    /// Make a transport and announce it to all workers.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Overloaded`], [`Error::Closed`].
    pub fn create_transport(&self, router: RouterId) -> Result<TransportInfo> {
        let mut registry = self.open()?;
        if !registry.has_router(router) {
            return Err(Error::UnknownId("router"));
        }
        if registry.counts().transports >= self.max_transports {
            return Err(Error::Overloaded("transports"));
        }
        self.check_room()?;
        let credentials = self.credentials();
        let id = TransportId(registry.next_id());
        let claim = Arc::new(Claim::new(id, credentials));
        registry.add_transport(router, Arc::clone(&claim));
        self.shared.broadcast(&Command::AddTransport(claim), None);
        Ok(TransportInfo { id, credentials })
    }

    /// Tell the client's DTLS role and the certificate that it must show.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Overloaded`], [`Error::Closed`].
    pub fn connect_transport(
        &self,
        transport: TransportId,
        role: Role,
        fingerprints: Fingerprints,
    ) -> Result<()> {
        let registry = self.open()?;
        self.submit(
            &registry,
            transport,
            Command::Connect {
                transport,
                role,
                fingerprints,
            },
        )
    }

    /// Give a transport new credentials; the old ones hold until the new are used (RFC 8445 §9).
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Overloaded`], [`Error::Closed`].
    pub fn restart_ice(&self, transport: TransportId) -> Result<Credentials> {
        let registry = self.open()?;
        let claim = Arc::clone(
            registry
                .claim(transport)
                .ok_or(Error::UnknownId("transport"))?,
        );
        self.check_room()?;
        let credentials = self.credentials();
        let retired = claim.restart(credentials);
        self.shared.broadcast(
            &Command::RestartIce {
                claim,
                credentials,
                retired,
            },
            None,
        );
        Ok(credentials)
    }

    /// Close a transport with its producers and consumers.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Closed`].
    pub fn close_transport(&self, transport: TransportId) -> Result<()> {
        let ended = self
            .open()?
            .remove_transport(transport)
            .ok_or(Error::UnknownId("transport"))?;
        self.shared.end_transport(ended, None);
        Ok(())
    }

    /// Let a client send one stream.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], [`Error::UnknownId`], [`Error::Overloaded`], [`Error::Closed`].
    pub fn produce(&self, transport: TransportId, options: ProducerOptions) -> Result<ProducerId> {
        options
            .check()
            .map_err(|error| Error::InvalidOption(error.to_string()))?;
        let mut registry = self.open()?;
        let present = registry
            .producers_of(transport)
            .ok_or(Error::UnknownId("transport"))?;
        if present >= PRODUCERS_PER_TRANSPORT_MAX {
            return Err(Error::Overloaded("producers of one transport"));
        }
        let speakers = registry.speakers_beside(transport).map(Arc::clone);
        let speakers = speakers.ok_or(Error::UnknownId("transport"))?;
        let producer = ProducerId(registry.next_id());
        let shared = Arc::new(ProducerShared::new(producer, &options.cname));
        let options = Box::new(options);
        let command = Command::Produce {
            transport,
            producer: Arc::clone(&shared),
            speakers,
            options,
        };
        self.submit(&registry, transport, command)?;
        registry.add_producer(transport, shared);
        Ok(producer)
    }

    /// Let a client receive one stream, paused at first.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], [`Error::UnknownId`], [`Error::Overloaded`], [`Error::Closed`].
    pub fn consume(
        &self,
        transport: TransportId,
        producer: ProducerId,
        options: ConsumerOptions,
    ) -> Result<ConsumerId> {
        options
            .check()
            .map_err(|error| Error::InvalidOption(error.to_string()))?;
        let mut registry = self.open()?;
        let present = registry
            .consumers_of(transport)
            .ok_or(Error::UnknownId("transport"))?;
        if !registry.share_router(producer, transport) {
            return Err(Error::UnknownId("producer"));
        }
        if present >= CONSUMERS_PER_TRANSPORT_MAX {
            return Err(Error::Overloaded("consumers of one transport"));
        }
        let (_, shared) = registry
            .producer(producer)
            .ok_or(Error::UnknownId("producer"))?;
        let shared = Arc::clone(shared);
        let consumer = ConsumerId::new(transport, options.ssrc);
        let consumer = consumer.ok_or(Error::Overloaded("transports of one process"))?;
        if registry.consumer(consumer).is_some() {
            let used = format!("ssrc: {} is in use on this transport", options.ssrc);
            return Err(Error::InvalidOption(used));
        }
        let options = Box::new(options);
        self.submit(
            &registry,
            transport,
            Command::Consume {
                transport,
                consumer,
                producer: shared,
                options,
            },
        )?;
        registry.add_consumer(producer, consumer);
        Ok(consumer)
    }

    /// Let nothing of a producer through.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Overloaded`], [`Error::Closed`].
    pub fn pause_producer(&self, producer: ProducerId) -> Result<()> {
        self.to_producer(producer, |transport| Command::PauseProducer {
            transport,
            producer,
        })
    }

    /// Undo [`Engine::pause_producer`].
    ///
    /// # Errors
    /// As [`Engine::pause_producer`].
    pub fn resume_producer(&self, producer: ProducerId) -> Result<()> {
        self.to_producer(producer, |transport| Command::ResumeProducer {
            transport,
            producer,
        })
    }

    /// Close a producer and every consumer of it.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Closed`].
    pub fn close_producer(&self, producer: ProducerId) -> Result<()> {
        let mut registry = self.open()?;
        let shared = registry
            .remove_producer(producer)
            .ok_or(Error::UnknownId("producer"))?;
        shared.close();
        self.shared
            .broadcast(&Command::CloseProducer(producer), None);
        Ok(())
    }

    /// Send a receiver nothing of one stream.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Overloaded`], [`Error::Closed`].
    pub fn pause_consumer(&self, consumer: ConsumerId) -> Result<()> {
        self.to_consumer(consumer, |transport, _| Command::PauseConsumer {
            transport,
            consumer,
        })
    }

    /// Undo [`Engine::pause_consumer`], and start a new consumer.
    ///
    /// # Errors
    /// As [`Engine::pause_consumer`].
    pub fn resume_consumer(&self, consumer: ConsumerId) -> Result<()> {
        self.to_consumer(consumer, |transport, producer| Command::ResumeConsumer {
            transport,
            consumer,
            producer: Arc::clone(producer),
        })
    }

    /// Close a consumer.
    ///
    /// # Errors
    /// As [`Engine::pause_consumer`].
    pub fn close_consumer(&self, consumer: ConsumerId) -> Result<()> {
        self.to_consumer(consumer, |transport, _| Command::CloseConsumer {
            transport,
            consumer,
        })?;
        self.open()?.remove_consumer(consumer);
        Ok(())
    }

    /// Ask for counters; the answer comes as [`Media::StatsReply`] with the number returned here.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Overloaded`], [`Error::Closed`].
    pub fn request_stats(&self, of: StatsOf) -> Result<RequestId> {
        let mut registry = self.open()?;
        let transport = transport_of(&registry, of)?;
        if registry.questions() >= QUESTIONS_MAX {
            return Err(Error::Overloaded("unanswered questions for statistics"));
        }
        let claim = Arc::clone(
            registry
                .claim(transport)
                .ok_or(Error::UnknownId("transport"))?,
        );
        let request = RequestId(registry.next_id());
        match claim.submit(Command::Stats {
            transport,
            request,
            of,
        }) {
            Submission::Send(worker, command) => self.send(worker, command)?,
            Submission::Closed => return Err(Error::UnknownId("transport")),
            Submission::Full => return Err(Error::Overloaded("waiting commands")),
            // Nobody has heard of its client yet: there is nothing to count, and no worker to ask.
            _ => {
                let reply = Media::StatsReply {
                    request,
                    stats: Stats::empty(of),
                };
                self.shared.events.push([Event::Media(reply)]);
                return Ok(request);
            }
        }
        registry.add_question(request, transport, of);
        Ok(request)
    }
}
