//! Rules on mTLS, authorization and authentication.

pub mod authz_no_allow_all;
pub mod peerauthentication_strict;
