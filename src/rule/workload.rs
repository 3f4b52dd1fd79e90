//! Rules on what runs, in the mesh and beside it.

pub mod container_resources;
pub mod default_namespace;
pub mod image_auto_without_injection;
pub mod image_tag;
pub mod pod_security;
pub mod probes;
pub mod reserved_ports;
