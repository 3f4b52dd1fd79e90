//! Rules on mTLS, authorization and authentication.

pub mod peerauthentication_strict;
