//! Certificates: read from PEM, made on the spot, and from when to when they are valid.

mod bundle;
mod make;
mod pair;
mod validity;

pub use bundle::ca_bundle;
pub use pair::{Files, TlsError};
pub use validity::Validity;

pub(crate) use make::{authority_params, server_params};
pub(crate) use pair::Pem;

use std::sync::Arc;

use rustls::Error;
use rustls::sign::CertifiedKey;

/// A certificate chain with its private key, to serve with.
#[derive(Clone)]
pub struct Certificate {
    pub(crate) pair: Arc<CertifiedKey>,
    pub(crate) validity: Validity,
}

impl Certificate {
    /// Of a chain only the first certificate's validity counts: callers leave out what they do not need of the rest.
    pub(crate) fn new(pair: CertifiedKey) -> Result<Self, Error> {
        let validity = Validity::of(pair.end_entity_cert()?)?;
        Ok(Self { pair: Arc::new(pair), validity })
    }
}
