//! Whose certificate it is.

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, Error};
use yasna::tags::{TAG_PRINTABLESTRING, TAG_UTF8STRING};
use yasna::{ASN1Result, BERReader};

use super::fields::read_fields;

/// The attribute `id-at-commonName` (RFC 5280, appendix A.1).
const COMMON_NAME: &[u64] = &[2, 5, 4, 3];

/// The common name of a certificate's subject; the last one, as Go's crypto/x509 and with it Kubernetes read it.
pub(crate) fn common_name(certificate: &CertificateDer<'_>) -> Result<Option<String>, Error> {
    yasna::parse_der(certificate, read).map_err(|_| CertificateError::BadEncoding.into())
}

fn read(certificate: BERReader<'_, '_>) -> ASN1Result<Option<String>> {
    read_fields(certificate, |fields| {
        fields.next().read_der()?; // the validity
        let mut name = None;
        fields.next().read_sequence_of(|set| {
            set.read_set_of(|attribute| {
                let (kind, value) =
                    attribute.read_sequence(|parts| Ok((parts.next().read_oid()?, text(parts.next())?)))?;
                if kind.components().as_slice() == COMMON_NAME {
                    name = value;
                }
                Ok(())
            })
        })?;
        Ok(name)
    })
}

/// The two kinds of text that RFC 5280 has authorities use; any other one is no name that could be asked for.
fn text(value: BERReader<'_, '_>) -> ASN1Result<Option<String>> {
    match value.lookahead_tag()? {
        TAG_UTF8STRING => value.read_utf8string().map(Some),
        TAG_PRINTABLESTRING => value.read_printable_string().map(Some),
        _ => value.read_der().map(|_| None),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    use super::*;

    fn certificate(names: Vec<(DnType, DnValue)>) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        names.into_iter().for_each(|(kind, value)| params.distinguished_name.push(kind, value));
        params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").into()
    }

    fn printable(text: &str) -> DnValue {
        DnValue::PrintableString(text.try_into().expect("printable"))
    }

    #[test]
    fn the_common_name_is_read_among_other_attributes() {
        let organization = (DnType::OrganizationName, "system:masters".into());
        let utf8 = (DnType::CommonName, "kube-apiserver".into());
        let read = |names: &[_]| common_name(&certificate(names.to_vec())).expect("a certificate");
        assert_eq!(read(&[organization.clone(), utf8]).as_deref(), Some("kube-apiserver"));
        assert_eq!(read(&[(DnType::CommonName, printable("kube-apiserver"))]).as_deref(), Some("kube-apiserver"));
        assert_eq!(read(std::slice::from_ref(&organization)), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn survives_damage() {
        let der = certificate(vec![(DnType::CommonName, "kube-apiserver".into())]).to_vec();
        for at in 0..der.len() {
            for byte in [0, 1, 0x0c, 0x13, 0x30, 0x31, 0x7f, 0x80, 0xff] {
                let mut damaged = der.clone();
                damaged[at] = byte;
                // Whatever it says, and wherever it breaks off.
                let _ = common_name(&damaged.into());
            }
            assert!(common_name(&der[..at].to_vec().into()).is_err(), "cut after {at} bytes");
        }
    }
}
