//! `vigla manifests`: what an API server has to be told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use super::address;
use super::output;
use super::sources::{self, Sources};
use super::{Exit, Failure};
use crate::certificate;
use crate::cluster::webhook_configuration::{Address, mutating, validating};

/// Print the webhook configurations for the policies: exactly the requests that they judge.
#[derive(Args, Debug)]
pub(super) struct Manifests {
    #[command(flatten)]
    at: At,

    /// The CA of Vigla's certificate, in PEM [default: those that the API server's system trusts]
    #[arg(long, value_name = "FILE", env = "VIGLA_CA")]
    ca: Option<PathBuf>,

    #[command(flatten)]
    sources: Sources,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t, env = "VIGLA_OUTPUT")]
    output: Format,
}

/// Where the API server finds Vigla.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct At {
    /// Where the API server finds a Vigla that runs outside of the cluster
    #[arg(long, value_name = "https://HOST[:PORT]", value_parser = address::url, env = "VIGLA_URL")]
    url: Option<Address>,

    /// The Service that leads to Vigla, whose namespace is Vigla's own; without a port 443
    #[arg(long, value_name = "NAMESPACE/NAME[:PORT]", value_parser = address::service, env = "VIGLA_SERVICE")]
    service: Option<Address>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// Two documents.
    #[default]
    #[value(alias = "text")]
    Yaml,
    /// One List.
    Json,
}

impl Manifests {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        let Some(address) = self.at.url.as_ref().or(self.at.service.as_ref()) else {
            return Err(Failure::bad_input("no address; give --url or --service"));
        };
        let mut sources = self.sources.read()?;
        // The server's namespace counts, wherever this runs.
        sources.own_namespace = self.own_namespace(address)?;
        let set = sources::load(&sources, sources::today())?;
        let ca = self.ca.as_deref().map(certificate::ca_bundle).transpose().map_err(Failure::bad_input)?;
        if ca.is_none() {
            output::note(
                "note: without --ca the API server trusts the CAs of its system, or what is injected into `caBundle`",
            );
        }
        let validating = validating(&set, address, ca.as_deref()).map_err(Failure::fault)?;
        let mutating = mutating(&set, address, ca.as_deref()).map_err(Failure::fault)?;
        match self.output {
            Format::Yaml => output::print(&[yaml(&validating)?, yaml(&mutating)?].join("---\n"))?,
            Format::Json => {
                output::print_json(&json!({"apiVersion": "v1", "kind": "List", "items": [validating, mutating]}))?;
            }
        }
        Ok(Exit::Clean)
    }

    fn own_namespace(&self, address: &Address) -> Result<Option<String>, Failure> {
        match (address, &self.sources.own_namespace) {
            (Address::Service { namespace, .. }, Some(own)) if own != namespace => Err(Failure::bad_input(format!(
                "--own-namespace says `{own}` and --service `{namespace}`; Vigla runs in one of them, \
                 and its own Pods are not to wait for it"
            ))),
            (Address::Service { namespace, .. }, _) => Ok(Some(namespace.clone())),
            (Address::Url(_), own) => Ok(own.clone()),
        }
    }
}

fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    serde_saphyr::to_string(value).map_err(Failure::fault)
}
