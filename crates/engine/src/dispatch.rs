//! Where a command goes: to its transport's owner, into the claim of one that has no owner yet, or nowhere.

use std::sync::{Arc, MutexGuard};

use hocket_media::{
    Command, ConsumerId, Credentials, ProducerId, ProducerShared, StatsOf, Submission, TransportId,
    WorkerId,
};

use crate::engine::Engine;
use crate::registry::Registry;
use crate::{Error, Result};

impl Engine {
    /// The registry of an engine that still runs.
    pub(crate) fn open(&self) -> Result<MutexGuard<'_, Registry>> {
        if self.shared.is_stopped() {
            Err(Error::Closed)
        } else {
            Ok(self.shared.registry())
        }
    }

    pub(crate) fn to_producer(
        &self,
        producer: ProducerId,
        command: impl FnOnce(TransportId) -> Command,
    ) -> Result<()> {
        let registry = self.open()?;
        let (transport, _) = registry
            .producer(producer)
            .ok_or(Error::UnknownId("producer"))?;
        self.submit(&registry, transport, command(transport))
    }

    pub(crate) fn to_consumer(
        &self,
        consumer: ConsumerId,
        command: impl FnOnce(TransportId, &Arc<ProducerShared>) -> Command,
    ) -> Result<()> {
        let registry = self.open()?;
        let (transport, producer) = registry
            .consumer(consumer)
            .ok_or(Error::UnknownId("consumer"))?;
        self.submit(&registry, transport, command(transport, producer))
    }

    /// Hand a command to its transport's owner, or let it wait for one. Holding the registry keeps commands in order.
    pub(crate) fn submit(
        &self,
        registry: &Registry,
        transport: TransportId,
        command: Command,
    ) -> Result<()> {
        let claim = registry
            .claim(transport)
            .ok_or(Error::UnknownId("transport"))?;
        match claim.submit(command) {
            Submission::Send(worker, command) => self.send(worker, command),
            Submission::Waiting => Ok(()),
            Submission::Closed => Err(Error::UnknownId("transport")),
            Submission::Full | Submission::Unclaimed(_) => {
                Err(Error::Overloaded("waiting commands"))
            }
        }
    }

    pub(crate) fn send(&self, worker: WorkerId, command: Command) -> Result<()> {
        let full = Error::Overloaded("a worker's command queue");
        let mailbox = self
            .shared
            .mailboxes
            .get(usize::from(worker.0))
            .filter(|mailbox| mailbox.has_room(1));
        let mailbox = mailbox.ok_or(full)?;
        mailbox.hand_in(command);
        Ok(())
    }

    /// Check that a command for all workers fits everywhere.
    pub(crate) fn check_room(&self) -> Result<()> {
        if self
            .shared
            .mailboxes
            .iter()
            .all(|mailbox| mailbox.has_room(1))
        {
            Ok(())
        } else {
            Err(Error::Overloaded("a worker's command queue"))
        }
    }

    pub(crate) fn credentials(&self) -> Credentials {
        let mut random = self.random.take();
        Credentials::from_random(&random.bytes())
    }
}

/// The transport that a question is about.
pub(crate) fn transport_of(registry: &Registry, of: StatsOf) -> Result<TransportId> {
    match of {
        StatsOf::Transport(transport) => Ok(transport),
        StatsOf::Producer(producer) => registry
            .producer(producer)
            .map(|(transport, _)| transport)
            .ok_or(Error::UnknownId("producer")),
        StatsOf::Consumer(consumer) => registry
            .consumer(consumer)
            .map(|(transport, _)| transport)
            .ok_or(Error::UnknownId("consumer")),
    }
}
