//! Where the certificate comes from: files, a Secret that Vigla looks after, or nowhere.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;
use jiff::Timestamp;
use kube::Client;

use crate::certificate::Files;
use crate::cli::{Failure, address};
use crate::cluster::tls_secret::{Place, Terms, keep};
use crate::cluster::webhook_configuration::Address;
use crate::mesh::is_dns_label;
use crate::server::Health;
use crate::server::dev::{DevError, DevTls};
use crate::server::tls::{Identity, Managed, Rotation};
use crate::telemetry::Metrics;

/// The flags that say it.
#[derive(Args, Debug)]
pub(super) struct Tls {
    /// Certificate chain in PEM, the server's own first
    #[arg(long, value_name = "FILE", env = "VIGLA_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key in PEM
    #[arg(long, value_name = "FILE", env = "VIGLA_TLS_KEY")]
    tls_key: Option<PathBuf>,

    /// Make a CA and a certificate, keep them in this Secret of the Service's namespace, and look after them
    #[arg(long, value_name = "NAME", value_parser = secret, env = "VIGLA_TLS_SECRET")]
    tls_secret: Option<String>,

    /// The Service that leads to Vigla, which the certificate of --tls-secret names
    #[arg(long, value_name = "NAMESPACE/NAME[:PORT]", value_parser = address::service, env = "VIGLA_SERVICE")]
    service: Option<Address>,

    /// Try it out on this machine: loopback, with a CA and a certificate made on the spot
    #[arg(long, env = "VIGLA_DEV", value_parser = FalseyValueParser::new())]
    pub(super) dev: bool,
}

/// What they say.
#[derive(Debug)]
pub(super) enum Named {
    Files(Files),
    Secret(Place),
    Dev,
}

/// The name of an object: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>.
fn secret(name: &str) -> Result<String, &'static str> {
    let expected = "expected the name of a Secret: lower-case letters, digits, `-` and `.`";
    (name.len() < 254 && name.split('.').all(is_dns_label)).then(|| name.to_owned()).ok_or(expected)
}

impl Tls {
    /// # Errors
    /// Where they contradict each other, or say nothing.
    pub(super) fn named(&self) -> Result<Named, &'static str> {
        match (self.dev, &self.tls_cert, &self.tls_key, &self.tls_secret) {
            (true, None, None, None) => Ok(Named::Dev),
            (true, ..) => Err("--dev makes its own certificate; leave out --tls-cert, --tls-key and --tls-secret"),
            (false, Some(certificate), Some(key), None) => {
                Ok(Named::Files(Files { certificate: certificate.clone(), key: key.clone() }))
            }
            (false, None, None, Some(secret)) => match &self.service {
                Some(Address::Service { namespace, name, .. }) => {
                    let (namespace, service, secret) = (namespace.clone(), name.clone(), secret.clone());
                    Ok(Named::Secret(Place { namespace, service, secret }))
                }
                _ => Err("--tls-secret needs --service, which the certificate is to name"),
            },
            (false, _, _, Some(_)) => {
                Err("--tls-secret makes its own certificate; leave out --tls-cert and --tls-key, or --tls-secret")
            }
            (false, Some(_), None, None) => Err("--tls-cert needs --tls-key"),
            (false, None, Some(_), None) => Err("--tls-key needs --tls-cert"),
            (false, None, None, None) => Err("no certificate; give --tls-secret and --service in a cluster, \
                 --tls-cert and --tls-key anywhere, or --dev to try things out"),
        }
    }
}

/// A certificate to serve with, and how it goes on.
pub(super) struct Origin {
    pub(super) identity: Arc<Identity>,
    /// None: it stays.
    pub(super) renewal: Option<Renewal>,
    /// It holds the CA's file.
    pub(super) dev: Option<DevTls>,
}

/// What looks for a new certificate.
pub(super) enum Renewal {
    Files(Rotation),
    Secret(Managed),
}

impl Origin {
    /// The certificate that `named` leads to. That of a Secret is waited for. `cluster`: where the Secret is.
    pub(super) async fn open(named: Named, listen: IpAddr, cluster: Option<&Client>) -> Result<Self, Failure> {
        match named {
            Named::Files(files) => {
                let rotation = Rotation::start(files).map_err(Failure::bad_input)?;
                Ok(Self { identity: rotation.identity(), renewal: Some(Renewal::Files(rotation)), dev: None })
            }
            Named::Secret(place) => {
                let managed = managed(place, cluster).await?;
                Ok(Self { identity: managed.identity(), renewal: Some(Renewal::Secret(managed)), dev: None })
            }
            Named::Dev => {
                let dev = DevTls::make(listen).map_err(|error| match error {
                    DevError::Write { .. } => Failure::bad_input(error),
                    _ => Failure::fault(error),
                })?;
                Ok(Self { identity: dev.identity(), renewal: None, dev: Some(dev) })
            }
        }
    }
}

async fn managed(place: Place, cluster: Option<&Client>) -> Result<Managed, Failure> {
    let cluster = cluster.ok_or_else(|| {
        Failure::bad_input(
            "--tls-secret needs an API server; expected the token of a service account, as Pods have it, or --kubeconfig",
        )
    })?;
    tracing::info!(secret = %place, host = place.host(), "the door stays shut until there is a certificate");
    let kept = keep(cluster, place, Terms::default()).map_err(Failure::bad_input)?;
    Managed::start(kept).await.ok_or_else(|| Failure::fault("nobody looks after the certificate"))
}

impl Renewal {
    /// Looks whether there is a new one.
    pub(super) fn look(&mut self, now: Timestamp, health: &Health, metrics: &Metrics) {
        match self {
            Self::Files(rotation) => rotation.look(now, health, metrics),
            Self::Secret(managed) => managed.look(health, metrics),
        }
    }
}
