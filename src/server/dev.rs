//! A CA and a serving certificate made on the spot, for trying things out on one machine.

use std::env;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, SanType};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use tempfile::NamedTempFile;
use thiserror::Error;

use super::tls::Identity;
use crate::certificate::{Certificate, Validity, authority_params, server_params};

/// How long the certificates last: long enough for a demonstration, too short to be forgotten in production.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// TLS for loopback, and the CA that signed it.
pub struct DevTls {
    identity: Arc<Identity>,
    ca: NamedTempFile,
}

/// The certificates could not be made or written.
#[derive(Debug, Error)]
pub enum DevError {
    /// Making or signing failed.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS refuses what was made.
    #[error("cannot use the certificate just made: {0}")]
    Use(#[from] rustls::Error),
    /// The CA's file cannot be written.
    #[error("cannot write the CA to `{}`: {}; name another folder in TMPDIR", folder.display(), source.kind())]
    Write {
        /// The folder for temporary files.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DevTls {
    /// Makes a CA (its key is thrown away at once) and a certificate for `localhost`, the loopback addresses and
    /// `address`.
    pub fn make(address: IpAddr) -> Result<Self, DevError> {
        let validity = Validity::lasting(LIFETIME, Timestamp::now());
        let ca = authority_params("vigla dev CA, not for production", validity)?;
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate = server(address, validity)?.signed_by(&key, &ca)?;
        let file = write(&ca.pem()).map_err(|source| DevError::Write { folder: env::temp_dir(), source })?;

        let provider = ring::default_provider();
        let chain: Vec<CertificateDer<'static>> = vec![certificate.into()];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let pair = CertifiedKey::from_der(chain, key, &provider)?;
        Ok(Self { identity: Arc::new(Identity::new(Certificate::new(pair)?)), ca: file })
    }

    /// The certificate.
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity)
    }

    /// The CA's file (PEM), readable by this user alone and gone when this value is dropped.
    pub fn ca_path(&self) -> &Path {
        self.ca.path()
    }
}

fn write(ca: &str) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("vigla-dev-ca-").suffix(".pem").tempfile()?;
    file.write_all(ca.as_bytes())?;
    file.flush()?;
    Ok(file)
}

fn server(address: IpAddr, validity: Validity) -> Result<CertificateParams, rcgen::Error> {
    let mut params = server_params("vigla dev server, not for production", validity)?;
    params.subject_alt_names.push(SanType::DnsName("localhost".try_into()?));
    let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    params.subject_alt_names.extend(loopback.map(SanType::IpAddress));
    if !loopback.contains(&address) && !address.is_unspecified() {
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    Ok(params)
}
