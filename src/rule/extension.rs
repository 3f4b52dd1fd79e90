//! Rules on what extends Envoy: `EnvoyFilter` and its kin.

pub mod envoyfilter_hygiene;
pub mod envoyfilter_namespace;
pub mod proxyconfig_cr;
pub mod wasm_supply_chain;
