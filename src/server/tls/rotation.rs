//! Certificate files that change while they are served with.

use std::sync::Arc;

use jiff::Timestamp;

use super::Identity;
use crate::certificate::{Certificate, Files, Pem, TlsError};
use crate::server::Health;
use crate::store::{self, Watched};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Reload;

/// Takes up new certificates out of two files; one that cannot be served with leaves the one in use where it is.
pub struct Rotation {
    files: Files,
    /// None: the files are pipes.
    read: Option<Watched<Result<Pem, String>>>,
    identity: Arc<Identity>,
    /// A new one that is not valid, perhaps not yet.
    waiting: Option<Certificate>,
}

impl Rotation {
    /// The certificate in these files, from now on in use. It may have expired: a new one may be on its way.
    pub fn start(files: Files) -> Result<Self, TlsError> {
        let pem = files.read()?;
        let identity = Arc::new(Identity::new(files.pair(&pem)?));
        let last = store::lasts(&files.certificate) && store::lasts(&files.key);
        if !last {
            tracing::warn!("the certificate's files can be read but once: it stays as it is");
        }
        Ok(Self { files, read: last.then(|| Watched::new(Ok(pem))), identity, waiting: None })
    }

    /// The certificate in use.
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity)
    }

    /// Looks whether the files hold a new certificate.
    pub fn look(&mut self, now: Timestamp, health: &Health, metrics: &Metrics) {
        let Some(read) = &mut self.read else { return };
        if let Some(read) = read.settle(self.files.read().map_err(|error| error.to_string())) {
            let pair = match read {
                Ok(pem) => self.files.pair(pem).map_err(|error| error.to_string()),
                Err(error) => Err(error.clone()),
            };
            match pair.as_ref().map(|pair| pair.validity.objection(now)) {
                Ok(None) => {}
                Ok(Some(why)) => self.refuse(&why, health, metrics),
                Err(why) => self.refuse(why, health, metrics),
            }
            self.waiting = pair.ok();
        }
        if let Some(new) = self.waiting.take_if(|new| new.validity.objection(now).is_none()) {
            let not_after = new.validity.not_after;
            self.identity.replace(new);
            metrics.reloaded(Reload::Certificate, true);
            health.note("certificate", None);
            tracing::info!(%not_after, "took up a new certificate");
        }
    }

    fn refuse(&self, why: &str, health: &Health, metrics: &Metrics) {
        metrics.reloaded(Reload::Certificate, false);
        let not_after = self.identity.not_after();
        let note = format!("refused a new one, and the one in use stays, valid until {not_after}: {why}");
        health.note("certificate", Some(note));
        tracing::error!(error = why, %not_after, "refused a new certificate; the one in use stays");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use rcgen::{CertificateParams, KeyPair};
    use tempfile::TempDir;

    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    /// Writes a pair that is valid for two hours from then on.
    fn write(files: &Files, not_before: Timestamp) {
        let mut params = CertificateParams::new(vec!["vigla".to_owned()]).expect("a name");
        params.not_before = SystemTime::from(not_before).into();
        params.not_after = SystemTime::from(not_before + 2 * HOUR).into();
        let key = KeyPair::generate().expect("a key");
        fs::write(&files.certificate, params.self_signed(&key).expect("a certificate").pem()).expect("a file");
        fs::write(&files.key, key.serialize_pem()).expect("a file");
    }

    #[test]
    fn a_certificate_that_came_early_is_taken_up_when_its_time_comes() {
        let folder = TempDir::new().expect("a folder");
        let files = Files { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().expect("an instant");
        write(&files, now);
        let mut rotation = Rotation::start(files.clone()).expect("a pair");
        let (first, health, metrics) = (rotation.identity().not_after(), Health::default(), Metrics::default());
        write(&files, now + 2 * HOUR);
        for _ in 0..3 {
            rotation.look(now, &health, &metrics);
        }
        assert_eq!(rotation.identity().not_after(), first);
        assert!(health.details().contains("is not valid yet, but from 2026-11-21T14:00:00Z on"));

        rotation.look(now + HOUR, &health, &metrics);
        assert_eq!(rotation.identity().not_after(), now + 4 * HOUR);
        assert_eq!(health.details(), "");
    }
}
