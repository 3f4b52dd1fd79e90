//! Rules on gateways, Istio's and those of Gateway API.

pub mod gateway_https_redirect;
pub mod gateway_namespace;
pub mod gateway_port_protocol;
pub mod gateway_selector;
pub mod gateway_tls;
pub mod gateway_wildcard_hosts;
