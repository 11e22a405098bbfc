//! The rules of headers, reception counts and listeners' lines.
#![allow(
    clippy::disallowed_methods,
    reason = "one real instant to count from; no test reads the clock twice"
)]

mod header;
mod reception;
mod rewrite;
