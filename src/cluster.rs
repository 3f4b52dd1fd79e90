//! What an API server is told, and what is asked of it.

pub mod access;
pub mod namespaces;
pub mod objects;
pub mod tls_secret;
pub mod webhook_configuration;
