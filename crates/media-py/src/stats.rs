//! Statistics as Python values.

use std::collections::BTreeMap;

use hocket_media::Stats;
use pyo3::prelude::*;

/// Counters of one transport.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct TransportStats {
    packets_received: u64,
    bytes_received: u64,
    packets_sent: u64,
    bytes_sent: u64,
    dropped: BTreeMap<&'static str, u32>,
    selected_address: Option<String>,
    dtls_state: &'static str,
    srtp_profile: Option<&'static str>,
    rtt_ms: Option<f32>,
}

/// Counters of one producer.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct ProducerStats {
    packets: u64,
    bytes: u64,
    withheld: u64,
    crowded_out: u64,
    lost: i64,
    jitter_ms: f32,
    nacks_sent: u64,
    level: Option<i8>,
    speaking: bool,
    paused: bool,
}

/// Counters of one consumer.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct ConsumerStats {
    packets: u64,
    bytes: u64,
    retransmitted: u64,
    refused: u64,
    paused: bool,
    loss: f32,
    jitter_ms: f32,
    rtt_ms: Option<f32>,
}

#[pymethods]
impl TransportStats {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl ProducerStats {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl ConsumerStats {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

impl From<hocket_media::TransportStats> for TransportStats {
    fn from(stats: hocket_media::TransportStats) -> Self {
        Self {
            packets_received: stats.received.packets,
            bytes_received: stats.received.bytes,
            packets_sent: stats.sent.packets,
            bytes_sent: stats.sent.bytes,
            dropped: stats
                .dropped
                .iter()
                .map(|(reason, count)| (reason.as_str(), count))
                .collect(),
            selected_address: stats.selected.map(|address| address.to_string()),
            dtls_state: stats.dtls.as_str(),
            srtp_profile: stats.srtp_profile,
            rtt_ms: stats.rtt_ms,
        }
    }
}

impl From<hocket_media::ProducerStats> for ProducerStats {
    fn from(stats: hocket_media::ProducerStats) -> Self {
        Self {
            packets: stats.received.packets,
            bytes: stats.received.bytes,
            withheld: stats.withheld,
            crowded_out: stats.crowded_out,
            lost: stats.lost,
            jitter_ms: stats.jitter_ms,
            nacks_sent: stats.nacks_sent,
            level: stats.level,
            speaking: stats.speaking,
            paused: stats.paused,
        }
    }
}

impl From<hocket_media::ConsumerStats> for ConsumerStats {
    fn from(stats: hocket_media::ConsumerStats) -> Self {
        Self {
            packets: stats.sent.packets,
            bytes: stats.sent.bytes,
            retransmitted: stats.retransmitted,
            refused: stats.refused,
            paused: stats.paused,
            loss: stats.loss,
            jitter_ms: stats.jitter_ms,
            rtt_ms: stats.rtt_ms,
        }
    }
}

/// The Python value; `None` when the object is gone.
pub(crate) fn to_python(py: Python<'_>, stats: Stats) -> PyResult<Option<Py<PyAny>>> {
    let value = match stats {
        Stats::Transport(stats) => Py::new(py, TransportStats::from(*stats))?.into_any(),
        Stats::Producer(stats) => Py::new(py, ProducerStats::from(stats))?.into_any(),
        Stats::Consumer(stats) => Py::new(py, ConsumerStats::from(stats))?.into_any(),
        _ => return Ok(None),
    };
    Ok(Some(value))
}
