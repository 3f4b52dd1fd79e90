//! A certificate of Vigla's own making: a CA and a certificate in a Secret, and the CA in the webhook configurations.
//!
//! Every replica looks after all of it, and none more than another one. They look, every some seconds, and do not
//! watch: three small reads, which need no permission to list, see what the clock brings about as well.

mod api;
mod held;
mod plan;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use plan::Terms;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::DefaultBackoff;
use kube::{Client, Error};
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::certificate::{Certificate, to_pem};
use crate::cluster::access::reason;
use crate::cluster::webhook_configuration::NAME;
use api::{Configuration, Objects, Write};
use held::{Data, Held};
use plan::{InUse, Notice, Seen, Step, plan};

/// How long the API server may take for one look.
const PATIENCE: Duration = Duration::from_secs(30);
/// After a look that changed something, before the next one.
const SOON: Duration = Duration::from_millis(200);

/// Where the certificate is kept, and for whom.
#[derive(Clone, Debug)]
pub struct Place {
    /// The namespace of the Service and of the Secret.
    pub namespace: String,
    /// The Service by which the API server calls Vigla.
    pub service: String,
    /// The Secret.
    pub secret: String,
}

impl fmt::Display for Place {
    /// The Secret, as kubectl names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.secret)
    }
}

impl Place {
    /// The name by which the API server calls a Service.
    /// <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#service-reference>
    pub fn host(&self) -> String {
        format!("{}.{}.svc", self.service, self.namespace)
    }
}

/// What a server is told.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// What to serve with; `None`: nothing yet.
    pub certificate: Option<Certificate>,
    /// What somebody should mend.
    pub trouble: Option<String>,
}

/// A certificate cannot name this Service.
#[derive(Debug, Error)]
#[error("no certificate can name the Service: `{0}` is no host")]
pub struct HostError(String);

/// Looks after the certificate for as long as the process lives.
///
/// Must be called on a tokio runtime.
///
/// # Errors
/// Where the Service has a name that no certificate can have.
pub fn keep(client: &Client, place: Place, terms: Terms) -> Result<watch::Receiver<Kept>, HostError> {
    let host = ServerName::try_from(place.host()).map_err(|_| HostError(place.host()))?;
    let (kept, receiver) = watch::channel(Kept::default());
    let objects = Objects::new(client, &place.namespace, &place.secret);
    let keeper = Keeper { objects, place, host, terms, in_use: None, notice: Notice::default() };
    tokio::spawn(async move {
        // A panic would be a fault of ours, and must not be the end of looking: certificates expire.
        while tokio::spawn(keeper.clone().run(kept.clone())).await.is_err() {
            tracing::error!("a fault of Vigla's own while it looked after its certificate; it begins anew");
            sleep(PATIENCE).await;
        }
    });
    Ok(receiver)
}

#[derive(Clone)]
struct Keeper {
    objects: Objects,
    place: Place,
    host: ServerName<'static>,
    terms: Terms,
    in_use: Option<InUse>,
    notice: Notice,
}

impl Keeper {
    async fn run(mut self, kept: watch::Sender<Kept>) {
        let mut backoff = DefaultBackoff::default();
        loop {
            let looked = timeout(PATIENCE, self.look(&kept)).await;
            let looked = looked.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
            self.report(&kept, looked.as_ref().err());
            sleep(match looked {
                Ok(pause) => {
                    backoff.reset();
                    pause
                }
                // It never ends.
                Err(_) => backoff.next().unwrap_or(PATIENCE),
            })
            .await;
        }
    }

    /// Says what is wrong once, and once that it is no longer.
    fn report(&self, kept: &watch::Sender<Kept>, trouble: Option<&String>) {
        let news = kept.send_if_modified(|kept| {
            let news = kept.trouble.as_ref() != trouble;
            kept.trouble = trouble.cloned();
            news
        });
        match trouble {
            Some(trouble) if news => {
                tracing::error!(error = trouble, secret = %self.place, "cannot look after the certificate; trying again")
            }
            None if news => tracing::info!(secret = %self.place, "looks after the certificate again"),
            _ => {}
        }
    }

    /// Looks once and does what is to be done next. Returns how long it has time then.
    ///
    /// # Errors
    /// What somebody should mend.
    async fn look(&mut self, kept: &watch::Sender<Kept>) -> Result<Duration, String> {
        let (configurations, unreadable) = self.configurations().await?;
        let secret = self.secret().await?;
        let bundles = |them: &Vec<Configuration>| them.iter().flat_map(|one| one.bundles.clone()).collect();
        let seen = Seen {
            held: secret.as_ref().and_then(content).map(|data| Held::read(data, &self.host)),
            published: configurations.as_ref().map(bundles),
        };
        let now = Timestamp::now();
        let noticed = self.notice.look(&seen, now);
        let (changed, complaint) = match plan(&seen, self.in_use.as_ref(), noticed, &self.terms, now) {
            Step::Make { authority, why } => {
                let data = seen.renew(authority, &self.host, &self.terms, now)?;
                self.write(secret, data, &why).await?;
                (true, None)
            }
            Step::Keep { authority, certificate, publish, take_up, complaint } => {
                if take_up {
                    kept.send_modify(|kept| kept.certificate = Some(certificate.clone()));
                    self.in_use = Some(InUse { certificate: certificate.clone(), signer: authority.signer.clone() });
                }
                if !publish.is_empty() {
                    announce(configurations.iter().flatten(), &to_pem(&publish)).await?;
                }
                (!publish.is_empty(), complaint)
            }
        };
        match complaint.or(unreadable) {
            Some(complaint) => Err(complaint),
            None => Ok(if changed { SOON } else { self.terms.period }),
        }
    }

    /// The configurations; `None`, and why, where they may not be read: what can be done without them goes on.
    async fn configurations(&self) -> Result<(Option<Vec<Configuration>>, Option<String>), String> {
        match self.objects.configurations().await {
            Ok(configurations) => Ok((Some(configurations), None)),
            Err(error) if is_forbidden(&error) => Ok((None, Some(configuration_trouble(&error)))),
            Err(error) => Err(configuration_trouble(&error)),
        }
    }

    async fn secret(&self) -> Result<Option<Secret>, String> {
        let secret = self.objects.secret().await.map_err(|error| self.secret_trouble(&error))?;
        if secret.as_ref().is_some_and(|secret| content(secret).is_some() && !api::is_ours(secret)) {
            return Err(format!(
                "Secret {} holds something that Vigla did not write (there is no annotation `{}`); \
                 name another one in --tls-secret, or delete this one",
                self.place,
                api::MARK
            ));
        }
        Ok(secret)
    }

    async fn write(&self, read: Option<Secret>, data: Data, why: &str) -> Result<(), String> {
        let written = self.objects.write(read, data).await.map_err(|error| self.secret_trouble(&error))?;
        if written == Write::Done {
            tracing::info!(secret = %self.place, why, "wrote a new certificate");
        }
        Ok(())
    }

    fn secret_trouble(&self, error: &Error) -> String {
        let advice = if is_forbidden(error) {
            "; Vigla's service account needs `get` and `update` of this Secret, and, where there is none, `create` in its namespace"
        } else {
            ""
        };
        format!("Secret {}: {}{advice}", self.place, reason(error))
    }
}

/// What the Secret holds, if anything: an empty one is as good as none.
fn content(secret: &Secret) -> Option<&Data> {
    secret.data.as_ref().filter(|data| data.values().any(|value| !value.0.is_empty()))
}

/// Publishes in those configurations that need it...
async fn announce(configurations: impl Iterator<Item = &Configuration>, bundle: &str) -> Result<(), String> {
    for configuration in configurations {
        let written = configuration.publish(bundle).await.map_err(|error| configuration_trouble(&error))?;
        if written == Write::Done {
            tracing::info!(kind = configuration.kind, "wrote the CA into the webhook configuration");
        }
    }
    Ok(())
}

fn configuration_trouble(error: &Error) -> String {
    let advice = if is_forbidden(error) { "; Vigla's service account needs `get` and `patch` of both" } else { "" };
    format!("webhook configurations {NAME}: {}{advice}", reason(error))
}

fn is_forbidden(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 403)
}
