//! A certificate with its private key, out of two PEM files.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use thiserror::Error;

use super::Certificate;

/// A certificate or key that cannot be served with.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is damaged PEM.
    #[error("`{}` is not well-formed PEM: {}", path.display(), damage(source))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A file without a certificate.
    #[error("no certificate in `{}`; expected a PEM section `BEGIN CERTIFICATE`", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file without a private key.
    #[error(
        "no private key in `{}`; expected one PEM section `BEGIN PRIVATE KEY` (or RSA, EC), not encrypted",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A key behind a passphrase, for which nobody is there to ask.
    #[error(
        "the private key in `{0}` is encrypted; expected one without a passphrase (`openssl pkey -in {0}` prints it)",
        path.display()
    )]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// A file with several private keys.
    #[error("{count} private keys in `{}`; expected one", path.display())]
    ManyKeys {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// A certificate that TLS cannot use.
    #[error("the certificate in `{}` cannot be used: {}", path.display(), defect(source))]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Error,
    },
    /// A key that TLS cannot use.
    #[error(
        "the private key in `{}` cannot be used; \
         expected RSA of 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519",
        path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What TLS says: that it is none of them.
        source: Error,
    },
    /// A key that belongs to another certificate.
    #[error(
        "the private key in `{}` does not belong to the certificate in `{}`, which must be the first of its chain",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

/// The PEM files of a certificate chain, the server's own first, and of its private key.
#[derive(Clone, Debug)]
pub struct Files {
    /// The chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// What stands in [`Files`]. It cannot be printed: it holds the key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pem {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl Files {
    pub(crate) fn read(&self) -> Result<Pem, TlsError> {
        Ok(Pem { certificate: read_file(&self.certificate)?, key: read_file(&self.key)? })
    }

    /// What was read as a certificate that can be served with, valid now or not.
    pub(crate) fn pair(&self, read: &Pem) -> Result<Certificate, TlsError> {
        let Self { certificate, key } = self;
        let chain = certificates(certificate, &read.certificate)?;
        let signer = ring::default_provider()
            .key_provider
            .load_private_key(private_key(key, &read.key)?)
            .map_err(|source| TlsError::Key { path: key.clone(), source })?;
        let pair = CertifiedKey::new(chain, signer);
        match pair.keys_match() {
            // A key that cannot say its public half may fit; the first handshake tells.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => {
                return Err(TlsError::Mismatch { certificate: certificate.clone(), key: key.clone() });
            }
            Err(source) => return Err(TlsError::Certificate { path: certificate.clone(), source }),
        }
        Certificate::new(pair).map_err(|source| TlsError::Certificate { path: certificate.clone(), source })
    }
}

pub(super) fn certificates(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = sections(path, text)?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

fn private_key(path: &Path, text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    if is_encrypted(text) {
        return Err(TlsError::Encrypted { path: path.to_owned() });
    }
    let mut keys: Vec<PrivateKeyDer<'static>> = sections(path, text)?;
    match (keys.pop(), keys.len()) {
        (Some(key), 0) => Ok(key),
        (Some(_), others) => Err(TlsError::ManyKeys { path: path.to_owned(), count: others + 1 }),
        (None, _) => Err(TlsError::NoKey { path: path.to_owned() }),
    }
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

/// All sections of one kind in a PEM file.
fn sections<T: PemObject>(path: &Path, text: &[u8]) -> Result<Vec<T>, TlsError> {
    let sections = T::pem_slice_iter(text).collect::<Result<_, _>>();
    sections.map_err(|source| TlsError::Damaged { path: path.to_owned(), source })
}

/// A PKCS #8 key says so in its section's name, the older kinds in a header inside the section.
fn is_encrypted(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.any(|line| line == b"-----BEGIN ENCRYPTED PRIVATE KEY-----" || line == b"Proc-Type: 4,ENCRYPTED")
}

/// What is wrong with a PEM file, without the values of Rust that the library prints.
fn damage(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!("the line `-----END {}-----` is missing", String::from_utf8_lossy(end_marker).escape_debug())
        }
        pem::Error::IllegalSectionStart { .. } => "a line that begins a section does not end in `-----`".to_owned(),
        pem::Error::Base64Decode(_) => "a section holds something else than base64".to_owned(),
        other => other.to_string(),
    }
}

/// What is wrong with a certificate: it comes from a file here, not from a peer, as the library would say.
fn defect(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(_) => "it is no well-formed X.509 certificate".to_owned(),
        other => other.to_string(),
    }
}
