//! What changes while the server runs: the certificate.

use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::Failure;
use crate::server::Health;
use crate::server::tls::{Identity, Rotation};
use crate::store;

/// All that is looked after while the server runs.
pub(super) struct Upkeep {
    /// None: the certificate is no file's.
    pub(super) rotation: Option<Rotation>,
    pub(super) identity: Arc<Identity>,
    pub(super) health: Health,
}

impl Upkeep {
    /// Says whether the server is ready, now and from now on, and takes up what changes.
    pub(super) fn begin(mut self) -> Result<(), Failure> {
        self.certificate(Timestamp::now());
        let looking = move || self.certificate(Timestamp::now());
        store::keep_looking(looking).map_err(|error| Failure::fault(format!("cannot start a thread: {error}")))
    }

    fn certificate(&mut self, now: Timestamp) {
        if let Some(rotation) = &mut self.rotation {
            rotation.look(now, &self.health);
        }
        match self.identity.validity().objection(now) {
            None if self.health.ready() => tracing::info!("ready"),
            Some(why) if self.health.not_ready(why.clone()) => tracing::error!("not ready: {why}"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::Phase;
    use crate::server::dev::DevTls;

    #[test]
    fn ready_is_who_has_a_valid_certificate() {
        let dev = DevTls::make([127, 0, 0, 1].into()).expect("a certificate");
        let mut upkeep = Upkeep { rotation: None, identity: dev.identity(), health: Health::default() };
        let end = dev.identity().not_after();
        upkeep.certificate(end);
        assert_eq!(upkeep.health.phase(), Phase::Ready);
        upkeep.certificate(end + Duration::from_secs(1));
        let why = format!("the certificate has expired; it was valid until {end}");
        assert_eq!(upkeep.health.phase(), Phase::NotReady(why.into()));
        upkeep.certificate(end);
        assert_eq!(upkeep.health.phase(), Phase::Ready, "the clock was wrong");
    }
}
