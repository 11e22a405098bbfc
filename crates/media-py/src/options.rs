//! What a producer and a consumer are made of.

use hocket_media::OptionError;
use pyo3::prelude::*;

use crate::error::{InvalidOption, narrow, narrow_some};

/// What one client sends.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProducerOptions {
    ssrc: Option<u32>,
    mid: Option<String>,
    opus_payload_type: Option<u8>,
    red_payload_type: Option<u8>,
    mid_extension: Option<u8>,
    audio_level_extension: Option<u8>,
    abs_send_time_extension: Option<u8>,
    nack: bool,
    cname: String,
}

/// How one producer's stream is written for one receiver.
#[pyclass(frozen, eq, get_all, module = "hocket._media")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConsumerOptions {
    ssrc: u32,
    mid: String,
    opus_payload_type: u8,
    red_payload_type: Option<u8>,
    mid_extension: Option<u8>,
    audio_level_extension: Option<u8>,
    abs_send_time_extension: Option<u8>,
    nack: bool,
}

#[pymethods]
impl ProducerOptions {
    #[new]
    #[pyo3(signature = (
        *, ssrc=None, mid=None, opus_payload_type=None, red_payload_type=None, mid_extension=None,
        audio_level_extension=None, abs_send_time_extension=None, nack=false, cname=String::new()
    ), text_signature = "(*, ssrc=None, mid=None, opus_payload_type=None, red_payload_type=None, mid_extension=None, \
        audio_level_extension=None, abs_send_time_extension=None, nack=False, cname='')")]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of a Python class"
    )]
    fn new(
        ssrc: Option<i64>,
        mid: Option<String>,
        opus_payload_type: Option<i64>,
        red_payload_type: Option<i64>,
        mid_extension: Option<i64>,
        audio_level_extension: Option<i64>,
        abs_send_time_extension: Option<i64>,
        nack: bool,
        cname: String,
    ) -> PyResult<Self> {
        let options = Self {
            ssrc: narrow_some("ssrc", ssrc)?,
            mid,
            opus_payload_type: narrow_some("opus_payload_type", opus_payload_type)?,
            red_payload_type: narrow_some("red_payload_type", red_payload_type)?,
            mid_extension: narrow_some("mid_extension", mid_extension)?,
            audio_level_extension: narrow_some("audio_level_extension", audio_level_extension)?,
            abs_send_time_extension: narrow_some(
                "abs_send_time_extension",
                abs_send_time_extension,
            )?,
            nack,
            cname,
        };
        options.to_media().check().map_err(refuse)?;
        Ok(options)
    }

    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

impl ProducerOptions {
    pub(crate) fn to_media(&self) -> hocket_media::ProducerOptions {
        hocket_media::ProducerOptions {
            ssrc: self.ssrc,
            mid: self.mid.as_deref().map(Into::into),
            opus_payload_type: self.opus_payload_type,
            red_payload_type: self.red_payload_type,
            mid_extension: self.mid_extension,
            audio_level_extension: self.audio_level_extension,
            abs_send_time_extension: self.abs_send_time_extension,
            nack: self.nack,
            cname: self.cname.as_str().into(),
        }
    }
}

#[pymethods]
impl ConsumerOptions {
    #[new]
    #[pyo3(signature = (
        *, ssrc, mid, opus_payload_type, red_payload_type=None, mid_extension=None,
        audio_level_extension=None, abs_send_time_extension=None, nack=false
    ), text_signature = "(*, ssrc, mid, opus_payload_type, red_payload_type=None, mid_extension=None, \
        audio_level_extension=None, abs_send_time_extension=None, nack=False)")]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of a Python class"
    )]
    fn new(
        ssrc: i64,
        mid: String,
        opus_payload_type: i64,
        red_payload_type: Option<i64>,
        mid_extension: Option<i64>,
        audio_level_extension: Option<i64>,
        abs_send_time_extension: Option<i64>,
        nack: bool,
    ) -> PyResult<Self> {
        let options = Self {
            ssrc: narrow("ssrc", ssrc)?,
            mid,
            opus_payload_type: narrow("opus_payload_type", opus_payload_type)?,
            red_payload_type: narrow_some("red_payload_type", red_payload_type)?,
            mid_extension: narrow_some("mid_extension", mid_extension)?,
            audio_level_extension: narrow_some("audio_level_extension", audio_level_extension)?,
            abs_send_time_extension: narrow_some(
                "abs_send_time_extension",
                abs_send_time_extension,
            )?,
            nack,
        };
        options.to_media().check().map_err(refuse)?;
        Ok(options)
    }

    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

impl ConsumerOptions {
    pub(crate) fn to_media(&self) -> hocket_media::ConsumerOptions {
        hocket_media::ConsumerOptions {
            ssrc: self.ssrc,
            mid: self.mid.as_str().into(),
            opus_payload_type: self.opus_payload_type,
            red_payload_type: self.red_payload_type,
            mid_extension: self.mid_extension,
            audio_level_extension: self.audio_level_extension,
            abs_send_time_extension: self.abs_send_time_extension,
            nack: self.nack,
        }
    }
}

fn refuse(error: OptionError) -> PyErr {
    InvalidOption::new_err(error.to_string())
}
