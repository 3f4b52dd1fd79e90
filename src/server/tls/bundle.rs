//! The certificates that others are to trust.

use std::path::Path;

use pem::{EncodeConfig, LineEnding, Pem};
use rustls::RootCertStore;

use super::TlsError;
use super::pair::{certificates, read_file};

/// The certificates of a PEM file and nothing else of it, for others to trust: PEM again.
pub fn ca_bundle(path: &Path) -> Result<String, TlsError> {
    let certificates = certificates(path, &read_file(path)?)?;
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        let refused = |source| TlsError::Certificate { path: path.to_owned(), source };
        roots.add(certificate.clone()).map_err(refused)?;
    }
    let sections: Vec<Pem> =
        certificates.into_iter().map(|certificate| Pem::new("CERTIFICATE", certificate.as_ref())).collect();
    Ok(pem::encode_many_config(&sections, EncodeConfig::new().set_line_ending(LineEnding::LF)))
}
