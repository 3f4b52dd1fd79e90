//! The certificates that others are to trust.

use std::path::Path;

use pem::{EncodeConfig, LineEnding, Pem};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::TlsError;
use super::pair::{certificates, read_file};

/// The certificates of a PEM file and nothing else of it, for others to trust: PEM again.
pub fn ca_bundle(path: &Path) -> Result<String, TlsError> {
    Ok(to_pem(&authorities(path, &read_file(path)?)?))
}

/// The certificates in this text of a file, all of which can be trusted.
pub(crate) fn authorities(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = certificates(path, text)?;
    trust(path, &certificates)?;
    Ok(certificates)
}

/// The same, trusted.
pub(crate) fn roots(path: &Path, text: &[u8]) -> Result<RootCertStore, TlsError> {
    trust(path, &certificates(path, text)?)
}

fn trust(path: &Path, certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let refused = |source| TlsError::Certificate { path: path.to_owned(), source };
        roots.add(certificate.clone()).map_err(refused)?;
    }
    Ok(roots)
}

/// Certificates as PEM.
pub(crate) fn to_pem<'c>(certificates: impl IntoIterator<Item = &'c CertificateDer<'static>>) -> String {
    let sections: Vec<Pem> =
        certificates.into_iter().map(|certificate| Pem::new("CERTIFICATE", certificate.as_ref())).collect();
    pem::encode_many_config(&sections, EncodeConfig::new().set_line_ending(LineEnding::LF))
}
