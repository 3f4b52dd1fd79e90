//! Who may call: clients with a certificate.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::certificate::{TlsError, common_name, read_file, roots};
use crate::server::Health;
use crate::store::{self, Watched};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Reload;

/// Lets those in who have a certificate of certain CAs and, where names are given, one of these common names.
///
/// The API server shows the certificate that its `AdmissionConfiguration` names for the webhook's host.
/// <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#authenticate-apiservers>
#[derive(Debug)]
pub struct Callers {
    names: Vec<String>,
    verifier: RwLock<Arc<dyn ClientCertVerifier>>,
}

impl Callers {
    /// Nobody panics with the lock in hand; were it so, the verifier would be whole all the same.
    fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, verifier: Arc<dyn ClientCertVerifier>) {
        *self.verifier.write().unwrap_or_else(PoisonError::into_inner) = verifier;
    }

    /// The common name, as the API server looks at it where it asks for a name itself (`--requestheader-allowed-names`).
    fn check_name(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        if self.names.is_empty() {
            return Ok(());
        }
        let name = common_name(certificate)?;
        if name.as_ref().is_some_and(|name| self.names.contains(name)) {
            return Ok(());
        }
        // Somebody holds a certificate of the right CA: that is worth more than the debug line of every failed handshake.
        tracing::warn!(name, "turned away a client whose common name is not among --client-name");
        Err(CertificateError::ApplicationVerificationFailure.into())
    }
}

impl ClientCertVerifier for Callers {
    /// None: they would have to live as long as `self`, and the CAs are replaced. Clients then show what they have.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.verifier().verify_client_cert(certificate, others, now)?;
        self.check_name(certificate)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier().verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier().verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier().supported_verify_schemes()
    }
}

/// Takes up the CAs of [`Callers`] from a file that changes; what cannot be used leaves those in use where they are.
pub struct CallerFile {
    path: PathBuf,
    /// None: it is a pipe.
    read: Option<Watched<Result<Vec<u8>, String>>>,
    callers: Arc<Callers>,
}

impl CallerFile {
    /// Those whose certificate is of the CAs in this PEM file, and whose common name is one of `names`; none: any name.
    pub fn open(path: PathBuf, names: Vec<String>) -> Result<Self, TlsError> {
        let text = read_file(&path)?;
        let callers = Arc::new(Callers { names, verifier: RwLock::new(verifier(&path, &text)?) });
        let read = store::lasts(&path).then(|| Watched::new(Ok(text)));
        Ok(Self { path, read, callers })
    }

    /// Who may call.
    pub fn callers(&self) -> Arc<Callers> {
        Arc::clone(&self.callers)
    }

    /// Looks whether the file holds other CAs.
    pub fn look(&mut self, health: &Health, metrics: &Metrics) {
        let Some(read) = &mut self.read else { return };
        let now = read_file(&self.path).map_err(|error| error.to_string());
        let Some(text) = read.settle(now) else { return };
        let text = text.as_ref().map_err(Clone::clone);
        let new = text.and_then(|text| verifier(&self.path, text).map_err(|error| error.to_string()));
        metrics.reloaded(Reload::Clients, new.is_ok());
        match new {
            Ok(verifier) => {
                self.callers.replace(verifier);
                health.note("clients", None);
                tracing::info!("took up new CAs of clients");
            }
            Err(why) => {
                health.note("clients", Some(format!("refused new CAs, and those in use stay: {why}")));
                tracing::error!(error = why, "refused new CAs of clients; those in use stay");
            }
        }
    }
}

fn verifier(path: &Path, text: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let unusable = |source| TlsError::Certificate { path: path.to_owned(), source };
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots(path, text)?), Arc::new(ring::default_provider()))
        .build()
        .map(|verifier| verifier as Arc<dyn ClientCertVerifier>)
        .map_err(|error| unusable(Error::General(error.to_string())))
}
