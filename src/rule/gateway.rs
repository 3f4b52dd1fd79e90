//! Rules on gateways, Istio's and those of Gateway API.

pub mod gateway_tls;
pub mod gateway_wildcard_hosts;
