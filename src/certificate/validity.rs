//! From when to when a certificate is valid.

use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, Error};
use yasna::tags::{TAG_GENERALIZEDTIME, TAG_UTCTIME};
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, BERReaderSeq};

use super::fields::read_fields;

/// A certificate that begins to be valid within this time is taken for valid: who issued it seldom has the same clock.
/// Those of our own making begin as much earlier.
const CLOCK_SKEW: Duration = Duration::from_secs(60 * 60);

/// The validity of a certificate (RFC 5280, 4.1.2.5); both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From when.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

impl Validity {
    /// What the certificate says.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        yasna::parse_der(certificate, read).map_err(|_| CertificateError::BadEncoding.into())
    }

    /// For so long from now on, whatever clock it is read by.
    pub(crate) fn lasting(lifetime: Duration, now: Timestamp) -> Self {
        let not_before = now.saturating_sub(CLOCK_SKEW).unwrap_or(now);
        Self { not_before, not_after: now.saturating_add(lifetime).unwrap_or(now) }
    }

    /// Why a certificate cannot be served with at `now`, where it cannot.
    pub fn objection(&self, now: Timestamp) -> Option<String> {
        let Self { not_before, not_after } = self;
        if now > *not_after {
            return Some(format!("the certificate has expired; it was valid until {not_after}"));
        }
        let early = not_before.saturating_sub(CLOCK_SKEW).unwrap_or(*not_before) > now;
        early.then(|| format!("the certificate is not valid yet, but from {not_before} on"))
    }
}

/// The fields before and after it are read past.
fn read(certificate: BERReader<'_, '_>) -> ASN1Result<Validity> {
    read_fields(certificate, |fields| {
        fields.next().read_sequence(|times| Ok(Validity { not_before: time(times)?, not_after: time(times)? }))
    })
}

fn time(times: &mut BERReaderSeq<'_, '_>) -> ASN1Result<Timestamp> {
    let time = times.next();
    let seconds = match time.lookahead_tag()? {
        TAG_UTCTIME => time.read_utctime()?.datetime().unix_timestamp(),
        TAG_GENERALIZEDTIME => time.read_generalized_time()?.datetime().unix_timestamp(),
        _ => return Err(ASN1Error::new(ASN1ErrorKind::Invalid)),
    };
    // `99991231235959Z`, which says that there is no end, lies a day past the last instant that jiff knows.
    Ok(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate(not_before: &str, not_after: &str) -> CertificateDer<'static> {
        let time = |text: &str| SystemTime::from(text.parse::<Timestamp>().expect("an instant")).into();
        let mut params = CertificateParams::new(vec!["vigla".to_owned()]).expect("a name");
        (params.not_before, params.not_after) = (time(not_before), time(not_after));
        params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").into()
    }

    #[test]
    fn reads_both_ways_of_writing_a_time() {
        let validity = |text| Validity::of(&certificate("1999-12-31T23:59:59Z", text)).expect("a validity");
        for text in ["2026-11-21T10:42:07Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "4096-01-01T00:00:00Z"] {
            assert_eq!(validity(text).not_after.to_string(), text);
            assert_eq!(validity(text).not_before.to_string(), "1999-12-31T23:59:59Z");
        }
    }

    #[test]
    fn a_certificate_without_an_end_is_valid() {
        let mut der = certificate("2026-01-01T00:00:00Z", "9999-12-30T00:00:00Z").to_vec();
        let at = der.windows(15).position(|window| window == b"99991230000000Z").expect("a GeneralizedTime");
        der[at..at + 15].copy_from_slice(b"99991231235959Z");
        let validity = Validity::of(&der.into()).expect("a validity");
        assert_eq!(validity.objection(Timestamp::MAX), None);
    }

    #[test]
    fn objects_before_and_after_but_not_to_another_clock() {
        let validity = Validity::of(&certificate("2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z")).expect("a validity");
        let objection = |text: &str| validity.objection(text.parse().expect("an instant"));
        let early = "the certificate is not valid yet, but from 2026-11-21T12:00:00Z on";
        let late = "the certificate has expired; it was valid until 2026-11-22T12:00:00Z";
        assert_eq!(objection("2026-11-21T10:59:59Z").as_deref(), Some(early));
        assert_eq!(objection("2026-11-21T11:00:00Z"), None, "an hour's skew");
        assert_eq!(objection("2026-11-22T12:00:00Z"), None, "the end belongs to it");
        assert_eq!(objection("2026-11-22T12:00:00.001Z").as_deref(), Some(late));
    }

    #[test]
    fn survives_damage() {
        let der = certificate("2026-01-01T00:00:00Z", "2050-01-01T00:00:00Z").to_vec();
        for at in 0..der.len() {
            for byte in [0, 1, 0x17, 0x18, 0x30, 0x7f, 0x80, 0x84, 0x8f, 0xa0, 0xff] {
                let mut damaged = der.clone();
                damaged[at] = byte;
                // Whatever it says, and wherever it breaks off.
                let _ = Validity::of(&damaged.into());
            }
            assert!(Validity::of(&der[..at].to_vec().into()).is_err(), "cut after {at} bytes");
        }
    }
}
