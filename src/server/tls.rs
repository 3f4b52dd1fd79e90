//! The certificate in use, how it is replaced, and the TLS configuration around it.

mod callers;
mod managed;
mod rotation;

pub use callers::{CallerFile, Callers};
pub use managed::Managed;
pub use rotation::Rotation;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use rustls::Error;
use rustls::crypto::ring;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};

use crate::certificate::{Certificate, Validity};

/// The certificate in use. Replacing it concerns the handshakes that follow; connections go on.
pub struct Identity(RwLock<Certificate>);

impl Identity {
    pub(super) fn new(certificate: Certificate) -> Self {
        Self(RwLock::new(certificate))
    }

    /// From when to when the certificate in use is valid.
    pub fn validity(&self) -> Validity {
        self.read().validity
    }

    /// When the certificate in use expires.
    pub fn not_after(&self) -> Timestamp {
        self.validity().not_after
    }

    /// Whether this one is in use.
    fn is(&self, certificate: &Certificate) -> bool {
        self.read().is(certificate)
    }

    fn replace(&self, certificate: Certificate) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    /// Nobody panics with the lock in hand; were it so, the certificate would be whole all the same.
    fn read(&self) -> Certificate {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.read().pair)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a certificate valid until {}", self.not_after())
    }
}

/// TLS 1.2 and 1.3 with whatever certificate is in use. `callers`: who may call; `None`: anybody. The provider is named
/// here: a process default would be a global that tests and libraries could set first.
pub fn config(identity: Arc<Identity>, callers: Option<Arc<Callers>>) -> Result<Arc<ServerConfig>, Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?;
    let builder = match callers {
        Some(callers) => builder.with_client_cert_verifier(callers),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(identity);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // The API server has no session cache: tickets would be bytes and memory for nobody.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}
