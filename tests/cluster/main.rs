//! Vigla at the door of a real API server. `cargo test` leaves it out, for the control plane has to be built first:
//!
//! ```text
//! tests/control-plane/build.sh
//! cargo test --test cluster -- --ignored
//! ```

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and so do its helpers, which clippy does not count as tests"
)]

#[path = "../common/mod.rs"]
mod common;

mod balancer;
mod build;
mod check;
mod control_plane;
mod door;
mod enforcement;
mod examples;
mod foundation;
mod helm;
mod installation;
mod manifests;
mod namespaces;
mod outage;
mod supervisor;
mod tls_secret;
mod turn;
mod webhook;
