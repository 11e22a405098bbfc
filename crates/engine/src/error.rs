//! What the engine's methods refuse, and why.

use std::{fmt, io};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call was refused. Nothing was changed by it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No such router, transport, producer or consumer: it never was, or it is gone. The word names the kind.
    UnknownId(&'static str),
    /// A bound was reached; the word names it.
    Overloaded(&'static str),
    /// The engine was closed.
    Closed,
    /// An argument is out of its range; the sentence names it.
    InvalidOption(String),
    /// The operating system refused: sockets, threads, randomness.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownId(kind) => write!(f, "no such {kind}"),
            Self::Overloaded(bound) => write!(f, "too much at once: {bound}"),
            Self::Closed => f.write_str("the media engine is closed"),
            Self::InvalidOption(sentence) => f.write_str(sentence),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
