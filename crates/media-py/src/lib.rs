//! The Python module `hocket._media`: options, events and errors of the engine, no logic.
use pyo3::prelude::*;

/// The native media core of Hocket.
#[pymodule]
mod _media {}
