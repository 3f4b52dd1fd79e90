//! What the Secret holds: a CA and a certificate of it.

use std::collections::BTreeMap;
use std::iter::once;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use rcgen::{CertificateParams, Issuer, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, ServerName};

use crate::certificate::{Certificate, Files, Pem, Validity, authorities, authority_params, server_params, to_pem};

const CA_CERTIFICATE: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
/// The names that `kubernetes.io/tls` asks for.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets>
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The CA's name stands in every certificate that it signs, which is made of this text and not of what the CA's own
/// certificate says: another text would belong to another CA.
const CA_NAME: &str = "vigla CA";
const NAME: &str = "vigla";

/// How many CAs are trusted at most. One or two are usual; who deletes the Secret again and again meets this bound.
const MOST: usize = 16;

/// The field `data` of a Secret.
pub(super) type Data = BTreeMap<String, ByteString>;

/// What stands in the Secret, as far as it is of use; why not, otherwise.
pub(super) struct Held {
    pub(super) authority: Result<Authority, String>,
    pub(super) certificate: Result<Certificate, String>,
}

/// A CA with its key.
pub(super) struct Authority {
    /// Its certificate.
    pub(super) signer: CertificateDer<'static>,
    /// From when to when that is valid.
    pub(super) validity: Validity,
    /// CAs before it, which are to be trusted for a while.
    pub(super) others: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Held {
    /// Reads `data`; the certificate is to be one of the CA for `host`.
    pub(super) fn read(data: &Data, host: &ServerName<'_>) -> Self {
        let authority = Authority::read(data);
        let certificate = pair(data, CERTIFICATE, KEY).and_then(|certificate| {
            let Ok(authority) = &authority else { return Ok(certificate) };
            let refused =
                |error| format!("the certificate in `{CERTIFICATE}` is none of this CA's for this host: {error}");
            certificate.check(&authority.signer, host).map_err(refused)?;
            Ok(certificate)
        });
        Self { authority, certificate }
    }
}

impl Authority {
    fn read(data: &Data) -> Result<Self, String> {
        let text = bytes(data, CA_CERTIFICATE);
        let mut bundle = authorities(Path::new(CA_CERTIFICATE), text).map_err(|error| error.to_string())?.into_iter();
        let signer = bundle.next().ok_or("no CA")?;
        // That the key belongs to the first of them is seen as for every other pair.
        let validity = pair(data, CA_CERTIFICATE, CA_KEY)?.validity;
        let key = KeyPair::from_pem(&String::from_utf8_lossy(bytes(data, CA_KEY)));
        let key = key.map_err(|error| format!("the private key in `{CA_KEY}` cannot sign: {error}"))?;
        Ok(Self { signer, validity, others: bundle.collect(), key })
    }

    /// A new CA for so long, and others to be trusted beside it.
    pub(super) fn make(
        lifetime: Duration,
        others: Vec<CertificateDer<'static>>,
        now: Timestamp,
    ) -> Result<Self, rcgen::Error> {
        let (validity, key) = (Validity::lasting(lifetime, now), KeyPair::generate()?);
        let signer = params(validity)?.self_signed(&key)?.into();
        Ok(Self { signer, validity, others, key })
    }

    /// All CAs, whether they are still valid or not.
    pub(super) fn bundle(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        once(&self.signer).chain(&self.others)
    }

    /// The CAs that have to be trusted at `now`.
    pub(super) fn trusted(&self, now: Timestamp) -> impl Iterator<Item = &CertificateDer<'static>> {
        once(&self.signer).chain(self.others.iter().filter(move |other| is_current(other, now)))
    }

    /// What the Secret is to hold: this CA and a new certificate of it, for so long and never longer than the CA.
    pub(super) fn issue(&self, host: &str, lifetime: Duration, now: Timestamp) -> Result<Data, rcgen::Error> {
        let mut validity = Validity::lasting(lifetime, now);
        validity.not_after = validity.not_after.min(self.validity.not_after);
        let mut params = server_params(NAME, validity)?;
        params.subject_alt_names.push(SanType::DnsName(host.try_into()?));
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &Issuer::new(self::params(self.validity)?, &self.key))?.pem();
        let entries = [
            (CA_CERTIFICATE, to_pem(self.bundle())),
            (CA_KEY, self.key.serialize_pem()),
            (CERTIFICATE, certificate),
            (KEY, key.serialize_pem()),
        ];
        Ok(entries.map(|(name, text)| (name.to_owned(), ByteString(text.into_bytes()))).into())
    }
}

/// What the CA says of itself.
fn params(validity: Validity) -> Result<CertificateParams, rcgen::Error> {
    authority_params(CA_NAME, validity)
}

/// Those of these CAs that have not ended, each but once.
pub(super) fn valid<'c>(
    authorities: impl Iterator<Item = &'c CertificateDer<'static>>,
    now: Timestamp,
) -> Vec<CertificateDer<'static>> {
    let mut valid = Vec::new();
    for authority in authorities {
        if valid.len() < MOST && is_current(authority, now) && !valid.contains(authority) {
            valid.push(authority.clone());
        }
    }
    valid
}

fn is_current(certificate: &CertificateDer<'_>, now: Timestamp) -> bool {
    Validity::of(certificate).is_ok_and(|validity| now <= validity.not_after)
}

fn bytes<'d>(data: &'d Data, name: &str) -> &'d [u8] {
    data.get(name).map_or(&[], |bytes| &bytes.0)
}

/// A certificate and its key under these names, which messages call files.
fn pair(data: &Data, certificate: &str, key: &str) -> Result<Certificate, String> {
    let pem = Pem { certificate: bytes(data, certificate).to_vec(), key: bytes(data, key).to_vec() };
    let names = Files { certificate: PathBuf::from(certificate), key: PathBuf::from(key) };
    names.pair(&pem).map_err(|error| error.to_string())
}
