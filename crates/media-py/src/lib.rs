//! The Python module `hocket._media`: options, events and errors of the engine and the load client, no logic.
//!
//! Classes are frozen: values are copied once at the boundary and never change, so that no lock is held for a getter.
//! `src/hocket/_media.pyi` says what each thing means; `mypy.stubtest` proves that the two agree.
mod dump;
mod engine;
mod error;
mod event;
mod load;
mod options;
mod stats;

use pyo3::prelude::*;

/// The native media core of Hocket. Only `hocket.media.engine` and `hocket.load.crowd` import it.
#[pymodule(module = "hocket")]
mod _media {
    #[pymodule_export]
    use crate::dump::{CoreDump, EngineDump};
    #[pymodule_export]
    use crate::engine::{Engine, TransportInfo};
    #[pymodule_export]
    use crate::error::{EngineClosed, InvalidOption, MediaError, Overloaded, UnknownId};
    #[pymodule_export]
    use crate::event::{
        ProducerSpeaking, Quality, StatsReply, TransportClosed, TransportConnected, WorkerFailed,
    };
    #[pymodule_export]
    use crate::load::{Latency, LoadClient, LoadProgress, LoadReport, LoadThread};
    #[pymodule_export]
    use crate::options::{ConsumerOptions, ProducerOptions};
    #[pymodule_export]
    use crate::stats::{ConsumerStats, ProducerStats, TransportStats};
}
