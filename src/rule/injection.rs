//! Rules on where sidecars are injected.

pub mod istio_system_injection_disabled;
pub mod namespace_injection_conflict;
