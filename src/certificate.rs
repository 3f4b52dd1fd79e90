//! Certificates: read from PEM, made on the spot, and from when to when they are valid.

mod bundle;
mod fields;
mod make;
mod pair;
mod subject;
mod validity;

pub use bundle::ca_bundle;
pub use pair::{Files, TlsError};
pub use validity::Validity;

pub(crate) use bundle::{authorities, roots, to_pem};
pub(crate) use make::{authority_params, server_params};
pub(crate) use pair::{Pem, read_file};
pub(crate) use subject::common_name;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{Error, RootCertStore};

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

    /// Whether it is the same chain.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.pair.cert == other.pair.cert
    }

    /// Whether who trusts this authority alone takes it for that of `host`, up to its last moment.
    pub(crate) fn check(&self, authority: &CertificateDer<'_>, host: &ServerName<'_>) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let (first, others) = self.pair.cert.split_first().ok_or(Error::NoCertificatesPresented)?;
        let first = ParsedCertificate::try_from(first)?;
        let end = u64::try_from(self.validity.not_after.as_second()).unwrap_or_default();
        let end = UnixTime::since_unix_epoch(Duration::from_secs(end));
        let algorithms = ring::default_provider().signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&first, &roots, others, end, algorithms)?;
        verify_server_name(&first, host)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a certificate valid until {}", self.validity.not_after)
    }
}
