//! The load client as a Python class: arguments in, ids and reports out, errors mapped.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use hocket_load::report::ThreadReport;
use hocket_load::{Histogram, LoadOptions, Progress, Ptime, Report, SpeakOptions};
use hocket_media::Fingerprints;
use pyo3::prelude::*;

use crate::error::{InvalidOption, narrow, narrow_some, raise};

/// A distribution of times.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Latency {
    count: u64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    p999_ms: Option<f64>,
    max_ms: Option<f64>,
}

/// How far the crowd is.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct LoadProgress {
    connected: usize,
    failed: usize,
    begun: usize,
    speaking: usize,
    arrived: usize,
}

/// How one thread of the client fared.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoadThread {
    wall_seconds: f64,
    running_seconds: f64,
    waiting_seconds: f64,
    paused_seconds: f64,
    socket_drops: u64,
    unsent: u64,
}

/// What the crowd has counted.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, PartialEq)]
pub(crate) struct LoadReport {
    connect: Latency,
    first_packet: Latency,
    delay: Latency,
    slip: Latency,
    sent: BTreeMap<u64, u64>,
    sent_by_ms: BTreeMap<u32, u64>,
    asked: u64,
    expected: u64,
    received: u64,
    again: u64,
    opened: u64,
    unreadable: u64,
    unexpected: u64,
    rtcp: u64,
    failures: Vec<(u64, &'static str)>,
    threads: Vec<LoadThread>,
}

/// A crowd of clients.
#[pyclass(frozen, module = "hocket._media")]
pub(crate) struct LoadClient {
    inner: hocket_load::LoadClient,
}

#[pymethods]
impl LoadClient {
    #[new]
    #[pyo3(signature = (*, threads=1, sample=16, patience_ms=15_000, seed=None),
        text_signature = "(*, threads=1, sample=16, patience_ms=15000, seed=None)")]
    fn new(
        py: Python<'_>,
        threads: i64,
        sample: i64,
        patience_ms: i64,
        seed: Option<u64>,
    ) -> PyResult<Self> {
        let options = LoadOptions {
            threads: narrow("threads", threads)?,
            sample: narrow("sample", sample)?,
            patience: Duration::from_millis(narrow("patience_ms", patience_ms)?),
            seed,
        };
        let inner = py
            .detach(|| hocket_load::LoadClient::new(&options))
            .map_err(raise)?;
        Ok(Self { inner })
    }

    #[getter]
    fn fingerprints(&self) -> Vec<(String, String)> {
        let own = self.inner.fingerprints().iter();
        own.map(|one| (one.algorithm().to_owned(), one.value()))
            .collect()
    }

    #[pyo3(signature = (*, username_fragment, password, addresses, fingerprints))]
    fn create_transport(
        &self,
        username_fragment: &str,
        password: &str,
        addresses: Vec<(String, i64)>,
        fingerprints: Vec<(String, String)>,
    ) -> PyResult<u64> {
        let addresses = addresses
            .iter()
            .map(|(address, port)| parse_address(address, *port))
            .collect::<PyResult<_>>()?;
        let pairs = fingerprints
            .iter()
            .map(|(algorithm, value)| (algorithm.as_str(), value.as_str()));
        let fingerprints = Fingerprints::parse(pairs)
            .map_err(|error| InvalidOption::new_err(format!("fingerprints: {error}")))?;
        self.inner
            .create_transport(username_fragment, password, addresses, fingerprints)
            .map_err(raise)
    }

    #[allow(clippy::too_many_arguments, reason = "keywords of one Python method")]
    #[pyo3(signature = (transport, *, ssrc, payload_type, payload, vary=0, ptime_ms=20, level_extension=None, level=-30),
        text_signature = "($self, transport, *, ssrc, payload_type, payload, vary=0, ptime_ms=20, level_extension=None, level=-30)")]
    fn speak(
        &self,
        transport: u64,
        ssrc: i64,
        payload_type: i64,
        payload: i64,
        vary: i64,
        ptime_ms: i64,
        level_extension: Option<i64>,
        level: i64,
    ) -> PyResult<()> {
        let options = SpeakOptions {
            ssrc: narrow("ssrc", ssrc)?,
            payload_type: narrow("payload_type", payload_type)?,
            payload: narrow("payload", payload)?,
            vary: narrow("vary", vary)?,
            ptime: parse_ptime(ptime_ms)?,
            level_extension: narrow_some("level_extension", level_extension)?,
            level: narrow("level", level)?,
        };
        self.inner.speak(transport, options).map_err(raise)
    }

    #[pyo3(signature = (transport, *, ms))]
    fn set_ptime(&self, transport: u64, ms: i64) -> PyResult<()> {
        self.inner
            .set_ptime(transport, parse_ptime(ms)?)
            .map_err(raise)
    }

    #[pyo3(signature = (transport, *, ssrcs))]
    fn hear(&self, transport: u64, ssrcs: Vec<i64>) -> PyResult<()> {
        let ssrcs = ssrcs.into_iter().map(|ssrc| narrow("ssrcs", ssrc));
        self.inner
            .hear(transport, ssrcs.collect::<PyResult<_>>()?)
            .map_err(raise)
    }

    #[pyo3(signature = (transport, *, ssrc))]
    fn unhear(&self, transport: u64, ssrc: i64) -> PyResult<()> {
        self.inner
            .unhear(transport, narrow("ssrc", ssrc)?)
            .map_err(raise)
    }

    fn close_transport(&self, transport: u64) -> PyResult<()> {
        self.inner.close_transport(transport).map_err(raise)
    }

    fn silence(&self) -> PyResult<()> {
        self.inner.silence().map_err(raise)
    }

    #[pyo3(signature = (*, sound_ms))]
    fn measure(&self, sound_ms: i64) -> PyResult<()> {
        self.inner
            .measure(Duration::from_millis(narrow("sound_ms", sound_ms)?))
            .map_err(raise)
    }

    fn progress(&self) -> LoadProgress {
        self.inner.progress().into()
    }

    /// Waits for the threads without the interpreter's lock.
    fn report(&self, py: Python<'_>) -> PyResult<LoadReport> {
        py.detach(|| self.inner.report())
            .map(LoadReport::from)
            .map_err(raise)
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.inner.close());
    }
}

#[pymethods]
impl Latency {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl LoadProgress {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl LoadThread {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

#[pymethods]
impl LoadReport {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

impl From<&Histogram> for Latency {
    fn from(histogram: &Histogram) -> Self {
        let ms = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1_000.0);
        Self {
            count: histogram.count(),
            p50_ms: ms(histogram.quantile(0.5)),
            p99_ms: ms(histogram.quantile(0.99)),
            p999_ms: ms(histogram.quantile(0.999)),
            max_ms: ms(histogram.max()),
        }
    }
}

impl From<Progress> for LoadProgress {
    fn from(progress: Progress) -> Self {
        Self {
            connected: progress.connected,
            failed: progress.failed,
            begun: progress.begun,
            speaking: progress.speaking,
            arrived: progress.arrived,
        }
    }
}

impl From<ThreadReport> for LoadThread {
    fn from(thread: ThreadReport) -> Self {
        Self {
            wall_seconds: thread.wall.as_secs_f64(),
            running_seconds: thread.running.as_secs_f64(),
            waiting_seconds: thread.waiting.as_secs_f64(),
            paused_seconds: thread.paused.as_secs_f64(),
            socket_drops: thread.socket_drops,
            unsent: thread.unsent,
        }
    }
}

impl From<Report> for LoadReport {
    fn from(report: Report) -> Self {
        Self {
            connect: (&report.connect).into(),
            first_packet: (&report.first_packet).into(),
            delay: (&report.delay).into(),
            slip: (&report.slip).into(),
            sent: report.sent.into_iter().collect(),
            sent_by_ms: Ptime::ALL
                .into_iter()
                .zip(report.by_ptime)
                .filter(|(_, count)| *count > 0)
                .map(|(ptime, count)| (ptime.ms(), count))
                .collect(),
            asked: report.asked,
            expected: report.expected,
            received: report.received,
            again: report.again,
            opened: report.opened,
            unreadable: report.unreadable,
            unexpected: report.unexpected,
            rtcp: report.rtcp,
            failures: report.failures,
            threads: report.threads.into_iter().map(LoadThread::from).collect(),
        }
    }
}

fn parse_ptime(ms: i64) -> PyResult<Ptime> {
    let known = Ptime::from_ms(narrow("ptime", ms)?);
    known.ok_or_else(|| InvalidOption::new_err(format!("ptime: {ms} ms is none of 20, 40 and 60")))
}

fn parse_address(address: &str, port: i64) -> PyResult<SocketAddr> {
    let ip = address
        .parse()
        .map_err(|_| InvalidOption::new_err(format!("addresses: {address:?} is no IP address")))?;
    Ok(SocketAddr::new(ip, narrow("addresses: port", port)?))
}
