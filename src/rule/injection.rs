//! Rules on where sidecars are injected.

pub mod hold_application_until_proxy_starts;
pub mod inject_annotation_deprecated;
pub mod istio_system_injection_disabled;
pub mod misplaced_annotations;
pub mod namespace_injection_conflict;
pub mod namespace_mesh_enrollment;
pub mod no_injection_bypass;
pub mod revision_labels;
pub mod sidecar_ambient_conflict;
pub mod sidecar_resources;
pub mod traffic_capture_bypass;
pub mod uid_1337_reserved;
