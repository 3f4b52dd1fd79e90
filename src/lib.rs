//! Vigla, a lookout for Istio meshes: one decision function behind an admission webhook and a command line.
//!
//! The layers, lowest first; each may use only those before it. Everything up to `suite` is pure: no I/O, no
//! clock, no environment, no async, no panics. `tests/architecture.rs` holds this.

pub mod certificate;
pub mod cli;
pub mod cluster;
pub mod engine;
pub mod manifest;
pub mod mesh;
pub mod object;
pub mod policy;
pub mod review;
pub mod rule;
pub mod server;
pub mod store;
pub mod suite;
pub mod telemetry;
