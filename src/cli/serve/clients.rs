//! Who may call, and where others find probes and metrics.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::cli::{Failure, address};
use crate::server::tls::CallerFile;

/// The flags that say it.
#[derive(Args, Debug)]
pub(super) struct Clients {
    /// Let only those call who have a certificate of the CAs in this PEM file
    #[arg(long, value_name = "FILE", env = "VIGLA_CLIENT_CA")]
    client_ca: Option<PathBuf>,

    /// Of these, only those whose certificate has this common name; may be repeated, and the variable has one a line
    #[arg(
        long,
        value_name = "NAME",
        env = "VIGLA_CLIENT_NAME",
        value_delimiter = '\n',
        value_parser = NonEmptyStringValueParser::new()
    )]
    client_name: Vec<String>,

    /// Answer probes and metrics here, and no longer at --listen
    #[arg(long, value_name = "ADDR:PORT", value_parser = address::listen, env = "VIGLA_OPS_LISTEN")]
    pub(super) ops_listen: Option<SocketAddr>,
}

impl Clients {
    /// Who may call; `None`: anybody.
    pub(super) fn open(&self) -> Result<Option<CallerFile>, Failure> {
        let wrong = match (&self.client_ca, self.ops_listen) {
            (None, _) if self.client_name.is_empty() => return Ok(None),
            (None, _) => "--client-name needs --client-ca: without it nobody is asked for a certificate",
            (Some(path), Some(_)) => {
                let file = CallerFile::open(path.clone(), self.client_name.clone());
                return file.map(Some).map_err(Failure::bad_input);
            }
            (Some(_), None) => {
                "--client-ca needs --ops-listen: the kubelet, and who reads metrics, have no certificate to show and \
                 need a port of their own"
            }
        };
        Err(Failure::bad_input(wrong))
    }
}
