//! Rules on what leaves the mesh, and on what Services show.

pub mod service_exposure;
pub mod service_port_naming;
pub mod serviceentry_hosts;
