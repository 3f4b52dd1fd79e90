//! Rules on what leaves the mesh, and on what Services show.

pub mod egress_registry_only;
pub mod service_exposure;
pub mod service_port_naming;
pub mod serviceentry_hosts;
pub mod serviceentry_ports;
pub mod sidecar_scope;
