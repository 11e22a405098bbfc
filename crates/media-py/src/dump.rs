//! What an engine holds, as Python values.

use std::collections::BTreeMap;

use hocket_media::WorkerDump;
use pyo3::prelude::*;

/// What one worker holds.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CoreDump {
    announced: usize,
    transports: usize,
    producers: usize,
    consumers: usize,
    feeds: usize,
    addresses: usize,
    foreign_addresses: usize,
}

/// What the engine holds right now.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct EngineDump {
    routers: usize,
    transports: usize,
    producers: usize,
    consumers: usize,
    questions: usize,
    threads: usize,
    events: usize,
    events_lost: u64,
    commands: Vec<usize>,
    messages: Vec<usize>,
    cores: Vec<CoreDump>,
    dropped: BTreeMap<&'static str, u64>,
}

#[pymethods]
impl CoreDump {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl EngineDump {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

impl From<WorkerDump> for CoreDump {
    fn from(dump: WorkerDump) -> Self {
        Self {
            announced: dump.announced,
            transports: dump.transports,
            producers: dump.producers,
            consumers: dump.consumers,
            feeds: dump.feeds,
            addresses: dump.addresses,
            foreign_addresses: dump.foreign_addresses,
        }
    }
}

impl From<hocket_engine::EngineDump> for EngineDump {
    fn from(dump: hocket_engine::EngineDump) -> Self {
        Self {
            routers: dump.counts.routers,
            transports: dump.counts.transports,
            producers: dump.counts.producers,
            consumers: dump.counts.consumers,
            questions: dump.counts.questions,
            threads: dump.threads,
            events: dump.events,
            events_lost: dump.events_lost,
            commands: dump.commands,
            messages: dump.messages,
            cores: dump.cores.into_iter().map(CoreDump::from).collect(),
            dropped: dump.dropped,
        }
    }
}
