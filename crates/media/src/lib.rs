//! The sans-IO media core: bytes and a clock in, bytes and events out.
#![forbid(unsafe_code)]
