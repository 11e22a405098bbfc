//! Events as Python values.

use hocket_engine::Event;
use hocket_media::Event as Media;
use pyo3::prelude::*;

use crate::stats::to_python;

/// ICE and DTLS are up and the fingerprint matches.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct TransportConnected {
    transport: u64,
}

/// A transport ended by itself.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct TransportClosed {
    transport: u64,
    reason: String,
}

/// A producer began or ceased to speak.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct ProducerSpeaking {
    producer: u64,
    speaking: bool,
    level: i8,
}

/// How well a client is connected.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct Quality {
    transport: u64,
    loss: f32,
    rtt_ms: Option<f32>,
    jitter_ms: f32,
}

/// The answer to a question for statistics.
#[pyclass(frozen, get_all, module = "hocket._media")]
#[derive(Debug)]
pub(crate) struct StatsReply {
    request: u64,
    stats: Option<Py<PyAny>>,
}

/// A media thread met a bug of ours and was replaced.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct WorkerFailed {
    worker: u8,
    transports: Vec<u64>,
}

#[pymethods]
impl TransportConnected {
    #[new]
    #[pyo3(signature = (*, transport))]
    fn new(transport: u64) -> Self {
        Self { transport }
    }

    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl TransportClosed {
    #[new]
    #[pyo3(signature = (*, transport, reason))]
    fn new(transport: u64, reason: String) -> Self {
        Self { transport, reason }
    }

    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl ProducerSpeaking {
    #[new]
    #[pyo3(signature = (*, producer, speaking, level))]
    fn new(producer: u64, speaking: bool, level: i8) -> Self {
        Self {
            producer,
            speaking,
            level,
        }
    }

    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl Quality {
    #[new]
    #[pyo3(signature = (*, transport, loss, rtt_ms, jitter_ms))]
    fn new(transport: u64, loss: f32, rtt_ms: Option<f32>, jitter_ms: f32) -> Self {
        Self {
            transport,
            loss,
            rtt_ms,
            jitter_ms,
        }
    }

    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl StatsReply {
    fn __repr__(&self) -> String {
        format!("StatsReply {{ request: {} }}", self.request)
    }
}

#[pymethods]
impl WorkerFailed {
    #[new]
    #[pyo3(signature = (*, worker, transports))]
    fn new(worker: u8, transports: Vec<u64>) -> Self {
        Self { worker, transports }
    }

    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

/// The Python value of an event; `None` for a kind that this module does not know yet.
pub(crate) fn event_to_python(py: Python<'_>, event: Event) -> PyResult<Option<Py<PyAny>>> {
    let value = match event {
        Event::Media(event) => return media_to_python(py, event),
        Event::WorkerFailed { worker, transports } => {
            let transports = transports
                .into_iter()
                .map(|transport| transport.0)
                .collect();
            Py::new(
                py,
                WorkerFailed {
                    worker: worker.0,
                    transports,
                },
            )?
            .into_any()
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn media_to_python(py: Python<'_>, event: Media) -> PyResult<Option<Py<PyAny>>> {
    let value = match event {
        Media::TransportConnected(transport) => Py::new(
            py,
            TransportConnected {
                transport: transport.0,
            },
        )?
        .into_any(),
        Media::TransportClosed { transport, reason } => {
            let reason = reason.as_str().to_owned();
            Py::new(
                py,
                TransportClosed {
                    transport: transport.0,
                    reason,
                },
            )?
            .into_any()
        }
        Media::ProducerSpeaking {
            producer,
            speaking,
            level,
        } => Py::new(
            py,
            ProducerSpeaking {
                producer: producer.0,
                speaking,
                level,
            },
        )?
        .into_any(),
        Media::Quality {
            transport,
            loss,
            rtt_ms,
            jitter_ms,
        } => Py::new(
            py,
            Quality {
                transport: transport.0,
                loss,
                rtt_ms,
                jitter_ms,
            },
        )?
        .into_any(),
        Media::StatsReply { request, stats } => {
            let stats = to_python(py, stats)?;
            Py::new(
                py,
                StatsReply {
                    request: request.0,
                    stats,
                },
            )?
            .into_any()
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}
