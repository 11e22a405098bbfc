//! What workers tell each other.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::claim::Claim;
use crate::ice::Path;
use crate::id::{ProducerId, WorkerId};
use crate::packet::MediaPacket;

/// From one worker to another; the driver carries it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WorkerMessage {
    /// A producer's packet, for those of its consumers that the receiving worker owns.
    Packet(Arc<MediaPacket>),
    /// A datagram that the kernel handed to a worker that does not own its transport.
    Datagram(Arc<PassedDatagram>),
    /// This address has passed a check of a transport, whose owner handles what comes from it.
    AddressOwned {
        /// The client's address.
        address: SocketAddr,
        /// The transport.
        claim: Arc<Claim>,
    },
    /// This address is none of `owner`'s any more.
    AddressGone {
        /// The client's address.
        address: SocketAddr,
        /// Who gave it up.
        owner: WorkerId,
    },
    /// A transport ended by itself.
    TransportGone(Arc<Claim>),
    /// A producer ended with its transport.
    ProducerGone(ProducerId),
    /// A producer has handed nothing on for a while: what is kept of it may go.
    ProducerRests(ProducerId),
    /// From the driver, after a panic: this worker forgot everything, and a new one takes its place. What it owned is told to be gone by
    /// commands; its addresses only it knew. The driver sends this before the new worker starts, so that nothing of the new one is forgotten.
    WorkerGone(WorkerId),
}

impl WorkerMessage {
    /// Whether the driver may drop it when the receiver's queue is full. The others are rare, and state depends on them.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        matches!(self, Self::Packet(_) | Self::Datagram(_))
    }

    /// Whether a worker that sleeps may sleep on, as with [`crate::Command::is_patient`]: whose an address is shows when something comes from
    /// there, and what is forgotten only gives back room.
    #[must_use]
    pub fn is_patient(&self) -> bool {
        matches!(
            self,
            Self::AddressOwned { .. }
                | Self::AddressGone { .. }
                | Self::TransportGone(_)
                | Self::ProducerRests(_)
        )
    }
}

/// A datagram on its way to the owner of its transport.
#[derive(Debug)]
pub struct PassedDatagram {
    pub(crate) path: Path,
    pub(crate) bytes: Vec<u8>,
}

/// Datagrams that are used again once their receivers have let go of them: a client whose packets the kernel hands to another worker than
/// its transport's may do so for the whole of a call.
#[derive(Debug, Default)]
pub(crate) struct PassingRing {
    datagrams: Vec<Arc<PassedDatagram>>,
    next: usize,
}

impl PassingRing {
    /// Datagrams on their way at a time that cost no allocation: a batch of receives.
    const MAX: usize = 128;

    /// A copy of the datagram, to pass on.
    pub(crate) fn copy(&mut self, path: Path, bytes: &[u8]) -> Arc<PassedDatagram> {
        self.next = if self.next < self.datagrams.len() {
            self.next
        } else {
            0
        };
        if let Some(free) = self.datagrams.get_mut(self.next)
            && let Some(datagram) = Arc::get_mut(free)
        {
            datagram.path = path;
            datagram.bytes.clear();
            datagram.bytes.extend_from_slice(bytes);
            self.next += 1;
            return Arc::clone(free);
        }
        let fresh = Arc::new(PassedDatagram {
            path,
            bytes: bytes.to_vec(),
        });
        if self.datagrams.len() < Self::MAX {
            self.datagrams.insert(self.next, Arc::clone(&fresh));
            self.next += 1;
        }
        fresh
    }
}
