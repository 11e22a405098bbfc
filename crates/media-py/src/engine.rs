//! The engine as a Python class: arguments in, ids out, errors mapped.

use std::net::IpAddr;
use std::time::Duration;

use hocket_engine::{EngineOptions, RouterId};
use hocket_media::options::Rates;
use hocket_media::{ConsumerId, Fingerprints, ProducerId, Role, StatsOf, TransportId};
use pyo3::prelude::*;

use crate::dump::EngineDump;
use crate::error::{InvalidOption, narrow, narrow_some, raise};
use crate::event::event_to_python;
use crate::options::{ConsumerOptions, ProducerOptions};

/// A new transport: its id, and the ICE credentials that the client is told.
#[pyclass(frozen, get_all, module = "hocket._media")]
pub(crate) struct TransportInfo {
    id: u64,
    username_fragment: String,
    password: String,
}

#[pymethods]
impl TransportInfo {
    /// Without the password, which must not reach a log.
    fn __repr__(&self) -> String {
        format!(
            "TransportInfo {{ id: {}, username_fragment: {:?} }}",
            self.id, self.username_fragment
        )
    }
}

/// Sockets and threads.
#[pyclass(frozen, module = "hocket._media")]
pub(crate) struct Engine {
    inner: hocket_engine::Engine,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (
        *, port=0, workers=0, pin_workers=true, addresses=vec!["0.0.0.0".to_owned(), "::".to_owned()], batch=true, gather_us=1_000, silence_dbov=Some(-60),
        producer_packets=200, producer_bits=256_000, consent_ms=30_000, handshake_ms=30_000, max_transports=20_000, seed=None
    ), text_signature = "(*, port=0, workers=0, pin_workers=True, addresses=('0.0.0.0', '::'), batch=True, gather_us=1000, silence_dbov=-60, \
        producer_packets=200, producer_bits=256000, consent_ms=30000, handshake_ms=30000, max_transports=20000, seed=None)")]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of a Python class"
    )]
    fn new(
        py: Python<'_>,
        port: i64,
        workers: i64,
        pin_workers: bool,
        addresses: Vec<String>,
        batch: bool,
        gather_us: i64,
        silence_dbov: Option<i64>,
        producer_packets: i64,
        producer_bits: i64,
        consent_ms: i64,
        handshake_ms: i64,
        max_transports: i64,
        seed: Option<u64>,
    ) -> PyResult<Self> {
        let options = EngineOptions {
            port: narrow("port", port)?,
            workers: narrow("workers", workers)?,
            pin_workers,
            addresses: addresses
                .iter()
                .map(|text| parse_address(text))
                .collect::<PyResult<_>>()?,
            batch,
            gather: Duration::from_micros(narrow("gather_us", gather_us)?),
            silence_dbov: narrow_some("silence_dbov", silence_dbov)?,
            producer: Rates {
                packets: narrow("producer_packets", producer_packets)?,
                bits: narrow("producer_bits", producer_bits)?,
            },
            consent: Duration::from_millis(narrow("consent_ms", consent_ms)?),
            handshake: Duration::from_millis(narrow("handshake_ms", handshake_ms)?),
            max_transports: narrow("max_transports", max_transports)?,
            seed,
        };
        let inner = py
            .detach(|| hocket_engine::Engine::new(&options))
            .map_err(raise)?;
        Ok(Self { inner })
    }

    #[getter]
    fn port(&self) -> u16 {
        self.inner.port()
    }

    #[getter]
    fn workers(&self) -> usize {
        self.inner.workers()
    }

    #[getter]
    fn fingerprints(&self) -> Vec<(String, String)> {
        self.inner.fingerprints().to_vec()
    }

    fn fileno(&self) -> i32 {
        self.inner.descriptor()
    }

    fn drain_events(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let events = self.inner.drain_events();
        events
            .into_iter()
            .filter_map(|event| event_to_python(py, event).transpose())
            .collect()
    }

    fn create_router(&self) -> PyResult<u64> {
        self.inner
            .create_router()
            .map(|router| router.0)
            .map_err(raise)
    }

    fn set_active_speakers(&self, router: u64, limit: i64) -> PyResult<()> {
        let limit = narrow("active_speakers", limit)?;
        self.inner
            .set_active_speakers(RouterId(router), limit)
            .map_err(raise)
    }

    fn close_router(&self, router: u64) -> PyResult<()> {
        self.inner.close_router(RouterId(router)).map_err(raise)
    }

    fn create_transport(&self, router: u64) -> PyResult<TransportInfo> {
        let info = self
            .inner
            .create_transport(RouterId(router))
            .map_err(raise)?;
        Ok(TransportInfo {
            id: info.id.0,
            username_fragment: info.credentials.ufrag.as_str().to_owned(),
            password: info.credentials.password.as_str().to_owned(),
        })
    }

    #[pyo3(signature = (transport, *, role, fingerprints))]
    fn connect_transport(
        &self,
        transport: u64,
        role: &str,
        fingerprints: Vec<(String, String)>,
    ) -> PyResult<()> {
        let unknown = || InvalidOption::new_err("role: not one of client, server and auto");
        let role = Role::parse(role).ok_or_else(unknown)?;
        let pairs = fingerprints
            .iter()
            .map(|(algorithm, value)| (algorithm.as_str(), value.as_str()));
        let fingerprints = Fingerprints::parse(pairs)
            .map_err(|error| InvalidOption::new_err(format!("fingerprints: {error}")))?;
        self.inner
            .connect_transport(TransportId(transport), role, fingerprints)
            .map_err(raise)
    }

    fn restart_ice(&self, transport: u64) -> PyResult<(String, String)> {
        let credentials = self
            .inner
            .restart_ice(TransportId(transport))
            .map_err(raise)?;
        Ok((
            credentials.ufrag.as_str().to_owned(),
            credentials.password.as_str().to_owned(),
        ))
    }

    fn close_transport(&self, transport: u64) -> PyResult<()> {
        self.inner
            .close_transport(TransportId(transport))
            .map_err(raise)
    }

    fn produce(&self, transport: u64, options: &ProducerOptions) -> PyResult<u64> {
        let producer = self
            .inner
            .produce(TransportId(transport), options.to_media());
        producer.map(|producer| producer.0).map_err(raise)
    }

    fn consume(&self, transport: u64, producer: u64, options: &ConsumerOptions) -> PyResult<u64> {
        let consumer = self.inner.consume(
            TransportId(transport),
            ProducerId(producer),
            options.to_media(),
        );
        consumer.map(|consumer| consumer.0).map_err(raise)
    }

    fn pause_producer(&self, producer: u64) -> PyResult<()> {
        self.inner
            .pause_producer(ProducerId(producer))
            .map_err(raise)
    }

    fn resume_producer(&self, producer: u64) -> PyResult<()> {
        self.inner
            .resume_producer(ProducerId(producer))
            .map_err(raise)
    }

    fn close_producer(&self, producer: u64) -> PyResult<()> {
        self.inner
            .close_producer(ProducerId(producer))
            .map_err(raise)
    }

    fn pause_consumer(&self, consumer: u64) -> PyResult<()> {
        self.inner
            .pause_consumer(ConsumerId(consumer))
            .map_err(raise)
    }

    fn resume_consumer(&self, consumer: u64) -> PyResult<()> {
        self.inner
            .resume_consumer(ConsumerId(consumer))
            .map_err(raise)
    }

    fn close_consumer(&self, consumer: u64) -> PyResult<()> {
        self.inner
            .close_consumer(ConsumerId(consumer))
            .map_err(raise)
    }

    fn request_transport_stats(&self, transport: u64) -> PyResult<u64> {
        self.request(StatsOf::Transport(TransportId(transport)))
    }

    fn request_producer_stats(&self, producer: u64) -> PyResult<u64> {
        self.request(StatsOf::Producer(ProducerId(producer)))
    }

    fn request_consumer_stats(&self, consumer: u64) -> PyResult<u64> {
        self.request(StatsOf::Consumer(ConsumerId(consumer)))
    }

    fn dump(&self) -> EngineDump {
        self.inner.dump().into()
    }

    /// The threads are joined without the interpreter's lock, though none of them ever asks for it.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.inner.close());
    }
}

impl Engine {
    fn request(&self, of: StatsOf) -> PyResult<u64> {
        self.inner
            .request_stats(of)
            .map(|request| request.0)
            .map_err(raise)
    }
}

fn parse_address(text: &str) -> PyResult<IpAddr> {
    text.parse()
        .map_err(|_| InvalidOption::new_err(format!("addresses: {text:?} is no IP address")))
}
