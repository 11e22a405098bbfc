//! Names of the core's objects.
//!
//! Control (the engine's handle) allocates every id but a consumer's from one counter, so that no two objects of a process share a number and a stale id
//! never means somebody else's object.

/// Makes a typed wrapper of a number, so that a producer's id cannot be passed where a consumer's is meant.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(pub $inner);

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// One ICE/DTLS association with a client.
    TransportId(u64)
}
id! {
    /// What one user sends.
    ProducerId(u64)
}
id! {
    /// One producer's stream to one receiver: the transport that it is sent on, and its SSRC there.
    ///
    /// The one id that does not come from the counter. There may be a million consumers, and an id that says where its consumer is spares
    /// everybody a table. No SSRC is used twice on a transport, so a stale one means nobody here either.
    ConsumerId(u64)
}

impl ConsumerId {
    /// `None` for a transport's id of 2³² and more, the id of a process that made one each second for 136 years.
    #[must_use]
    pub fn new(transport: TransportId, ssrc: u32) -> Option<Self> {
        let transport = u32::try_from(transport.0).ok()?;
        Some(Self(u64::from(transport) << 32 | u64::from(ssrc)))
    }

    /// The transport that it is sent on.
    #[must_use]
    pub fn transport(self) -> TransportId {
        TransportId(self.0 >> 32)
    }

    /// The SSRC that it has there.
    #[must_use]
    pub fn ssrc(self) -> u32 {
        self.0 as u32 // the low half, by definition
    }
}
id! {
    /// A question for statistics; its answer carries the same number.
    RequestId(u64)
}
id! {
    /// A worker's place, `0..Options::workers`. Below [`WorkerId::LIMIT`], because a producer keeps one bit a worker.
    WorkerId(u8)
}

impl WorkerId {
    /// How many workers there may be at most: the bits of [`crate::ProducerShared`]'s mask.
    pub const LIMIT: u8 = 64;

    /// This worker's bit in a mask of workers. Zero for a place beyond [`WorkerId::LIMIT`].
    pub(crate) fn bit(self) -> u64 {
        1u64.checked_shl(u32::from(self.0)).unwrap_or(0)
    }
}
