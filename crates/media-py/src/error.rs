//! The engine's errors as Python exceptions.

use hocket_engine::Error;
use pyo3::exceptions::{PyException, PyOSError};
use pyo3::prelude::*;

pyo3::create_exception!(
    hocket._media,
    MediaError,
    PyException,
    "The root of what this module raises on purpose."
);
pyo3::create_exception!(
    hocket._media,
    UnknownId,
    MediaError,
    "No such router, transport, producer or consumer: it never was, or it is gone."
);
pyo3::create_exception!(
    hocket._media,
    Overloaded,
    MediaError,
    "A bound was reached. Try again later; nothing was changed."
);
pyo3::create_exception!(
    hocket._media,
    EngineClosed,
    MediaError,
    "`close` was called; the engine takes no more commands."
);
pyo3::create_exception!(
    hocket._media,
    InvalidOption,
    MediaError,
    "An argument is out of its range; the sentence names it."
);

/// The exception for `error`.
pub(crate) fn raise(error: Error) -> PyErr {
    let sentence = error.to_string();
    match error {
        Error::UnknownId(_) => UnknownId::new_err(sentence),
        Error::Overloaded(_) => Overloaded::new_err(sentence),
        Error::Closed => EngineClosed::new_err(sentence),
        Error::InvalidOption(_) => InvalidOption::new_err(sentence),
        // With the number, so that Python picks its own subclass and callers can compare `errno`.
        Error::Io(error) => match error.raw_os_error() {
            Some(number) => PyOSError::new_err((number, sentence)),
            None => PyOSError::new_err(sentence),
        },
        _ => MediaError::new_err(sentence),
    }
}

/// A Python integer as the narrower number that an option takes.
pub(crate) fn narrow<T: TryFrom<i64>>(name: &str, value: i64) -> PyResult<T> {
    T::try_from(value)
        .map_err(|_| InvalidOption::new_err(format!("{name}: {value} is out of range")))
}

/// As [`narrow`], for an option that may be `None`.
pub(crate) fn narrow_some<T: TryFrom<i64>>(name: &str, value: Option<i64>) -> PyResult<Option<T>> {
    value.map(|value| narrow(name, value)).transpose()
}
