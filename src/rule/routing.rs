//! Rules on routes: where traffic goes, and how.

pub mod destinationrule_resilience;
pub mod destinationrule_subsets;
pub mod export_scope;
pub mod tenant_hosts;
pub mod virtualservice_canary_weights;
pub mod virtualservice_cross_namespace_host;
pub mod virtualservice_fault_injection;
pub mod virtualservice_fqdn;
pub mod virtualservice_retries;
pub mod virtualservice_timeout;
pub mod virtualservice_unreachable_route;
pub mod virtualservice_wildcard_host;
