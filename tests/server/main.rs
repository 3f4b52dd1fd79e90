//! The door, from outside: the `vigla` binary on loopback, called by well-behaved and by hostile clients.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and so do its helpers, which clippy does not count as tests"
)]

#[path = "../common/mod.rs"]
mod common;

mod clients;
mod exposition;
mod frames;
mod hostile;
mod judge;
mod lifecycle;
mod limits;
mod log;
mod metrics;
mod mount;
mod namespaces;
mod refusals;
mod reload;
mod rotation;
mod routes;
mod soak;
mod startup;
