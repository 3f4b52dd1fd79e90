//! What to do about what was seen: a function of that and of the time.
//!
//! Nobody leads. A replica looks at the Secret and at the webhook configurations, does what this says, and looks again;
//! where two write at once, the API server takes one and the other one looks again. What keeps requests answered
//! through all of it: no replica serves with the certificate of a new CA before the API server trusts that, and no CA is
//! taken out of a webhook configuration before it has ended.

use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};

use super::held::{Authority, Data, Held, valid};
use crate::certificate::{Certificate, Validity};

/// How long things last.
#[derive(Clone, Debug)]
pub struct Terms {
    /// A certificate; it is replaced when a third of this is left.
    pub certificate: Duration,
    /// A CA; likewise. A third of this is longer than a certificate lasts.
    pub authority: Duration,
    /// From when a new CA was seen in all webhook configurations to when it is served with: every API server has taken
    /// notice by then.
    pub notice: Duration,
    /// Between two looks, where all is well.
    pub period: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Terms {
    fn default() -> Self {
        Self {
            certificate: 90 * DAY,
            authority: 365 * DAY,
            notice: Duration::from_secs(30),
            period: Duration::from_secs(10),
        }
    }
}

/// What was seen in the cluster.
pub(super) struct Seen {
    /// What the Secret holds; `None`: nothing.
    pub(super) held: Option<Held>,
    /// The CAs that each webhook is called with; `None`: this may not be read.
    pub(super) published: Option<Vec<Vec<CertificateDer<'static>>>>,
}

/// The certificate that a replica serves with.
#[derive(Clone)]
pub(super) struct InUse {
    pub(super) certificate: Certificate,
    /// The CA that signed it.
    pub(super) signer: CertificateDer<'static>,
}

/// What is to be done next.
pub(super) enum Step<'s> {
    /// Write a new certificate into the Secret, for this reason, and look again.
    Make {
        /// A CA too.
        authority: bool,
        why: String,
    },
    /// The Secret stays as it is.
    Keep {
        authority: &'s Authority,
        certificate: &'s Certificate,
        /// Have the webhooks called with these CAs; empty: they are called with what is needed.
        publish: Vec<CertificateDer<'static>>,
        /// Serve with the certificate.
        take_up: bool,
        /// What somebody should mend.
        complaint: Option<String>,
    },
}

impl Seen {
    /// Whether every webhook is called with this CA; `None`: this may not be read.
    fn trusts(&self, signer: &CertificateDer<'_>) -> Option<bool> {
        Some(self.published.as_ref()?.iter().all(|bundle| bundle.contains(signer)))
    }

    /// Whether some webhook is called without a CA that has to be trusted.
    fn lacks(&self, authority: &Authority, now: Timestamp) -> bool {
        let mut published = self.published.iter().flatten();
        published.any(|bundle| authority.trusted(now).any(|trusted| !bundle.contains(trusted)))
    }

    /// The CAs of the Secret, and those that webhooks are called with already: some replica may serve with one of them.
    fn bundle(&self, authority: &Authority, now: Timestamp) -> Vec<CertificateDer<'static>> {
        let published = self.published.iter().flatten().flatten();
        valid(authority.bundle().chain(published), now)
    }

    /// What the Secret is to hold from now on: a new certificate for `host`, of a new CA too where asked for.
    pub(super) fn renew(
        &self,
        new_authority: bool,
        host: &ServerName<'_>,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Data, String> {
        let failed = |error| format!("cannot make a certificate: {error}");
        let before = self.held.as_ref().and_then(|held| held.authority.as_ref().ok());
        let made;
        let authority = match before.filter(|_| !new_authority) {
            Some(before) => before,
            None => {
                let published = self.published.iter().flatten().flatten();
                let others = valid(before.into_iter().flat_map(Authority::bundle).chain(published), now);
                made = Authority::make(terms.authority, others, now).map_err(failed)?;
                &made
            }
        };
        let data = authority.issue(&host.to_str(), terms.certificate, now).map_err(failed)?;
        // What the next look would refuse must not be written: it would be made again at every look.
        let Held { authority, certificate } = Held::read(&data, host);
        authority.and(certificate).map(|_| data)
    }
}

/// A CA with which all webhooks are called, and since when.
#[derive(Clone, Default)]
pub(super) struct Notice(Option<(CertificateDer<'static>, Timestamp)>);

impl Notice {
    /// For how long every webhook has been called with the Secret's CA, as far as was seen.
    pub(super) fn look(&mut self, seen: &Seen, now: Timestamp) -> Duration {
        let signer = seen.held.as_ref().and_then(|held| Some(&held.authority.as_ref().ok()?.signer));
        let trusted = signer.filter(|signer| seen.trusts(signer) == Some(true));
        self.0 = trusted.map(|signer| match self.0.take() {
            Some((before, since)) if before == *signer => (before, since),
            _ => (signer.clone(), now),
        });
        let since = self.0.as_ref().map_or(now, |(_, since)| *since);
        Duration::try_from(now.duration_since(since)).unwrap_or_default()
    }
}

/// What to do. `noticed`: see [`Notice`].
pub(super) fn plan<'s>(
    seen: &'s Seen,
    in_use: Option<&InUse>,
    noticed: Duration,
    terms: &Terms,
    now: Timestamp,
) -> Step<'s> {
    let (authority, certificate) = match standing(seen, terms, now) {
        Ok(standing) => standing,
        Err(make) => return make,
    };
    let publish = if seen.lacks(authority, now) { seen.bundle(authority, now) } else { Vec::new() };
    // It has not expired: that would be due.
    let early = certificate.validity.objection(now);
    let take_up = match in_use {
        Some(in_use) if in_use.certificate.is(certificate) => false,
        Some(in_use) if now <= in_use.certificate.validity.not_after => {
            let trusted = in_use.signer == authority.signer || noticed >= terms.notice;
            trusted && early.is_none()
        }
        // Nothing to lose: whoever waits for what they may not read would wait for ever.
        Some(_) => true,
        None => seen.trusts(&authority.signer).unwrap_or(true),
    };
    let complaint = early.map(|why| format!("{why}; a clock may be wrong, here or where it was made"));
    Step::Keep { authority, certificate, publish, take_up, complaint }
}

/// What the Secret holds, if it is to stay as it is.
fn standing<'s>(seen: &'s Seen, terms: &Terms, now: Timestamp) -> Result<(&'s Authority, &'s Certificate), Step<'s>> {
    let make = |authority| move |why| Step::Make { authority, why };
    let held = seen.held.as_ref().ok_or_else(|| make(true)("there is none".to_owned()))?;
    let authority = held.authority.as_ref().map_err(|why| make(true)(why.clone()))?;
    due("the CA", authority.validity, terms.authority, now).map_or(Ok(()), Err).map_err(make(true))?;
    let certificate = held.certificate.as_ref().map_err(|why| make(false)(why.clone()))?;
    due("the certificate", certificate.validity, terms.certificate, now).map_or(Ok(()), Err).map_err(make(false))?;
    Ok((authority, certificate))
}

/// Why something of this lifetime is to be replaced, where it is.
fn due(what: &str, validity: Validity, lifetime: Duration, now: Timestamp) -> Option<String> {
    let last_third = validity.not_after.saturating_sub(lifetime / 3).unwrap_or(now);
    (now > last_third).then(|| format!("{what} ends at {}", validity.not_after))
}
