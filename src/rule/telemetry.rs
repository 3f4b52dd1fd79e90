//! Rules on what the mesh tells of its traffic: traces, logs, metrics.

pub mod access_logging;
pub mod no_full_trace_sampling;
pub mod proxy_log_level;
pub mod telemetry_conflicts;
