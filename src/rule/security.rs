//! Rules on mTLS, authorization and authentication.

pub mod authz_broad_source;
pub mod authz_host_match;
pub mod authz_http_fields_tcp;
pub mod authz_no_allow_all;
pub mod authz_not_enforced;
pub mod authz_safe_patterns;
pub mod authz_scope;
pub mod destinationrule_tls_disabled;
pub mod destinationrule_tls_verification;
pub mod peerauthentication_strict;
pub mod requestauthn_hygiene;
