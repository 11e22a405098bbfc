//! What the scenarios are made of: a server, people with two transports each, and a network between them, all under one seed and one clock.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, starts its clock somewhere, and each uses its part of this"
)]

pub mod account;
pub mod attack;
pub mod client;
pub mod counting;
pub mod guests;
pub mod network;
pub mod person;
pub mod scene;
pub mod server;
pub mod setup;
pub mod six;

pub use client::{Client, Opened, Version};
pub use network::{Conditions, Network};
pub use person::{Heard, Person, Side};
pub use scene::{Scene, names};
pub use server::Server;
pub use setup::Setup;
